"""The SMS and WhatsApp door: Twilio's signed forms in, TwiML out."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from bot.app import Faro
from bot.cli import app
from bot.messages import Channel
from bot.store.privacy import person_key
from bot.wording.gsm7 import segments
from tests.conftest import Clock
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, House, open_house, signed, twiml_of, twiml_texts

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
NUL_SID = PLAIN | {"MessageSid": "SM1\0"}
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
    Refused(name="NUL in MessageSid", status=400, body=urlencode(NUL_SID), headers=signed(NUL_SID)),
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


@pytest.mark.parametrize("word", ["ALTO", "Stop!", '"STOP"', "please stop texting me"])
async def test_our_own_stop_word_is_confirmed_once_and_so_is_the_start_after_it(house: House, word: str) -> None:
    """Carriers know STOP, alone; the others only we do, so we say that it is done. The carrier says nothing to a START whose STOP it never saw."""
    (text,) = await says(house, word, "SM1")
    assert "START" in text
    assert await says(house, word, "SM2") == []
    assert await says(house, "START", "SM3", OptOutType="START") == [], "Twilio has answered it"
    await says(house, word, "SM4")
    (text,) = await says(house, "START", "SM5")
    assert "Faro" in text
    assert len(await says(house, "hello", "SM6")) == 1


async def test_a_carriers_stop_counts_after_our_own_and_for_longer_than_a_list(house: House, clock: Clock) -> None:
    await says(house, "ALTO", "SM1")
    assert await says(house, "STOP", "SM2") == []
    clock.moment += timedelta(days=40)
    assert await says(house, "hola", "SM3") == []
    assert await says(house, "START", "SM4") == [], "the carrier answers this one"


@pytest.mark.parametrize("sender", ["+19195550100", "whatsapp:+19195550100", " "])
async def test_faro_does_not_answer_itself(house: House, sender: str) -> None:
    """Two programs that answer each other never end."""
    assert await says(house, "food", "SM1", From=sender) == []
    assert await says(house, "food", "SM2")


async def test_start_from_somebody_new_is_answered(house: House) -> None:
    (text,) = await says(house, "START", "SM1")
    assert "Faro" in text


@pytest.mark.parametrize(
    ("fields", "body", "holds"),
    [({}, "HELP", ("North Carolina", "STOP to opt out", "211")), ({}, "Info", ("STOP to opt out",)), ({}, "AYUDA", ("Carolina del Norte", "STOP para no recibir", "211"))]
    + [({"OptOutType": "HELP"}, body, (holds,)) for body, holds in (("AYUDA", "STOP para no recibir"), ("INFORMES", "STOP to opt out"))],
)
async def test_help_names_the_program_how_to_stop_and_whom_to_call(house: House, fields: dict[str, str], body: str, holds: tuple[str, ...]) -> None:
    (text,) = await says(house, body, "SM1", **fields)
    assert [part for part in ("Faro", *holds) if part not in text] == []
    assert segments(text)[1] <= 3


async def test_nobody_is_stored_by_number(house: House) -> None:
    await says(house, "shelter in boone", "SM1")
    key = person_key(house.faro.settings.key(), Channel.SMS, ANA)
    person, _ = await house.faro.store.recall(key)
    assert person is not None
    assert person.county == "Watauga"
    for path in house.faro.settings.data.glob("faro.sqlite3*"):
        assert ANA.encode()[2:] not in path.read_bytes()


ACCOUNT = "AC" + "1" * 32


async def test_fault_6_numbers_of_subaccounts_and_pools_are_checked_with_their_own_token(faro: Faro) -> None:
    """Numbers of a subaccount, or in a Messaging Service's pool, are signed with the token of the account that owns them."""
    tokens = {ACCOUNT: SecretStr("token of the subaccount")}
    async with open_house(faro, twilio_auth_token=TWILIO_TOKEN, public_url=PUBLIC_URL, twilio_subaccount_tokens=tokens) as house:
        ours, theirs = sms("MENU", "SM1"), sms("MENU", "SM2", AccountSid=ACCOUNT, MessagingServiceSid="MG" + "0" * 32)
        assert (await house.client.post(SMS_PATH, data=ours, headers=signed(ours))).status_code == 200
        assert (await house.client.post(SMS_PATH, data=theirs, headers=signed(theirs, token="token of the subaccount"))).status_code == 200
        assert (await house.client.post(SMS_PATH, data=theirs, headers=signed(theirs))).status_code == 403, "no silent fall-back to another secret"


