"""A storm day in simulated time: shelters open, fill and close, alerts come and are taken back, people ask, join, stop, and Faro dies now and then.

At its end nobody was sent to a closed shelter, no alert was sent twice or late, nobody who stopped got anything, and the log holds no number and no text.
"""

import logging
import os
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.app import Faro, compose
from bot.content import Live
from bot.feeds.nws import NwsSource
from bot.feeds.placing import Placing
from bot.feeds.polling import Poller
from bot.feeds.shelter_feeds import FEEDS
from bot.feeds.shelters import ShelterSource
from bot.messages import Channel
from bot.store.lease import Lease
from tests.conftest import Clock
from tests.doors import serving
from tests.fake_fema import FakeFema, fema_row
from tests.fake_nws import FakeNws
from tests.fake_twilio import FakeTwilio
from tests.nws_documents import alert, follows
from tests.test_alerts import Storm, twilio

__all__ = ("twilio",)  # a fixture
RESIDENTS = 2000 if os.environ.get("FARO_STORM") else 120
MORNING, STEP, STEPS = datetime(2026, 12, 10, 11, 0, tzinfo=UTC), timedelta(minutes=30), 36
# Counties whose one shelter lies in them: name, ZIP, point.
SITES = {"McDowell": ("Alder Hall", "28752", 35.684, -82.009), "Buncombe": ("Birch Hall", "28801", 35.595, -82.551), "Wake": ("Cedar Hall", "27601", 35.779, -78.638)}
FIPS = {"McDowell": "111", "Buncombe": "021", "Wake": "183"}
ASKS = {"en": "where is a shelter in {county} county", "es": "donde hay un refugio en el condado de {county}"}


@dataclass
class Day:
    """What happens in the world, what Faro was told of it, and what it said."""

    fema: FakeFema
    nws: FakeNws
    chance: random.Random
    truth: dict[str, str] = field(default_factory=dict)
    live: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    shown: Counter[str] = field(default_factory=Counter)
    episodes: Counter[str] = field(default_factory=Counter)

    def world(self, now: datetime) -> None:
        """Shelters change their state; alerts begin, go on, and are taken back."""
        for county in SITES:
            self.truth[county] = self.chance.choice(("OPEN", "OPEN", "OPEN", "FULL", "CLOSED", "gone"))
        self.fema.rows["fema"] = [
            fema_row(shelter_id=n, shelter_name=name, address=f"{n + 1} Example Street", city="Example", zip=zip_, latitude=lat, longitude=lon, shelter_status=self.truth[county])
            for n, (county, (name, zip_, lat, lon)) in enumerate(SITES.items())
            if self.truth[county] != "gone"
        ]
        for county in SITES:
            known = self.live.get(county)
            fate = self.chance.random()
            if known is None and fate < 0.3:
                self.episodes[county] += 1
                self.live[county] = alert(f"{county}-{now:%H%M}", now, fips=(FIPS[county],), event=self.chance.choice(("Flash Flood Warning", "Tornado Warning", "A Warning Nobody Knows")))
            elif known and known["properties"]["messageType"] == "Cancel":
                del self.live[county]
            elif known and fate < 0.3:
                self.live[county] = alert(f"{county}-{now:%H%M}", now, fips=(FIPS[county],), messageType="Update", references=follows(known), event=known["properties"]["event"])
            elif known and fate < 0.5:
                self.live[county] = alert(f"{county}-{now:%H%M}", now, fips=(FIPS[county],), messageType="Cancel", references=follows(known))
            elif known and fate < 0.7:
                del self.live[county]
        self.nws.features = [*self.live.values(), alert(f"drill-{now:%H%M}", now, fips=tuple(FIPS.values()), status="Exercise", severity="Extreme")]

    def warned(self, county: str) -> bool:
        """Whether an alert holds there now."""
        return county in self.live and self.live[county]["properties"]["messageType"] != "Cancel"

    def heard(self, county: str, text: str) -> None:
        """An answer to somebody who asked for a shelter: no site in it may be anything but open."""
        for other, (name, *_) in SITES.items():
            if name in text:
                self.shown[name] += 1
                if self.truth[other] != "OPEN":
                    self.wrong.append(f"{name} ({self.truth[other]}) was told to somebody in {county}")


