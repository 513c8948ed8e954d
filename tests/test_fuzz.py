"""Anything at all at every door: no 5xx, no exception, nothing that takes long. In CI 1,000 examples; `FARO_FUZZ=20000 ./faro test tests/test_fuzz.py -n 0` for the whole night."""

import asyncio
import gc
import json
import logging
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from threading import Thread
from time import thread_time
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.routing import Mount, Route

from bot.app import routes
from bot.geo.tables import Gazetteer
from bot.settings import Settings
from bot.wording.catalog import Words
from tests.conftest import SECRET, Clock
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, serving, signed, twiml_texts
from tests.fake_telegram import TOKEN, FakeTelegram
from tests.odd import ANYTHING, CHAT, FIELDS, HEADERS, METHODS, NAMES, RAW, SHAPE, SIGNABLE, STUDIO_FIELDS, TABLES, TEXT, updates
from tests.postgres import new_database
from tests.small_content import write_content
from tests.studio import Workroom, open_studio

EXAMPLES = int(os.environ.get("FARO_FUZZ", "1000"))
NIGHT = EXAMPLES > 1000
DOORS = 7
HOOK = "a-secret_of-the-tests"
FORM = "application/x-www-form-urlencoded"
# Of one request, in seconds of this thread's work, and until it counts as hanging.
MOST_WORK, HANGING = 1.0, 30
# What a night may add once everything is warm, in MiB. Hypothesis keeps notes of its own.
MOST_GROWTH = 64

