"""Vendors at their worst: Telegram that says 429 to all, cuts lines, takes half a minute, is away for long, sends everything again. Each message is answered once."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

import pytest

from bot.app import Faro
from bot.channels.telegram_sending import CUT
from tests.doors import House, open_house, serving, wait_until
from tests.fake_telegram import TOKEN, FakeTelegram
from tests.storm import TELEGRAM_SECRET, Moody
from tests.test_spool import locked
from tests.test_telegram_door import update

CHATS = range(200, 208)
# Seconds: `FARO_STORM=1 ./faro test tests/test_vendors.py` for half a minute.
SLOW = 30.0 if os.environ.get("FARO_STORM") else 0.4


@dataclass(frozen=True, kw_only=True)
class World:
    house: House
    telegram: FakeTelegram
    vendor: Moody

    async def deliver(self, sent: object) -> int:
        """As Telegram calls the webhook; the status."""
        return (await self.house.client.post("/telegram", json=sent, headers={"x-telegram-bot-api-secret-token": TELEGRAM_SECRET})).status_code

    async def settled(self) -> None:
        assert self.house.doors.telegram
        await self.house.doors.telegram.finished()


@asynccontextmanager
async def world(faro: Faro, *, slow: float = SLOW) -> AsyncIterator[World]:
    telegram = FakeTelegram()
    vendor = Moody(telegram.app, slow=slow)
    with serving(vendor) as api:
        async with open_house(faro, telegram_token=TOKEN, telegram_secret=TELEGRAM_SECRET, telegram_mode="webhook", telegram_api_url=api, public_url="https://faro.example.org") as house:
            assert house.doors.telegram
            await house.doors.telegram.start()
            yield World(house=house, telegram=telegram, vendor=vendor)
            await house.doors.telegram.stop()


@pytest.mark.filterwarnings("default::telegram.warnings.PTBDeprecationWarning")  # the library's own, of its own figure of seconds
@pytest.mark.parametrize("mood", ["429", *(("cut", "slow") if SLOW > 1 else ())])
async def test_each_is_answered_once_however_the_vendor_feels(faro: Faro, mood: str) -> None:
    async with world(faro) as here:
        here.vendor.mood = mood
        sent = [update(chat=chat, text="food") for chat in CHATS]
        assert [await here.deliver(one) for one in [*sent, *sent]] == [200] * 2 * len(sent)
        await asyncio.sleep(SLOW)
        here.vendor.mood = ""
        await asyncio.to_thread(wait_until, lambda: owed(faro) == 0)
        assert [await here.deliver(one) for one in sent] == [200] * len(sent), "everything again"
        await here.settled()
        assert [len(here.telegram.texts(chat)) for chat in CHATS] == [1] * len(CHATS)


async def test_a_line_that_is_cut_after_delivery_costs_one_repeat_and_is_counted(faro: Faro) -> None:
    async with world(faro) as here:
        before = CUT._value.get()
        here.vendor.mood = "lost"
        await here.deliver(update(chat=1, text="food"))
        await asyncio.to_thread(wait_until, lambda: here.vendor.lost == ["1"])
        here.vendor.mood = ""
        await here.settled()
        assert (len(here.telegram.texts(1)), CUT._value.get() - before) == (2, 1)


async def test_without_a_database_what_comes_again_is_answered_once(faro: Faro) -> None:
    path = faro.settings.data / "faro.sqlite3"
    async with world(faro) as here:
        sent = update(chat=1, text="i want to kill myself")
        with locked(path):
            here.vendor.mood = "slow"
            assert await asyncio.gather(*(here.deliver(sent) for _ in range(3))) == [200] * 3
            assert await here.deliver(sent) == 200
            here.vendor.mood = ""
        while faro.memory.waiting:
            await faro.memory.flush()
            await asyncio.sleep(0.1)
        assert await here.deliver(sent) == 200
        assert len(here.telegram.texts(1)) == 1


async def test_an_answer_that_was_sent_while_the_database_went_away_is_not_sent_again(faro: Faro) -> None:
    """It still stands among what is owed; as soon as the database is back it is struck off, before another Faro could take it for a dead one's."""
    path = faro.settings.data / "faro.sqlite3"
    async with world(faro, slow=1.0) as here:
        here.vendor.mood = "slow"
        await here.deliver(update(chat=1, text="food"))
        with locked(path):
            await here.settled()
            assert len(here.telegram.texts(1)) == 1
        await asyncio.to_thread(wait_until, lambda: owed(faro) == 0)
        await here.settled()
        assert len(here.telegram.texts(1)) == 1


def owed(faro: Faro) -> int:
    with closing(sqlite3.connect(faro.settings.data / "faro.sqlite3")) as connection:
        return int(connection.execute("select count(*) from inbox").fetchone()[0])
