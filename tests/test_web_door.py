"""The web door: JSON for the page's script, a plain form for everyone else, and the files around them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from html import unescape
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from bot.app import Faro, build_doors, build_server
from bot.settings import Settings
from tests.doors import House, open_house

CHAT = "/api/chat"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@pytest.fixture
async def house(faro: Faro) -> AsyncIterator[House]:
    async with open_house(faro) as opened:
        yield opened


async def chat(house: House, text: str, id_: str = "m1", **more: object) -> dict[str, Any]:
    answer = await house.client.post(CHAT, json={"id": id_, "text": text, **more})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()
    return data


@pytest.mark.parametrize(
    ("text", "language", "holds"),
    [
        ("where can i sleep tonight, im in asheville", "en", ["Buncombe", "43362", 'href="tel:+18282506100"']),
        ("donde puedo dormir hoy en asheville", "es", ["Buncombe", "43362", 'href="tel:+18282506100"']),
        ("support groups in siler city", "en", ['href="https://www.openstreetmap.org/search?query=401+N+Ivey+Ave,+Siler+City"']),
        ("no puedo dormir desde la tormenta", "es", ["<h2>", 'href="tel:988"']),
        ("quiero morirme", "es", ["988", "911"]),
        ("", "en", ["empty message"]),
        ("😀", "en", ["empty message"]),
        ("\x00\x07", "en", ["empty message"]),
        ("food " * 3999, "en", ["211"]),
        ("<script>alert(1)</script> & <b>shelter", "en", ["211"]),
    ],
    ids=["English", "Spanish", "a map", "a page", "crisis", "empty", "emoji only", "control characters", "20,000 characters", "HTML of the resident"],
)
async def test_a_question_is_answered_in_html(house: House, text: str, language: str, holds: list[str]) -> None:
    data = await chat(house, text)
    assert data["language"] == language
    assert [part for part in holds if part not in data["html"]] == [], data["html"]
    assert "<script" not in data["html"]


async def test_choices_are_given_and_what_they_say_is_understood(house: House) -> None:
    menu = await chat(house, "MENU")
    assert [c["label"] for c in menu["choices"]][:2] == ["A safe place to sleep", "Food"]
    for n, choice in enumerate(menu["choices"]):
        data = await chat(house, choice["says"], f"c{n}", session=menu["session"])
        assert "do not know" not in data["html"], choice
    assert await house.faro.store.unanswered() == []


async def test_a_session_is_kept_and_a_forged_one_is_nobody(house: House) -> None:
    first = await chat(house, "shelter in boone", "m1")
    known = await chat(house, "support groups", "m2", session=first["session"])
    assert "Watauga" in known["html"]
    person, _, mark = first["session"].partition(".")
    for n, forged in enumerate([person, f"{person}.", f"{person}.{mark[::-1]}", f"x{first['session']}", "ñ.ñ", "."]):
        data = await chat(house, "support groups", f"f{n}", session=forged)
        assert "Watauga" not in data["html"], forged
        assert data["session"] != first["session"]


async def test_the_same_id_twice_gets_the_same_answer_and_nothing_happens_twice(house: House) -> None:
    first = await chat(house, "what is the capital of france")
    again = await chat(house, "what is the capital of france")
    later = await chat(house, "what is the capital of france", session=first["session"])
    assert first == again == later
    assert len(await house.faro.store.unanswered()) == 1


async def test_a_shared_location_is_a_county(house: House) -> None:
    asked = await chat(house, "support groups")
    assert asked["ask_location"] is True
    data = await chat(house, "", "m2", session=asked["session"], location={"latitude": 35.595, "longitude": -82.552})
    assert "Support groups, Buncombe County" in data["html"]
    outside = await chat(house, "", "m3", location={"latitude": 33.7, "longitude": -84.4})
    assert "outside North Carolina" in outside["html"]


async def test_a_location_with_a_question_answers_the_question_for_its_county(house: House) -> None:
    spot = {"latitude": 35.595, "longitude": -82.552}
    data = await chat(house, "support groups", location=spot)
    assert "Support groups, Buncombe County" in data["html"]
    assert "Buncombe County" in (await chat(house, "shelter", "m2", session=data["session"]))["html"]
    assert "Got it: Buncombe County" in (await chat(house, "i am here", "m3", location=spot))["html"]


async def test_delete_ends_the_session(house: House) -> None:
    first = await chat(house, "shelter in boone", "m1")
    await chat(house, "DELETE", "m2", session=first["session"])
    gone = await chat(house, "DELETE", "m3", session=first["session"])
    assert gone["session"] is None


async def test_peer_connections_comes_with_a_calendar_file(house: House) -> None:
    data = await chat(house, "when is the next peer connections meeting")
    (file,) = data["attachments"]
    assert (file["filename"], file["mime"]) == ("peer-connections.ics", "text/calendar")
    assert "BEGIN:VEVENT" in file["content"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"7", b"\xff", b'{"id": "a", "text": 7}', b'{"id": "a", "language": "fr"}',
        b'{"id": "a", "location": {"latitude": 91, "longitude": 0}}', b'{"id": "a", "location": {"latitude": NaN, "longitude": 0}}', b'{"id": "a", "text": "\\ud800"}', b"[" * 3000,
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_said_so(house: House, body: bytes) -> None:
    answer = await house.client.post(CHAT, content=body, headers={"accept-language": "es-MX"})
    assert answer.status_code == 400
    assert answer.json() == {"message": "No pude leer eso. Escríbalo otra vez, por favor.", "html": "<p>No pude leer eso. Escríbalo otra vez, por favor.</p>\n"}


@pytest.mark.parametrize("id_", ["a b", "", " ", "ñ", "a" * 81, "\n", "👍", 7, None, [], {}])
async def test_an_odd_id_costs_nobody_an_answer(house: House, id_: object) -> None:
    for text, holds in (("i want to kill myself", "tel:988"), ("hello", "Faro")):
        answer = await house.client.post(CHAT, json={"id": id_, "text": text})
        assert answer.status_code == 200
        assert holds in answer.json()["html"] or (isinstance(id_, str) and id_), "an id of words, the same twice, is the same message"


async def test_an_odd_id_twice_is_one_message_and_none_at_all_is_a_new_one(house: House) -> None:
    for body in ({"id": "a b"}, {"id": "a b"}, {"id": "a  b"}, {}, {}):
        assert (await house.client.post(CHAT, json={**body, "text": "what is the capital of france"})).status_code == 200
    assert len(await house.faro.store.unanswered()) == 4


@pytest.mark.parametrize(
    "wrong", [{"language": "fr"}, {"location": {"latitude": 91, "longitude": 0}}, {"location": 7}, {"session": 7}, {"session": "x" * 201}, {"text": "i want to kill myself \ud800"}]
)
async def test_a_crisis_is_answered_whatever_else_cannot_be_read(house: House, wrong: dict[str, object]) -> None:
    answer = await house.client.post(CHAT, content=json.dumps({"id": "a", "text": "i want to kill myself", **wrong}))
    assert answer.status_code == 200
    assert 'href="tel:988"' in answer.json()["html"]


TEXT = st.text(st.characters(exclude_categories=["Cs"]))  # all that st.text() gives, without the seconds in which it finds out what UTF-8 can write
ANYTHING = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | TEXT, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12)
FIELDS = st.dictionaries(st.sampled_from(["session", "id", "text", "language", "location", "latitude", "longitude"]), ANYTHING)


@given(sent=ANYTHING | FIELDS | FIELDS.map(lambda fields: {"id": "a", **fields}))
@trying(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_of_any_kind_is_no_error_of_ours(hearing: Callable[[object], int], sent: object) -> None:
    assert hearing(sent) in (200, 400, 413, 429)


@pytest.fixture
def hearing(faro: Faro) -> Callable[[object], int]:
    """Sends a body to the door and gives the status: a new loop each time, as hypothesis is not async."""
    routes = [r for r in build_doors(faro).routes if isinstance(r, Route) and r.path == CHAT]

    async def status(sent: object) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=Starlette(routes=routes)), base_url="https://faro.example.org") as client:
            return (await client.post(CHAT, content=json.dumps(sent).encode("utf-8", "surrogatepass"))).status_code

    return lambda sent: asyncio.run(status(sent))


@pytest.mark.parametrize(("length", "status"), [(20_000, 200), (20_001, 413), (100_000, 413)])
async def test_what_is_too_long_is_said_so(house: House, length: int, status: int) -> None:
    answer = await house.client.post(CHAT, json={"id": "a", "text": "x" * length, "language": "es"}, headers={"accept-language": "es"})
    assert answer.status_code == status
    assert ("demasiado largo" in answer.text) == (status == 413)
    assert ("tel:911" in answer.json()["html"]) or status == 200
    page = await house.client.post("/?lang=es", data={"text": "x" * length})
    assert page.status_code == status
    assert ("demasiado largo" in page.text) == (status == 413)


async def test_a_crisis_is_heard_however_long_the_message(house: House) -> None:
    data = await chat(house, "my house is gone. " * 1500 + " i want to kill myself")
    assert 'href="tel:988"' in data["html"]


def hidden(page: httpx.Response) -> dict[str, str]:
    return {name: unescape(value) for name, value in HIDDEN.findall(page.text)}


async def submit(house: House, page: httpx.Response, **typed: str) -> httpx.Response:
    """The page's form as a browser without JavaScript sends it."""
    answer = await house.client.post("/", data={**hidden(page), **typed})
    assert answer.status_code == 200, answer.text
    return answer


