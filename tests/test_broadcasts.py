"""A coordinator's broadcast: seen before it goes, released by a second person, paused, taken back, told once to each."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.alerts.broadcasts import Broadcasts
from bot.errors import NotToBeSent
from bot.geo.tables import Gazetteer
from bot.messages import Channel, Language
from bot.settings import Settings
from bot.store.tables_live import Notice
from bot.wording.catalog import Words
from tests.conftest import Clock
from tests.fake_twilio import FakeTwilio
from tests.small_content import write_content
from tests.studio import Workroom, open_studio
from tests.test_alerts import ANA, BEN, EVA, Storm, storm, told, twilio

__all__ = ("storm", "twilio")  # fixtures
EN, ES = "Water is handed out at Example High School until 6 PM.", "Reparten agua en Example High School hasta las 6 PM."


@pytest.fixture
def broadcasts(storm: Storm) -> Broadcasts:
    return Broadcasts(storm.outbox, storm.subscriptions, storm.faro.words, {Channel.SMS: 10}, storm.clock)


async def draft(broadcasts: Broadcasts, **changes: object) -> Notice:
    given = {"counties": ["Buncombe", "Yancey"], "en": EN, "es": ES, "by": "Ana", "hours": 6.0, **changes}
    return await broadcasts.draft(**given)  # type: ignore[arg-type]


async def subscribed(storm: Storm, *people: tuple[str, str, Language]) -> None:
    for address, county, language in people:
        await storm.subscribe(address, f"{'ALERTAS' if language == 'es' else 'ALERTS'} {county}")


async def test_a_second_person_sends_it_and_each_gets_it_once(storm: Storm, broadcasts: Broadcasts, twilio: FakeTwilio) -> None:
    await subscribed(storm, (ANA, "Buncombe", "en"), (ANA, "Yancey", "en"), (BEN, "Yancey", "es"), (EVA, "Wake", "en"))
    notice = await draft(broadcasts)
    estimate = await broadcasts.estimate(notice)
    assert (estimate.persons, estimate.parts) == (2, 2)
    await storm.sends()
    assert not twilio.sent, "a draft"
    with pytest.raises(NotToBeSent) as own:
        await broadcasts.release(notice.id, "Ana")
    assert own.value.code == "broadcast-own"
    assert await broadcasts.release(notice.id, "Luis") == 2
    with pytest.raises(NotToBeSent):
        await broadcasts.release(notice.id, "Eva")
    await storm.sends()
    assert sorted(told(twilio)) == [(ANA, EN), (BEN, ES)]
    assert (await broadcasts.progress(notice)).sent == 2


async def test_paused_goes_on_and_taken_back_does_not(storm: Storm, broadcasts: Broadcasts, twilio: FakeTwilio) -> None:
    await subscribed(storm, (ANA, "Buncombe", "en"))
    notice = await draft(broadcasts)
    await broadcasts.release(notice.id, "Luis")
    assert await broadcasts.pause(notice.id)
    await storm.sends()
    assert not twilio.sent
    assert await broadcasts.resume(notice.id)
    assert await broadcasts.cancel(notice.id)
    assert not await broadcasts.resume(notice.id)
    await storm.sends()
    assert not twilio.sent


async def test_what_is_no_longer_true_is_sent_to_nobody(storm: Storm, broadcasts: Broadcasts, twilio: FakeTwilio) -> None:
    await subscribed(storm, (ANA, "Buncombe", "en"))
    notice = await draft(broadcasts, hours=1.0)
    await broadcasts.release(notice.id, "Luis")
    storm.clock.moment += timedelta(hours=1)
    await storm.sends()
    assert not twilio.sent
    assert (await broadcasts.progress(notice)).failed == 1


@pytest.mark.parametrize(("changes", "code"), [({"es": " "}, "incomplete"), ({"counties": []}, "incomplete"), ({"en": "x" * 601}, "too-long"), ({"hours": 0.0}, "hours"), ({"hours": 49.0}, "hours")])
async def test_what_cannot_be_sent_is_said(broadcasts: Broadcasts, changes: dict[str, object], code: str) -> None:
    with pytest.raises(NotToBeSent) as refused:
        await draft(broadcasts, **changes)
    assert refused.value.code == f"broadcast-{code}"


@pytest.fixture
async def room(settings: Settings, words: Words, gazetteer: Gazetteer, learnt: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[Workroom]:
    write_content(tmp_path / "content")
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt, clock) as opened:
        yield opened


async def test_in_the_studio(room: Workroom) -> None:
    assert (await room.get("/studio/alerts")).status_code == 403, "an editor"
    await room.sign_in("Ana", "coordinator")
    page = await room.get("/studio/alerts", "es")
    assert "Escribir a quienes pidieron alertas" in page.text
    refused = await room.post("/studio/alerts", en=EN, es="", hours="6")
    assert refused.status_code == 400
    assert EN in refused.text, "what was typed stays"
    made = await room.post("/studio/alerts", en="<b>Water</b>", es=ES, hours="6", **{"county Buncombe": "yes"})
    where = made.headers["location"]
    shown = await room.get(where)
    assert "&lt;b&gt;Water" in shown.text
    assert "second coordinator" in shown.text
    assert (await room.post(f"{where}/release")).status_code == 400
    await room.sign_in("Luis", "coordinator")
    assert (await room.post(f"{where}/release")).status_code == 303
    assert re.search("Being sent", (await room.get(where)).text)
    assert (await room.post(f"{where}/cancel")).status_code == 303
    assert "Taken back" in (await room.get(f"{where}/progress")).text
    assert (await room.post(f"{where}/nonsense")).status_code == 400
