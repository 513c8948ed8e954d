"""The web door: a chat page that works without JavaScript, and the JSON that its script talks to."""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, quote

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.channels.body import bounded_body, crisis_in
from bot.channels.client import client_address
from bot.channels.secured import POLICY
from bot.channels.web_seal import Seal
from bot.conversation import Conversation
from bot.errors import BadRequest, TooLarge
from bot.intents import Kit
from bot.library.pages import CRISIS
from bot.limits import PER_ADDRESS, PER_PERSON, Limiter
from bot.messages import LANGUAGES, Channel, Choice, Inbound, Language, Location, Reply
from bot.understanding.crisis import by_words
from bot.understanding.normalise import bounded, clean
from bot.wording.catalog import Words
from bot.wording.fitting import Fitted
from bot.wording.wide import web_html

FILES = Path(__file__).parent / "web_page"
TEMPLATES = Environment(loader=FileSystemLoader(FILES), autoescape=True)
# A partner's page may frame EMBED, from anywhere; nobody may frame PAGE, lest its buttons be pressed through another page.
PAGE, EMBED = "/", "/embed"
LONGEST_TEXT = 20_000
TURNS_SHOWN = 10
ID = re.compile(r"[!-~]{1,80}")


class Spot(BaseModel):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


def usable_id(given: object) -> str:
    """A message's id as it came. An odd one is replaced by one of ours, the same for the same, since whoever wrote the page must not cost anybody an answer."""
    if not isinstance(given, str) or not given:
        return secrets.token_urlsafe(12)
    return given if ID.fullmatch(given) else sha256(given.encode("utf-8", "replace")).hexdigest()[:24]


