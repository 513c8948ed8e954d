"""What a storm is made of: Faro processes that lose power, a proxy before them, a vendor that misbehaves, callers that insist as vendors do."""

import asyncio
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.settings import ROOT

SECRET = "a secret of the tests, long enough for a key"
TELEGRAM_SECRET = "a-secret_of-the-tests"


class Machine:
    """A machine on which Faro runs: it can lose power and come back, and its disk can be full."""

    def __init__(self, data: Path, **settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "FARO_DATA": str(data), "FARO_PORT": str(self.port), **settings}
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None
        self.ended = 0  # how often it ended by itself

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self._data / "log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-m", "bot", "serve"], cwd=self._data, env=self._environment, stderr=log, stdout=log)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        assert self._process
        self._process.send_signal(how)
        code = self._process.wait(20)
        self._process = None
        return code

    def end(self) -> None:
        if self._process:
            self.kill()

    def fill_disk(self, *, full: bool) -> None:
        """No file of the process grows any more, as on a disk without room."""
        assert self._process
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (0 if full else resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    async def ready(self, path: str = "/ready") -> None:
        """Waits until it answers, and its database, too; with /health until it answers."""
        async with asyncio.timeout(300), httpx.AsyncClient() as client:
            while True:
                if self._process and self._process.poll() is not None:  # as systemd would
                    self.ended += 1
                    await asyncio.sleep(1)
                    self.start()
                try:
                    if (await client.get(f"{self.url}{path}")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)


@contextmanager
def machines(folder: Path, cache: Path, count: int, database: str | None, **settings: str) -> Iterator[list[Machine]]:
    """So many Faros, started, each with a folder of its own."""
    made = []
    try:
        for n in range(count):
            data = folder / f"data{n}"
            shutil.copytree(cache, data / "cache")
            made.append(Machine(data, FARO_SECRET=SECRET, **({"FARO_DATABASE_URL": database} if database else {}), **settings))
            made[-1].start()
        yield made
    finally:
        for one in made:
            one.end()


@contextmanager
def machine(folder: Path, cache: Path, database: str | None, **settings: str) -> Iterator[Machine]:
    with machines(folder, cache, 1, database, **settings) as (one,):
        yield one


@asynccontextmanager
async def round_robin(backends: Sequence[Machine]) -> AsyncIterator[str]:
    """A proxy that gives each connection to the next Faro, and passes over one that is down."""
    turn = 0

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        for _ in backends:
            turn += 1
            try:
                there, thither = await asyncio.open_connection("127.0.0.1", backends[turn % len(backends)].port)
            except ConnectionError:
                continue
            await asyncio.gather(pump(reader, thither), pump(there, writer))
            return
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def caller() -> httpx.AsyncClient:
    """A client with a connection for each request, so that a proxy may send each elsewhere."""
    return httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))


async def insist(client: httpx.AsyncClient, url: str, headers: dict[str, str] | None = None, *, patience: float = 90, **what: object) -> httpx.Response:
    """As Telegram, and Twilio with '#rc=5&rp=all', try again."""
    async with asyncio.timeout(patience):
        while True:
            try:
                answer = await client.post(url, headers=headers, **what)  # type: ignore[arg-type]
                if answer.status_code == 200:
                    return answer
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)


class Moody:
    """A vendor before whose messages stands a mood: '', '429', 'slow', 'cut' (before the message is taken) or 'lost' (after)."""

    def __init__(self, app: ASGIApp, *, slow: float = 30.0) -> None:
        self._app = app
        self._slow = slow
        self.mood = ""
        self.refused = 0
        self.lost: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        mood = self.mood if scope["type"] == "http" and scope["path"].endswith("/sendMessage") else ""
        if mood == "429":
            self.refused += 1
            answer = JSONResponse({"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 1", "parameters": {"retry_after": 1}}, status_code=429)
            await answer(scope, receive, send)
            return
        if mood == "slow":
            await asyncio.sleep(self._slow)
        if mood == "lost":
            self.lost.append(await self._taken(scope, receive))
        if mood in ("cut", "lost"):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"99")]})
            await send({"type": "http.response.body", "body": b"{"})  # less than was announced: the server closes the line
            return
        await self._app(scope, receive, send)

    async def _taken(self, scope: Scope, receive: Receive) -> str:
        """Lets the vendor take a message, and nobody hear of it; the chat."""
        body = b""

        async def heard() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            return message

        await self._app(scope, heard, _nothing)
        return dict(parse_qsl(body.decode())).get("chat_id", "")


class Deadly:
    """A vendor at whose messages Faro dies. `deaths`: at the how manieth, and whether the vendor has taken it by then. `kill` gives whether there was anybody to kill."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path
        self.count = 0
        self.deaths: list[tuple[int, bool]] = []
        self.kill: Callable[[], object] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith(self._path)
        self.count += message
        dying = message and bool(self.deaths) and self.count >= self.deaths[0][0]
        taken = dying and self.deaths[0][1]
        if dying and not taken:
            self._die()
            await JSONResponse({}, status_code=503)(scope, receive, send)
            return

        async def answer(part: Message) -> None:
            if taken and part["type"] == "http.response.start":
                self._die()
            await send(part)

        await self._app(scope, receive, answer)

    def _die(self) -> None:
        if self.kill():
            self.deaths.pop(0)


async def _nothing(_message: object) -> None:
    """Where an answer goes whose line was cut."""
