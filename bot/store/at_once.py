"""A piece of work on the database in one go: what an answer waits for must not wait at every statement."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")
# Seconds that SQLite waits for another process: less than an answer waits for the database (bot/store/patience.py), so that no thread outlasts its question.
BUSY = 2


class AtOnce(Protocol):
    """One transaction for the whole of a work; committed when it returns, taken back when it raises."""

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

    async def read(self, work: Callable[[Connection], T], /) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    write = read

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
        self._engine.dispose()


def sqlite_manners(busy: int) -> Callable[[Any, object], None]:
    """WAL, so that readers do not wait for the writer; so many seconds of patience for another process."""

    def teach(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={busy * 1000}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return teach
