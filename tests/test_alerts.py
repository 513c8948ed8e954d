"""Alerts that people asked for: asked twice, told once, in their language, never late, never after STOP, also when Faro is killed in between."""

import json
import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from bot.alerts.dispatch import Dispatcher, waking_time
from bot.alerts.watching import AlertWatcher
from bot.app import Faro
from bot.channels.sms_sending import TwilioSender
from bot.errors import FeedTrouble
from bot.feeds.nws import NwsSource
from bot.messages import LOCAL_TIME, Channel, Inbound
from bot.outgoing import Outgoing
from bot.settings import ROOT
from bot.store.feeds import Kept
from bot.store.lease import Lease
from bot.store.outbox import Outbox
from bot.store.sealing import Seal
from bot.store.subscriptions import Subscriptions
from bot.store.tables_live import DeliveryState
from bot.tls import trusted
from bot.wording.gsm7 import segments
from tests.conftest import NOON, Clock
from tests.doors import PUBLIC_URL, serving
from tests.fake_twilio import ACCOUNT, TOKEN, FakeTwilio
from tests.nws_documents import alert, document, follows

ANA, BEN, EVA = "+19195550142", "+19195550143", "+19195550144"
ids = count()


@pytest.fixture
def twilio() -> FakeTwilio:
    return FakeTwilio()


class Storm:
    """Faro's parts that watch, choose and send, over a Twilio of ours, in simulated time."""

    def __init__(self, faro: Faro, clock: Clock, url: str) -> None:
        self.faro, self.clock = faro, clock
        self.outbox, self.feeds = Outbox(faro.store, clock), faro.feeds
        self.subscriptions = Subscriptions(faro.store, Seal(faro.settings.key()), clock)
        self.sender = TwilioSender(account=ACCOUNT, token=TOKEN, sender="+19195550100", service="", api_url=url, status_url=f"{PUBLIC_URL}/twilio/status", patience=2)
        self.source = NwsSource("https://example.org", "tests", httpx.AsyncClient(verify=trusted()), faro.gazetteer.counties)
        self.restart()

    def restart(self) -> None:
        """As after a kill: nothing is left but the database."""
        store, clock = self.faro.store, self.clock
        outgoing = Outgoing(senders={Channel.SMS: self.sender}, memory=self.faro.memory, words=self.faro.words, secret=self.faro.settings.key(), clock=clock)
        self.dispatcher = Dispatcher(
            outbox=self.outbox, subscriptions=self.subscriptions, outgoing=outgoing, leases={Channel.SMS: Lease(store, "sms", clock)}, rates={Channel.SMS: 10}, clock=clock, sleep=self.pass_by
        )
        self.watcher = AlertWatcher(feeds=self.feeds, outbox=self.outbox, lease=Lease(store, "alerts", clock), events=ROOT / "content/alerts/events.csv", words=self.faro.words, clock=clock)

    async def pass_by(self, seconds: float) -> None:
        self.clock.moment += timedelta(seconds=seconds)

    async def says(self, text: str, sender: str = ANA) -> str:
        inbound = Inbound(channel=Channel.SMS, sender=sender, message_id=f"SM{next(ids)}", text=text)
        return " ".join((await self.faro.conversation.answer(inbound)).texts)

    async def subscribe(self, sender: str, order: str, yes: str = "1") -> None:
        await self.says(order, sender)
        await self.says(yes, sender)

    async def hears(self, *features: Any) -> None:
        """The Weather Service has these alerts now."""
        self.clock.moment += timedelta(seconds=1)
        items = self.source.read(document(*features), self.clock())
        await self.feeds.keep(Kept(name="nws", asked_at=self.clock(), good_at=self.clock(), items=json.dumps(items)))
        await self.watcher.once()

    async def sends(self) -> None:
        while await self.dispatcher.work(Channel.SMS):
            pass


@pytest.fixture
async def storm(faro: Faro, clock: Clock, twilio: FakeTwilio) -> AsyncIterator[Storm]:
    with serving(twilio.app) as url:
        made = Storm(faro, clock, url)
        yield made
        await made.sender.close()


async def on(storm: Storm, sender: str = ANA) -> list[str]:
    """The counties whose alerts somebody gets."""
    return sorted(await storm.faro.memory.alerts(storm.faro.conversation.key(Channel.SMS, sender)))


