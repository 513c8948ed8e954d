"""The public API: contacts of a county, and an answer to one question. Read only; nobody is remembered and nothing is kept."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from hmac import compare_digest
from html.parser import HTMLParser
from ipaddress import IPv4Network, IPv6Network
from secrets import token_urlsafe

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.channels.api_contacts import of_county
from bot.channels.api_forms import KEY_HEADER, LONGEST_TEXT, Answer, Contacts, File, Pick, Question, Trouble, Way, openapi
from bot.channels.body import bounded_body, crisis_in
from bot.channels.client import client_address
from bot.conversation import Conversation
from bot.directory.rows import KINDS
from bot.errors import BadRequest, TooLarge
from bot.intents import Kit
from bot.library.pages import CRISIS
from bot.limits import PER_ADDRESS, Limiter
from bot.messages import LANGUAGES, Channel, Inbound, Language
from bot.store.keeping import Kept, Known
from bot.store.tables import Person
from bot.understanding.crisis import by_words
from bot.understanding.normalise import bounded, clean
from bot.wording.fitting import Fitted

TEXT = {"type": "string", "maxLength": 60}
WAYS = (
    Way(
        method="GET",
        path="/api/contacts",
        name="contacts",
        summary="The contacts of a county, those of the whole State, and a neighbor's where the county has none.",
        query=(("county", True, TEXT), ("kind", False, {"enum": sorted(KINDS.values())}), ("language", False, {"enum": list(LANGUAGES)})),
        gives=Contacts,
        troubles=(400, 401, 404, 429),
    ),
    Way(method="POST", path="/api/answer", name="answer", summary="Faro's answer to one question. A crisis is answered always.", body=Question, gives=Answer, troubles=(400, 401, 404, 413, 422, 429)),
    Way(method="GET", path="/api/openapi.json", name="openapi", summary="This description.", open=True),
)
# What changes something that is remembered cannot be done for somebody who is not: to answer as if it were would be a lie.
REMEMBERED = frozenset({"alerts", "stop", "start", "privacy", "feedback"})
# Any web page may read what is public. No cookie is ever looked at.
ANY_PAGE = {"access-control-allow-origin": "*"}
PREFLIGHT = {**ANY_PAGE, "access-control-allow-methods": "GET", "access-control-allow-headers": KEY_HEADER, "access-control-max-age": "86400"}


class PassingMemory:
    """A conversation's memory that knows whoever asks for the time of one answer, and keeps nothing."""

    def __init__(self) -> None:
        self._here: dict[str, Person] = {}

    @contextmanager
    def knowing(self, person: Person) -> Iterator[None]:
        self._here[person.key] = person
        try:
            yield
        finally:
            del self._here[person.key]

    async def alerts(self, _key: str) -> tuple[str, ...]:
        return ()

    async def known(self, key: str, _channel: str, _message_id: str) -> Known:
        return Known(person=self._here.get(key))

    async def keep(self, kept: Kept) -> str:
        return kept.handled.answer


