"""What can be said of a database without changing it: for the doctor, for backups, for Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from bot.store.migrating import revision_of
from bot.store.store import Store, with_driver

TABLES = SQLModel.metadata.tables
PATIENCE = 5


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How many messages are owed an answer, and since when the oldest."""

    count: int = 0
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One database, as it is now. `newest` is when it last remembered somebody."""

    kind: str
    revision: str | None = None
    newest: datetime | None = None
    wal: bool = True
    waiting: Waiting = Waiting()
    feeds: Mapping[str, tuple[datetime | None, str]] = field(default_factory=dict)  # when the last good list came, and what is wrong


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database, None for another kind."""
    parts = make_url(url)
    return Path(parts.database or "") if parts.get_backend_name() == "sqlite" else None


async def read_facts(url: str) -> Facts:
    """Asks a database. Whatever the driver raises when there is none goes to the caller; an SQLite file is not made."""
    file = sqlite_file(url)
    if file and not file.exists():
        return Facts(kind="sqlite")
    given = {} if file else {"connect_args": {"connect_timeout": PATIENCE}}
    engine = create_async_engine(with_driver(url), **given)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_facts)
    finally:
        await engine.dispose()


async def waiting(store: Store) -> Waiting:
    """What the inbox owes, of all channels."""
    async with store.session() as session:
        return await session.run_sync(lambda sync: _waiting(sync.connection()))


def _facts(connection: Connection) -> Facts:
    kind, tables = connection.dialect.name, inspect(connection).get_table_names()
    moments = [connection.execute(select(func.max(column))).scalar() for name, column in (("person", TABLES["person"].c.seen_at), ("handled", TABLES["handled"].c.at)) if name in tables]
    return Facts(
        kind=kind,
        revision=revision_of(connection),
        newest=max((m for m in moments if m), default=None),
        wal=kind != "sqlite" or connection.exec_driver_sql("pragma journal_mode").scalar() == "wal",
        waiting=_waiting(connection) if "inbox" in tables else Waiting(),
        feeds=_feeds(connection) if "feed" in tables else {},
    )


def _feeds(connection: Connection) -> dict[str, tuple[datetime | None, str]]:
    feed = TABLES["feed"].c
    return {row.name: (row.good_at, row.trouble) for row in connection.execute(select(feed.name, feed.good_at, feed.trouble))}


def _waiting(connection: Connection) -> Waiting:
    at = TABLES["inbox"].c.at
    count, since = connection.execute(select(func.count(), func.min(at))).one()
    return Waiting(count=count, since=since)
