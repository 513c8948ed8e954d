"""Several Faros on one PostgreSQL, behind a proxy, as they are run for real: killed and started in turn, their database stopped and started, all under load."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from bot.conversation import Mind
from bot.messages import Channel
from bot.store.privacy import person_key
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, serving, signed, twiml_texts
from tests.fake_telegram import TOKEN, FakeTelegram
from tests.postgres import Server, new_database, postgres_server
from tests.storm import SECRET, TELEGRAM_SECRET, Machine, caller, insist, machines, round_robin
from tests.test_killed import COUNTIES
from tests.test_telegram_door import update

# In CI a breeze; `FARO_STORM=1 ./faro test tests/test_replicas.py` for the storm.
STORM = bool(os.environ.get("FARO_STORM"))
REPLICAS, MESSAGES, KILLS, OUTAGE = (3, 200, 9, 30.0) if STORM else (2, 0, 0, 2.0)


@dataclass(frozen=True, kw_only=True)
class Town:
    """What all of it stands in."""

    server: Server
    database: str
    faros: list[Machine]
    telegram: FakeTelegram


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, mind: Mind, model_cache: Path) -> Iterator[Town]:
    telegram = FakeTelegram()
    with postgres_server() as server, serving(telegram.app) as api:
        database = new_database(server.url)
        settings = {"FARO_TWILIO_AUTH_TOKEN": TWILIO_TOKEN, "FARO_TELEGRAM_TOKEN": TOKEN, "FARO_TELEGRAM_API_URL": api, "FARO_TELEGRAM_SECRET": TELEGRAM_SECRET, "FARO_PUBLIC_URL": PUBLIC_URL}
        with machines(tmp_path_factory.mktemp("town"), model_cache, REPLICAS, database, **settings) as faros:
            yield Town(server=server, database=database, faros=faros, telegram=telegram)


@pytest.fixture
async def address(town: Town) -> AsyncIterator[str]:
    """The proxy, once all Faros answer."""
    for faro in town.faros:
        await faro.ready()
    async with round_robin(town.faros) as url:
        yield url


async def text(url: str, body: str, sid: str, sender: str) -> list[str]:
    form = {"MessageSid": sid, "From": sender, "To": "+18285550100", "NumMedia": "0", "Body": body}
    async with caller() as client:
        return twiml_texts(await insist(client, f"{url}{SMS_PATH}", signed(form), data=form))


async def asked(url: str, n: int) -> None:
    """Twilio brings a message three times; the answer is the same, whichever Faro gives it."""
    county = COUNTIES[n % len(COUNTIES)]
    answers = {tuple(await text(url, f"shelter in {county} county", f"SM{n}", f"+1919555{n:04d}")) for _ in range(3)}
    assert len(answers) == 1, answers
    assert county in "".join(*answers)


async def pressed(url: str, chat: int, text_: str, times: int) -> None:
    """Telegram brings an update until it is taken, and perhaps once more."""
    sent = update(chat=chat, text=text_)
    async with caller() as client:
        for _ in range(times):
            await insist(client, f"{url}/telegram", {"x-telegram-bot-api-secret-token": TELEGRAM_SECRET}, json=sent)


async def kills(town: Town) -> None:
    chance = random.Random(11)
    for n in range(KILLS):
        faro = town.faros[n % REPLICAS]
        await asyncio.sleep(chance.uniform(0.2, 1.0))
        faro.kill()
        await asyncio.sleep(chance.uniform(0.1, 1.0))
        faro.start()
        if STORM or n == KILLS - 1:
            await faro.ready()


async def some(url: str, first: int, amount: int, times: int) -> None:
    """Messages on both channels, eight at a time."""
    for start in range(first, first + amount, 8):
        await asyncio.gather(*(asked(url, n) for n in range(start, start + 8)), *(pressed(url, 10_000 + n, f"shelter in {COUNTIES[n % 10]} county", times) for n in range(start, start + 8)))


async def answered(town: Town, first: int, amount: int) -> int:
    """Waits for the last answers on Telegram; how many were given twice."""
    chats = range(10_000 + first, 10_000 + first + amount)
    async with asyncio.timeout(120):
        while not all(town.telegram.texts(chat) for chat in chats):  # noqa: ASYNC110  other processes answer
            await asyncio.sleep(0.2)
    assert all(COUNTIES[(chat - 10_000) % 10] in town.telegram.texts(chat)[0] for chat in chats)
    return sum(len(town.telegram.texts(chat)) - 1 for chat in chats)


@pytest.mark.skipif(not STORM, reason="minutes of kills: FARO_STORM=1 (tests/test_killed.py has some in CI)")
async def test_killed_in_turn_they_lose_nothing_and_say_nothing_twice(town: Town, address: str) -> None:
    killing = asyncio.create_task(kills(town))
    await some(address, 0, MESSAGES, 2)
    await killing
    twice = await answered(town, 0, MESSAGES)
    assert twice <= 3 * KILLS, "between sending and noting that it was sent: Telegram has no key against it"


async def test_the_database_stops_and_starts_under_load(town: Town, address: str) -> None:
    ana = "+19195559999"
    await text(address, "shelter in wake county", "SMana1", ana)
    town.server.stop()
    first, last = town.faros[0], town.faros[-1]
    last.kill()
    last.start()
    await last.ready("/health")
    assert "988" in (await text(last.url, "quiero morirme", "SMbruno1", "+19195559998"))[0], "a start without a database"
    # A Faro cannot know what another one answered while there is no database: what is taken by one comes to no other then.
    loading = asyncio.create_task(some(address, 5000, 16, 1))
    assert "988" in (await text(address, "i want to kill myself", "SMana2", ana))[0]
    assert await text(first.url, "STOP", "SMana3", ana) == []
    assert await text(first.url, "food", "SMana4", ana) == [], "honoured at once"
    await text(first.url, "zorbulax quibble", "SMbruno2", "+19195559998")
    await loading
    await asyncio.sleep(OUTAGE)
    town.server.start()
    await written(town)
    assert await answered(town, 5000, 16) == 0, "nobody died: nothing is said twice"
    assert await text(last.url, "food", "SMana5", ana) == [], "and remembered by all"
    key, bruno = (person_key(SECRET.encode(), Channel.SMS, sender) for sender in (ana, "+19195559998"))
    with psycopg.connect(town.database) as connection:
        assert connection.execute("select opted_out, county from person where key = %s", [key]).fetchone() == (True, "Wake")
        assert connection.execute("select count(*) from handled where key = %s", [key]).fetchone() == (5,)
        assert connection.execute("select text from unanswered where key = %s", [bruno]).fetchall() == [("zorbulax quibble",)]
        assert connection.execute("select count(*) from inbox").fetchone() == (0,)


async def written(town: Town) -> None:
    """Waits until nothing waits in any spool, nor in the inbox."""
    async with asyncio.timeout(120), httpx.AsyncClient() as client:
        for faro in town.faros:
            await faro.ready()
            while not {"faro_spool_waiting 0.0", "faro_inbox_waiting 0.0"} <= set((await client.get(f"{faro.url}/metrics")).text.splitlines()):  # noqa: ASYNC110
                await asyncio.sleep(0.3)