def told(twilio: FakeTwilio) -> list[tuple[str, str]]:
    return [(form["To"], form["Body"]) for form in twilio.sent]


async def test_nothing_is_kept_before_the_second_word_and_nothing_after_the_end(storm: Storm) -> None:
    file = storm.faro.settings.data / "faro.sqlite3"

    def rows() -> list[tuple[str, str, bytes]]:
        return sqlite3.connect(file).execute("select county, language, address from subscription").fetchall()

    assert "Buncombe" in await storm.says("ALERTS Buncombe")
    assert not rows()
    assert "ALERTS STOP" in await storm.says("yes")
    ((county, language, address),) = rows()
    assert (county, language) == ("Buncombe", "en")
    assert b"5550142" not in address
    assert "Buncombe" in await storm.says("alerts")
    assert "Haywood" in await storm.says("alertas 28786")
    await storm.says("confirmar")
    assert [row[0] for row in rows()] == ["Buncombe", "Haywood"]
    assert "erased" in await storm.says("alerts stop") or "borrado" in await storm.says("alertas alto")
    assert not rows()
    assert b"5550142" not in b"".join(path.read_bytes() for path in storm.faro.settings.data.glob("faro.sqlite3*"))


@pytest.mark.parametrize("end", ["STOP", "delete my data"])
async def test_stop_and_delete_end_alerts(storm: Storm, twilio: FakeTwilio, end: str) -> None:
    await storm.subscribe(ANA, "ALERTS Buncombe")
    await storm.says(end)
    await storm.says("DELETE") if end != "STOP" else None
    await storm.hears(alert("a1", storm.clock()))
    await storm.sends()
    assert not twilio.sent


async def test_three_counties_are_the_most_for_one_person(storm: Storm) -> None:
    for county in ("Buncombe", "Wake", "Yancey"):
        await storm.subscribe(ANA, f"ALERTS {county}")
    for order in ("ALERTS Ashe", "#alerts:Ashe"):
        said = await storm.says(order)
        assert "3 counties are the most" in said
        assert "ALERTS STOP" in said
    assert "3 condados es lo mas" in await storm.says("ALERTAS Ashe")
    await storm.says("ALERTS STOP Wake")
    await storm.subscribe(ANA, "ALERTS Ashe")
    assert await storm.subscriptions.of(storm.faro.conversation.key(Channel.SMS, ANA)) == ["Buncombe", "Yancey", "Ashe"]


@pytest.mark.parametrize("sender", ["+447700900123", "+19005550123", "88988", "+88988", "911"])
async def test_only_ordinary_numbers_get_alerts_and_all_get_answers(storm: Storm, sender: str) -> None:
    assert "only to ordinary US phone numbers" in await storm.says("ALERTS Wake", sender)
    assert "solo a teléfonos comunes" in await storm.says("ALERTAS Wake", sender)
    await storm.says("#alerts:Wake", sender)
    assert await storm.subscriptions.of(storm.faro.conversation.key(Channel.SMS, sender)) == []
    assert "211" in await storm.says("comida", sender)


@pytest.mark.parametrize("text", ["alert me when the power is back", "is there an alert for the water"])
async def test_a_question_with_the_word_alert_is_no_order(storm: Storm, text: str) -> None:
    assert "ALERTS STOP" not in await storm.says(text)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("sign up for alerts in Buncombe", "in Buncombe County"),
        ("start alerts", "Which county"),
        ("quiero recibir alertas en Asheville", "condado de Buncombe"),
        ("suscribirme a las alertas", "En qué condado"),
        ("activar alertas", "En qué condado"),
        ("how do i sign up for alerts in Watauga County?", "in Watauga County"),
        ("turn the alerts on for my phone", "Which county"),
        ("send me weather alerts for my town Boone", "in Watauga County"),
        ("alets buncombe", "Buncombe"),
        ("Alertas para Yancey", "condado de Yancey"),
        ("no, quiero alertas en Boone", "condado de Watauga"),
        ("alerts for Buncombe and McDowell", "2 McDowell County"),
        ("alerts mitchell and yancey", "in Yancey County"),
        ("alertas buncombe y haywood", "2 Condado de Haywood"),
        ("ALERTS Atlantis", "I know no county, town or ZIP code by that name"),
        ("ALERTS Georgia", "I know no county, town or ZIP code by that name"),
        ("ALERTAS Narnia", "No conozco ningun condado"),
    ],
)
async def test_alerts_asked_for_in_plain_words_get_the_question(storm: Storm, text: str, asks: str) -> None:
    said = await storm.says(text)
    assert asks in said
    assert "You are on" not in said
    assert not await on(storm)


