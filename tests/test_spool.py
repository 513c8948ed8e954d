"""The database goes away and comes back: answers do not wait for it, nothing is forgotten, nothing is written twice."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from bot.app import Faro, compose
from bot.content import Live
from bot.conversation import Mind
from bot.errors import DatabaseAway
from bot.geo.tables import Gazetteer
from bot.messages import Channel, Inbound
from bot.settings import Settings
from bot.store.patience import Patience
from bot.store.privacy import person_key
from bot.store.sealing import Seal
from bot.store.store import Keeping, Store, closed_store, open_store
from bot.store.upkeep import Upkeep
from bot.wording.catalog import Words
from tests.conftest import NOON, Clock
from tests.postgres import new_database
from tests.test_store import kept

ANA = "+19195550142"


@asynccontextmanager
async def faro_over(settings: Settings, url: str, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> AsyncIterator[Faro]:
    store = await open_store(url)
    yield compose(settings, words=words, gazetteer=gazetteer, live=lambda: Live(mind=mind, read_at=NOON), store=store, clock=clock)
    await store.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process that holds SQLite's file."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin exclusive")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@contextmanager
def gone(path: Path) -> Iterator[None]:
    """A disk that is not there."""
    path.rename(path.with_name("elsewhere"))
    path.mkdir()
    yield
    path.rmdir()
    path.with_name("elsewhere").rename(path)


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """A PostgreSQL machine that has stopped in the middle of everything."""
    with psycopg.connect(url, autocommit=True) as connection:
        server = int(Path(f"/proc/{connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()[1])  # while its backend lives
    everyone = [server, *(int(c) for c in Path(f"/proc/{server}/task/{server}/children").read_text().split())]
    for pid in everyone:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(everyone):
            os.kill(pid, signal.SIGCONT)


async def says(faro: Faro, text: str, id_: str) -> str:
    answer = await faro.conversation.answer(Inbound(channel=Channel.SMS, sender=ANA, message_id=id_, text=text))
    return "\n".join(answer.texts)


async def back(faro: Faro) -> None:
    async with asyncio.timeout(30):
        while faro.memory.waiting:
            await faro.memory.flush()
            await asyncio.sleep(0.1)


async def outage(faro: Faro) -> None:
    """What residents do while the database is away."""
    assert "988" in await says(faro, "i want to kill myself", "m1")
    assert "Wake" in await says(faro, "shelter in wake county", "m2")
    assert "Wake" in await says(faro, "support groups", "m3"), "the county is remembered all the same"
    await says(faro, "STOP", "m4")
    assert await says(faro, "food", "m5") == "", "STOP is honoured at once"
    assert await says(faro, "STOP", "m4") == ""
    assert faro.memory.waiting == 5


async def test_a_locked_sqlite_file(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> None:
    path = settings.data / "faro.sqlite3"
    async with faro_over(settings, f"sqlite:///{path}", mind, words, gazetteer, clock) as faro:
        with locked(path):
            await outage(faro)
        await back(faro)
        person, _ = await faro.store.recall(person_key(settings.key(), Channel.SMS, ANA))
        assert person is not None
        assert (person.opted_out, person.county) == (True, "Wake")
        assert await faro.store.answered_before("sms", "m2") is not None
        assert list((settings.data / "spool").iterdir()) == []


async def test_a_postgresql_that_hangs(postgres: str, settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> None:
    url = new_database(postgres)
    async with faro_over(settings, url, mind, words, gazetteer, clock) as faro:
        assert "Faro" in await says(faro, "hello", "m0")
        with frozen(url):
            await outage(faro)
        await back(faro)
        person, _ = await faro.store.recall(person_key(settings.key(), Channel.SMS, ANA))
        assert person is not None
        assert person.opted_out


async def test_the_spool_outlives_a_crash_and_says_nothing_to_a_thief(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> None:
    path = settings.data / "faro.sqlite3"
    async with faro_over(settings, f"sqlite:///{path}", mind, words, gazetteer, clock) as faro:
        with locked(path):
            await says(faro, "zorbulax quibble in wake county", "m1")
            await says(faro, "STOP", "m2")
    files = sorted((settings.data / "spool").iterdir())
    assert len(files) == 2
    assert all(word not in file.read_bytes() for file in files for word in (b"zorbulax", b"Wake", ANA.encode()[2:]))
    async with faro_over(settings, f"sqlite:///{path}", mind, words, gazetteer, clock) as again:
        assert await says(again, "food", "m3") == "", "opted out before the crash"
        await back(again)
        assert len(await again.store.unanswered()) == 1
        await back(again)
        assert len(await again.store.unanswered()) == 1


async def test_a_full_disk_keeps_it_in_memory(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    path = settings.data / "faro.sqlite3"
    async with faro_over(settings, f"sqlite:///{path}", mind, words, gazetteer, clock) as faro:
        (settings.data / "spool").rmdir()
        (settings.data / "spool").write_text("no folder can be made here")
        with locked(path):
            await says(faro, "STOP", "m1")
            assert await says(faro, "food", "m2") == ""
        await back(faro)
        assert await faro.store.answered_before("sms", "m1") is not None
    assert "the spool cannot be written" in caplog.text


def test_what_is_sealed_opens_with_its_secret_only() -> None:
    sealed = Seal(b"x" * 32).close("hello ñ")
    assert Seal(b"x" * 32).open(sealed) == "hello ñ"
    assert Seal(b"y" * 32).open(sealed) is None
    assert Seal(b"y" * 32, (b"x" * 32,)).open(sealed) == "hello ñ", "after the secret was changed"


async def test_an_outage_undoes_no_stop_and_no_county(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> None:
    """A message that came when nothing was known of its sender changes only what it says itself."""
    path = settings.data / "faro.sqlite3"
    async with faro_over(settings, f"sqlite:///{path}", mind, words, gazetteer, clock) as faro:
        await says(faro, "shelter in wake county", "m1")
        await says(faro, "STOP", "m2")
        await faro.store.close()
        with gone(path):
            assert "988" in await says(faro, "i want to kill myself", "m3")
            await says(faro, "quiero ayuda para dormir", "m4")
            with pytest.raises(DatabaseAway):
                await faro.memory.last_known(person_key(settings.key(), Channel.SMS, ANA))
        await back(faro)
        person, _ = await faro.store.recall(person_key(settings.key(), Channel.SMS, ANA))
        assert person is not None
        assert (person.opted_out, person.county, person.language) == (True, "Wake", "es")
        assert await says(faro, "food", "m5") == ""


async def test_the_spool_empties_while_messages_go_on_coming(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> None:
    path = settings.data / "faro.sqlite3"
    async with faro_over(settings, f"sqlite:///{path}", mind, words, gazetteer, clock) as faro:
        faro.memory.patience = Patience(left_alone=0)
        with locked(path):
            await says(faro, "food", "m0")
        flushing = asyncio.create_task(faro.memory.flush())
        for n in range(1, 11):
            await says(faro, "food", f"m{n}")
        await flushing
        assert faro.memory.waiting == 0


async def test_what_the_database_will_never_take_holds_up_nothing(postgres: str, settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> None:
    async with faro_over(settings, new_database(postgres), mind, words, gazetteer, clock) as faro:
        assert "Wake" in await says(faro, "shelter in wake county", "a\0b")
        assert (faro.memory.waiting, "Wake" in await says(faro, "shelter in wake county", "m1")) == (0, True)
        assert await faro.store.answered_before("sms", "m1") is not None


async def test_two_messages_of_a_newcomer_at_two_faros_at_once(postgres: str) -> None:
    store = await open_store(new_database(postgres))
    assert await asyncio.gather(*(store.keep(kept(message=f"m{n}", answer=f"{n}")) for n in range(8))) == [str(n) for n in range(8)]
    await store.close()


async def test_a_stop_is_not_undone_by_what_another_faro_answers_at_the_same_moment(postgres: str) -> None:
    store = await open_store(new_database(postgres))
    await store.keep(kept(message="m1"))
    stop = kept(message="m2", changed=("opted_out",))
    stop.person.opted_out = True
    await store.keep(stop)
    await store.keep(kept(message="m3", changed=("county",), county="Ashe"))  # its Faro had not heard of the STOP
    person, _ = await store.recall("ann")
    assert person is not None
    assert (person.opted_out, person.county) == (True, "Ashe")
    await store.close()


async def test_a_faro_that_starts_without_its_database_answers_and_makes_it_ready_later(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> None:
    path = settings.data / "faro.sqlite3"
    path.mkdir()
    store = closed_store(f"sqlite:///{path}")
    upkeep = Upkeep(store, Keeping(), clock)
    faro = compose(settings, words=words, gazetteer=gazetteer, live=lambda: Live(mind=mind, read_at=NOON), store=store, clock=clock)
    assert not await upkeep.once()
    assert "988" in await says(faro, "i want to kill myself", "m1")
    path.rmdir()
    assert await upkeep.once()
    await back(faro)
    assert await store.answered_before("sms", "m1") is not None
    await store.close()


async def test_what_is_past_its_time_goes_every_day(settings: Settings, clock: Clock) -> None:
    store = await open_store(settings.database())
    for n in range(2):
        await store.keep(kept(message=f"m{n}", key=f"p{n}", at=clock.moment - timedelta(days=n), unanswered="q", feedback="f"))
    upkeep = asyncio.create_task(Upkeep(store, Keeping(handled=timedelta(days=4), unanswered=timedelta(days=3), feedback=timedelta(days=2)), clock).daily(done=True, a_day=0.05))
    for expected in ((2, 2, 2), (2, 2, 1), (2, 1, 0), (1, 0, 0)):
        async with asyncio.timeout(20):
            while await counted(store) != expected:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.05)
        clock.moment += timedelta(days=1, minutes=1)
    upkeep.cancel()
    await asyncio.wait([upkeep])
    await store.close()


async def counted(store: Store) -> tuple[int, int, int]:
    return sum([await store.answered_before("sms", f"m{n}") is not None for n in range(2)]), len(await store.unanswered()), len(await store.feedback())
