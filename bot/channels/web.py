"""The web door: a chat page that works without JavaScript, and the JSON that its script talks to."""

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.channels.sms import bounded_body
from bot.conversation import Conversation
from bot.errors import BadRequest
from bot.intents import Kit
from bot.library.pages import CRISIS
from bot.messages import LANGUAGES, Channel, Inbound, Language, Location, Reply
from bot.wording.catalog import Words
from bot.wording.fitting import Fitted
from bot.wording.wide import web_html

FILES = Path(__file__).parent / "web_page"
SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "geolocation=(self), camera=(), microphone=()",
}
LONGEST_TRANSCRIPT = 40_000
TURNS_SHOWN = 10


class Spot(BaseModel):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Said(BaseModel):
    """What the page's script sends."""

    model_config = ConfigDict(extra="ignore")

    session: str | None = Field(default=None, max_length=200)
    id: str = Field(min_length=1, max_length=80, pattern=r"^[!-~]+$")
    text: str = Field(default="", max_length=20_000)
    language: Language | None = None
    location: Spot | None = None


class WebDoor:
    """The page, its files, and its two ways to ask: JSON, and a plain form."""

    def __init__(self, conversation: Conversation, words: Words, *, secret: bytes, kit: Callable[[], Kit]) -> None:
        self._conversation = conversation
        self._words = words
        self._secret = hmac.new(secret, b"web session", sha256).digest()
        self._kit = kit
        self._page = Environment(loader=FileSystemLoader(FILES), autoescape=True).get_template("page.html")

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/", self._show, methods=["GET"]),
            Route("/", self._form, methods=["POST"]),
            Route("/api/chat", self._chat, methods=["POST"]),
            Route("/offline.json", self._offline, methods=["GET"]),
            Route("/sw.js", self._service_worker, methods=["GET"]),
            Mount("/static", StaticFiles(directory=FILES)),
        )

    async def _show(self, request: Request) -> Response:
        """The page; a browser that prefers Spanish is sent to the Spanish one, whose address says so."""
        asked = request.query_params.get("lang")
        if asked is None and _language(None, request) == "es":
            return RedirectResponse("/?lang=es", status_code=307, headers={"vary": "accept-language"})
        return self._html(asked if asked in LANGUAGES else "en", session="", turns=[])

    async def _chat(self, request: Request) -> Response:
        try:
            said = Said.model_validate_json(await bounded_body(request))
        except (ValidationError, BadRequest):
            language = _language(None, request)
            return JSONResponse({"message": self._words.say("web.bad_request", language)}, status_code=400)
        person = self._person(said.session, said.id)
        spot = Location(latitude=said.location.latitude, longitude=said.location.longitude) if said.location else None
        answer = await self._ask(person, said.id, said.text, said.language, spot)
        return JSONResponse(
            {
                "session": None if answer.forgotten else self._signed(person),
                "language": answer.language,
                "html": "".join(answer.texts),
                "choices": [asdict(c) for c in answer.choices],
                "attachments": [asdict(a) for a in answer.attachments],
                "ask_location": answer.ask_location,
            }
        )

    async def _form(self, request: Request) -> Response:
        """The page without JavaScript: the conversation so far travels in the form, signed."""
        try:
            fields = {k: v[-1] for k, v in parse_qs((await bounded_body(request)).decode("utf-8", "replace"), max_num_fields=20).items()}
        except (BadRequest, ValueError):
            return PlainTextResponse("not a form", status_code=400)
        language = _language(fields.get("lang"), request)
        says = fields.get("says")
        message_id = fields.get("message_id") or secrets.token_urlsafe(12)
        person = self._person(fields.get("session"), message_id)
        turns = self._opened(fields.get("transcript", ""))
        label = next((c["label"] for t in reversed(turns) for c in t.get("choices", []) if c["says"] == says), says)
        text = says if says is not None else fields.get("text", "")
        # Going back in the browser sends the same message_id with other words: both make the id.
        answer = await self._ask(person, f"{message_id}:{sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}", text, language, None)
        turns += [{"who": "you", "lang": language, "text": label if says is not None else text}, _turn(answer)]
        return self._html(language, session="" if answer.forgotten else self._signed(person), turns=turns[-TURNS_SHOWN:])

    async def _ask(self, person: str, message_id: str, text: str, language: Language | None, spot: Location | None) -> Fitted:
        inbound = Inbound(channel=Channel.WEB, sender=person, message_id=f"{person[:16]}:{message_id}", text=text, location=spot, language_hint=language)
        return await self._conversation.answer(inbound)

    def _html(self, language: Language, *, session: str, turns: list[dict[str, Any]]) -> Response:
        shown = [{**t, "html": Markup(t["html"])} if "html" in t else t for t in turns]  # noqa: S704  made by bot.wording.wide, which escapes
        html = self._page.render(
            lang=language,
            t=_Sentences(self._words, language),
            turns=shown,
            session=session,
            message_id=secrets.token_urlsafe(12),
            transcript=self._sealed(turns),
        )
        return HTMLResponse(html, headers=SECURITY)

    async def _service_worker(self, _request: Request) -> Response:
        """The service worker, its version made of the files it caches, so that a new release replaces them."""
        version = sha256(b"".join(p.read_bytes() for p in sorted(FILES.iterdir()))).hexdigest()[:12]
        script = (FILES / "sw.js").read_text().replace("const VERSION = '1'", f"const VERSION = '{version}'")
        return Response(script, media_type="text/javascript", headers={"cache-control": "no-cache", **SECURITY})

    async def _offline(self, request: Request) -> Response:
        """What the service worker keeps: crisis lines, menu, coping pages."""
        language = _language(request.query_params.get("lang"), request)
        kit = self._kit()
        pages = []
        for (its_language, id_), page in kit.library.pages.items():
            if its_language != language or page.section not in ("coping", "crisis"):
                continue
            ready = kit.page(id_, language)
            assert ready is not None
            reply = Reply(language=language, intent=id_, title=ready.title, short=ready.sms, body=ready.body)
            pages.append({"id": id_, "title": ready.title, "html": web_html(reply, call="", text_to=""), "keywords": list(page.front.keywords)})
        urgent = "".join(web_html(Reply(language=language, intent="crisis", short=kit.words.say(f"crisis.last.{c.removeprefix('crisis-')}", language)), call="", text_to="") for c in CRISIS)
        menu = web_html(Reply(language=language, intent="menu", short=kit.say("web.offline", language)), call="", text_to="")
        return JSONResponse({"urgent_html": urgent, "menu_html": menu, "pages": pages})

    # A session is a random id with our signature; it says nothing of the person and lives in their browser only.

    def _person(self, session: str | None, message_id: str) -> str:
        """The person of a session that we signed; a new one made of the message id, so that a repeated first message is the same person's."""
        given, _, signature = (session or "").partition(".")
        if given and hmac.compare_digest(signature.encode("utf-8", "replace"), self._mark(given.encode("utf-8", "replace")).encode()):
            return given
        return self._mark(b"new:" + message_id.encode("utf-8", "replace"))

    def _signed(self, person: str) -> str:
        return f"{person}.{self._mark(person.encode())}"

    def _mark(self, data: bytes) -> str:
        return base64.urlsafe_b64encode(hmac.new(self._secret, data, sha256).digest()[:18]).decode()

    def _sealed(self, turns: list[dict[str, Any]]) -> str:
        while turns and len(data := json.dumps(turns)) > LONGEST_TRANSCRIPT:
            turns = turns[2:]
        data = json.dumps(turns)
        return f"{self._mark(data.encode())}.{data}"

    def _opened(self, sealed: str) -> list[dict[str, Any]]:
        mark, _, data = sealed.partition(".")
        if not data or not hmac.compare_digest(mark.encode("utf-8", "replace"), self._mark(data.encode("utf-8", "replace")).encode()):
            return []
        turns: list[dict[str, Any]] = json.loads(data)
        return turns


class _Sentences:
    """t.send in the template -> the sentence 'web.send'."""

    def __init__(self, words: Words, language: Language) -> None:
        self._words = words
        self._language = language

    def __getattr__(self, name: str) -> str:
        return self._words.say(f"web.{name}", self._language)


def _language(asked: str | None, request: Request) -> Language:
    """The language that was asked for, else the first of ours that the browser prefers."""
    if asked in LANGUAGES:
        return asked
    for part in request.headers.get("accept-language", "").split(","):
        if (code := part.strip()[:2].lower()) in LANGUAGES:
            return code
    return "en"


def _turn(answer: Fitted) -> dict[str, Any]:
    files = [{"filename": a.filename, "href": f"data:{a.mime};charset=utf-8,{quote(a.content)}"} for a in answer.attachments]
    return {"who": "faro", "lang": answer.language, "html": "".join(answer.texts), "choices": [asdict(c) for c in answer.choices], "attachments": files}
