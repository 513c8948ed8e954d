"""Faro as a real process that dies of SIGKILL and is back a moment later, in simulated time.

One process reads all that takes long; each life is a fork of it. Its clock is handed in, as every clock of Faro's: how far it is ahead stands in a file.
"""

import asyncio
import fcntl
import gc
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.app import around, build_doors, build_server, compose, routes
from bot.content import Content, Live
from bot.geo.tables import Gazetteer, load_gazetteer
from bot.logs import configure
from bot.messages import Channel
from bot.router import discover_rooms
from bot.serving import listen
from bot.settings import Settings, load_settings
from bot.store.store import open_store
from bot.wording.catalog import Words, load_words
from tests.storm import SECRET, Machine

# What a Faro that died had in hand is taken up by the next one after 90 seconds; whoever held a lease holds it for 20.
DEAD_FOR = timedelta(seconds=100)
Mode = Literal["served", "steered"]


class SharedClock:
    """A clock that runs, that several processes read, and that the test sets."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(self._file.read_text()))

    def set(self, moment: datetime) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(str((moment - datetime.now(UTC)).total_seconds()))
        new.replace(self._file)


class Lives(Machine):
    """A machine on which Faro comes back in no time. Anybody may kill it, also a vendor's thread. `cache` is where this content's model is, or is being made."""

    def __init__(self, folder: Path, content: Path, cache: Path, mode: Mode, **settings: str) -> None:
        folder.mkdir()
        (folder / "cache").symlink_to(cache)
        super().__init__(folder, FARO_CONTENT=str(content), FARO_SECRET=SECRET, **settings)
        self.clock = SharedClock(folder / "clock")
        self.clock.set(datetime.now(UTC))
        self.deaths = self._pid = 0
        self._one = Lock()
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "tests.lives", mode]
            self._process = subprocess.Popen(command, cwd=folder, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    @property
    def alive(self) -> bool:
        return bool(self._pid)

    def start(self) -> None:
        assert self._process
        assert self._process.stdin
        with self._one:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
            self._pid = self._heard()

    def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        """What it ended with; 0 when it was dead already."""
        with self._one:
            if not self._pid:
                return 0
            with suppress(ProcessLookupError):  # it ended by itself, as its log tells
                os.kill(self._pid, how)
            code = self._heard()
            self._pid = 0
            self.deaths += 1
            return code

    def revive(self) -> None:
        """Once all that the dead one held has been given up."""
        self.clock.set(self.clock() + DEAD_FOR)
        self.start()

    def end(self) -> None:
        self.kill()
        if self._process:
            self._process.kill()
            self._process.communicate()

    def _heard(self) -> int:
        assert self._process
        assert self._process.stdout
        return int(self._process.stdout.readline())


@contextmanager
def lives(folder: Path, content: Path, cache: Path, mode: Mode, **settings: str) -> Iterator[Lives]:
    """Not started: while it reads, other things can be done."""
    faro = Lives(folder, content, cache, mode, **settings)
    try:
        yield faro
    finally:
        faro.end()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What takes long to read."""

    words: Words
    gazetteer: Gazetteer
    live: Live


def read(settings: Settings, clock: SharedClock) -> Parts:
    words, gazetteer, cache = load_words(), load_gazetteer(), settings.data / "cache"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever learns for all tests holds it
        return Parts(words=words, gazetteer=gazetteer, live=Content(settings.content, cache, words, gazetteer, clock).live)


def steered(settings: Settings, parts: Parts, clock: SharedClock) -> ASGIApp:
    """Faro without anything that happens by itself: its feeds are asked, and what is due is sent, when the test says so."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        store = await open_store(settings.database())
        faro = compose(settings, words=parts.words, gazetteer=parts.gazetteer, live=lambda: parts.live, store=store, clock=clock)
        doors = build_doors(faro)

        async def listens(_request: Request) -> Response:
            for poller in doors.live.pollers:
                await poller.once()
            await faro.board.refresh()
            if doors.live.watcher:
                await doors.live.watcher.once()
            return Response()

        async def sends(_request: Request) -> Response:
            while await doors.live.dispatcher.work(Channel.SMS):
                pass
            return Response()

        app.router.routes.extend([*routes(faro, doors), Route("/listen", listens, methods=["POST"]), Route("/send", sends, methods=["POST"])])
        beside = [asyncio.create_task(faro.memory.tend()), asyncio.create_task(faro.board.keep_fresh())]
        yield
        for task in beside:
            task.cancel()

    return around([], lifespan)


def main(mode: str) -> None:
    """Each line that comes in is a life; its process's id goes out, and when it is over what it ended with."""
    settings = load_settings()
    clock = SharedClock(settings.data / "clock")
    configure(settings.log_level, settings.log_format)
    parts = read(settings, clock)
    discover_rooms()  # imported once for all lives
    gc.freeze()
    for _ in sys.stdin:
        if not (pid := os.fork()):
            listen(steered(settings, parts, clock) if mode == "steered" else build_server(settings, clock), host=settings.host, port=settings.port)
            return
        _say(pid)
        _say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
