"""What stands against those who want in: one test for each trap that no door's own tests cover. SECURITY.md names them all."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator

from bot.app import Faro, around, build_doors, build_server, routes
from bot.channels.telegram import TelegramDoor
from bot.messages import Channel, Choice, Contact, Reply
from bot.settings import ROOT, Settings
from bot.store.inbox import Inbox
from bot.store.privacy import person_key
from bot.store.sealing import Seal
from bot.understanding.commands import CARRIER_START, CARRIER_STOP, picked
from bot.wording.catalog import Words
from bot.wording.fitting import Style, fit
from tests.conftest import SECRET
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, House, open_house, serving, signed
from tests.fake_telegram import TOKEN
from tests.small_content import write_content
from tests.test_sms_door import ANA, FORM, says, sms
from tests.tls_proxy import tls_proxy

ALL = {"twilio_auth_token": TWILIO_TOKEN, "public_url": PUBLIC_URL, "telegram_token": TOKEN}


@pytest.fixture
async def house(faro: Faro) -> AsyncIterator[House]:
    async with open_house(faro, **ALL) as opened:
        yield opened


# Only what is needed, and nothing told


async def test_a_webhook_knows_one_method(house: House) -> None:
    for path in (SMS_PATH, "/twilio/status", "/telegram", "/api/chat"):
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert (await house.client.request(method, path)).status_code == 405, (method, path)


async def test_an_error_of_ours_tells_nothing_of_itself(faro: Faro) -> None:
    """The very server, its doors broken from within."""

    async def broken(_request: object) -> None:
        raise ValueError("postgresql://faro:pass-word@db.example.org/faro")

    doors = build_doors(faro)
    app = Starlette(routes=[Route("/broken", broken), *routes(faro, doors)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url=PUBLIC_URL) as client:
        answer = await client.get("/broken")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


async def test_no_answer_leads_to_where_the_host_header_says(house: House) -> None:
    for path in ("/twilio/messages/", "/api/chat/", "/embed/", "/offline.json/"):
        answer = await house.client.get(path, headers={"host": "evil.example.org"})
        assert (answer.status_code, "location" in answer.headers) == (404, False)
    moved = await house.client.get("/", headers={"host": "evil.example.org", "accept-language": "es"})
    assert moved.headers["location"] == "/?lang=es"


def large() -> AsyncIterator[bytes]:
    """More than any door reads, piece by piece, and nobody says how much in advance."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"a" * 65_536
        raise AssertionError("read to the end")

    return pieces()


async def test_every_door_that_takes_a_body_stops_reading_in_time(house: House) -> None:
    headers = {"content-type": FORM, "x-twilio-signature": "x", "x-telegram-bot-api-secret-token": "made"}
    posts = [route.path for route in routes(house.faro, house.doors) if isinstance(route, Route) and "POST" in (route.methods or ())]
    assert len(posts) >= 6
    for path in posts:
        answer = await house.client.post(path, content=large(), headers=headers)
        assert 400 <= answer.status_code < 500, path


# Twilio's signature


async def test_an_empty_token_opens_no_door(faro: Faro) -> None:
    """What is signed with an empty key would fit."""
    async with open_house(faro, **{**ALL, "twilio_auth_token": ""}) as house:
        form = sms("hello")
        assert (await house.client.post(SMS_PATH, data=form, headers=signed(form, token=""))).status_code == 404


@pytest.mark.parametrize("public", [PUBLIC_URL, f"{PUBLIC_URL}/"])
@pytest.mark.parametrize("elsewhere", ["http://127.0.0.1:8080", "https://evil.example.org", "https://FARO.example.org:8443"])
async def test_the_configured_address_is_signed_for_whatever_the_request_says(faro: Faro, public: str, elsewhere: str) -> None:
    form = sms("MENU")
    forwarded = {"x-forwarded-proto": "http", "x-forwarded-host": "evil.example.org", "forwarded": "host=evil.example.org"}
    async with open_house(faro, **{**ALL, "public_url": public, "trusted_proxies": "127.0.0.1"}) as house:
        answer = await house.client.post(f"{elsewhere}{SMS_PATH}", data=form, headers={**signed(form), **forwarded})
        assert answer.status_code == 200
    theirs = {"x-twilio-signature": RequestValidator(TWILIO_TOKEN).compute_signature(f"{elsewhere}{SMS_PATH}", form)}
    async with open_house(faro, **ALL) as house:
        assert (await house.client.post(f"{elsewhere}{SMS_PATH}", data=form, headers=theirs)).status_code == 403


