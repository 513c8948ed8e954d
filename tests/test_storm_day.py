"""A storm day in simulated time: shelters open, fill and close, alerts come and are taken back, people ask, join, stop, and Faro is killed now and then.

It is a real process that dies of SIGKILL, in the middle of an answer or of an alert that the vendor has taken or has not. At its end nobody was sent to a closed shelter,
everybody was told of each alert once and in time, nobody who stopped got anything, and the log holds no number and no text.
"""

import asyncio
import os
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.settings import ROOT
from tests.doors import PUBLIC_URL, SMS_PATH, serving, signed, twiml_texts
from tests.fake_fema import FakeFema, fema_row
from tests.fake_nws import FakeNws
from tests.fake_twilio import ACCOUNT, TOKEN, FakeTwilio
from tests.lives import Lives, lives
from tests.nws_documents import alert, follows
from tests.storm import Deadly, insist

STORM = bool(os.environ.get("FARO_STORM"))
# `FARO_STORM=1 ./faro test tests/test_storm_day.py`: a town, and a Faro that dies in every half an hour, and in every alert.
RESIDENTS, SUBSCRIBERS, STEPS_A_DEATH, ALERTS_A_DEATH = (2000, 1000, 1, 1) if STORM else (120, 30, 18, 6)
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
    begun: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    shown: Counter[str] = field(default_factory=Counter)
    sent: int = 0

    def world(self, now: datetime) -> None:
        """Shelters change their state; alerts begin, go on, and are taken back."""
        for county in SITES:
            self.truth[county] = self.chance.choice(("OPEN", "OPEN", "OPEN", "FULL", "CLOSED", "gone"))
        self.fema.rows["fema"] = [
            fema_row(shelter_id=n, shelter_name=name, address=f"{n + 1} Example Street", city="Example", zip=zip_, latitude=lat, longitude=lon, shelter_status=self.truth[county])
            for n, (county, (name, zip_, lat, lon)) in enumerate(SITES.items())
            if self.truth[county] != "gone"
        ]
        self.begun = set()
        for county in SITES:
            known = self.live.get(county)
            fate = self.chance.random()
            if known is None and fate < 0.3:
                self.begun.add(county)
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

    def heard(self, county: str, text: str) -> None:
        """An answer to somebody who asked for a shelter: no site in it may be anything but open."""
        for other, (name, *_) in SITES.items():
            if name in text:
                self.shown[name] += 1
                if self.truth[other] != "OPEN":
                    self.wrong.append(f"{name} ({self.truth[other]}) was told to somebody in {county}")


@dataclass(frozen=True, kw_only=True)
class Town:
    """Faro, with what it asks and by whom it sends, and what people say to it."""

    faro: Lives
    day: Day
    twilio: FakeTwilio
    vendor: Deadly
    client: httpx.AsyncClient
    ids: "count[int]" = field(default_factory=count)

    async def says(self, text: str, sender: str) -> str:
        """As Twilio brings it: until it is taken."""
        form = {"MessageSid": f"SM{next(self.ids)}", "From": sender, "To": "+19195550100", "NumMedia": "0", "Body": text}
        return " ".join(twiml_texts(await insist(self.client, f"{self.faro.url}{SMS_PATH}", signed(form), data=form)))

    async def says_as_it_dies(self, text: str, sender: str) -> str:
        saying = asyncio.create_task(self.says(text, sender))
        await asyncio.sleep(self.day.chance.uniform(0, 0.02))
        self.faro.kill()
        self.faro.start()
        return await saying

    async def does(self, what: str) -> None:
        """Until it is done, by whichever life."""
        while True:
            try:
                if (await self.client.post(f"{self.faro.url}/{what}")).status_code == 200:
                    return
            except httpx.TransportError:
                if not self.faro.alive:
                    self.faro.revive()
                await asyncio.sleep(0.05)

    async def sends(self, meant: Counter[str], dies_at: int | None) -> Counter[str]:
        """All that is due, and a little later what the vendor had refused. How often each was sent something."""
        before = len(self.twilio.sent)
        self.vendor.deaths = [] if dies_at is None else [(self.vendor.count + dies_at, self.day.chance.random() < 0.6)]
        await self.does("send")
        if len(self.twilio.sent) - before < meant.total():
            self.faro.clock.set(self.faro.clock() + timedelta(minutes=2))
            await self.does("send")
        return Counter(form["To"] for form in self.twilio.sent[before:])


