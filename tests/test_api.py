"""The public API: what it gives is what its description says; nobody is remembered; a crisis comes first."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from pydantic import SecretStr
from sqlalchemy import text
from starlette.routing import Route

from bot.app import Faro
from bot.channels.api_forms import LONGEST_TEXT
from bot.limits import PER_ADDRESS
from tests.doors import House, open_house

CONTACTS, ANSWER, DESCRIPTION = "/api/contacts", "/api/answer", "/api/openapi.json"
CRISIS = "i want to kill myself"


@pytest.fixture
async def house(faro: Faro) -> AsyncIterator[House]:
    async with open_house(faro) as opened:
        yield opened


async def described(house: House) -> dict[str, Any]:
    document: dict[str, Any] = (await house.client.get(DESCRIPTION)).json()
    return document


async def fitting(house: House, answer: httpx.Response, way: str, method: str = "get") -> dict[str, Any]:
    """The JSON of an answer, held against the description of its way and status."""
    document = await described(house)
    schema = document["paths"][way][method]["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
    data: dict[str, Any] = answer.json()
    Draft202012Validator({**document, **schema}).validate(data)
    return data


async def contacts(house: House, **asked: str) -> tuple[int, dict[str, Any]]:
    answer = await house.client.get(CONTACTS, params=asked)
    return answer.status_code, await fitting(house, answer, CONTACTS)


async def asks(house: House, text: str, **more: object) -> tuple[int, dict[str, Any]]:
    answer = await house.client.post(ANSWER, json={"text": text, **more})
    return answer.status_code, await fitting(house, answer, ANSWER, "post")


async def test_the_description_has_every_way_and_no_other(house: House) -> None:
    document = await described(house)
    Draft202012Validator.check_schema({"$defs": document["components"]["schemas"]})
    paths = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    served = {(r.path, m) for r in house.doors.api.routes() if isinstance(r, Route) for m in r.methods or () if m not in ("HEAD", "OPTIONS")}
    assert (document["openapi"], paths) == ("3.1.0", served)
    assert "security" not in json.dumps(document)


async def test_the_contacts_of_a_county(house: House) -> None:
    status, found = await contacts(house, county="yancey county", kind="coalition", language="es")
    assert (status, found["county"], found["language"]) == (200, "Yancey", "es")
    assert {one["kind"] for one in found["contacts"]} == {"coalition"}
    assert {one["serves"] for one in found["contacts"]} >= {"statewide"}
    assert all(one["checked"] == "2026-11-22" for one in found["contacts"])
    _, english = await contacts(house, county="Yancey", kind="coalition")
    assert [one["id"] for one in english["contacts"]] == [one["id"] for one in found["contacts"]]
    assert english["contacts"] != found["contacts"]
    _, everything = await contacts(house, county="Wake")
    assert {one["kind"] for one in everything["contacts"]} >= {"hotline", "food-bank", "emergency-management"}


@pytest.mark.parametrize(
    ("asked", "status", "error"),
    [
        ({}, 400, "bad_request"),
        ({"county": "Wake", "language": "fr"}, 400, "bad_request"),
        ({"county": "Wake", "kind": "pizza"}, 404, "unknown_kind"),
        ({"county": "Kings"}, 404, "unknown_county"),
        ({"county": "x" * 5000}, 404, "unknown_county"),
    ],
)
async def test_what_is_wrong_is_told_with_what_to_do(house: House, asked: dict[str, str], status: int, error: str) -> None:
    answered, trouble = await contacts(house, **asked)
    assert (answered, trouble["error"]) == (status, error)
    assert trouble["what_to_do"]
    assert len(trouble.get("counties", ())) == (100 if error == "unknown_county" else 0)


@pytest.mark.parametrize(
    ("says", "more", "topic", "language", "holds"),
    [
        ("where can i sleep tonight, im in asheville", {}, "shelter", "en", ["Buncombe", "43362"]),
        ("shelter", {"county": "Yancey", "language": "es"}, "shelter", "es", ["Yancey"]),
        ("no puedo dormir desde la tormenta", {}, "sleep", "es", ["988"]),
        (CRISIS, {"county": "Kings"}, "crisis-suicide", "en", ["988"]),
        ("#shelter", {"county": "Wake"}, "shelter", "en", ["Wake"]),
    ],
)
async def test_a_question_is_answered(house: House, says: str, more: dict[str, str], topic: str, language: str, holds: list[str]) -> None:
    status, answer = await asks(house, says, **more)
    assert (status, answer["topic"], answer["language"], answer["crisis"]) == (200, topic, language, topic.startswith("crisis"))
    assert [part for part in holds if part not in answer["text"]] == []
    assert "<" not in answer["text"]


async def test_a_county_that_is_needed_is_asked_for(house: House) -> None:
    _, open_ = await asks(house, "i need a shelter")
    _, between = await asks(house, "shelter in henderson")
    assert (open_["needs_county"], between["needs_county"], len(between["choices"])) == (True, True, 2)
    status, trouble = await asks(house, "i need a shelter", county="Kings")
    assert (status, len(trouble["counties"])) == (404, 100)


async def test_nobody_is_remembered_and_nothing_is_kept(house: House) -> None:
    await asks(house, "my county is Yancey")
    _, answer = await asks(house, "i need a shelter")
    assert answer["needs_county"]
    for order in ("STOP", "DELETE", "START"):
        assert (await asks(house, order))[1].get("error") == "not_here", order
    await asks(house, "qwertz asdfgh purple")
    assert (await asks(house, "food"))[1]["text"]
    async with house.faro.store.begin() as session:
        tables = (await session.execute(text("select name from sqlite_master where type = 'table' and name != 'alembic_version'"))).scalars().all()
        counts = {table: (await session.execute(text(f"select count(*) from {table}"))).scalar() for table in tables}
    assert len(tables) > 5
    assert set(counts.values()) == {0}, counts


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"text": 1}', 400),
        (b'{"text": "food", "language": "fr"}', 400),
        (b'{"text": "food", "county": "' + b"x" * 61 + b'"}', 400),
        (b"[" * 5000, 400),
        (json.dumps({"text": "f" * (LONGEST_TEXT + 1)}).encode(), 413),
        (b'{"text": "' + b"f" * 70_000, 413),
        (json.dumps({"text": CRISIS, "language": "fr", "county": 7}).encode(), 200),
        (json.dumps({"text": "x " * LONGEST_TEXT + CRISIS}).encode(), 200),
    ],
)
async def test_a_body_that_is_wrong_is_told_and_a_crisis_in_it_is_answered(house: House, body: bytes, status: int) -> None:
    answer = await house.client.post(ANSWER, content=body)
    data = await fitting(house, answer, ANSWER, "post")
    assert answer.status_code == status
    assert data["crisis"] if status == 200 else data["what_to_do"]


async def test_who_asks_too_often_waits_and_a_crisis_does_not(house: House) -> None:
    for _ in range(PER_ADDRESS.amount):
        last = await house.client.get(CONTACTS, params={"county": "x"})
    assert last.status_code == 404
    limited = [await house.client.get(CONTACTS, params={"county": "Wake"}), await house.client.post(ANSWER, json={"text": "food"}), await house.client.post(ANSWER, content=b"{")]
    assert [answer.status_code for answer in limited] == [429, 429, 429]
    assert int(limited[0].headers["retry-after"]) >= 1
    assert (await asks(house, CRISIS))[0] == 200


async def test_keys(faro: Faro) -> None:
    async with open_house(faro, api_keys=SecretStr("key-one, key-two,")) as house:
        asked = {"county": "Wake", "kind": "hotline"}
        for key, status in (("", 401), ("key", 401), ("key-one,", 401), (",", 401), ("ñ", 401), ("key-one", 200), ("key-two", 200)):
            answer = await house.client.get(CONTACTS, params=asked, headers=httpx.Headers([(b"x-api-key", key.encode())] if key else []))
            assert answer.status_code == status, key
            await fitting(house, answer, CONTACTS)
        assert (await house.client.post(ANSWER, json={"text": "food"})).status_code == 401
        document = await described(house)
        assert document["paths"][CONTACTS]["get"]["security"] == [{"key": []}]


async def test_any_web_page_may_read(house: House) -> None:
    page = {"origin": "https://example.org"}
    preflight = await house.client.options(CONTACTS, headers={**page, "access-control-request-method": "GET", "access-control-request-headers": "x-api-key"})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"], preflight.headers["access-control-allow-headers"]) == (204, "*", "X-API-Key")
    for asked in ({"county": "Wake", "kind": "hotline"}, {"county": "Kings"}):
        assert (await house.client.get(CONTACTS, params=asked, headers=page)).headers["access-control-allow-origin"] == "*"
    assert (await house.client.options(ANSWER, headers=page)).status_code == 405
    assert (await house.client.post(CONTACTS)).status_code == 405