HONEST = sms("hiFrom+19195550199FromCityX", FromCity="DURHAM")
RECUT = (
    {**HONEST, "Body": "hi", "From": "+19195550199", "FromCity": f"XFrom{ANA}FromCityDURHAM"},
    {**{k: v for k, v in HONEST.items() if k != "FromCity"}, "Body": "hi", "From": "+19195550199", f"FromCityXFrom{ANA}FromCity": "DURHAM"},
)


async def test_the_same_letters_cut_elsewhere_are_nobody_elses_message(house: House) -> None:
    """Twilio signs names and values without a mark between them: these forms bear the signature of an honest one."""
    for form in RECUT:
        assert signed(form) == signed(HONEST)
        assert (await house.client.post(SMS_PATH, data=form, headers=signed(HONEST))).status_code == 400
    assert (await house.client.post(SMS_PATH, data=HONEST, headers=signed(HONEST))).status_code == 200


async def test_a_signature_by_another_rule_is_none(house: House) -> None:
    """Twilio's newer SHA-256 signatures take a key of their own, which Faro has not: no silent fall-back."""
    form = sms("hello")
    settings = {"x-twilio-webhooks-signature-settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}
    theirs = RequestValidator(TWILIO_TOKEN).compute_signature(f"{PUBLIC_URL}{SMS_PATH}", form, algorithm="HMAC_SHA256")
    assert (await house.client.post(SMS_PATH, data=form, headers={"x-twilio-signature": theirs, **settings})).status_code == 403


@pytest.mark.parametrize("body", ["MessageSid=SM1&From=%2B1&Body=%ED%A0%80", "&".join(f"F{n}=x" for n in range(201)), "%41" * 20_000 + "=x"])
async def test_a_form_that_no_signature_could_be_made_for_is_refused(house: House, body: str) -> None:
    answer = await house.client.post(SMS_PATH, content=body, headers={"content-type": FORM, "x-twilio-signature": "x"})
    assert answer.status_code in (400, 403)


async def test_behind_a_proxy_that_ends_tls(learnt: Path, tmp_path: Path) -> None:
    """A whole server, which sees http, another host and another port than Twilio called."""
    write_content(tmp_path / "content")
    shutil.copytree(learnt, tmp_path / "cache")
    settings = Settings(_env_file=None, data=tmp_path, content=tmp_path / "content", secret=SECRET, twilio_auth_token=SecretStr(TWILIO_TOKEN), public_url=PUBLIC_URL)
    form = sms("MENU")
    with serving(build_server(settings)) as url:
        async with tls_proxy(httpx.URL(url).port or 0, tmp_path) as (address, trust), httpx.AsyncClient(verify=trust, base_url=address) as client:
            assert (await client.post(SMS_PATH, data=form, headers=signed(form))).status_code == 200
            assert (await client.post(SMS_PATH, data=form, headers=signed(form, path="/"))).status_code == 403


async def test_telegram_without_a_secret_lets_nobody_in(faro: Faro) -> None:
    """None in the settings: one is made. None at the door: it stays closed."""
    async with open_house(faro, **{**ALL, "telegram_secret": ""}) as house:
        inbox = Inbox(faro.store, Seal(SECRET.get_secret_value().encode()), Channel.TELEGRAM, faro.clock)
        bare = TelegramDoor(faro.conversation, faro.words, inbox, token=TOKEN, secret="", api_url="https://api.example.org", public_url=PUBLIC_URL)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=around(bare.routes())), base_url=PUBLIC_URL) as client:
            for caller in (house.client, client):
                for headers in ({}, {"x-telegram-bot-api-secret-token": ""}):
                    assert (await caller.post("/telegram", json={"update_id": 1}, headers=headers)).status_code == 403


# Nothing is fetched because somebody wrote an address


