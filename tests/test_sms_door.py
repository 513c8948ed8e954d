"""The SMS and WhatsApp door: Twilio's signed forms in, TwiML out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest

from bot.app import Faro
from bot.messages import Channel
from bot.store.privacy import person_key
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, House, open_house, signed, twiml_texts

ANA = "+19195550142"
FORM = "application/x-www-form-urlencoded"
TODAY_NONE = "what is the capital of france"


@pytest.fixture
async def house(faro: Faro) -> AsyncIterator[House]:
    async with open_house(faro, twilio_auth_token=TWILIO_TOKEN, public_url=PUBLIC_URL) as opened:
        yield opened


def sms(body: str | None = None, sid: str = "SM1", **fields: str) -> dict[str, str]:
    """A form as Twilio fills it."""
    form = {"MessageSid": sid, "From": ANA, "To": "+19195550100", "NumMedia": "0", **fields}
    return form if body is None else {**form, "Body": body}


async def says(house: House, body: str | None, sid: str, **fields: str) -> list[str]:
    form = sms(body, sid, **fields)
    answer = await house.client.post(SMS_PATH, data=form, headers=signed(form))
    assert answer.status_code == 200, answer.text
    return twiml_texts(answer)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A signed form, and what the one text of the answer must hold."""

    name: str
    form: dict[str, str]
    holds: tuple[str, ...]


