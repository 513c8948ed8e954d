"""From the first tables to today's, on both databases: nothing of what was there is lost, a Faro of before goes on writing, and no two starts collide."""

import asyncio
import fcntl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.settings import ROOT
from bot.store.migrating import revisions
from bot.store.store import Store, closed_store, open_store
from tests.postgres import new_database

AT = "2026-12-10 17:00:00+00:00"
OLD_ROWS = (
    f"insert into person values ('ann', 'es', true, 'Wake', true, '{AT}')",
    f"""insert into conversation values ('ann', 'shelter', '[{{"label": "Sí", "says": "#shelter"}}]', 'más', '{AT}')""",
    f"insert into handled values ('sms', 'old', 'ann', 'one', '{AT}')",
    f"insert into unanswered (key, text, language, county, at) values ('ann', '¿dónde?', 'es', 'Wake', '{AT}')",
    f"insert into feedback (key, text, language, county, at) values ('ann', 'gracias', 'es', null, '{AT}')",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'faro.sqlite3'}" if request.param == "sqlite" else new_database(request.getfixturevalue("postgres"))


async def writes(old: Store, done: asyncio.Event) -> int:
    """A Faro of the first version at work, until it is told to end; how many messages it wrote."""
    count = 0
    while not done.is_set():
        async with old.begin() as connection:
            await connection.execute(text(f"insert into handled (channel, message_id, key, answer, at) values ('sms', 'm{count}', 'bob', 'a', '{AT}')"))
            await connection.execute(text(f"insert into unanswered (key, text, language, county, at) values ('bob', 'q{count}', 'en', null, '{AT}')"))
        count += 1
    return count


async def test_what_was_there_survives_while_an_older_faro_goes_on_writing(url: str) -> None:
    old = closed_store(url)
    await old.prepare("0001")
    async with old.begin() as connection:
        for row in OLD_ROWS:
            await connection.execute(text(row))
    done = asyncio.Event()
    writing = asyncio.create_task(writes(old, done))
    await asyncio.sleep(0.1)
    store = await open_store(url)
    await asyncio.sleep(0.1)
    done.set()
    count = await writing
    await keeps_what_was_there(store)
    assert sum(row.key == "bob" for row in await store.unanswered()) == count > 0
    async with old.begin() as connection:
        assert await connection.run_sync(lambda c: MigrationContext.configure(c).get_current_revision()) == revisions()[0]
    for one in (store, old):
        await one.close()


async def keeps_what_was_there(store: Store) -> None:
    person, standing = await store.recall("ann")
    assert person is not None
    assert standing is not None
    assert (person.language, person.language_fixed, person.county, person.opted_out, person.seen_at) == ("es", True, "Wake", True, datetime(2026, 12, 10, 17, tzinfo=UTC))
    assert (standing.waiting_for, standing.choices, standing.rest) == ("shelter", [{"label": "Sí", "says": "#shelter"}], "más")
    assert await store.answered_before("sms", "old") == "one"
    assert [row.text for row in await store.unanswered() if row.key == "ann"] == ["¿dónde?"]
    assert [row.text for row in await store.feedback()] == ["gracias"]


async def test_killed_in_the_middle_it_begins_again(tmp_path: Path) -> None:
    """SQLite takes all of the tables or none: a start that died among them must not keep every later one from starting."""
    store = closed_store(f"sqlite:///{tmp_path / 'faro.sqlite3'}")
    async with store.begin() as connection:
        await connection.execute(text("create table rating (in_the_way int)"))
    with pytest.raises(DBAPIError):
        await store.prepare()
    async with store.begin() as connection:
        assert (await connection.execute(text("select name from sqlite_master where type = 'table'"))).scalars().all() == ["rating"]
        await connection.execute(text("drop table rating"))
    await store.prepare()
    await store.close()


OPEN = "import asyncio, sys; from bot.store.store import open_store; asyncio.run(open_store(sys.argv[1]))"


def test_four_that_start_at_once_on_an_empty_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a folder' / 'faro.sqlite3'}"
    started = [subprocess.Popen([sys.executable, "-c", OPEN, url], cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(one.communicate(timeout=120)[1], one.returncode) for one in started] == [("", 0)] * 4


async def test_a_start_waits_for_the_one_before_it(tmp_path: Path) -> None:
    with (tmp_path / "faro.sqlite3.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starting = asyncio.create_task(open_store(f"sqlite:///{tmp_path / 'faro.sqlite3'}"))
        await asyncio.sleep(0.3)
        assert not (tmp_path / "faro.sqlite3").exists()
    await (await starting).close()


async def test_four_in_one_process(tmp_path: Path) -> None:
    stores = await asyncio.gather(*(open_store(f"sqlite:///{tmp_path / 'faro.sqlite3'}") for _ in range(4)))
    assert all([await store.alive() for store in stores])
    for store in stores:
        await store.close()