async def test_no_address_in_a_message_is_fetched(house: House) -> None:
    called: list[str] = []

    async def hear(request: Request) -> Response:
        called.append(request.url.path)
        return Response()

    with serving(Starlette(routes=[Route("/{path:path}", hear, methods=["GET", "HEAD", "POST"])])) as url:
        await says(house, f"look at {url}/body", "SM1", NumMedia="1", MediaUrl0=f"{url}/media", MediaContentType0="image/png")
        await house.client.post("/api/chat", json={"id": "a", "text": f"{url}/chat"})
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/works")).status_code == 200
    assert called == ["/works"]


CALLERS = ("bot.channels.sms_sending", "bot.feeds.", "bot.live", "bot.operations", "bot.standards.reading", "bot.tls")
NETWORK = {"httpx", "aiohttp", "requests", "socket", "urllib.request", "http.client", "smtplib"}


def test_few_parts_of_the_house_can_call_anybody() -> None:
    """Twilio's API and the public feeds, whose addresses stand in the settings (Telegram's library has its home, too). A new caller has to be thought about here."""
    for path in [*(ROOT / "bot").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")]:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        nodes = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Import | ast.ImportFrom)]
        names = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names} | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}
        reach = {name for name in names if name in NETWORK or name.split(".")[0] in NETWORK}
        assert not reach or module.startswith(CALLERS), (module, reach)


# What is shown


TURNED = "Call 211\u202e or \u2066 A<B & _x_ 919-555-0101"


@pytest.mark.parametrize("style", list(Style))
def test_no_mark_turns_the_letters_of_an_answer(words: Words, style: Style) -> None:
    """With U+202E a number reads backwards."""
    contact = Contact(id="x", kind="hotline", county="A<B", name=TURNED, phone="919-555-0101", address=TURNED, notes=TURNED)
    reply = Reply(
        language="en",
        intent="food",
        lead=TURNED,
        title=TURNED,
        short=TURNED,
        body=f"{TURNED} &#x202e; [x](javascript:alert(1))",
        contacts=(contact,),
        after=TURNED,
        choices=(Choice(label=TURNED, says="food"),),
    )
    fitted = fit(reply, style, words)
    shown = "".join((*fitted.texts, fitted.rest, *(choice.label for choice in fitted.choices)))
    assert "919-555-0101" in shown
    assert not [c for c in shown if "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069"]
    assert 'href="javascript' not in shown
    if style in (Style.WEB, Style.TELEGRAM):
        assert "A<B" not in "".join(fitted.texts)
        assert "A&lt;B" in "".join(fitted.texts)


# Carriers' words


@pytest.mark.parametrize("word", ["STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT"])
async def test_a_word_that_a_carrier_takes_for_stop_is_no_choice_of_a_menu(house: House, word: str) -> None:
    await says(house, "MENU", "SM1")
    assert await says(house, word, "SM2") == []
    person, _ = await house.faro.store.recall(person_key(house.faro.settings.key(), Channel.SMS, ANA))
    assert person is not None
    assert person.opted_out
    assert await says(house, "YES", "SM3") == [], "Twilio has said it already"
    assert len(await says(house, "food", "SM4")) == 1


@pytest.mark.parametrize("word", ["HELP", "INFO"])
async def test_help_and_info_are_help_and_nothing_else(house: House, word: str) -> None:
    await says(house, "DELETE", "SM1")
    (text,) = await says(house, word, "SM2")
    assert "1 " in text


@pytest.mark.parametrize("word", sorted({*CARRIER_STOP, *CARRIER_START, "help", "info"}))
def test_no_carriers_word_picks_from_a_list(word: str) -> None:
    assert picked(word) is None


# The papers


def test_every_test_that_the_papers_name_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8")))
    there = {name for path in (ROOT / "tests").glob("test_*.py") for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}
    assert len(named) > 40
    assert named <= there, named - there


@pytest.mark.parametrize(
    ("report", "code", "said"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1"}]}]}', 1, "a 1: X-1"),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', 0, "1 packages audited"),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', 0, "NOT AUDITED"),
        ("", 0, "NOT AUDITED"),
    ],
)
def test_a_known_vulnerability_stops_ci_and_an_index_that_is_away_does_not(report: str, code: int, said: str) -> None:
    done = subprocess.run([sys.executable, ROOT / ".ci" / "audit.py"], input=report, capture_output=True, text=True)
    assert done.returncode == code
    assert said in done.stdout
