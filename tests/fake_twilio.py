"""Twilio's Messages and IncomingPhoneNumbers resources on a real socket: it records what is sent, and answers as it is told to."""

from base64 import b64decode
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ACCOUNT, TOKEN = "AC" + "0" * 32, "twilio-token-of-the-tests"
# The parameters of CreateMessage in Twilio's OpenAPI description (twilio_api_v2010) that Faro may use.
KNOWN = frozenset({"To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod"})


@dataclass
class FakeTwilio:
    """`answers` are given in turn, then 201 for ever: (HTTP status, error code or None, headers). A status of 0 hangs."""

    answers: list[tuple[int, int | None, dict[str, str]]] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)
    numbers: list[dict[str, str | None]] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        base = "/2010-04-01/Accounts/{account}"
        messages = [Route(f"{base}/Messages.json", self._create, methods=["POST"]), Route(f"{base}/Messages.json", self._list, methods=["GET"])]
        return Starlette(routes=[*messages, Route(f"{base}/IncomingPhoneNumbers.json", self._numbers, methods=["GET"])])

    @staticmethod
    def _stranger(request: Request) -> Response | None:
        """The refusal of whoever does not prove that the account is theirs."""
        user = b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        if user == f"{ACCOUNT}:{TOKEN}" and request.path_params["account"] == ACCOUNT:
            return None
        return JSONResponse({"code": 20003, "message": "Authenticate", "status": 401}, status_code=401)

    async def _numbers(self, request: Request) -> Response:
        wanted = request.query_params.get("PhoneNumber", "")
        return self._stranger(request) or JSONResponse({"incoming_phone_numbers": [n for n in self.numbers if n["phone_number"] == wanted], "page": 0, "page_size": 50})

    async def _list(self, request: Request) -> Response:
        wanted = [form for form in self.sent if form["To"] == request.query_params["To"]]
        assert request.query_params["DateSent>"]
        return self._stranger(request) or JSONResponse({"messages": [{"body": form["Body"], "to": form["To"], "direction": "outbound-api"} for form in reversed(wanted)], "page": 0})

    async def _create(self, request: Request) -> Response:
        if refused := self._stranger(request):
            return refused
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        assert set(form) <= KNOWN, form.keys()
        assert form["To"], form
        assert ("From" in form) != ("MessagingServiceSid" in form)
        status, code, headers = self.answers.pop(0) if self.answers else (201, None, {})
        if status == 0:
            await anyio.sleep(60)
        if status >= 300:
            return JSONResponse({"code": code, "message": "no", "status": status}, status_code=status, headers=headers)
        if len(form["Body"]) > 1600:
            return JSONResponse({"code": 21617, "message": "too long", "status": 400}, status_code=400)
        self.sent.append(form)
        return JSONResponse({"sid": f"SM{len(self.sent)}", "status": "queued"}, status_code=201)