class Said(BaseModel):
    """What the page's script sends."""

    model_config = ConfigDict(extra="ignore")

    session: str | None = Field(default=None, max_length=200)
    id: Annotated[str, BeforeValidator(usable_id)] = Field(default=None, validate_default=True)
    text: str = ""
    language: Language | None = None
    location: Spot | None = None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a message is not answered: the sentence that says it, the status, and the seconds to wait."""

    sentence: str
    status: int
    wait: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return {"retry-after": str(self.wait)} if self.wait else {}


UNREADABLE = Refusal(sentence="web.bad_request", status=400)
TOO_LONG = Refusal(sentence="web.too_long", status=413)


class WebDoor:
    """The page, its files, and its two ways to ask: JSON, and a plain form."""

    def __init__(
        self,
        conversation: Conversation,
        words: Words,
        *,
        secret: bytes,
        kit: Callable[[], Kit],
        limiter: Limiter,
        proxies: Sequence[IPv4Network | IPv6Network],
    ) -> None:
        self._conversation = conversation
        self._words = words
        self._seal = Seal(secret)
        self._kit = kit
        self._limiter = limiter
        self._proxies = proxies
        self._page = TEMPLATES.get_template("page.html")

    def routes(self) -> Sequence[BaseRoute]:
        around = [Middleware(GZipMiddleware)]
        return (
            *(Route(path, self._show, methods=["GET"], middleware=around) for path in (PAGE, EMBED)),
            *(Route(path, self._form, methods=["POST"], middleware=around) for path in (PAGE, EMBED)),
            Route("/api/chat", self._chat, methods=["POST"], middleware=around),
            Route("/offline.json", self._offline, methods=["GET"], middleware=around),
            Route("/sw.js", self._service_worker, methods=["GET"], middleware=around),
            Mount("/static", StaticFiles(directory=FILES / "static"), middleware=around),
        )

    async def _show(self, request: Request) -> Response:
        """The page; a browser that prefers Spanish is sent to the Spanish one, whose address says so."""
        asked = request.query_params.get("lang")
        if asked is None and _language(None, request) == "es":
            return RedirectResponse(f"{request.url.path}?lang=es", status_code=307, headers={"vary": "accept-language"})
        return self._html(request, asked if asked in LANGUAGES else "en", turns=[])

    async def _chat(self, request: Request) -> Response:
        try:
            said = _said(await bounded_body(request))
        except TooLarge:
            return self._refused(TOO_LONG, _language(None, request))
        except (ValidationError, BadRequest):
            return self._refused(UNREADABLE, _language(None, request))
        if refusal := self._refusal(request, said.session, said.text):
            return self._refused(refusal, _language(said.language, request))
        person = self._seal.person(said.session) or self._seal.newcomer(said.id)
        spot = Location(latitude=said.location.latitude, longitude=said.location.longitude) if said.location else None
        answer = await self._ask(person, said.id, said.text, said.language, spot)
        return JSONResponse(
            {
                "session": None if answer.forgotten else self._seal.session(person),
                "language": answer.language,
                "html": "".join(answer.texts),
                "choices": [asdict(c) for c in answer.choices],
                "rating": self._rating(answer),
                "attachments": [asdict(a) for a in answer.attachments],
                "ask_location": answer.ask_location,
            }
        )

    async def _form(self, request: Request) -> Response:
        """The page without JavaScript: the conversation so far travels in the form, signed."""
        try:
            fields = {k: v[-1] for k, v in parse_qs((await bounded_body(request)).decode("utf-8", "replace"), max_num_fields=20).items()}
        except (BadRequest, ValueError) as error:
            language = _language(request.query_params.get("lang"), request)
            return self._html(request, language, turns=[], refusal=TOO_LONG if isinstance(error, TooLarge) else UNREADABLE)
        language = _language(fields.get("lang") or request.query_params.get("lang"), request)
        says, typed, session = fields.get("says"), fields.get("text", ""), fields.get("session", "")
        message_id = usable_id(fields.get("message_id"))
        turns = self._seal.opened(fields.get("transcript", ""))
        text = typed if says is None else says
        if refusal := self._refusal(request, session, text):
            return self._html(request, language, turns=turns, session=session if self._seal.person(session) else "", refusal=refusal, draft=typed)
        person = self._seal.person(session) or self._seal.newcomer(message_id)
        # Going back in the browser sends the same message_id with other words: both make the id.
        answer = await self._ask(person, f"{message_id}:{sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}", text, language, None)
        label = next((c["label"] for t in reversed(turns) for c in [*t.get("choices", []), *t.get("rating", [])] if c["says"] == says), text)
        turns += [{"who": "you", "lang": language, "text": label}] if label.strip() else []
        turns += [{**_turn(answer), "rating": self._rating(answer)}]
        return self._html(request, language, turns=turns[-TURNS_SHOWN:], session="" if answer.forgotten else self._seal.session(person))

    def _refusal(self, request: Request, session: str | None, text: str) -> Refusal | None:
        """Why this is not answered now. What sounds like a crisis is answered always."""
        address = client_address(request, self._proxies)
        wait = self._limiter.wait((PER_ADDRESS, address), (PER_PERSON, self._seal.person(session) or address))
        refusal = Refusal(sentence="web.too_often", status=429, wait=wait) if wait else TOO_LONG if len(text) > LONGEST_TEXT else None
        return None if refusal is None or by_words(clean(text)) else refusal

    def _refused(self, refusal: Refusal, language: Language) -> Response:
        message = self._kit().say(refusal.sentence, language)
        return JSONResponse({"message": message, "html": _bubble(message, language)}, status_code=refusal.status, headers=refusal.headers)

    def _rating(self, answer: Fitted) -> list[dict[str, str]]:
        """The buttons that say whether an answer was useful."""
        if not answer.rateable:
            return []
        return [asdict(Choice(label=self._words.say(f"rating.{word}", answer.language), says=f"#useful:{word}:{answer.intent}")) for word in ("yes", "no")]

    async def _ask(self, person: str, message_id: str, text: str, language: Language | None, spot: Location | None) -> Fitted:
        inbound = Inbound(
            channel=Channel.WEB, sender=person, message_id=f"{person[:16]}:{message_id}", text=text if len(text) <= LONGEST_TEXT else bounded(text), location=spot, language_hint=language
        )
        return await self._conversation.answer(inbound)

    def _html(self, request: Request, language: Language, *, turns: list[dict[str, Any]], session: str = "", refusal: Refusal | None = None, draft: str = "") -> Response:
        said = [{"who": "faro", "lang": language, "html": _bubble(self._kit().say(refusal.sentence, language), language)}] if refusal else []
        html = self._page.render(
            lang=language,
            path=request.url.path,
            t=_Sentences(self._words, language),
            turns=[{**t, "html": Markup(t["html"])} if "html" in t else t for t in [*turns, *said]],  # noqa: S704  made by bot.wording.wide, which escapes
            session=session,
            message_id=secrets.token_urlsafe(12),
            transcript=self._seal.sealed(turns),
            draft=draft,
        )
        headers = {"vary": "accept-language", "content-security-policy": POLICY.format("*" if request.url.path == EMBED else "'none'")}
        if refusal:
            return HTMLResponse(html, status_code=refusal.status, headers=headers | refusal.headers)
        return HTMLResponse(html, headers=headers)

    async def _service_worker(self, _request: Request) -> Response:
        """The service worker, its version made of the files it caches, so that a new release replaces them."""
        version = sha256(b"".join(p.read_bytes() for p in sorted(FILES.rglob("*.*")))).hexdigest()[:12]
        script = (FILES / "sw.js").read_text().replace("const VERSION = '1'", f"const VERSION = '{version}'")
        return Response(script, media_type="text/javascript", headers={"cache-control": "no-cache"})

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
        urgent = "".join(_bubble(kit.words.say(f"crisis.last.{c.removeprefix('crisis-')}", language), language) for c in CRISIS)
        menu = _bubble(kit.say("web.offline", language), language)
        return JSONResponse({"urgent_html": urgent, "menu_html": menu, "pages": pages})


def _said(body: bytes) -> Said:
    """What a body says. Of a crisis the text is enough, whatever is wrong with the rest. Raises ValidationError."""
    try:
        return Said.model_validate_json(body)
    except ValidationError:
        if (text := crisis_in(body)) is None:
            raise
        return Said(id=secrets.token_urlsafe(12), text=text)


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


def _bubble(sentence: str, language: Language) -> str:
    return web_html(Reply(language=language, intent="", short=sentence), call="", text_to="")


def _turn(answer: Fitted) -> dict[str, Any]:
    files = [{"filename": a.filename, "href": f"data:{a.mime};charset=utf-8,{quote(a.content)}"} for a in answer.attachments]
    return {"who": "faro", "lang": answer.language, "html": "".join(answer.texts), "choices": [asdict(c) for c in answer.choices], "attachments": files}
