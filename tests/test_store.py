"""What is remembered, in SQLite and in a real PostgreSQL: tables as the code has them, nothing twice, nothing left after DELETE."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from bot.messages import Rated
from bot.store.keeping import Kept
from bot.store.store import KEEP_HANDLED, KEEP_WORDS, Store, open_store
from bot.store.tables import Conversation, Handled, Person
from tests.postgres import new_database

NOW = datetime(2026, 12, 10, 17, 0, tzinfo=UTC)
TABLES = ("person", "conversation", "handled", "unanswered", "feedback", "rating")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind, its address as hosts give it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a folder' / 'faro.sqlite3'}"
    return new_database(request.getfixturevalue("postgres"))


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await open_store(url)
    yield opened
    await opened.close()


def kept(key: str = "ann", message: str = "m1", answer: str = "one", at: datetime = NOW, county: str = "Wake", **more: Any) -> Kept:
    return Kept(
        person=Person(key=key, language="es", language_fixed=True, county=county, seen_at=at),
        conversation=Conversation(key=key, waiting_for="shelter", choices=[{"label": "Sí ñ", "says": "#shelter"}], rest="más", updated_at=at),
        handled=Handled(channel="sms", message_id=message, key=key, answer=answer, at=at),
        **more,
    )


async def _asked(url: str, ask: Any) -> Any:
    """Something asked of the database behind the store's back."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+psycopg://").replace("sqlite://", "sqlite+aiosqlite://"))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(ask)
    finally:
        await engine.dispose()


async def _counts(url: str, where: str = "true") -> dict[str, int]:
    def count(connection: Connection) -> dict[str, int]:
        return {table: connection.execute(text(f"select count(*) from {table} where {where}")).scalar_one() for table in TABLES}

    counted: dict[str, int] = await _asked(url, count)
    return counted


async def test_the_migrations_make_the_tables_of_the_code(store: Store, url: str) -> None:
    def compare(connection: Connection) -> Any:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), SQLModel.metadata)

    assert set(TABLES) < set(SQLModel.metadata.tables)
    assert await _asked(url, compare) == []
    assert await store.alive()


async def test_opening_again_keeps_what_is_there(store: Store, url: str) -> None:
    await store.keep(kept())
    again = await open_store(url)
    assert await again.answered_before("sms", "m1") == "one"
    await again.close()


async def test_two_that_start_at_once_migrate_once(postgres: str) -> None:
    stores = await asyncio.gather(*(open_store(url) for url in [new_database(postgres)] * 4))
    assert all([await s.alive() for s in stores])
    for s in stores:
        await s.close()


async def test_what_was_kept_is_recalled(store: Store) -> None:
    assert await store.recall("ann") == (None, None)
    await store.keep(kept(unanswered="¿dónde?", feedback="gracias"))
    person, standing = await store.recall("ann")
    assert person
    assert standing
    assert (person.language, person.language_fixed, person.county, person.opted_out) == ("es", True, "Wake", False)
    assert (standing.waiting_for, standing.choices, standing.rest) == ("shelter", [{"label": "Sí ñ", "says": "#shelter"}], "más")
    assert [(u.text, u.language, u.county) for u in await store.unanswered()] == [("¿dónde?", "es", "Wake")]
    assert [f.text for f in await store.feedback()] == ["gracias"]


async def test_the_same_message_gets_the_first_answer_and_nothing_twice(store: Store, url: str) -> None:
    assert await store.answered_before("sms", "m1") is None
    assert await store.keep(kept(answer="first", unanswered="q")) == "first"
    assert await store.keep(kept(answer="second", unanswered="q")) == "first"
    assert await store.answered_before("sms", "m1") == "first"
    assert await store.answered_before("telegram", "m1") is None
    assert await _counts(url) == {"person": 1, "conversation": 1, "handled": 1, "unanswered": 1, "feedback": 0, "rating": 0}


async def test_a_page_is_rated_once_by_a_person_and_their_last_word_counts(store: Store) -> None:
    for n, (key, intent, useful) in enumerate([("ann", "food", True), ("ann", "food", False), ("ann", "water", True), ("bob", "food", True)]):
        await store.keep(kept(key=key, message=f"r{n}", at=NOW + timedelta(minutes=n), rated=Rated(intent=intent, useful=useful)))
    assert [(r.key, r.intent, r.useful, r.language, r.county) for r in await store.ratings()] == [
        ("bob", "food", True, "es", "Wake"),
        ("ann", "water", True, "es", "Wake"),
        ("ann", "food", False, "es", "Wake"),
    ]


async def test_the_same_message_at_the_same_time_has_one_answer(store: Store, url: str) -> None:
    answers = await asyncio.gather(*(store.keep(kept(answer=f"answer {n}", unanswered="q")) for n in range(8)))
    assert len(set(answers)) == 1
    assert answers[0] == await store.answered_before("sms", "m1")
    assert (await _counts(url))["unanswered"] == 1


async def test_forget_removes_everything_of_that_person_only(store: Store, url: str) -> None:
    for n in range(3):
        await store.keep(kept(message=f"m{n}", at=NOW + timedelta(minutes=n), unanswered="q", feedback="f", rated=Rated(intent="food", useful=True)))
    await store.keep(kept(key="bob", message="b1", unanswered="his"))
    assert await store.keep(kept(message="delete", answer="done", at=NOW + timedelta(hours=1), forget=True)) == "done"
    assert set((await _counts(url, "key = 'ann'")).values()) == {0}
    assert await store.recall("ann") == (None, None)
    assert await store.answered_before("sms", "delete") == "done"
    assert await store.answered_before("sms", "m2") is None
    assert await _counts(url, "key = 'bob'") == {"person": 1, "conversation": 1, "handled": 1, "unanswered": 1, "feedback": 0, "rating": 0}


async def test_tidy_drops_what_is_older_than_it_iskept(store: Store) -> None:
    for name, age in {"new": timedelta(), "week": KEEP_HANDLED - timedelta(hours=1), "old": KEEP_HANDLED + timedelta(hours=1), "oldest": KEEP_WORDS + timedelta(hours=1)}.items():
        await store.keep(kept(key=name, message=name, at=NOW - age, unanswered=name, feedback=name, rated=Rated(intent=name, useful=True)))
    await store.tidy(NOW)
    assert [n for n in ("new", "week", "old", "oldest") if await store.answered_before("sms", n)] == ["new", "week"]
    assert [u.text for u in await store.unanswered()] == ["new", "week", "old"]
    assert [f.text for f in await store.feedback()] == ["new", "week", "old"]
    assert [r.intent for r in await store.ratings()] == ["new", "week", "old"]


async def test_a_write_that_fails_leaves_nothing(store: Store, url: str) -> None:
    broken = kept(unanswered="q")
    broken.conversation.updated_at = None  # type: ignore[assignment]
    with pytest.raises(Exception, match=r"(?i)null"):
        await store.keep(broken)
    assert set((await _counts(url)).values()) == {0}


async def test_sqlite_does_not_make_readers_wait(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'faro.sqlite3'}"
    store = await open_store(url)
    mode = await _asked(url, lambda connection: connection.execute(text("pragma journal_mode")).scalar_one())
    assert mode == "wal"
    await store.close()