class StormDay(Storm):
    """The parts of test_alerts, with feeds that are asked over the wire, and with deaths."""

    given: Callable[[], Live]

    def connect(self, fema: str, nws: str, client: httpx.AsyncClient) -> None:
        faro = self.faro
        placing = Placing(faro.counties, faro.gazetteer)
        sources = (ShelterSource(FEEDS["fema"](f"{fema}/fema/query"), client, placing), NwsSource(f"{nws}/alerts/active", "tests (example.org)", client, faro.gazetteer.counties))
        self.pollers = [Poller(source, faro.feeds, Lease(faro.store, source.name, self.clock), self.clock) for source in sources]

    def die(self, fema: str, nws: str, client: httpx.AsyncClient) -> None:
        """All that was only in memory is gone."""
        faro = self.faro
        self.faro = compose(faro.settings, words=faro.words, gazetteer=faro.gazetteer, live=self.given, store=faro.store, clock=self.clock)
        self.restart()
        self.connect(fema, nws, client)

    async def listen(self) -> None:
        for poller in self.pollers:
            await poller.once()
        await self.faro.board.refresh()
        await self.watcher.once()


@pytest.fixture
async def fema() -> AsyncIterator[tuple[FakeFema, str]]:
    fake = FakeFema()
    with serving(fake.app) as url:
        yield fake, url


@pytest.fixture
async def nws() -> AsyncIterator[tuple[FakeNws, str]]:
    fake = FakeNws()
    with serving(fake.app) as url:
        yield fake, url


async def test_a_storm_day(faro: Faro, clock: Clock, twilio: FakeTwilio, fema: tuple[FakeFema, str], nws: tuple[FakeNws, str], caplog: pytest.LogCaptureFixture) -> None:
    clock.moment = MORNING
    day = Day(fema=fema[0], nws=nws[0], chance=random.Random(20261210))
    people = [f"+1919555{n:04d}" for n in range(RESIDENTS)]
    home = {person: day.chance.choice(list(SITES)) for person in people}
    tongue = {person: day.chance.choice(("en", "es")) for person in people}
    live = faro.live()
    with serving(twilio.app) as url, caplog.at_level(logging.INFO):
        async with httpx.AsyncClient() as client:
            storm = StormDay(faro, clock, url)
            storm.given = lambda: live
            storm.connect(fema[1], nws[1], client)
            for person in people[: len(people) // 2]:
                await storm.subscribe(person, f"{'ALERTAS' if tongue[person] == 'es' else 'ALERTS'} {home[person]}")
            for step in range(STEPS):
                day.world(clock())
                await storm.listen()
                twilio.answers = [(429, 20429, {"retry-after": "3"})] if step % 5 == 0 else []
                for person in people[step::STEPS]:
                    day.heard(home[person], await storm.says(ASKS[tongue[person]].format(county=home[person]), person))
                for person in day.chance.sample(people, max(1, RESIDENTS // 100)):
                    await storm.says("STOP", person)
                    day.stopped.add(person)
                before = len(twilio.sent)
                await storm.dispatcher.work(Channel.SMS)
                if step % 4 == 3:
                    storm.die(fema[1], nws[1], client)
                await storm.sends()
                day.wrong += ["somebody who had stopped was told" for form in twilio.sent[before:] if form["To"] in day.stopped]
                day.wrong += ["an alert was sent late" for form in twilio.sent[before:] if not day.warned(home[form["To"]])]
                clock.moment += STEP
            await storm.sender.close()
    assert not day.wrong
    assert min(day.shown[name] for name, *_ in SITES.values()) > 0, "each shelter was open at some time, and told"
    assert len(twilio.sent) > RESIDENTS / 4
    assert not [to for to, count in Counter(form["To"] for form in twilio.sent).items() if count > day.episodes[home[to]]], "an alert was sent twice"
    # What httpx says of its requests is silenced by bot/logs.py (tests/test_logs.py).
    written = " ".join(record.getMessage() for record in caplog.records if record.name.startswith("bot"))
    assert not re.search(r"919555\d{4}", written)
    assert not any(word in written for word in ("shelter in", "refugio en", "Alder Hall"))
