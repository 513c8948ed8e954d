"""The tally: how many messages of a kind, counted once each, also when several Faros count at the same time."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.messages import Channel
from bot.store.keeping import Kept
from bot.store.migrating import MIGRATIONS
from bot.store.store import KEEP_TALLY, open_store
from bot.store.tables import Conversation, Handled, Handling, Person, Tally
from tests.postgres import new_database

NOW = datetime(2026, 12, 10, 17, 0, tzinfo=UTC)
TODAY = date(2026, 12, 10)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'faro.sqlite3'}"
    return new_database(request.getfixturevalue("postgres")).replace("postgresql://", "postgresql+psycopg://")


def kept(message: str, *, day: date = TODAY, forget: bool = False) -> Kept:
    key = f"somebody {message}"
    return Kept(
        person=Person(key=key, seen_at=NOW),
        conversation=Conversation(key=key, choices=[], updated_at=NOW),
        handled=Handled(channel=Channel.SMS, message_id=message, key=key, answer="one", at=NOW),
        tally=Tally(day=day, channel=Channel.SMS, language="es", intent="food", decision=Handling.ANSWERED, county="Wake"),
        forget=forget,
    )


async def test_two_faros_that_count_at_once_lose_nothing(url: str) -> None:
    one, other = await open_store(url), await open_store(url)
    await asyncio.gather(*(store.keep(kept(f"{store is one} {n}")) for n in range(15) for store in (one, other)))
    (tally,) = await one.tallies(TODAY)
    assert tally == Tally(day=TODAY, channel="sms", language="es", intent="food", decision="answered", county="Wake", count=30)
    await one.close()
    await other.close()


async def test_a_repeated_message_counts_once_and_delete_is_counted_without_anybody(url: str) -> None:
    store = await open_store(url)
    await asyncio.gather(*(store.keep(kept("the same")) for _ in range(6)))
    assert [t.count for t in await store.tallies(TODAY)] == [1]
    await store.keep(kept("the same, deleted", forget=True))
    assert [t.count for t in await store.tallies(TODAY)] == [2]
    await store.close()


async def test_counts_are_kept_two_years(url: str) -> None:
    store = await open_store(url)
    for n, age in enumerate([timedelta(), KEEP_TALLY, KEEP_TALLY + timedelta(days=1)]):
        await store.keep(kept(str(n), day=TODAY - age))
    await store.tidy(NOW)
    assert [t.day for t in await store.tallies(date.min)] == [TODAY - KEEP_TALLY, TODAY]
    assert [t.day for t in await store.tallies(TODAY)] == [TODAY]
    assert timedelta(days=730) == KEEP_TALLY
    await store.close()


def _first_tables(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    connection.execute(text("insert into handled (channel, message_id, key, answer, at) values ('sms', 'm1', 'ann', 'one', '2026-12-01 12:00:00')"))


async def test_a_database_of_the_first_version_is_brought_up_to_date_with_its_data(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_first_tables)
    await engine.dispose()
    store = await open_store(url)
    assert await store.answered_before("sms", "m1") == "one"
    await store.keep(kept("m2"))
    assert [t.count for t in await store.tallies(TODAY)] == [1]
    await store.close()
