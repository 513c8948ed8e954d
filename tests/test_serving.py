"""Callers who only hold a place: slow heads, bodies that stall, endless heads, thousands of idle connections. Whoever has something to say is answered meanwhile."""

import asyncio
import os
import resource
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.channels.body import LARGEST_BODY, bounded_body
from bot.errors import BadRequest
from bot.serving import LARGEST_HEAD, callers
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, serving, signed, twiml_texts
from tests.small_content import write_content
from tests.storm import Machine, machine

STORM = bool(os.environ.get("FARO_STORM"))
CROWD = 10_000 if STORM else 300
PATIENCE = 0.6
LARGEST_ANSWER = 64 * 1024 * 1024
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def echo(request: Request) -> Response:
    try:
        return PlainTextResponse(await bounded_body(request))
    except BadRequest as error:
        return PlainTextResponse(error.reason, status_code=400)


async def refuse(_request: Request) -> Response:
    return PlainTextResponse("no", status_code=403)


async def endless(_request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_ANSWER // 65_536):
            yield b"x" * 65_536

    return StreamingResponse(pieces())


APP = Starlette(routes=[Route("/", echo, methods=["GET", "POST"]), Route("/no", refuse, methods=["POST"]), Route("/endless", endless)])


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(APP, callers(PATIENCE, 10_000)) as url:
        yield httpx.URL(url).port or 0


async def call(port: int, said: bytes) -> tuple[StreamReader, StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    return reader, writer


async def until_closed(reader: StreamReader, writer: StreamWriter, drop: bytes = b"") -> bytes:
    """Says `drop` now and then until the other side has hung up; what it said."""
    heard = b""
    async with asyncio.timeout(30):
        with suppress(ConnectionError):
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE / 10):
                        if not (piece := await reader.read(65_536)):
                            break
                        heard += piece
                writer.write(drop)
    writer.transport.abort()
    return heard


IDLERS = {
    "nothing": (b"", b""),
    "blank lines": (b"", b"\r\n"),
    "half of a head": (HEAD, b""),
    "a head, byte by byte": (HEAD + b"X-A: ", b"a"),
    "no body": (HEAD + b"Content-Length: 10\r\n\r\n", b""),
    "a body, byte by byte": (HEAD + b"Content-Length: 60000\r\n\r\n", b"a"),
    "a chunked body, byte by byte": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "trailers, byte by byte": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"a"),
    "a body that nobody wants": (HEAD.replace(b"/ ", b"/no ", 1) + b"Content-Length: 999999999\r\n\r\n", b"a" * 500),
    "half of a second request": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT", b""),
    "a second request without its body": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD + b"Content-Length: 10\r\n\r\n", b""),
    "blank lines after a request": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"),
}


async def test_who_sends_no_whole_request_is_let_go(port: int) -> None:
    async with asyncio.TaskGroup() as group:
        for name, (said, drop) in IDLERS.items():
            group.create_task(until_closed(*await call(port, said), drop), name=name)


async def test_a_slow_caller_who_goes_on_sending_is_heard_to_the_end(port: int) -> None:
    """Longer than the patience, and still a body that grows."""
    reader, writer = await call(port, HEAD + b"Connection: close\r\nContent-Length: 2400\r\n\r\n")
    for _ in range(6):
        writer.write(b"a" * 400)
        await asyncio.sleep(PATIENCE / 4)
    assert (await reader.read()).endswith(b"a" * 2400)
    writer.close()


async def test_a_connection_is_used_again_and_each_request_has_its_own_time(port: int) -> None:
    reader, writer = await call(port, b"")
    for _ in range(5):
        writer.write(HEAD)
        await asyncio.sleep(PATIENCE / 4)
        writer.write(b"Content-Length: 2\r\n\r\nhi")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head
        assert await reader.readexactly(2) == b"hi"
    writer.close()


async def test_a_head_without_end_is_cut() -> None:
    """However patient the server is: a header, an address, a trailer."""
    with serving(APP, callers(60, 100)) as url:
        for said in (HEAD + b"X: ", b"GET /", HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: "):
            _, writer = await call(httpx.URL(url).port or 0, said)
            sent = 0
            with suppress(ConnectionError):
                while sent < 300 * LARGEST_HEAD:
                    writer.write(b"a" * LARGEST_HEAD)
                    await writer.drain()
                    sent += LARGEST_HEAD
            writer.transport.abort()
            assert sent < 300 * LARGEST_HEAD


async def test_a_chunked_body_without_a_length_is_read_as_far_as_any(port: int) -> None:
    async def body(size: int) -> AsyncIterator[bytes]:
        for _ in range(0, size, 1024):
            yield b"a" * 1024

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.post("/", content=body(LARGEST_BODY))).status_code == 200
        assert (await client.post("/", content=body(LARGEST_BODY + 1))).status_code == 400


