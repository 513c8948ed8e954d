"""The National Weather Service's API on a real socket: the alerts that are active, to those who say who they are."""

from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.nws_documents import document


@dataclass
class FakeNws:
    features: list[dict[str, Any]] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/alerts/active", self._active)])

    async def _active(self, request: Request) -> Response:
        if "example.org" not in request.headers.get("user-agent", ""):
            return JSONResponse({"status": 403, "title": "Forbidden"}, status_code=403)
        assert request.query_params["area"] == "NC"
        return JSONResponse(document(*self.features), media_type="application/geo+json")
