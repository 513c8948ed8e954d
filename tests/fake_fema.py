"""FEMA's, the National Shelter System's and the Red Cross's layers on a real socket: hand-made documents of the documented ArcGIS form, answered as the test tells it to."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

PERSONAL = frozenset({"poc_name", "poc_email", "*"})
FEMA_KNOWN = frozenset(
    "objectid shelter_id shelter_name address city state zip shelter_status evacuation_capacity post_impact_capacity total_population hours_open hours_close org_name "
    "ada_compliant wheelchair_accessible pet_accommodations_code generator_onsite latitude longitude poc_name poc_email".split()
)
NSS_KNOWN = frozenset(
    "SHELTER_ID SHELTER_NAME ADDRESS_1 CITY COUNTY_PARISH STATE ZIP SHELTER_STATUS_CODE ADA_COMPLIANT WHEELCHAIR_ACCESSIBLE PET_ACCOMMODATIONS_CODE ORG_HOTLINE_PHONE LATITUDE LONGITUDE".split()
)
RED_CROSS_KNOWN = frozenset(
    "active_site_name active_site_address active_city active_state active_zip active_county active_site_status active_site_type active_site_pet_shelter_type active_shown_site_id dataid hide_from_public".split()
)
KNOWN = {"fema": FEMA_KNOWN, "nss": NSS_KNOWN, "red-cross": RED_CROSS_KNOWN}


def fema_row(**changes: object) -> dict[str, Any]:
    """An open shelter in Marion, McDowell County, as FEMA lists one."""
    row = {
        "shelter_id": 340001,
        "shelter_name": "Example High School",
        "address": "12 Example Street",
        "city": "Marion",
        "state": "NC",
        "zip": "28752",
        "shelter_status": "OPEN",
        "wheelchair_accessible": "YES",
        "ada_compliant": " ",
        "pet_accommodations_code": "COHABIT",
        "latitude": 35.684,
        "longitude": -82.009,
    }
    return {**row, **changes}


def nss_row(**changes: object) -> dict[str, Any]:
    row = {name.upper().replace("ADDRESS", "ADDRESS_1").replace("SHELTER_STATUS", "SHELTER_STATUS_CODE"): value for name, value in fema_row().items()}
    return {**row, "ORG_HOTLINE_PHONE": "828-555-0140", **changes}


def red_cross_row(**changes: object) -> dict[str, Any]:
    row = {
        "dataid": "rc-1",
        "active_shown_site_id": " ",
        "active_site_name": "Example High School",
        "active_site_address": "12 Example St",
        "active_city": "Marion",
        "active_state": "NC",
        "active_zip": "28752",
        "active_site_status": "Open",
        "active_site_pet_shelter_type": " ",
        "hide_from_public": "No",
        "geometry": {"x": -82.0091, "y": 35.6841},
    }
    return {**row, **changes}


def many(count: int, **changes: object) -> list[dict[str, Any]]:
    """So many shelters far from one another, all in McDowell County."""
    return [{**fema_row(shelter_id=n, shelter_name=f"Hall {'abcdefghijklmnopqrstuvwxyz'[n] * 8}", address=f"{n} Example Road", latitude=35.60 + n / 100), **changes} for n in range(count)]


@dataclass
class FakeFema:
    """`rows` by the layer's name; `oddities` are answered first, one after the other: a status with headers, or one of the words of `_odd`."""

    rows: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    oddities: list[tuple[int, dict[str, str]] | str] = field(default_factory=list)
    page_size: int = 1000
    etag: str = ""
    asked: list[Request] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{layer}/query", self._query)])

    async def _query(self, request: Request) -> Response:
        self.asked.append(request)
        layer, params = request.path_params["layer"], request.query_params
        fields = params["outFields"].split(",")
        assert not PERSONAL & {f.lower() for f in fields}
        assert set(fields) <= KNOWN[layer], set(fields) - KNOWN[layer]
        assert (params["returnGeometry"] == "true") == (layer == "red-cross")
        assert params["f"] == "json"
        assert params["where"].endswith("='NC'")
        if self.oddities:
            odd = self.oddities.pop(0)
            if odd != "well":
                return await self._odd(odd)
        if self.etag and request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304)
        return self._page(layer, fields, int(params.get("resultOffset", "0")))

    def _page(self, layer: str, fields: Sequence[str], begin: int) -> Response:
        rows = self.rows.get(layer, ())
        page = rows[begin : begin + self.page_size]
        document: dict[str, Any] = {"objectIdFieldName": "OBJECTID", "features": [_feature(row, fields) for row in page]}
        if begin + self.page_size < len(rows):
            document["exceededTransferLimit"] = True
        return JSONResponse(document, headers={"etag": self.etag} if self.etag else {})

    async def _odd(self, odd: tuple[int, dict[str, str]] | str) -> Response:
        if isinstance(odd, tuple):
            return Response(status_code=odd[0], headers=odd[1])
        if odd == "hangs":
            await asyncio.sleep(3)
            return Response(status_code=500)
        if odd == "endless":
            return StreamingResponse(_endless())
        documents: dict[str, Any] = {
            "error": {"error": {"code": 400, "message": "Unable to complete operation.", "details": []}},
            "error of another form": {"error": "no"},
            "no features": {"layers": []},
            "features of another form": {"features": {"0": {}}},
            "rows of another form": {"features": [7]},
            "a list": [],
            "announces more": {"features": [], "exceededTransferLimit": True},
        }
        text = json.dumps({"features": [{"attributes": fema_row()}] * 3})
        words = {"half": text[: len(text) // 2], "html": "<html>busy</html>", "deep": "[" * 100_000, "nothing": ""}
        return Response(words.get(odd) if odd in words else json.dumps(documents[odd]))


def _feature(row: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """What was asked for, and the point of a layer that has them beside its fields."""
    at = {"geometry": row["geometry"]} if "geometry" in row else {}
    return {"attributes": {name: row[name] for name in fields if name in row}, **at}


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 1_000_000
        await asyncio.sleep(0)
