"""The studio's door: sign-in, one layout, and the pages of bot/studio/, each a file that says which paths it answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.alerts.broadcasts import Broadcasts
from bot.channels.body import bounded_body
from bot.content import Content
from bot.conversation import Conversation
from bot.errors import BadRequest, TooLarge
from bot.feeds.openings import Openings
from bot.geo.tables import Gazetteer
from bot.intents import Kit
from bot.messages import LANGUAGES, Language
from bot.router import Rooms
from bot.store.store import Store
from bot.studio.sign_in import VISIT_LIFE, Role, SignIn, Volunteer
from bot.wording.catalog import Words

HERE = Path(__file__).parent
TEMPLATES = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
VISIT, TONGUE, MARK_HEADER = "faro_studio", "faro_studio_language", "x-faro-mark"
LARGEST_FORM, MOST_FIELDS = 1024 * 1024, 200
SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What the studio's pages work with."""

    content: Content
    store: Store
    words: Words
    gazetteer: Gazetteer
    rooms: Rooms
    rehearsal: Conversation  # answers like the real one and leaves nothing behind
    clock: Callable[[], datetime]
    kit: Callable[[], Kit]  # what residents are answered from at this moment
    broadcasts: Broadcasts
    openings: Openings
    secure: bool = False


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of somebody who is signed in."""

    request: Request
    volunteer: Volunteer
    language: Language
    mark: str
    form: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def by_htmx(self) -> bool:
        return "hx-request" in self.request.headers


Answer = Callable[[Visit], Awaitable[Response]]


class Studio:
    """Signs volunteers in and hands their requests to the pages."""

    def __init__(self, desk: Desk, sign_in: SignIn, pages: Sequence[Callable[["Studio"], Sequence[Route]]]) -> None:
        self.desk = desk
        self._sign_in = sign_in
        self._pages = pages

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/studio/enter", self._enter, methods=["GET"]),
            Route("/studio/leave", self._leave, methods=["POST"]),
            Route("/studio/language/{language}", self._speak, methods=["GET"]),
            Mount("/studio/static", StaticFiles(directory=HERE / "static")),
            *(route for page in self._pages for route in page(self)),
        )

    def route(self, path: str, answer: Answer, *, methods: Sequence[str] = ("GET",), role: Role = "editor", most: int = LARGEST_FORM) -> Route:
        """A path that only a signed-in volunteer of that role reaches; forms have at most so many bytes and must carry the visit's mark."""

        async def endpoint(request: Request) -> Response:
            cookie = request.cookies.get(VISIT, "")
            volunteer = self._sign_in.visitor(cookie)
            language = self._language(request)
            if volunteer is None:
                return self._plain("studio.sign_in_first", language, 401)
            if not volunteer.may(role):
                return self._plain("studio.not_allowed", language, 403)
            form: dict[str, str] = {}
            if request.method != "GET":
                try:
                    form = await _form(request, most)
                except TooLarge:
                    return self._plain("studio.too_large", language, 413)
                except BadRequest:
                    return self._plain("studio.bad_form", language, 400)
                if not self._sign_in.marked(cookie, request.headers.get(MARK_HEADER) or form.get("mark", "")):
                    return self._plain("studio.bad_form", language, 403)
            return await answer(Visit(request=request, volunteer=volunteer, language=language, mark=self._sign_in.mark(cookie), form=form))

        return Route(path, endpoint, methods=list(methods))

    def show(self, template: str, visit: Visit, *, status: int = 200, **values: object) -> Response:
        """A template with its values. `t` says a sentence of the catalogs in the volunteer's language; everything is escaped."""

        def t(key: str, **inside: object) -> str:
            return self.desk.words.say(f"studio.{key}", visit.language, **inside)

        html = TEMPLATES.get_template(template).render(t=t, visit=visit, lang=visit.language, languages=LANGUAGES, tongues=own_first(visit.language), path=visit.request.url.path, **values)
        return HTMLResponse(html, status_code=status, headers=SECURITY)

    async def _enter(self, request: Request) -> Response:
        visit = self._sign_in.enter(request.query_params.get("key", ""))
        if visit is None:
            return self._plain("studio.link_expired", self._language(request), 403)
        answer = RedirectResponse("/studio", status_code=303, headers=SECURITY)
        answer.set_cookie(VISIT, visit, max_age=VISIT_LIFE, path="/studio", httponly=True, samesite="lax", secure=self.desk.secure)
        return answer

    async def _leave(self, _request: Request) -> Response:
        answer = RedirectResponse("/", status_code=303, headers=SECURITY)
        answer.delete_cookie(VISIT, path="/studio")
        return answer

    async def _speak(self, request: Request) -> Response:
        """Switches the studio's language and goes back to where the volunteer was."""
        back = request.query_params.get("back", "/studio")
        answer = RedirectResponse(back if back.startswith("/studio") else "/studio", status_code=303, headers=SECURITY)
        language = request.path_params["language"]
        answer.set_cookie(TONGUE, language if language in LANGUAGES else "en", max_age=365 * 86400, path="/studio", httponly=True, samesite="lax", secure=self.desk.secure)
        return answer

    def _plain(self, key: str, language: Language, status: int) -> Response:
        return PlainTextResponse(self.desk.words.say(key, language), status_code=status, headers=SECURITY)

    @staticmethod
    def _language(request: Request) -> Language:
        wanted = request.cookies.get(TONGUE) or request.headers.get("accept-language", "")[:2]
        return "es" if wanted == "es" else "en"


def own_first(language: Language) -> list[Language]:
    """The languages in the order in which a volunteer of this one looks at them."""
    return sorted(LANGUAGES, key=lambda one: one != language)


async def _form(request: Request, most: int) -> dict[str, str]:
    """A URL-encoded form of bounded size. Raises BadRequest."""
    body = await bounded_body(request, most)
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS))
    except ValueError:
        raise BadRequest("not a form") from None
