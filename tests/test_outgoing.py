"""What Faro sends without being asked: one gate, Twilio's errors each by name, and nothing after STOP on any path."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from bot.app import Faro
from bot.channels.sms_sending import MEANINGS, TwilioSender
from bot.messages import Channel, Delivery, Outcome, Reply
from bot.outgoing import Outgoing
from bot.store.privacy import person_key
from bot.wording.fitting import Fitted
from tests.conftest import Clock
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, House, open_house, serving, signed, twiml_texts
from tests.fake_twilio import ACCOUNT, TOKEN, FakeTwilio

ANA, FARO = "+19195550142", "+19195550100"
WARNING = Reply(language="es", intent="alert", short="Aviso de inundación. Suba a un lugar más alto.")


@pytest.fixture
def twilio() -> FakeTwilio:
    return FakeTwilio()


@pytest.fixture
def address(twilio: FakeTwilio) -> Iterator[str]:
    with serving(twilio.app) as url:
        yield url


@pytest.fixture
async def sender(address: str) -> AsyncIterator[TwilioSender]:
    opened = TwilioSender(account=ACCOUNT, token=TOKEN, sender=FARO, service="", api_url=address, status_url=f"{PUBLIC_URL}/twilio/status")
    yield opened
    await opened.close()


@pytest.fixture
def outgoing(faro: Faro, sender: TwilioSender, clock: Clock) -> Outgoing:
    return Outgoing(senders={Channel.SMS: sender, Channel.WHATSAPP: sender}, memory=faro.memory, words=faro.words, secret=faro.settings.key(), clock=clock)


async def writes(house: House, body: str, sid: str, sender: str = ANA) -> list[str]:
    form = {"MessageSid": sid, "From": sender, "To": FARO, "NumMedia": "0", "Body": body}
    return twiml_texts(await house.client.post(SMS_PATH, data=form, headers=signed(form)))


async def test_a_message_goes_out_folded_with_its_status_callback(outgoing: Outgoing, twilio: FakeTwilio) -> None:
    assert (await outgoing.send(Channel.SMS, ANA, WARNING)).delivery is Delivery.SENT
    (sent,) = twilio.sent
    assert (sent["To"], sent["From"], sent["StatusCallback"]) == (ANA, FARO, f"{PUBLIC_URL}/twilio/status")
    assert sent["Body"] == "Aviso de inundacion. Suba a un lugar mas alto."


async def test_whatsapp_keeps_its_accents_and_its_window(faro: Faro, outgoing: Outgoing, twilio: FakeTwilio, clock: Clock) -> None:
    whatsapp = f"whatsapp:{ANA}"
    assert (await outgoing.send(Channel.WHATSAPP, whatsapp, WARNING)).delivery is Delivery.WITHHELD, "never wrote"
    async with open_house(faro, twilio_auth_token=TWILIO_TOKEN, public_url=PUBLIC_URL) as house:
        await writes(house, "hola", "SM1", whatsapp)
    clock.moment += timedelta(hours=23, minutes=59)
    assert (await outgoing.send(Channel.WHATSAPP, whatsapp, WARNING)).delivery is Delivery.SENT
    assert twilio.sent[0]["Body"] == WARNING.short
    assert twilio.sent[0]["From"] == f"whatsapp:{FARO}"
    clock.moment += timedelta(hours=1)
    assert (await outgoing.send(Channel.WHATSAPP, whatsapp, WARNING)).delivery is Delivery.WITHHELD, "25 hours later"
    assert len(twilio.sent) == 1


ERRORS = [
    (400, 21610, Delivery.GONE),
    (400, 21617, Delivery.REFUSED),
    (400, 30007, Delivery.REFUSED),
    (400, 30034, Delivery.REFUSED),
    (400, 63016, Delivery.REFUSED),
    (400, 99999, Delivery.REFUSED),
    (401, 20003, Delivery.REFUSED),
    (429, 20429, Delivery.LATER),
    (429, None, Delivery.LATER),
    (500, None, Delivery.UNCERTAIN),
    (503, None, Delivery.UNCERTAIN),
]


@pytest.mark.parametrize(("status", "code", "delivery"), ERRORS)
async def test_each_error_of_twilio_does_the_right_thing(outgoing: Outgoing, twilio: FakeTwilio, caplog: pytest.LogCaptureFixture, status: int, code: int | None, delivery: Delivery) -> None:
    twilio.answers = [(status, code, {"retry-after": "7"})]
    with caplog.at_level(logging.WARNING):
        outcome = await outgoing.send(Channel.SMS, ANA, WARNING)
    assert outcome.delivery is delivery
    assert outcome.retry_after == (7.0 if delivery is Delivery.LATER else None)
    if delivery in (Delivery.REFUSED, Delivery.UNCERTAIN):
        assert outcome.reason in caplog.text
        if code in MEANINGS:
            assert outcome.reason == MEANINGS[code][1]
    assert ANA[2:] not in caplog.text
    assert "inundaci" not in caplog.text
    assert len(twilio.answers) == 0, "asked once, never replayed"
    assert twilio.sent == []
    again = await outgoing.send(Channel.SMS, ANA, WARNING)
    assert again.delivery is (Delivery.WITHHELD if delivery is Delivery.GONE else Delivery.SENT)


async def test_a_twilio_that_is_away_may_be_tried_again_and_one_that_hangs_may_not(address: str, twilio: FakeTwilio) -> None:
    nobody = TwilioSender(account=ACCOUNT, token=TOKEN, sender=FARO, service="", api_url="http://127.0.0.1:9", status_url="")
    assert (await nobody.send(ANA, Fitted(language="en", texts=("hello",)))).delivery is Delivery.LATER
    await nobody.close()
    twilio.answers = [(0, None, {})]
    hasty = TwilioSender(account=ACCOUNT, token=TOKEN, sender=FARO, service="", api_url=address, status_url="", patience=0.3)
    assert (await hasty.send(ANA, Fitted(language="en", texts=("one", "two")))).delivery is Delivery.UNCERTAIN
    await hasty.close()
    assert twilio.sent == [], "the second text is not sent after a first that may be lost"


async def test_a_messaging_service_sends_in_place_of_a_number(address: str, twilio: FakeTwilio) -> None:
    service = TwilioSender(account=ACCOUNT, token=TOKEN, sender=FARO, service="MG" + "0" * 32, api_url=address, status_url="")
    assert await service.send(ANA, Fitted(language="en", texts=("hello",))) == Outcome(delivery=Delivery.SENT)
    await service.close()
    assert "From" not in twilio.sent[0]


async def test_after_stop_nothing_is_sent_on_any_path(faro: Faro, outgoing: Outgoing, twilio: FakeTwilio) -> None:
    """Answers, their repetition, broadcasts: all silent until START. A crisis is still answered."""
    async with open_house(faro, twilio_auth_token=TWILIO_TOKEN, public_url=PUBLIC_URL) as house:
        for n, (stop, sender, channel) in enumerate([("STOP", ANA, Channel.SMS), ("ALTO", "+19195550143", Channel.SMS), ("no me escriban mas", f"whatsapp:{ANA}", Channel.WHATSAPP)]):
            await writes(house, "shelter in boone", f"SM{n}a", sender)
            await writes(house, stop, f"SM{n}b", sender)
            for m, text in enumerate(["MORE", "1", "MENU", "shelter", "27601", "gracias", stop, "", "feedback", "HELP", "DELETE me the list"]):
                assert await writes(house, text, f"SM{n}c{m}", sender) == [], text
            assert (await outgoing.send(channel, sender, WARNING)).delivery is Delivery.WITHHELD
            assert len(await writes(house, "voy a matarme esta noche", f"SM{n}d", sender)) == 1
            assert (await outgoing.send(channel, sender, WARNING)).delivery is Delivery.WITHHELD, "a crisis is no START"
            await writes(house, "START", f"SM{n}e", sender)
            assert len(await writes(house, "MENU", f"SM{n}f", sender)) == 1
            assert (await outgoing.send(channel, sender, WARNING)).delivery is Delivery.SENT
    assert len(twilio.sent) == 3


async def test_a_stop_that_waits_for_the_database_holds_and_without_knowing_nothing_is_sent(faro: Faro, outgoing: Outgoing, twilio: FakeTwilio) -> None:
    bruno = "+19195550144"
    async with open_house(faro, twilio_auth_token=TWILIO_TOKEN, public_url=PUBLIC_URL) as house:
        await writes(house, "hello", "SM1")
        await writes(house, "hello", "SM2", bruno)
        other = sqlite3.connect(faro.settings.data / "faro.sqlite3", isolation_level=None)
        other.execute("begin exclusive")
        await writes(house, "STOP", "SM3")
        assert (await outgoing.send(Channel.SMS, ANA, WARNING)).delivery is Delivery.WITHHELD
        await faro.store.close()
        other.rollback()
        other.close()
    (faro.settings.data / "faro.sqlite3").rename(faro.settings.data / "gone")
    (faro.settings.data / "faro.sqlite3").mkdir()
    assert (await outgoing.send(Channel.SMS, bruno, WARNING)).delivery is Delivery.LATER
    assert twilio.sent == []


async def test_a_channel_that_cannot_write_first_says_so(faro: Faro, outgoing: Outgoing) -> None:
    outcome = await outgoing.send(Channel.WEB, "somebody", WARNING)
    assert outcome.delivery is Delivery.REFUSED
    assert "web" in outcome.reason
    assert await faro.store.recall(person_key(faro.settings.key(), Channel.WEB, "somebody")) == (None, None)
