"""How Faro listens: uvicorn, with patience for slow callers and none for those who only hold a place."""

import asyncio
import resource
from asyncio import TimerHandle
from typing import ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Seconds that a caller has for a whole request, and how many bytes of a body earn one more: a phone with one bar sends ten times as fast.
PATIENCE, A_SECONDS_WORTH = 30.0, 500
LARGEST_HEAD = 64 * 1024
# Files and sockets that are not callers: database, content, Telegram, Twilio.
KEPT_FREE, MOST_CALLERS = 200, 10_000


def listen(app: ASGIApp, *, host: str, port: int) -> None:
    """Serves until told to stop."""
    # proxy_headers off: whom to believe about addresses is FARO_TRUSTED_PROXIES alone. log_config none: what uvicorn has to say goes through our log, which masks.
    uvicorn.run(app, host=host, port=port, http=callers(PATIENCE, room()), ws="none", log_level="warning", log_config=None, access_log=False, proxy_headers=False, timeout_graceful_shutdown=10)


def room() -> int:
    """How many callers there is room for, with as many files open as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CALLERS + KEPT_FREE
    files = max(soft, wanted if hard == resource.RLIM_INFINITY else min(wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return min(MOST_CALLERS, max(files - KEPT_FREE, files // 4))


def callers(patience: float, most: int) -> type[HttpToolsProtocol]:
    """The connections of one server."""
    return type("Caller", (Caller,), {"patience": patience, "most": most, "awaited": {}})


class Caller(HttpToolsProtocol):
    """One connection. It has to send a whole request, head and body, within `patience`; when there are too many, whoever has been waited for longest makes room.

    uvicorn itself waits for ever for a head, a body, or a reader, and takes a head of any size.
    """

    patience: ClassVar[float]
    most: ClassVar[int]
    awaited: ClassVar[dict["Caller", None]]  # from whom something is due, oldest first

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer: TimerHandle | None = None
        self._until = 0.0
        self._head = self._body = 0
        if len(self.connections) > self.most:
            longest = next(iter(self.awaited), self)
            longest._rest()
            longest.transport.abort()
        self._await()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        body = self._body
        super().data_received(data)
        self._head += len(data) - (self._body - body)
        if self._timer and self._head > LARGEST_HEAD:
            self.transport.abort()

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        if not self.cycle.response_complete:
            self._until += len(body) / A_SECONDS_WORTH
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._head = 0
        if not self.cycle.response_complete:
            self._rest()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete or self.cycle.more_body:  # otherwise the next request is here already
            self._await()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.cycle.response_complete:
            self._rest()

    def _await(self) -> None:
        """It is the caller's turn."""
        self._rest()
        self.awaited[self] = None
        self._until = self.loop.time() + self.patience
        self._timer = self.loop.call_at(self._until, self._look)

    def _rest(self) -> None:
        """It is ours."""
        self.awaited.pop(self, None)
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self.loop.time() < self._until:
            self._timer = self.loop.call_at(self._until, self._look)
        else:
            self.transport.abort()