async def test_the_form_keeps_the_conversation_without_javascript(house: House) -> None:
    page = await house.client.get("/")
    page = await submit(house, page, text="shelter in boone")
    page = await submit(house, page, text="support groups & <b>food</b>")
    assert [part for part in ("shelter in boone", "Shelter in Watauga County", "support groups &amp; &lt;b&gt;food&lt;/b&gt;") if part not in page.text] == []
    page = await submit(house, page, text="MENU")
    assert '<button form="form" formnovalidate name="says" value="#food">Food</button>' in page.text
    page = await submit(house, page, says="#food", text="")
    assert page.text.count("data-turn") == 8
    assert re.search(r'class="turn you"[^>]*>.*?<div class="body">Food</div>', page.text)


async def test_the_form_without_a_word_is_answered_without_an_empty_bubble(house: House) -> None:
    page = await submit(house, await house.client.get("/"), text="")
    assert "empty message" in page.text
    assert page.text.count("data-turn") == 1


async def test_an_answer_can_be_rated(house: House) -> None:
    data = await chat(house, "no puedo dormir desde la tormenta")
    assert data["rating"] == [{"label": "Me sirvió", "says": "#useful:yes:sleep"}, {"label": "No me sirvió", "says": "#useful:no:sleep"}]
    thanks = await chat(house, data["rating"][0]["says"], "m2", session=data["session"])
    assert "Gracias" in thanks["html"]
    assert (await chat(house, "MENU", "m3"))["rating"] == []
    page = await submit(house, await house.client.get("/?lang=es"), text="no puedo dormir desde la tormenta")
    page = await submit(house, page, says="#useful:no:sleep", text="")
    assert re.search(r'class="turn you"[^>]*>.*?<div class="body">No me sirvió</div>', page.text)