fuzzed = settings(
    max_examples=EXAMPLES // DOORS,
    deadline=None,
    derandomize=not NIGHT,
    database=None,
    print_blob=NIGHT,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


class Errors(logging.Handler):
    """What was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "TimeoutError" not in (told := self.format(record)):  # a busy machine; what hangs is found by HANGING
            self.heard.append(told)

    def taken(self) -> list[str]:
        heard, self.heard = self.heard, []
        return heard


Run = Callable[[Coroutine[Any, Any, Any]], Any]


@contextmanager
def running() -> Iterator[Run]:
    """A loop that goes on between requests, as a server's does."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


class Wire:
    """Every door of one Faro, and what each request costs."""

    def __init__(self, run: Run, room: Workroom, telegram: FakeTelegram) -> None:
        self._run, self.room, self._telegram = run, room, telegram
        self._errors = Errors()
        logging.getLogger().addHandler(self._errors)
        self.sizes: list[int] = []
        self.longest, self._count = 0.0, 0
        self.paths = sorted(route.path + ("/{path}" if isinstance(route, Mount) else "") for route in routes(room.house.faro, room.house.doors) if isinstance(route, Route | Mount))
        self.stranger = httpx.AsyncClient(transport=room.client._transport, base_url=PUBLIC_URL)

    def __call__(self, method: str, path: str, *, stranger: bool = True, **request: Any) -> httpx.Response:
        """The answer of a door; each request comes from another address."""
        self._count += 1
        request["headers"] = {"x-forwarded-for": f"10.{self._count >> 16 & 255}.{self._count >> 8 & 255}.{self._count & 255}", **request.get("headers", {})}
        answer, worked = self._run(self._ask(self.stranger if stranger else self.room.client, method, path, request))
        self.longest = max(self.longest, worked)
        assert worked < MOST_WORK, (method, path)
        assert answer.status_code < 500, (method, path, answer.text)
        assert not self._errors.taken()
        if self._count % 500 == 0:
            gc.collect()
            self.sizes.append(resident())
        assert isinstance(answer, httpx.Response)
        return answer

    async def _ask(self, client: httpx.AsyncClient, method: str, path: str, request: dict[str, Any]) -> tuple[httpx.Response, float]:
        begun = thread_time()
        async with asyncio.timeout(HANGING):
            answer = await client.request(method, path, **request)
            door = self.room.house.doors.telegram
            assert door
            await door.finished()
        self._telegram.calls.clear()
        if client is self.stranger:
            client.cookies.clear()
        return answer, thread_time() - begun

    def close(self) -> None:
        logging.getLogger().removeHandler(self._errors)


def resident() -> int:
    """MiB of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20


@pytest.fixture(scope="module")
def wire(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, words: Words, gazetteer: Gazetteer, learnt: Path) -> Iterator[Wire]:
    """By night on PostgreSQL, which takes less than SQLite does."""
    folder, telegram = tmp_path_factory.mktemp("fuzz"), FakeTelegram()
    write_content(folder / "content")
    given = Settings(_env_file=None, data=folder, secret=SECRET)
    if NIGHT:
        given = given.model_copy(update={"database_url": SecretStr(new_database(request.getfixturevalue("postgres")))})
    with serving(telegram.app) as api_url, running() as run:
        stack = AsyncExitStack()
        doors = {"public_url": PUBLIC_URL, "trusted_proxies": "127.0.0.1", "twilio_auth_token": TWILIO_TOKEN, "telegram_token": TOKEN, "telegram_secret": HOOK, "telegram_api_url": api_url}
        room = run(stack.enter_async_context(open_studio(given, words, gazetteer, folder / "content", learnt, Clock(), **doors)))
        assert room.house.doors.telegram
        run(room.house.doors.telegram.start())
        made = Wire(run, room, telegram)
        yield made
        made.close()
        run(made.stranger.aclose())
        run(room.house.doors.telegram.stop())
        run(stack.aclose())
    print(f"\nat most {made.longest * 1000:.0f} ms of work for one request; memory in MiB every 500 requests: {made.sizes}")  # noqa: T201
    warm = made.sizes[len(made.sizes) // 4 :]
    assert not warm or max(warm) - warm[0] < MOST_GROWTH, made.sizes


def sendable(form: dict[str, str]) -> bytes:
    return urlencode(form, errors="surrogatepass").encode()


@fuzzed
@given(form=st.dictionaries(NAMES, SIGNABLE, max_size=8), whole=st.booleans(), number=st.integers(0, 5000), path=st.sampled_from((SMS_PATH, "/twilio/status")))
def test_forms_that_twilio_signed(wire: Wire, form: dict[str, str], whole: bool, number: int, path: str) -> None:
    if whole:
        form = {**form, "MessageSid": f"SM{number}", "From": f"+1919555{number:04}"}
    answer = wire("POST", path, content=sendable(form), headers={"content-type": FORM, **signed(form, path=path)})
    assert answer.status_code in (200, 204, 400)
    assert answer.status_code != 400 or not whole or len(form) < 1
    if answer.status_code == 200:
        twiml_texts(answer)


@fuzzed
@given(body=RAW | st.dictionaries(NAMES, TEXT, max_size=8).map(sendable), headers=HEADERS, path=st.sampled_from((SMS_PATH, "/twilio/status")), form=st.booleans())
def test_what_twilio_did_not_sign(wire: Wire, body: bytes, headers: dict[str, bytes], path: str, form: bool) -> None:
    answer = wire("POST", path, content=body, headers={"x-twilio-signature": "x", **({"content-type": FORM} if form else {}), **headers})
    assert answer.status_code in (400, 403)


@fuzzed
@given(sent=SHAPE | updates() | updates(), raw=st.none() | RAW, known=st.sampled_from((True, True, True, False)))
def test_json_of_every_shape_for_telegram(wire: Wire, sent: object, raw: bytes | None, known: bool) -> None:
    body = json.dumps(sent).encode() if raw is None else raw
    answer = wire("POST", "/telegram", content=body, headers={"x-telegram-bot-api-secret-token": HOOK if known else "x"})
    assert answer.status_code in ((200, 400) if known else (403,))


@fuzzed
@given(sent=ANYTHING | CHAT.map(lambda fields: {"id": "a", "text": "hi", **fields}), raw=st.none() | RAW, headers=HEADERS)
def test_json_for_the_page(wire: Wire, sent: object, raw: bytes | None, headers: dict[str, bytes]) -> None:
    body = json.dumps(sent).encode() if raw is None else raw
    assert wire("POST", "/api/chat", content=body, headers=headers).status_code in (200, 400, 413, 429)


@fuzzed
@given(body=FIELDS.map(sendable) | FIELDS.map(sendable) | RAW, headers=HEADERS, query=TEXT, path=st.sampled_from(("/", "/embed")))
def test_forms_of_the_page_without_javascript(wire: Wire, body: bytes, headers: dict[str, bytes], query: str, path: str) -> None:
    answer = wire("POST", f"{path}?lang={quote(query, errors='replace')}", content=body, headers=headers)
    assert answer.status_code in (200, 400, 413, 429)
    assert answer.headers["content-security-policy"]


@fuzzed
@given(data=st.data(), method=METHODS, body=RAW, query=st.dictionaries(st.sampled_from("lang key back q table county id confirm page".split()), TEXT, max_size=3), headers=HEADERS)
def test_a_stranger_at_every_path(wire: Wire, data: st.DataObject, method: str, body: bytes, query: dict[str, str], headers: dict[str, bytes]) -> None:
    path = data.draw(st.sampled_from(wire.paths))
    whole = path.replace("{", "").replace("}", "") if data.draw(st.booleans()) else filled(path, data)
    answer = wire(method, f"{whole}?{urlencode(query, errors='replace')}", content=body, headers=headers)
    if path.startswith("/studio") and "static" not in path and "language" not in path and path != "/studio/leave":
        assert answer.status_code in (401, 403, 404, 405)


def filled(path: str, data: st.DataObject) -> str:
    known = st.sampled_from(("sleep", "food", "none", "es", "..", "%2e%2e%2fcontacts%2fhotlines.csv", "%00", "%ff"))
    return "/".join(data.draw(known | TEXT.map(lambda text: quote(text, safe="", errors="replace"))) if part.startswith("{") else part for part in path.split("/"))


@fuzzed
@given(data=st.data(), method=METHODS, form=st.dictionaries(STUDIO_FIELDS, TEXT | TABLES, max_size=8), headers=HEADERS.map(lambda h: {k: v for k, v in h.items() if k not in ("cookie", "host")}))
def test_a_volunteer_at_every_path_of_the_studio(wire: Wire, data: st.DataObject, method: str, form: dict[str, str], headers: dict[str, bytes]) -> None:
    path = filled(data.draw(st.sampled_from([path for path in wire.paths if path.startswith("/studio") and path not in ("/studio/leave", "/studio/enter")])), data)
    answer = wire(method, f"{path}?{urlencode(form, errors='replace')}", stranger=False, content=sendable({**form, "mark": wire.room.mark}), headers={"content-type": FORM, **headers})
    assert answer.status_code != 401
