"""A piece of work on the database in one go: what an answer waits for must not wait at every statement."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

T = TypeVar("T")
# Seconds that SQLite waits for another process: less than an answer waits for the database (bot/store/patience.py), so that no thread outlasts its question.
BUSY = 2
# Seconds after which a connection is asked whether it is still there.
IDLE = 1.0


class AtOnce(Protocol):
    """`write` is one transaction for the whole of a work, committed when it returns, taken back when it raises; `read` asks one question."""

    async def read(self, work: Callable[[Connection], T], /) -> T: ...
    async def write(self, work: Callable[[Connection], T], /) -> T: ...
    async def close(self) -> None: ...


def at_once(engine: AsyncEngine) -> AtOnce:
    """For the database of this engine."""
    return InFile(engine) if engine.dialect.name == "sqlite" and engine.url.database else OverNetwork(engine)


class OverNetwork:
    """Through the engine's own connections."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")  # one question needs no BEGIN and no COMMIT, each of which is a journey

    async def read(self, work: Callable[[Connection], T], /) -> T:
        async with self._reading.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T], /) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """The engine is closed by whoever opened it."""


class InFile:
    """SQLite by two threads of its own. The asynchronous driver crosses to a thread and back for each statement, fetch and close, and that costs more than SQLite does.

    One thread writes: two writers of one process would only wait for each other, and SQLite lets them wait in no order.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = create_engine(engine.url.set(drivername="sqlite"))
        event.listen(self._engine, "connect", sqlite_manners(BUSY))
        self._reader = ThreadPoolExecutor(1, "sqlite-reader")
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")

    async def read(self, work: Callable[[Connection], T], /) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._in_one, work)

    async def write(self, work: Callable[[Connection], T], /) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._in_one, work)

    def _in_one(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)

    async def close(self) -> None:
        self._engine.dispose()  # it may be asked again; the threads end with it


def ask_idle_ones(engine: AsyncEngine) -> None:
    """A server may have gone away and come back while a connection was idle: asked, each such connection says so. To ask all of them each time would be half of what an answer asks."""

    def rests(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["since"] = monotonic()

    def wakes(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if monotonic() - record.info.get("since", monotonic()) < IDLE:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            raise InvalidatePoolError from None

    event.listen(engine.sync_engine, "checkin", rests)
    event.listen(engine.sync_engine, "checkout", wakes)


def sqlite_manners(busy: int) -> Callable[[Any, object], None]:
    """WAL, so that readers do not wait for the writer; so many seconds of patience for another process."""

    def teach(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={busy * 1000}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return teach