async def test_two_counties_or_none_are_asked_about_before_the_question(storm: Storm) -> None:
    await storm.says("alerts for Buncombe and McDowell")
    assert "in McDowell County" in await storm.says("2")
    assert not await on(storm)
    await storm.says("yes")
    await storm.says("ALERTS Atlantis")
    assert "in Watauga County" in await storm.says("Boone")
    await storm.says("1")
    assert await on(storm) == ["McDowell", "Watauga"]


@pytest.mark.parametrize("text", ["no", "No thanks", "no gracias"])
async def test_a_no_subscribes_nobody(storm: Storm, text: str) -> None:
    await storm.says("ALERTS Buncombe")
    said = await storm.says(text)
    assert "nothing was changed" in said or "no cambié nada" in said
    assert "988" not in said
    await storm.says("1")
    assert not await on(storm)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("stop alerts", []),
        ("ALERTS STOP all", []),
        ("quitar alertas", []),
        ("NO MAS ALERTAS", []),
        ("cancelar alertas", []),
        ("no more alerts", []),
        ("alerts no more please", []),
        ("ya no quiero alertas", []),
        ("I'm done with the alerts, thanks kindly", []),
        ("stop alerts in Wake", ["Vance"]),
        ("quitar alertas de Henderson", ["Wake"]),  # the town in Vance County, whose alerts are on
        ("stop alerts in Wake and Vance", ["Vance", "Wake"]),
        ("no dejen de mandarme alertas", ["Vance", "Wake"]),
        ("no, quiero alertas", ["Vance", "Wake"]),
    ],
)
async def test_an_end_of_alerts_ends_those_that_are_meant_and_nothing_else(storm: Storm, text: str, left: list[str]) -> None:
    await storm.subscribe(ANA, "ALERTS Wake")
    await storm.subscribe(ANA, "ALERTS Vance County")
    await storm.says(text)
    assert await on(storm) == left
    assert await storm.says("menu"), "Faro goes on"


async def test_of_two_that_are_named_the_picked_one_ends(storm: Storm) -> None:
    await storm.subscribe(ANA, "ALERTS Wake")
    await storm.subscribe(ANA, "ALERTS Vance County")
    assert "1 Wake County" in await storm.says("stop alerts in Wake and Vance")
    await storm.says("1")
    assert await on(storm) == ["Vance"]


@pytest.mark.parametrize("text", ["STOP", "ALTO", "please stop all messages and alerts"])
async def test_stop_stays_an_end_of_everything(storm: Storm, text: str) -> None:
    await storm.subscribe(ANA, "ALERTS Wake")
    await storm.says(text)
    assert not await on(storm)
    assert not await storm.says("menu")


async def test_alerts_asked_for_after_stop_are_a_start_and_are_asked_about(storm: Storm) -> None:
    await storm.says("ALTO")
    assert not await storm.says("ALERTS Wake")
    assert "Wake County" in await storm.says("start alerts in Wake")
    await storm.says("1")
    assert await on(storm) == ["Wake"]


async def test_who_gets_alerts_reads_that_the_number_is_kept(storm: Storm) -> None:
    await storm.subscribe(ANA, "ALERTS Wake")
    assert "the number, encrypted, only for alerts or a volunteer" in await storm.says("PRIVACY")
    rest = f"{await storm.says('MORE')} {await storm.says('MORE')}"
    assert "if you asked for alerts, your number or chat, encrypted" in rest
    assert "(language, county, answers, alerts)?" in await storm.says("DELETE")
    assert "nothing was changed" in await storm.says("no")
    assert await on(storm) == ["Wake"]