ANSWERED = [
    Answered(name="English", form=sms("where can i sleep tonight, im in asheville"), holds=("Buncombe County", "43362", "211", "828-250-6100")),
    Answered(name="Spanish", form=sms("donde puedo dormir hoy en asheville"), holds=("Condado de Buncombe", "43362", "211", "828-250-6100")),
    Answered(name="WhatsApp", form=sms("refugio en Asheville", From=f"whatsapp:{ANA}"), holds=("condado de Buncombe", "43362")),
    Answered(name="empty", form=sms(""), holds=("empty message", "MENU")),
    Answered(name="no Body at all", form=sms(None), holds=("empty message",)),
    Answered(name="blanks", form=sms(" \n\t "), holds=("empty message",)),
    Answered(name="20,000 characters", form=sms("food " * 4000), holds=("211",)),
    Answered(name="emoji only", form=sms("😀👍🏽"), holds=("empty message",)),
    Answered(name="control characters", form=sms("\x00\x07\x1b"), holds=("empty message",)),
    Answered(name="control characters among words", form=sms("fo\x00od\x07 \x1bshelter in wake county"), holds=("Wake",)),
    Answered(name="a photo without text", form=sms("", NumMedia="1", MediaUrl0="http://169.254.169.254/"), holds=("cannot see pictures",)),
    Answered(name="unknown fields", form=sms("MENU", Something="new"), holds=("1 A safe place to sleep", "9 Talk to a person")),
    Answered(name="crisis", form=sms("quiero morirme"), holds=("988", "911")),
]


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.name)
async def test_a_signed_form_is_answered_in_twiml(house: House, case: Answered) -> None:
    answer = await house.client.post(SMS_PATH, data=case.form, headers=signed(case.form))
    assert answer.status_code == 200, answer.text
    (text,) = twiml_texts(answer)
    assert [part for part in case.holds if part.lower() not in text.lower()] == [], text


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A request that must not reach the conversation."""

    name: str
    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


PLAIN = sms("hello")
STATUS = {"MessageSid": "SM1", "MessageStatus": "delivered"}
REPEATED = f"{urlencode(PLAIN)}&Body=stop"
NO_SID = {k: v for k, v in PLAIN.items() if k != "MessageSid"}
NO_SENDER = {k: v for k, v in PLAIN.items() if k != "From"}
LONG = sms("a" * 100_000)
REFUSED = [
    Refused(name="unsigned", status=403, body=urlencode(PLAIN)),
    Refused(name="empty signature", status=403, body=urlencode(PLAIN), headers={"x-twilio-signature": ""}),
    Refused(name="forged", status=403, body=urlencode(PLAIN), headers=signed(PLAIN, token="another token")),
    Refused(name="signed with an empty token", status=403, body=urlencode(PLAIN), headers=signed(PLAIN, token="")),
    Refused(name="signed for another address", status=403, body=urlencode(PLAIN), headers=signed(PLAIN, path="/twilio/status")),
    Refused(name="changed after signing", status=403, body=urlencode(sms("stop")), headers=signed(PLAIN)),
    Refused(name="signature of strange letters", status=403, body=urlencode(PLAIN), headers={"x-twilio-signature": "%%%"}),
    Refused(name="unsigned and too large", status=403, body="a" * 100_000),
    Refused(name="signed, but JSON", status=400, body='{"Body": "hello"}', headers={**signed({}), "content-type": "application/json"}),
    Refused(name="signed, but nothing", status=400, headers=signed({})),
    Refused(name="signed, but no form", status=400, body="\u0000=%ff%fe&", headers=signed({})),
    Refused(name="bad UTF-8", status=400, body=urlencode(PLAIN) + "&X=%ff", headers=signed(PLAIN)),
    Refused(name="repeated field", status=400, body=REPEATED, headers=signed(PLAIN)),
    Refused(name="100,000 characters", status=400, body=urlencode(LONG), headers=signed(LONG)),
    Refused(name="no MessageSid", status=400, body=urlencode(NO_SID), headers=signed(NO_SID)),
    Refused(name="no From", status=400, body=urlencode(NO_SENDER), headers=signed(NO_SENDER)),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
async def test_what_is_not_genuine_or_no_form_is_refused(house: House, case: Refused) -> None:
    answer = await house.client.post(SMS_PATH, content=case.body, headers={"content-type": FORM, **case.headers})
    assert (answer.status_code, "<Response" in answer.text) == (case.status, False)
    assert await house.faro.store.answered_before(Channel.SMS, "SM1") is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [(signed(STATUS, path="/twilio/status"), 204), ({}, 403), (signed(STATUS), 403), (signed(STATUS, token="another token", path="/twilio/status"), 403)],
    ids=["signed", "unsigned", "for another address", "forged"],
)
async def test_only_a_signed_status_is_taken(house: House, headers: dict[str, str], status: int) -> None:
    answer = await house.client.post("/twilio/status", data=STATUS, headers=headers)
    assert answer.status_code == status


async def test_a_whatsapp_location_gets_its_countys_shelter_answer(house: House) -> None:
    whatsapp = f"whatsapp:{ANA}"
    await says(house, "shelter", "SM1", From=whatsapp)
    (text,) = await says(house, "", "SM2", From=whatsapp, Latitude="35.5951", Longitude="-82.5515")
    assert "Buncombe County" in text
    assert "828-250-6100" in text


@pytest.mark.parametrize(
    ("latitude", "longitude", "holds"),
    [("33.749", "-84.388", "outside North Carolina"), ("91", "0", "empty message"), ("north", "west", "empty message"), ("nan", "nan", "")],
)
async def test_a_location_that_is_none_or_not_ours(house: House, latitude: str, longitude: str, holds: str) -> None:
    (text,) = await says(house, "", "SM1", From=f"whatsapp:{ANA}", Latitude=latitude, Longitude=longitude)
    assert holds in text


async def test_the_same_message_twice_gets_the_same_answer_and_nothing_happens_twice(house: House) -> None:
    first = await says(house, TODAY_NONE, "SM1")
    assert await says(house, TODAY_NONE, "SM1") == first
    assert len(await house.faro.store.unanswered()) == 1
    assert await says(house, "DELETE", "SM2") == await says(house, "DELETE", "SM2")
    assert len(await house.faro.store.unanswered()) == 1, "a repeated DELETE is no second one"
    assert await says(house, "something else", "SM1") == first, "the id counts, not the words"


async def test_stop_is_silent_and_remembered_and_start_comes_back(house: House) -> None:
    assert await says(house, "STOP", "SM1") == []
    assert await says(house, "where is food", "SM2") == []
    key = person_key(house.faro.settings.key(), Channel.SMS, ANA)
    person, _ = await house.faro.store.recall(key)
    assert person is not None
    assert person.opted_out
    (crisis,) = await says(house, "i want to kill myself", "SM3")
    assert "988" in crisis
    assert await says(house, "hello", "SM4") == []
    assert await says(house, "START", "SM5") == []
    assert len(await says(house, "hello", "SM6")) == 1


async def test_our_own_stop_word_is_confirmed_once(house: House) -> None:
    """Carriers know STOP; ALTO only we do, so we say that it is done."""
    (text,) = await says(house, "ALTO", "SM1")
    assert "START" in text
    assert await says(house, "ALTO", "SM2") == []


async def test_nobody_is_stored_by_number(house: House) -> None:
    await says(house, "shelter in boone", "SM1")
    key = person_key(house.faro.settings.key(), Channel.SMS, ANA)
    person, _ = await house.faro.store.recall(key)
    assert person is not None
    assert person.county == "Watauga"
    for path in house.faro.settings.data.glob("faro.sqlite3*"):
        assert ANA.encode()[2:] not in path.read_bytes()
