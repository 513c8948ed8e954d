"""DELETE removes everything of a person from everywhere: every table of the code, the spool, what is owed an answer. A new table that it does not know fails here."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON as Json
from sqlalchemy import Boolean, Date, DateTime, Integer, LargeBinary, Table, insert, select
from sqlmodel import SQLModel

from bot.app import Faro, compose
from bot.content import Live
from bot.conversation import Mind
from bot.geo.tables import Gazetteer
from bot.messages import Channel, Inbound
from bot.settings import Settings
from bot.store.inbox import Inbox
from bot.store.privacy import person_key
from bot.store.sealing import Seal
from bot.store.store import closed_store
from bot.wording.catalog import Words
from tests.conftest import NOON, Clock
from tests.postgres import new_database
from tests.test_spool import back, faro_over, locked, says

ANA, BRUNO = "+19195550142", "+19195550143"
# Tables in which no person is. Whoever adds a table with a person gives it a column `key`, and DELETE knows it.
NOBODYS = {"tally", "lease", "feed", "opening", "notice", "handover_note"}


def a_row(table: Table, key: str) -> dict[str, Any]:
    """Any row of a table, of this person."""
    kinds: list[tuple[type, object]] = [(DateTime, NOON), (Date, NOON.date()), (Boolean, True), (LargeBinary, b"sealed"), (Json, []), (Integer, 7)]
    words = f"{key[:6]} {table.name}"
    row = {c.name: next((value for kind, value in kinds if isinstance(getattr(c.type, "impl", c.type), kind)), words[: getattr(c.type, "length", None)]) for c in table.columns}
    return {name: value for name, value in row.items() if not (name == "id" and isinstance(value, int))} | {"key": key}


async def rows_of(faro: Faro, key: str) -> dict[str, int]:
    found = {}
    async with faro.store.begin() as connection:
        for name, table in SQLModel.metadata.tables.items():
            rows = (await connection.execute(select(table))).all()
            found[name] = sum(any(key in str(value) for value in row) for row in rows)
    return found


async def fill(faro: Faro, key: str) -> None:
    """A row of the person in every table that has persons."""
    async with faro.store.begin() as connection:
        for name, table in SQLModel.metadata.tables.items():
            if name not in NOBODYS:
                await connection.execute(insert(table).values(a_row(table, key)))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_every_table_forgets(request: pytest.FixtureRequest, kind: str, settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> None:
    url = settings.database() if kind == "sqlite" else new_database(request.getfixturevalue("postgres"))
    async with faro_over(settings, url, mind, words, gazetteer, clock) as faro:
        ana, bruno = (person_key(settings.key(), Channel.SMS, sender) for sender in (ANA, BRUNO))
        for key in (ana, bruno):
            await fill(faro, key)
        assert {name for name, count in (await rows_of(faro, ana)).items() if count} == set(SQLModel.metadata.tables) - NOBODYS
        await says(faro, "DELETE", "d1")
        await says(faro, "DELETE", "d2")
        assert set((await rows_of(faro, ana)).values()) == {0}
        assert {name for name, count in (await rows_of(faro, bruno)).items() if count} == set(SQLModel.metadata.tables) - NOBODYS


async def test_what_is_owed_to_the_person_goes_but_not_the_answer_to_delete_nor_what_came_after(faro: Faro, clock: Clock) -> None:
    inbox = Inbox(faro.store, Seal(faro.settings.key()), Channel.TELEGRAM, clock)
    key = faro.conversation.key(Channel.TELEGRAM, "7")
    for name in ("failed", "delete", "after"):
        await inbox.put(name, "{}", key)
        clock.moment += timedelta(minutes=1)
    await inbox.put("another's", "{}", "somebody")
    for name in ("asks", "delete"):
        await faro.conversation.answer(Inbound(channel=Channel.TELEGRAM, sender="7", message_id=name, text="DELETE"))
    async with faro.store.begin() as connection:
        left = (await connection.execute(select(SQLModel.metadata.tables["inbox"].c.message_id))).scalars()
        assert set(left) == {"delete", "after", "another's"}


async def test_the_spool_forgets_at_once_and_the_database_when_it_is_back(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> None:
    path = settings.data / "faro.sqlite3"
    async with faro_over(settings, f"sqlite:///{path}", mind, words, gazetteer, clock) as faro:
        await says(faro, "zorbulax in wake county", "m1")
        with locked(path):
            await says(faro, "quibble quabble", "m2")
            await says(faro, "DELETE", "d1")
            await says(faro, "DELETE", "d2")
            assert faro.memory.waiting == 1
            assert len(files(settings.data / "spool")) == 1, "only that it was erased"
            assert "Wake" not in await says(faro, "support groups", "m3"), "erased is erased"
        await back(faro)
        key = person_key(settings.key(), Channel.SMS, ANA)
        assert await faro.store.unanswered() == []
        assert await faro.store.answered_before("sms", "m1") is None
        person, _ = await faro.store.recall(key)
        assert person is not None, "who writes again is remembered again"
        assert person.county is None
        await says(faro, "DELETE", "d3")
        await says(faro, "DELETE", "d4")
        assert set((await rows_of(faro, key)).values()) == {0}
        assert files(settings.data / "spool") == []
        for file in files(settings.data):
            assert key.encode() not in file.read_bytes() or file.name.startswith("faro.sqlite3"), file


async def test_a_spool_that_another_faro_has_written_brings_nobody_back(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> None:
    """Two Faros on one machine share the folder: what the second read at its start, the first has written since, and the person has been erased."""
    path = settings.data / "faro.sqlite3"
    async with faro_over(settings, f"sqlite:///{path}", mind, words, gazetteer, clock) as first:
        with locked(path):
            await says(first, "zorbulax in wake county", "m1")
            second = compose(settings, words=words, gazetteer=gazetteer, live=lambda: Live(mind=mind, read_at=NOON), store=closed_store(f"sqlite:///{path}"), clock=clock)
        assert second.memory.waiting == 1
        await back(first)
        await says(first, "DELETE", "d1")
        await says(first, "DELETE", "d2")
        await back(second)
        assert set((await rows_of(first, person_key(settings.key(), Channel.SMS, ANA))).values()) == {0}
        await second.store.close()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