async def test_who_does_not_read_the_answer_is_let_go(port: int) -> None:
    reader, writer = await call(port, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(2 * PATIENCE)
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert len(await until_closed(reader, writer)) < LARGEST_ANSWER


async def test_who_has_been_waited_for_longest_makes_room() -> None:
    with serving(APP, callers(60, 20)) as url:
        port = httpx.URL(url).port or 0
        idle = [await call(port, b"GET / HT") for _ in range(40)]
        async with httpx.AsyncClient() as client:
            assert (await client.get(url)).status_code == 200
        gone = [reader.at_eof() or reader.exception() is not None for reader, _ in idle]
        assert gone == [True] * 21 + [False] * 19
        for _, writer in idle:
            writer.transport.abort()


SLOW = (
    b"",
    b"POST /twilio/messages HTTP/1.1\r\nHost: x\r\n",
    b"POST /twilio/messages HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 900\r\n\r\n",
)


async def crowd(port: int) -> list[StreamWriter]:
    """As many connections as CROWD says: silent ones, halves of heads, halves of bodies."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found = []
    for start in range(0, CROWD, 100):
        found += [writer for _, writer in await asyncio.gather(*(call(port, SLOW[n % len(SLOW)]) for n in range(start, start + 100)))]
    return found


async def trickle(writers: list[StreamWriter]) -> None:
    """A byte from each, again and again."""
    while True:
        for n, writer in enumerate(writers):
            if n % len(SLOW):
                writer.write(b"a")
            if n % 100 == 0:
                await asyncio.sleep(0.01)


async def ask(client: httpx.AsyncClient, url: str, n: int) -> float:
    """A signed SMS and its answer; how long it took."""
    form = {"MessageSid": f"SM{n}", "From": f"+191955501{n % 99:02}", "To": "+19195550199", "Body": "i need help with food"}
    begun = perf_counter()
    answer = await client.post(f"{url}{SMS_PATH}", data=form, headers=signed(form))
    assert "food answer" in twiml_texts(answer)[0]
    return perf_counter() - begun


async def test_a_crowd_of_idle_and_slow_callers_stops_no_signed_sms(learnt: Path, tmp_path: Path) -> None:
    """A whole Faro; in CI with fewer files than callers, so that without making room it could not open one more."""
    write_content(tmp_path / "content")
    settings = {"FARO_CONTENT": str(tmp_path / "content"), "FARO_TWILIO_AUTH_TOKEN": TWILIO_TOKEN, "FARO_PUBLIC_URL": PUBLIC_URL}
    with machine(tmp_path, learnt, None, **settings) as faro:
        assert faro._process
        if not STORM:
            resource.prlimit(faro._process.pid, resource.RLIMIT_NOFILE, (256, 256))
        await faro.ready()
        asks = 100 if STORM else 5
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_keepalive_connections=0)) as client:
            await ask(client, faro.url, 0)
            alone, before = [await ask(client, faro.url, n) for n in range(1, asks + 1)], memory(faro)
            writers = await crowd(faro.port)
            held = files(faro)
            dripping = asyncio.create_task(trickle(writers))
            crowded = [await ask(client, faro.url, n) for n in range(asks + 1, 2 * asks + 1)]
            dripping.cancel()
        left = files(faro)
        print(f"\n{CROWD} connections: alone {told(alone)}; in the crowd {told(crowded)}; files open {held}, at the end {left}; {before} -> {memory(faro)} MiB")  # noqa: T201
        for writer in writers:
            writer.transport.abort()
        if not STORM:
            assert "Too many open files" not in faro.log.read_text()


def told(times: list[float]) -> str:
    return f"median {median(times) * 1000:.1f} ms, 99 of 100 within {quantiles(times, n=100)[98] * 1000:.1f} ms"


def memory(faro: Machine) -> int:
    assert faro._process
    pages = int(Path(f"/proc/{faro._process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def files(faro: Machine) -> int:
    assert faro._process
    return sum(1 for _ in Path(f"/proc/{faro._process.pid}/fd").iterdir())
