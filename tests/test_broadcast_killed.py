"""A broadcast whose Faro is killed in the middle, as a process, and started again: each gets it once as far as the vendor lets us know, who opted out never."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.alerts.broadcasts import Broadcasts
from bot.live import rates
from bot.messages import Channel, Language
from bot.settings import Settings
from bot.store.outbox import Outbox
from bot.store.privacy import person_key
from bot.store.sealing import Seal
from bot.store.store import Store, open_store
from bot.store.subscriptions import Subscriber, Subscriptions
from bot.wording.catalog import load_words
from tests.conftest import NOON
from tests.doors import PUBLIC_URL, serving
from tests.fake_telegram import TOKEN as BOT_TOKEN
from tests.fake_telegram import FakeTelegram
from tests.fake_twilio import ACCOUNT, FakeTwilio
from tests.fake_twilio import TOKEN as TWILIO_TOKEN
from tests.lives import Lives, lives
from tests.postgres import new_database
from tests.small_content import write_content
from tests.storm import SECRET, Deadly

# In CI two kills; `FARO_STORM=1 ./faro test tests/test_broadcast_killed.py` for more of them, also on PostgreSQL.
STORM = bool(os.environ.get("FARO_STORM"))
PEOPLE, KILLS, A_SECOND = (400, 12, 40) if STORM else (30, 2, 100)
KEY = SecretStr(SECRET)
TEXTS: dict[Language, str] = {"en": "Water is handed out at Example High School until 6 PM.", "es": "Reparten agua en Example High School hasta las 6 PM."}


@dataclass(frozen=True, kw_only=True)
class Town:
    """Those who asked for alerts, as many by SMS as by Telegram. The first of each opted out before it is sent; the last of each, whom another Faro heard, while this one is dead."""

    faro: Lives
    database: str
    twilio: FakeTwilio
    telegram: FakeTelegram
    vendors: dict[Channel, Deadly]
    people: dict[Channel, list[str]] = field(default_factory=lambda: {Channel.SMS: [f"+1919555{n:04d}" for n in range(PEOPLE)], Channel.TELEGRAM: [str(5000 + n) for n in range(PEOPLE)]})

    def told(self) -> dict[Channel, Counter[str]]:
        """How often each was told."""
        by_telegram = ((call.params["chat_id"], call.params["text"]) for call in self.telegram.named("sendMessage"))
        sent = {Channel.SMS: ((form["To"], form["Body"]) for form in self.twilio.sent), Channel.TELEGRAM: by_telegram}
        return {channel: Counter(person for person, said in messages if any(text in said for text in TEXTS.values())) for channel, messages in sent.items()}

    async def killed(self) -> None:
        async with asyncio.timeout(60):
            while self.faro.alive:  # noqa: ASYNC110  a vendor's thread kills
                await asyncio.sleep(0.02)

    async def revived(self) -> None:
        """Whenever it is dead."""
        while True:
            if not self.faro.alive:
                self.faro.revive()
            await asyncio.sleep(0.02)


@pytest.fixture
def town(request: pytest.FixtureRequest, tmp_path: Path, learnt: Path, kind: str) -> Iterator[Town]:
    write_content(tmp_path / "content")
    database = new_database(request.getfixturevalue("postgres")) if kind == "postgresql" else f"sqlite:///{tmp_path}/faro.sqlite3"
    twilio, telegram = FakeTwilio(), FakeTelegram()
    vendors = {Channel.SMS: Deadly(twilio.app, "/Messages.json"), Channel.TELEGRAM: Deadly(telegram.app, "/sendMessage")}
    with serving(vendors[Channel.SMS]) as twilio_url, serving(vendors[Channel.TELEGRAM]) as telegram_url, started(tmp_path, learnt, database, twilio_url, telegram_url) as faro:
        for vendor in vendors.values():
            vendor.kill = faro.kill
        yield Town(faro=faro, database=database, twilio=twilio, telegram=telegram, vendors=vendors)


@contextmanager
def started(folder: Path, learnt: Path, database: str, twilio: str, telegram: str) -> Iterator[Lives]:
    settings = {
        "FARO_DATABASE_URL": database,
        "FARO_PUBLIC_URL": PUBLIC_URL,
        "FARO_TWILIO_ACCOUNT_SID": ACCOUNT,
        "FARO_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
        "FARO_TWILIO_FROM": "+19195550100",
        "FARO_TWILIO_API_URL": twilio,
        "FARO_TELEGRAM_TOKEN": BOT_TOKEN,
        "FARO_TELEGRAM_API_URL": telegram,
        "FARO_SMS_PER_SECOND": str(A_SECOND),
        "FARO_TELEGRAM_PER_SECOND": str(A_SECOND),
    }
    with lives(folder / "data", folder / "content", learnt, "served", **settings) as faro:
        faro.clock.set(NOON)
        yield faro


@asynccontextmanager
async def office(town: Town) -> AsyncIterator[tuple[Store, Broadcasts]]:
    """What `faro broadcast`, and other Faros, work with: the same database. Everybody has asked for alerts."""
    settings, clock = Settings(_env_file=None, secret=KEY), town.faro.clock
    store = await open_store(town.database)
    subscriptions = Subscriptions(store, Seal(settings.key()), clock)
    try:
        for channel, people in town.people.items():
            for n, person in enumerate(people):
                await subscriptions.add(Subscriber(key=key(channel, person), channel=channel, language="es" if n % 2 else "en", address=person), "Buncombe")
        yield store, Broadcasts(Outbox(store, clock), subscriptions, load_words(), rates(settings), clock)
    finally:
        await store.close()


def key(channel: Channel, person: str) -> str:
    return person_key(KEY.get_secret_value().encode(), channel, person)


def fates() -> dict[Channel, list[tuple[int, bool]]]:
    """At which message Faro dies, and whether the vendor has taken it by then. In CI both have: the worst moment."""
    if not STORM:
        return {Channel.SMS: [(PEOPLE // 6, True)], Channel.TELEGRAM: [(PEOPLE // 2, True)]}
    chance = random.Random(19)
    return {channel: [(n, chance.random() < 0.6) for n in sorted(chance.sample(range(5, PEOPLE - 20), KILLS // 2))] for channel in (Channel.SMS, Channel.TELEGRAM)}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"] if STORM else ["sqlite"])
async def test_killed_while_it_sends_each_gets_it_once(town: Town) -> None:
    for channel, deaths in fates().items():
        town.vendors[channel].deaths = deaths
    async with office(town) as (store, broadcasts):
        for channel, people in town.people.items():
            await store.opt_out(key(channel, people[0]), NOON)
        notice = await broadcasts.draft(counties=["Buncombe"], en=TEXTS["en"], es=TEXTS["es"], by="Ana", hours=6)
        assert await broadcasts.release(notice.id, "Luis") == 2 * PEOPLE
        town.faro.start()
        await town.killed()
        for channel, people in town.people.items():
            assert not town.told()[channel][people[-1]]
            await store.opt_out(key(channel, people[-1]), NOON)
        reviving = asyncio.create_task(town.revived())
        async with asyncio.timeout(300 if STORM else 60):
            while (progress := await broadcasts.progress(notice)).waiting:  # noqa: ASYNC110  another process sends
                await asyncio.sleep(0.05)
        reviving.cancel()
    assert town.faro.deaths == KILLS
    told = town.told()
    for channel, (first, *others, last) in town.people.items():
        assert (told[channel][first], told[channel][last]) == (0, 0), "opted out"
        assert [person for person in others if not told[channel][person]] == [], "forgotten"
    assert max(told[Channel.SMS].values()) == 1, "Twilio can be asked what it sent"
    twice = told[Channel.TELEGRAM].total() - (PEOPLE - 2)
    assert 1 <= twice <= KILLS, "what Telegram took in the moment of a death: it cannot be asked"
    assert (progress.sent, progress.failed) == (2 * PEOPLE - 4, 4)