async def test_each_is_told_once_in_their_language(storm: Storm, twilio: FakeTwilio) -> None:
    await storm.subscribe(ANA, "ALERTS Buncombe")
    await storm.subscribe(BEN, "ALERTAS Buncombe", "si")
    await storm.subscribe(EVA, "ALERTS Wake")
    first = alert("a1", storm.clock(), vtec="NEW.KGSP.FF.W.0012")
    await storm.hears(first)
    await storm.sends()
    (ana, english), (ben, spanish) = told(twilio)
    assert (ana, ben) == (ANA, BEN)
    assert english.startswith("Weather Service (NWS): Flash Flood Warning, Buncombe County, until 1:0")
    assert "higher ground" in english
    assert "Aviso de inundacion repentina, condado de Buncombe" in spanish
    assert "p.m. " in spanish
    assert ".." not in spanish
    assert max(segments(text)[1] for text in (english, spanish)) <= 2
    later = alert("a2", storm.clock(), vtec="CON.KGSP.FF.W.0012", messageType="Update", references=follows(first))
    await storm.hears(later)
    await storm.sends()
    assert len(twilio.sent) == 2, "an update of the same event"
    await storm.hears(alert("a3", storm.clock(), vtec="CON.KGSP.FF.W.0012", messageType="Update", severity="Extreme"))
    await storm.sends()
    assert len(twilio.sent) == 4, "it has become extreme"
    await storm.hears(alert("a4", storm.clock(), vtec="CON.KGSP.FF.W.0012", messageType="Update"))
    await storm.sends()
    assert len(twilio.sent) == 4, "less bad again"


async def test_the_gravest_goes_first_then_what_ends_soonest(storm: Storm, twilio: FakeTwilio) -> None:
    """One text a second: a tornado does not wait behind a flood."""
    for person in (ANA, BEN, EVA):
        await storm.subscribe(person, "ALERTS Buncombe")
    long, short = timedelta(hours=3), timedelta(minutes=50)
    await storm.hears(
        alert("wind", storm.clock(), event="High Wind Warning", urgency="Expected", lasts=short),
        alert("flood", storm.clock(), lasts=long),
        alert("flash", storm.clock(), event="Severe Thunderstorm Warning", lasts=short),
        alert("fire", storm.clock(), event="Extreme Wind Warning", severity="Extreme", urgency="Expected", lasts=short),
        alert("tornado", storm.clock(), event="Tornado Warning", severity="Extreme", lasts=long),
    )
    await storm.sends()
    order = ["Tornado Warning", "Extreme Wind Warning", "Severe Thunderstorm Warning", "Flash Flood Warning", "High Wind Warning"]
    assert [text.removeprefix("Weather Service (NWS): ").partition(",")[0] for _, text in told(twilio)] == [event for event in order for _ in range(3)]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "Exercise"},
        {"status": "Test"},
        {"messageType": "Ack"},
        {"messageType": "Cancel"},
        {"severity": "Moderate"},
        {"severity": "Unknown"},
        {"urgency": "Past"},
        {"vtec": "EXP.KGSP.FF.W.0012"},
        {"lasts": timedelta(seconds=-1)},
        {"fips": ("999",)},
    ],
    ids=str,
)
async def test_what_is_not_told(storm: Storm, twilio: FakeTwilio, changes: dict[str, Any]) -> None:
    await storm.subscribe(ANA, "ALERTS Buncombe")
    await storm.hears(alert("a1", storm.clock(), **changes))
    await storm.sends()
    assert not twilio.sent


@pytest.mark.parametrize("ending", ["cancelled", "gone", "expired"])
async def test_what_is_over_is_not_sent_late(storm: Storm, twilio: FakeTwilio, ending: str) -> None:
    storm.clock.moment = datetime(2026, 12, 11, 3, 0, tzinfo=NOON.tzinfo)  # ten in the evening
    await storm.subscribe(ANA, "ALERTS Buncombe")
    first = alert("a1", storm.clock(), urgency="Expected", lasts=timedelta(hours=20))
    await storm.hears(first)
    await storm.sends()
    assert not twilio.sent, "it can wait for the morning"
    if ending == "cancelled":
        await storm.hears(alert("a2", storm.clock(), messageType="Cancel", references=follows(first)))
    elif ending == "gone":
        await storm.hears()
    storm.clock.moment += timedelta(hours=21 if ending == "expired" else 11)
    await storm.sends()
    assert not twilio.sent