async def test_the_query_string_is_signed_too(house: House) -> None:
    form, path = sms("MENU"), f"{SMS_PATH}?campaign=1&b=%20x"
    assert (await house.client.post(path, data=form, headers=signed(form, path=path))).status_code == 200
    assert (await house.client.post(f"{SMS_PATH}?campaign=2", data=form, headers=signed(form, path=path))).status_code == 403


async def test_the_first_misfits_say_what_to_compare_and_a_flood_fills_no_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    form = sms("refugio", AccountSid=ACCOUNT)
    with caplog.at_level(logging.WARNING):
        for _ in range(150):
            await house.client.post(SMS_PATH, data=form, headers=signed(form, token="wrong"))
    assert f"{PUBLIC_URL}{SMS_PATH}" in caplog.messages[0]
    assert "FARO_TWILIO_AUTH_TOKEN" in caplog.messages[0]
    assert len(caplog.messages) == 6
    assert ANA[2:] not in caplog.text
    assert "refugio" not in caplog.text


@pytest.mark.parametrize(("kind", "body", "texts"), [("STOP", "VOLVER A CASA", 0), ("STOP", "parar", 0), ("START", "volver", 0), ("HELP", "AYUDA", 1)])
async def test_what_twilio_took_as_an_order_is_remembered_and_not_answered_again(house: House, kind: str, body: str, texts: int) -> None:
    """OptOutType: with Advanced Opt-Out Twilio has answered already, whatever the word was."""
    await says(house, "hola", "SM0")
    assert len(await says(house, body, "SM1", OptOutType=kind)) == texts
    person, _ = await house.faro.store.recall(person_key(house.faro.settings.key(), Channel.SMS, ANA))
    assert person is not None
    assert person.opted_out is (kind == "STOP")


async def test_a_whatsapp_user_without_a_number_is_somebody(house: House) -> None:
    await says(house, "vivo en boone", "SM1", From="", ExternalUserId="US.1234")
    (text,) = await says(house, "refugio", "SM2", From="whatsapp:US.1234")
    assert "Condado de Watauga" in text


async def test_a_pressed_button_counts_as_its_payload(house: House) -> None:
    (text,) = await says(house, "Ver", "SM1", From=f"whatsapp:{ANA}", ButtonPayload="menu", ButtonText="Ver", MessageType="button")
    assert "1 " in text


@pytest.mark.parametrize(
    "text", ["no para de llover", "the bleeding wont stop", "stop. ya me quiero morir", "I cant stop crying", "cuando va a parar la lluvia", "the bus stop is flooded", "end of my rope"]
)
async def test_what_only_sounds_like_an_opt_out_is_none(house: House, text: str) -> None:
    (answer,) = await says(house, text, "SM1")
    person, _ = await house.faro.store.recall(person_key(house.faro.settings.key(), Channel.SMS, ANA))
    assert person is not None
    assert not person.opted_out
    if "morir" in text:
        assert "988" in answer


STOPS = ("ALTO", "parar", "Basta!", "cancelar", "BAJA", "no me escriban mas", "take me off this list", "please stop texting me", "ya no quiero mensajes", "Stop!!", "STOP.", "no más mensajes")


@pytest.mark.parametrize("text", STOPS)
async def test_every_reasonable_way_to_say_stop_is_heard(house: House, text: str) -> None:
    texts = await says(house, text, "SM1")
    person, _ = await house.faro.store.recall(person_key(house.faro.settings.key(), Channel.SMS, ANA))
    assert person is not None
    assert person.opted_out
    assert all(segments(t) == ("GSM-7", 1) and "START" in t for t in texts)