class ApiDoor:
    """The ways of the public API. `keys`: when there are any, one of them is needed."""

    def __init__(
        self,
        conversation: Conversation,
        memory: PassingMemory,
        *,
        kit: Callable[[], Kit],
        read_at: Callable[[], datetime],
        keys: Sequence[str],
        limiter: Limiter,
        proxies: Sequence[IPv4Network | IPv6Network],
    ) -> None:
        self._conversation = conversation
        self._memory = memory
        self._kit = kit
        self._read_at = read_at
        self._keys = [key.encode() for key in keys]
        self._limiter = limiter
        self._proxies = proxies

    def routes(self) -> Sequence[BaseRoute]:
        handlers = {"contacts": self._contacts, "answer": self._answer, "openapi": self._openapi}
        doors = [Route(way.path, handlers[way.name], methods=[way.method]) for way in WAYS]
        return (*doors, *(Route(way.path, self._preflight, methods=["OPTIONS"]) for way in WAYS if way.method == "GET"))

    async def _contacts(self, request: Request) -> Response:
        if refused := self._stranger(request) or self._too_often(request):
            return refused
        kit, asked = self._kit(), request.query_params
        county, kind, language = asked.get("county", ""), asked.get("kind"), _language(asked.get("language", "en"))
        if not county or language is None:
            return _trouble(400, "bad_request", "county is missing, or language is neither en nor es.", "Ask for /api/contacts?county=Yancey&language=es.")
        if kind is not None and kind not in KINDS.values():
            return _trouble(404, "unknown_kind", "There is no such kind of contact.", "Use one of these kinds, or leave it out.", kinds=sorted(KINDS.values()))
        named = kit.gazetteer.county_named(county[:60])
        if named is None:
            return _unknown_county(kit)
        kinds = [kind] if kind else list(KINDS.values())
        found = [contact for one in kinds for contact in of_county(kit, one, named, language)]
        return _json(Contacts(county=named, language=language, as_of=kit.now, contacts=found), headers=ANY_PAGE)

    async def _answer(self, request: Request) -> Response:
        """A crisis by its words is answered whatever else is wrong, and however often somebody asks."""
        if refused := self._stranger(request):
            return refused
        try:
            body = await bounded_body(request)
            question = Question.model_validate_json(body)
        except TooLarge:
            return _too_large()
        except BadRequest:
            return _unreadable()
        except ValidationError:
            if (text := crisis_in(body)) is None:
                return self._too_often(request) or _unreadable()
            question = Question(text=text)
        limited = self._too_often(request) or (_too_large() if len(question.text) > LONGEST_TEXT else None)
        if limited and not by_words(clean(question.text)):
            return limited
        county = self._kit().gazetteer.county_named(question.county) if question.county else None
        answered = await self._ask(question, county)
        if answered.intent in REMEMBERED:
            return _trouble(422, "not_here", "This needs somebody who is remembered.", "Send the resident to Faro's web page or its number: alerts, STOP, START, DELETE and feedback work there.")
        # With a county that we do not know there is no good answer, but to a crisis there is.
        return _unknown_county(self._kit()) if question.county and county is None and answered.intent not in CRISIS else _json(self._told(answered, county))

    async def _ask(self, question: Question, county: str | None) -> Fitted:
        stranger = token_urlsafe(18)
        key = self._conversation.key(Channel.WEB, stranger)
        person = Person(key=key, language=question.language, language_fixed=question.language is not None, county=county, seen_at=self._kit().now)
        text = question.text if len(question.text) <= LONGEST_TEXT else bounded(question.text)
        with self._memory.knowing(person):
            return await self._conversation.answer(Inbound(channel=Channel.WEB, sender=stranger, message_id=stranger, text=text, language_hint=question.language))

    def _told(self, answer: Fitted, county: str | None) -> Answer:
        html = "".join(answer.texts)
        return Answer(
            language=answer.language,
            topic=answer.intent,
            crisis=answer.intent in CRISIS,
            county=county,
            text=plain(html),
            html=html,
            choices=[Pick(label=one.label, says=one.says.partition("@")[0]) for one in answer.choices],
            files=[File(**asdict(one)) for one in answer.attachments],
            needs_county=answer.ask_location or any(one.says.startswith("#county:") for one in answer.choices),
            as_of=self._read_at(),
        )

    async def _openapi(self, _request: Request) -> Response:
        return JSONResponse(openapi(WAYS, keyed=bool(self._keys)), headers=ANY_PAGE)

    async def _preflight(self, _request: Request) -> Response:
        return Response(status_code=204, headers=PREFLIGHT)

    def _stranger(self, request: Request) -> Response | None:
        """The refusal of whoever has no key. Every key is compared, so that the time tells nothing."""
        given = request.headers.get(KEY_HEADER, "").encode()
        if not self._keys or sum(compare_digest(given, key) for key in self._keys):
            return None
        return _trouble(401, "no_key", "This Faro answers those who have a key.", f"Send your key in the header {KEY_HEADER}. If someone is in danger, call 911; to talk to someone, call or text 988.")

    def _too_often(self, request: Request) -> Response | None:
        wait = self._limiter.wait((PER_ADDRESS, client_address(request, self._proxies)))
        return _trouble(429, "too_often", "Too many questions from this address.", f"Wait {wait} seconds.", headers={"retry-after": str(wait)}) if wait else None


def _language(asked: str) -> Language | None:
    return next((language for language in LANGUAGES if language == asked), None)


def _json(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(model.model_dump_json(exclude_unset=isinstance(model, Trouble)), status, headers, "application/json")


def _trouble(status: int, error: str, message: str, what_to_do: str, headers: dict[str, str] | None = None, **names: list[str]) -> Response:
    trouble = Trouble.model_validate({"error": error, "message": message, "what_to_do": what_to_do, **names})
    return _json(trouble, status, {**ANY_PAGE, **(headers or {})})


def _unknown_county(kit: Kit) -> Response:
    return _trouble(404, "unknown_county", "This is no county of North Carolina.", "Use one of these names.", counties=sorted(kit.gazetteer.counties))


def _unreadable() -> Response:
    return _trouble(400, "bad_request", "This is not the JSON that is read here.", 'Send {"text": "...", "language": "en" or "es", "county": "..."}; see /api/openapi.json.')


def _too_large() -> Response:
    return _trouble(413, "too_large", "This is too long.", f"Send at most {LONGEST_TEXT:,} characters.")


def plain(html: str) -> str:
    """Our own HTML as text: a line for each paragraph and point."""
    reader = _Plain()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.out).split("\n"))
    return "\n".join(line for line in lines if line)


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self.out.append("\n" if tag in ("p", "li", "br", "h1", "h2", "h3", "ul", "ol", "div") else "")

    def handle_endtag(self, tag: str) -> None:
        self.out.append("\n" if tag in ("p", "li", "h1", "h2", "h3", "div") else "")

    def handle_data(self, data: str) -> None:
        self.out.append(data)