async def test_in_the_morning_what_still_holds_is_told_with_its_new_end(storm: Storm, twilio: FakeTwilio) -> None:
    storm.clock.moment = datetime(2026, 12, 11, 3, 0, tzinfo=NOON.tzinfo)
    await storm.subscribe(ANA, "ALERTS Buncombe")
    first = alert("a1", storm.clock(), urgency="Expected", lasts=timedelta(hours=5))
    await storm.hears(first)
    await storm.hears(alert("a2", storm.clock(), messageType="Update", urgency="Expected", references=follows(first), lasts=timedelta(hours=14)))
    storm.clock.moment += timedelta(hours=11)
    await storm.sends()
    assert "until Friday 12:00" in told(twilio)[0][1]


async def test_killed_between_sending_and_noting_nobody_is_told_twice(storm: Storm, twilio: FakeTwilio) -> None:
    for person in (ANA, BEN, EVA):
        await storm.subscribe(person, "ALERTS Buncombe")
    await storm.hears(alert("a1", storm.clock()))
    first, *_ = await storm.outbox.take(Channel.SMS, 2)
    (subscriber,) = (await storm.subscriptions.found([first.subscription_id])).values()
    notice = await storm.outbox.notice(first.notice_id)
    assert notice
    twilio.sent.append({"To": subscriber.address, "Body": notice.en})  # sent, and then the machine lost power
    storm.restart()
    await storm.sends()
    assert len(twilio.sent) == 2, "what another may be sending is left alone"
    storm.clock.moment += timedelta(minutes=2)
    await storm.sends()
    assert sorted(to for to, _ in told(twilio)) == [ANA, BEN, EVA]
    assert (await storm.outbox.progress(notice.id))[DeliveryState.SENT] == 3


async def test_a_busy_vendor_is_tried_again_and_a_number_that_left_is_dropped(storm: Storm, twilio: FakeTwilio) -> None:
    await storm.subscribe(ANA, "ALERTS Buncombe")
    await storm.subscribe(BEN, "ALERTS Buncombe")
    twilio.answers = [(429, 20429, {"retry-after": "30"}), (400, 21610, {})]
    await storm.hears(alert("a1", storm.clock()))
    await storm.sends()
    assert not twilio.sent
    storm.clock.moment += timedelta(minutes=1)
    await storm.sends()
    assert [to for to, _ in told(twilio)] == [ANA]
    assert await storm.subscriptions.of(storm.faro.conversation.key(Channel.SMS, BEN)) == []


def test_a_list_that_makes_no_sense_is_trouble_and_a_row_is_left_out(storm: Storm) -> None:
    good = alert("a1", NOON)
    nonsense: tuple[Any, ...] = (None, [], {"features": "no"}, {"error": 1}, document({}, "row", None, good))
    for one in nonsense:
        with pytest.raises(FeedTrouble):
            storm.source.read(one, NOON)
    assert len(storm.source.read(document(good, {"properties": {"id": 3}}), NOON)) == 1
    assert storm.source.read(document(), NOON) == []


@pytest.mark.parametrize(("hour", "grave", "expected"), [(7, False, 8), (8, False, 8), (20, False, 20), (21, False, 8), (3, True, 3), (23, True, 23)])
def test_nobody_is_woken_by_what_can_wait(hour: int, grave: bool, expected: int) -> None:
    assert waking_time(datetime(2026, 12, 10, hour, tzinfo=LOCAL_TIME), life_safety=grave).astimezone(LOCAL_TIME).hour == expected


async def test_of_two_faros_one_sends_and_the_other_takes_over(faro: Faro, clock: Clock) -> None:
    one, other = (Lease(faro.store, "sms", clock) for _ in range(2))
    assert [await one.hold(), await other.hold(), await one.hold()] == [True, False, True]
    clock.moment += timedelta(seconds=21)
    assert [await other.hold(), await one.hold()] == [True, False]
    await other.release()
    assert await one.hold()


async def test_after_a_change_of_the_secret_the_numbers_are_sealed_anew(storm: Storm) -> None:
    await storm.subscribe(ANA, "ALERTS Buncombe")
    old, new = storm.faro.settings.key(), b"another secret, long enough for a key of Faro"
    both, only = (Subscriptions(storm.faro.store, seal, storm.clock) for seal in (Seal(new, (old,)), Seal(new)))
    assert not await only.found([1])
    assert await both.reseal() == 1
    assert (await only.found([1]))[1].address == ANA