async def test_a_list_holds_its_place_for_a_day_through_a_restart_and_a_new_question_drops_it(faro: Faro, clock: Clock) -> None:
    async def open_and_say(body: str, sid: str) -> str:
        async with open_house(faro, twilio_auth_token=TWILIO_TOKEN, public_url=PUBLIC_URL) as house:
            return "".join(await says(house, body, sid))

    assert "9 Talk to a person" in await open_and_say("MENU", "SM1")
    clock.moment += timedelta(hours=23)
    assert "211" in await open_and_say("9", "SM2")
    clock.moment += timedelta(hours=25)
    assert "9 Talk to a person" in await open_and_say("9", "SM3"), "a list of the day before is gone: the menu again"
    long = await open_and_say("i cant sleep since the storm", "SM4")
    assert "MORE" in long
    await open_and_say("shelter in boone", "SM5")
    assert await open_and_say("MORE", "SM6") not in long


async def test_status_callbacks_are_counted_and_failures_named(house: House, caplog: pytest.LogCaptureFixture) -> None:
    for form in ({**STATUS, "MessageStatus": "undelivered", "ErrorCode": "30007"}, {**STATUS, "MessageStatus": "<b>", "ErrorCode": "x1"}):
        answer = await house.client.post("/twilio/status", data=form, headers=signed(form, path="/twilio/status"))
        assert answer.status_code == 204
    metrics = (await house.client.get("/metrics")).text
    assert 'faro_twilio_status_total{error="30007",status="undelivered"}' in metrics
    assert 'faro_twilio_status_total{error="",status="other"}' in metrics
    assert "a carrier filtered the text" in caplog.text


def test_the_fallback_holds_the_crisis_lines_and_211_in_both_languages() -> None:
    done = CliRunner().invoke(app, ["fallback"])
    assert done.exit_code == 0
    english, spanish = twiml_of(done.stdout)
    for text in (english, spanish):
        assert all(number in text for number in ("911", "988", "211"))
        assert segments(text) == ("GSM-7", 1)
    assert "llame" in spanish or "peligro" in spanish


async def test_one_who_floods_is_told_once_and_others_and_a_crisis_are_answered(house: House) -> None:
    answers = [await says(house, f"food {n}", f"SM{n}") for n in range(60)]
    told = [texts for texts in answers if texts and "wait a minute" in texts[0]]
    assert (len(told), sum(not texts for texts in answers)) == (1, 29)
    assert "911" in told[0][0]
    assert len(await says(house, "shelter in boone", "SMX", From="+19195550143")) == 1
    (crisis,) = await says(house, "i want to kill myself", "SMY")
    assert "988" in crisis


async def test_one_who_floods_can_still_stop_and_then_hears_nothing(house: House) -> None:
    for n in range(35):
        await says(house, f"food {n}", f"SM{n}")
    assert len(await says(house, "ALTO", "SMX")) == 1
    person, _ = await house.faro.store.recall(person_key(house.faro.settings.key(), Channel.SMS, ANA))
    assert person is not None
    assert person.opted_out
    assert [await says(house, f"food {n}", f"SMY{n}") for n in range(5)] == [[]] * 5


async def test_an_opt_out_type_that_twilio_does_not_document_is_no_order(house: House) -> None:
    (text,) = await says(house, "refugio en boone", "SM1", OptOutType="menu")
    assert "Watauga" in text


async def test_after_stop_a_person_may_still_erase_what_is_kept(house: House) -> None:
    await says(house, "refugio en boone", "SM1")
    await says(house, "ALTO", "SM2")
    assert len(await says(house, "BORRAR", "SM3")) == 1
    assert len(await says(house, "si", "SM4")) == 1
    person, _ = await house.faro.store.recall(person_key(house.faro.settings.key(), Channel.SMS, ANA))
    assert person is None