@pytest.fixture
def world() -> Iterator[tuple[Day, FakeTwilio, Deadly, dict[str, str]]]:
    """Everything but Faro, and the settings that lead there."""
    day, twilio = Day(fema=FakeFema(), nws=FakeNws(), chance=random.Random(20261210)), FakeTwilio()
    vendor = Deadly(twilio.app, "/Messages.json")
    with serving(day.fema.app) as fema, serving(day.nws.app) as nws, serving(vendor) as sending:
        settings = {"FARO_FEEDS": "fema,nws", "FARO_FEMA_URL": f"{fema}/fema/query", "FARO_NWS_URL": f"{nws}/alerts/active", "FARO_PUBLIC_URL": PUBLIC_URL}
        twilios = {"FARO_TWILIO_ACCOUNT_SID": ACCOUNT, "FARO_TWILIO_AUTH_TOKEN": TOKEN, "FARO_TWILIO_FROM": "+19195550100", "FARO_TWILIO_API_URL": sending, "FARO_SMS_PER_SECOND": "250"}
        yield day, twilio, vendor, settings | twilios


@pytest.fixture
async def town(world: tuple[Day, FakeTwilio, Deadly, dict[str, str]], tmp_path: Path, model_cache: Path) -> AsyncIterator[Town]:
    day, twilio, vendor, settings = world
    with lives(tmp_path / "data", ROOT / "content", model_cache, "steered", **settings) as faro:
        vendor.kill = faro.kill
        faro.clock.set(MORNING)
        faro.start()
        async with httpx.AsyncClient(timeout=60) as client:
            yield Town(faro=faro, day=day, twilio=twilio, vendor=vendor, client=client)


async def test_a_storm_day(town: Town) -> None:
    day, faro, chance = town.day, town.faro, town.day.chance
    people = [f"+1919555{n:04d}" for n in range(RESIDENTS)]
    subscribed = people[:SUBSCRIBERS]
    home = {person: chance.choice(list(SITES)) for person in people}
    tongue = {person: chance.choice(("en", "es")) for person in people}
    for person in subscribed:
        await town.says(f"{'ALERTAS' if tongue[person] == 'es' else 'ALERTS'} {home[person]}", person)
        await town.says("1", person)
    deaths = alerts = 0
    for step in range(STEPS):
        now = MORNING + step * STEP
        faro.clock.set(now)
        day.world(now)
        await town.does("listen")
        town.twilio.answers = [(429, 20429, {"retry-after": "3"}), (500, None, {})] if step % 5 == 0 else []
        for n, person in enumerate(people[step::STEPS]):
            dies = n == 0 and step % STEPS_A_DEATH == 0
            deaths += dies
            day.heard(home[person], await (town.says_as_it_dies if dies else town.says)(ASKS[tongue[person]].format(county=home[person]), person))
        for person in chance.sample(people, max(1, RESIDENTS // 100)):
            await town.says("STOP", person)
            day.stopped.add(person)
        meant = Counter(person for person in subscribed if home[person] in day.begun and person not in day.stopped)
        alerts += bool(meant)
        dies = bool(meant) and alerts % ALERTS_A_DEATH == 0
        deaths += dies
        told = await town.sends(meant, chance.randint(1, meant.total()) if dies else None)
        day.wrong += [f"{told[person]} alerts instead of {meant[person]}" for person in told | meant if told[person] != meant[person]]
        day.sent += told.total()
    assert not day.wrong
    assert min(day.shown[name] for name, *_ in SITES.values()) > 0, "each shelter was open at some time, and told"
    assert day.sent > RESIDENTS / 4
    assert faro.deaths == deaths > 2
    written = faro.log.read_text()
    assert "not sent for certain" in written, "something is written at all"
    assert not re.search(r"919555\d{4}|\[number\]", written)
    assert not any(word in written for word in ("shelter in", "refugio en", "Alder Hall"))