async def test_the_form_sent_twice_is_answered_once(house: House) -> None:
    page = await house.client.get("/")
    first = await submit(house, page, text="what is the capital of france")
    again = await submit(house, page, text="what is the capital of france")
    assert hidden(first)["session"] == hidden(again)["session"]
    assert len(await house.faro.store.unanswered()) == 1


@pytest.mark.parametrize("change", [lambda t: "x" + t, lambda t: t.replace("boone", "<img src=x onerror=alert(1)>"), lambda t: "." + t.partition(".")[2], lambda t: "ñ"])
async def test_a_forged_transcript_is_not_shown(house: House, change: Any) -> None:
    page = await submit(house, await house.client.get("/"), text="shelter in boone")
    forged = await house.client.post("/", data={**hidden(page), "transcript": change(hidden(page)["transcript"]), "text": "hi"})
    assert forged.status_code == 200
    assert forged.text.count("data-turn") == 2
    assert "onerror" not in forged.text


@pytest.mark.parametrize("body", [b"\xff\xfe=%ff", b"", b"text=" + b"a" * 100_000, b"&".join(b"a%d=1" % n for n in range(50))])
async def test_a_broken_form_is_no_error_of_ours(house: House, body: bytes) -> None:
    answer = await house.client.post("/", content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code in (200, 400, 413)
    assert answer.status_code == 200 or '<div class="turn faro"' in answer.text, "said on the page, not on a bare line"


async def test_the_page_allows_nothing_from_elsewhere(house: House) -> None:
    page = await house.client.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page.text) == []
    assert re.search(r"<script(?! src=)|<style|\son\w+=", page.text) is None, "nothing inline, which the policy would stop"
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        assert (await house.client.get(path)).status_code == 200, path


