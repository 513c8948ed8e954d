"""A coordinator's broadcast: seen before it goes, released by a second person, paused, taken back, told once to each."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.alerts.broadcasts import Broadcasts
from bot.cli import app
from bot.errors import CannotDo, NotToBeSent
from bot.geo.tables import Gazetteer
from bot.messages import Channel, Language
from bot.settings import Settings
from bot.store.sealing import Seal
from bot.store.subscriptions import Subscriber, Subscriptions
from bot.store.tables_live import Notice
from bot.wording.catalog import Words
from tests.conftest import Clock
from tests.fake_twilio import FakeTwilio
from tests.small_content import write_content
from tests.studio import Workroom, open_studio
from tests.test_alerts import ANA, BEN, EVA, Storm, storm, told, twilio

__all__ = ("storm", "twilio")  # fixtures
EN, ES = "Water is handed out at Example High School until 6 PM.", "Reparten agua en Example High School hasta las 6 PM."


WAY_OUT = ("To end alerts: ALERTS STOP", "Para terminar las alertas: ALERTAS ALTO")


def framed(text: str) -> str:
    """As it is sent: who says it, and how to get no more."""
    return f"Faro, from local coordinators: {text}\n{WAY_OUT[0]}" if text == EN else f"Faro, de los coordinadores locales: {text}\n{WAY_OUT[1]}"


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
    assert sorted(told(twilio)) == [(ANA, framed(EN)), (BEN, framed(ES))]
    assert not await broadcasts.cancel(notice.id), "nothing is left to take back"
    (progress,) = await broadcasts.all()
    assert (progress.sent, progress.state) == (2, "sent")


@pytest.mark.parametrize("by", ["ana perez", " Ana  Pérez ", "ANA PÉREZ.", "Ana\u200bPe\u0301rez", " ", ""])
async def test_whoever_wrote_it_releases_it_by_no_other_spelling_of_the_name(broadcasts: Broadcasts, by: str) -> None:
    notice = await draft(broadcasts, by="Ana Pérez")
    with pytest.raises(NotToBeSent) as refused:
        await broadcasts.release(notice.id, by)
    assert refused.value.code == ("broadcast-own" if by.strip() else "broadcast-nobody")
    assert await broadcasts.release(notice.id, "Ana Paz") == 0


async def test_the_preview_costs_and_shows_what_people_get(storm: Storm, broadcasts: Broadcasts) -> None:
    await subscribed(storm, (ANA, "Buncombe", "en"))
    await storm.subscriptions.add(Subscriber(key="t", channel=Channel.TELEGRAM, language="en", address="5"), "Buncombe")
    estimate = await broadcasts.estimate(await draft(broadcasts, en=f"<b>{'x' * 120}"))
    by_sms, by_telegram = estimate.shares
    assert (by_sms.parts, WAY_OUT[0] in by_sms.texts[0]) == (2, True), "with sender and way out no more one part"
    assert by_telegram.texts[0].startswith("Faro, from local coordinators: <b>x")


def test_on_the_command_line_a_file_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARO_DATA", str(tmp_path))
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    for file in ("nowhere", "latin", "."):
        result = CliRunner().invoke(app, ["broadcast", "--county", "Wake", "--file", str(tmp_path / file), "--by", "Ana", "--lang", "es"])
        assert isinstance(result.exception, CannotDo), result.output
        assert "no se puede leer" in str(result.exception)


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
    faro = room.house.faro
    people = Subscriptions(faro.store, Seal(faro.settings.key()), faro.clock)
    for channel in (Channel.SMS, Channel.TELEGRAM):
        await people.add(Subscriber(key=channel, channel=channel, language="en", address=ANA), "Buncombe")
    made = await room.post("/studio/alerts", en="<b>Water</b>", es=ES, hours="6", **{"county Buncombe": "yes"})
    where = made.headers["location"]
    shown = await room.get(where)
    assert "&lt;b&gt;Water" in shown.text
    assert "&amp;lt;" not in shown.text
    assert "second coordinator" in shown.text
    assert (await room.post(f"{where}/release")).status_code == 400
    await room.sign_in("ANA ", "coordinator")
    assert "second coordinator" in (await room.get(where)).text
    assert (await room.post(f"{where}/release")).status_code == 400
    await room.sign_in("Luis", "coordinator")
    assert (await room.post(f"{where}/release")).status_code == 303
    assert re.search("Being sent", (await room.get(where)).text)
    assert (await room.post(f"{where}/cancel")).status_code == 303
    assert "Taken back" in (await room.get(f"{where}/progress")).text
    assert (await room.post(f"{where}/nonsense")).status_code == 400


async def test_in_the_studio_what_everybody_got_is_sent(room: Workroom) -> None:
    await room.sign_in("Ana", "coordinator")
    where = (await room.post("/studio/alerts", en=EN, es=ES, hours="6", **{"county Buncombe": "yes"})).headers["location"]
    await room.sign_in("Luis", "coordinator")
    await room.post(f"{where}/release")
    page = (await room.get(where)).text
    assert "<strong>Sent</strong>" in page
    assert "Take it back" not in page
    assert (await room.post(f"{where}/cancel")).status_code == 400
    assert "Taken back" not in (await room.get("/studio/alerts")).text