@pytest.mark.parametrize(("method", "path", "framed"), [
    ("GET", "/", "'none'"), ("GET", "/?lang=es", "'none'"), ("POST", "/", "'none'"), ("GET", "/embed", "*"), ("GET", "/embed?lang=es", "*"), ("POST", "/embed", "*"),
    ("GET", "/health", "'none'"), ("GET", "/ready", "'none'"), ("GET", "/metrics", "'none'"), ("GET", "/nothing", "'none'"), ("POST", "/health", "'none'"), ("POST", "/twilio/messages", "'none'"),
    ("POST", CHAT, "'none'"), ("GET", "/offline.json", "'none'"), ("GET", "/sw.js", "'none'"), ("GET", "/static/embed.js", "'none'"),
])  # fmt: skip
async def test_every_answer_has_the_security_headers(house: House, method: str, path: str, framed: str) -> None:
    answer = await house.client.request(method, path)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["frame-ancestors"] == framed, "only the page that is made for it may stand in a frame"
    assert policy["default-src"] == "'none'"
    assert {value for name, value in policy.items() if name not in ("default-src", "base-uri", "frame-ancestors")} == {"'self'"}
    assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert "set-cookie" not in answer.headers


async def test_the_server_itself_has_the_security_headers(settings: Settings) -> None:
    """The application as it is served; before its doors are open it has nothing but 404."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=build_server(settings)), base_url="https://faro.example.org") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (404, "nosniff")


async def test_the_page_in_a_frame_stays_in_its_frame(house: House) -> None:
    page = await house.client.get("/embed?lang=es")
    assert 'action="/embed?lang=es#latest"' in page.text
    assert 'href="/embed?lang=en"' in page.text
    moved = await house.client.get("/embed", headers={"accept-language": "es"})
    assert moved.headers["location"] == "/embed?lang=es"


@pytest.mark.parametrize(("path", "status"), [("chat.css", 200), ("chat.js", 200), ("embed.js", 200), ("icon.svg", 200), ("page.html", 404), ("sw.js", 404), ("../page.html", 404), ("", 404)])
async def test_only_public_files_are_served(house: House, path: str, status: int) -> None:
    assert (await house.client.get(f"/static/{path}")).status_code == status


@pytest.mark.parametrize(
    ("header", "path", "language"),
    [("", "/", "en"), ("en-US,en;q=0.9,es;q=0.8", "/", "en"), ("fr-FR", "/", "en"), ("es-MX,es;q=0.9,en;q=0.8", "/", "es"), ("fr,es", "/", "es"),
     ("es", "/?lang=en", "en"), ("en", "/?lang=es", "es"), ("en", "/?lang=xx", "en")],
)  # fmt: skip
async def test_the_page_speaks_the_browsers_language(house: House, header: str, path: str, language: str) -> None:
    page = await house.client.get(path, headers={"accept-language": header}, follow_redirects=True)
    assert f'<html lang="{language}">' in page.text
    assert ("¿Peligro?" in page.text) == (language == "es")


@pytest.mark.parametrize(("language", "line"), [("en", "Call or text 988"), ("es", "988")])
async def test_what_is_kept_for_no_signal(house: House, language: str, line: str) -> None:
    book = (await house.client.get(f"/offline.json?lang={language}")).json()
    assert set(book) == {"urgent_html", "menu_html", "pages"}
    assert "988" in book["urgent_html"]
    assert "911" in book["urgent_html"]
    pages = {p["id"]: p for p in book["pages"]}
    assert {"sleep", "calm-now", "grief", "crisis-suicide", "crisis-danger", "crisis-abuse"} <= set(pages)
    assert all(p["html"] and p["title"] and p["keywords"] for i, p in pages.items() if not i.startswith("crisis"))
    assert not re.search(r"\{[a-z0-9_.]+\}", json.dumps(book)), "a number was not put in"


async def test_the_service_worker_has_a_version_of_its_files(house: House) -> None:
    script = await house.client.get("/sw.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "no-cache"
    assert re.search(r"const VERSION = '[0-9a-f]{12}'", script.text)


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/ready", 200), ("/metrics", 200), ("/twilio/messages", 404), ("/telegram", 404), ("/static/../web.py", 404)])
async def test_other_paths(house: House, path: str, status: int) -> None:
    assert (await house.client.get(path)).status_code == status


async def test_after_stop_the_page_says_how_to_come_back(house: House) -> None:
    first = await chat(house, "STOP")
    later = await chat(house, "where is food", session=first["session"])
    assert "START" in later["html"]
    assert "food bank" not in later["html"].lower()
