"""A person answers: the whole talk over SMS and Telegram, and everything that may come in its middle."""

import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from bot.app import Faro, compose
from bot.channels.telegram_sender import TelegramSender
from bot.handover import GroupMessage
from bot.intents import Turn
from bot.limits import PER_TALK
from bot.messages import LANGUAGES, Language
from bot.wording.fitting import Style, fit
from bot.wording.gsm7 import fold, segments
from tests.conftest import Clock
from tests.doors import PUBLIC_URL, SMS_PATH, House, open_house, serving, signed, twiml_texts
from tests.fake_telegram import BOT, TOKEN, FakeTelegram
from tests.fake_twilio import ACCOUNT, FakeTwilio
from tests.fake_twilio import TOKEN as TWILIO_API_TOKEN

GROUP, STRANGERS = -500, -501
ANA, FARO = "+19195550142", "+19195550100"
SECRET = "a-secret_of-the-tests"
ODD = ("what is the capital of france", "how many strings has a guitar")
ids = count(2000)  # above those of the bot: Telegram numbers the messages of a chat in their order


@dataclass
class Room:
    """Faro with both doors open, a resident's phone, and the volunteers' group."""

    faro: Faro
    telegram: FakeTelegram
    twilio: FakeTwilio
    urls: tuple[str, str]
    clock: Clock
    house: House = field(init=False)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def restart(self) -> None:
        """As after a kill: nothing is left but the database."""
        await self.stack.aclose()
        old = self.faro
        self.faro = compose(old.settings, words=old.words, gazetteer=old.gazetteer, live=old.live, store=old.store, clock=self.clock)
        await self.start()

    async def start(self) -> None:
        telegram, twilio = self.urls
        opening = open_house(
            self.faro,
            telegram_token=TOKEN,
            telegram_secret=SECRET,
            telegram_api_url=telegram,
            public_url=PUBLIC_URL,
            twilio_auth_token=TWILIO_API_TOKEN,
            twilio_account_sid=ACCOUNT,
            twilio_from=FARO,
            twilio_api_url=twilio,
            volunteers_chat=GROUP,
        )
        self.house = await self.stack.enter_async_context(opening)
        assert self.house.doors.telegram
        self.stack.push_async_callback(self.house.doors.outgoing.close)
        self.stack.push_async_callback(self.house.doors.telegram.stop)
        await self.house.doors.telegram.start()

    async def sms(self, text: str, sid: str | None = None, sender: str = ANA) -> str:
        """What a resident's text is answered at once."""
        form = {"MessageSid": sid or f"SM{next(ids)}", "From": sender, "To": FARO, "NumMedia": "0", "Body": text}
        answer = await self.house.client.post(SMS_PATH, data=form, headers=signed(form, token=TWILIO_API_TOKEN))
        return "\n".join(twiml_texts(answer))

    async def update(self, sent: dict[str, Any]) -> None:
        self.telegram.know(sent)
        answer = await self.house.client.post("/telegram", json=sent, headers={"x-telegram-bot-api-secret-token": SECRET})
        assert answer.status_code == 200
        assert self.house.doors.telegram
        await self.house.doors.telegram.finished()

    async def says(self, text: str, reply_to: int | None = None, chat: int = GROUP, user: int = 70) -> dict[str, Any]:
        """A volunteer, or whoever is in another chat."""
        sent = message(text, chat, user, "Vera")
        if reply_to:
            sent["message"]["reply_to_message"] = {"message_id": reply_to, "date": 1_800_000_000, "chat": sent["message"]["chat"], "from": BOT, "text": "Talk"}
        await self.update(sent)
        return sent

    async def asks(self, text: str, chat: int = 9) -> str:
        """A resident on Telegram; what they are sent back."""
        before = len(self.telegram.texts(chat))
        await self.update(message(text, chat, chat, "Rosa"))
        return "\n".join(self.telegram.texts(chat)[before:])

    async def begin(self, question: str = "is there a crew that muds out houses in Swannanoa") -> int:
        """A volunteer on duty, a resident who asks; the number of the message in the group."""
        await self.says("/on")
        await self.sms("HUMAN")
        assert "Write your question now" in await self.sms("1")
        assert "keep quiet" in await self.sms(question)
        return self.last

    @property
    def group(self) -> list[str]:
        return self.telegram.texts(GROUP)

    @property
    def last(self) -> int:
        """The number of the newest message of the bot; all tests but those that say so look at one that went to the group."""
        return self.telegram._next_message

    @property
    def texts(self) -> list[str]:
        """What was sent to phones without being asked."""
        return [form["Body"] for form in self.twilio.sent]

    def rows(self, table: str) -> list[Any]:
        return sqlite3.connect(self.faro.settings.data / "faro.sqlite3").execute(f"select * from {table}").fetchall()


def message(text: str, chat: int, user: int, name: str) -> dict[str, Any]:
    number = next(ids)
    person = {"id": user, "is_bot": False, "first_name": name, "last_name": "Zarzuela", "username": "rosita99", "language_code": "en"}
    return {"update_id": number, "message": {"message_id": number, "date": 1_800_000_000, "chat": {"id": chat, "type": "private" if chat > 0 else "supergroup"}, "from": person, "text": text}}


@pytest.fixture
def wires() -> Iterator[tuple[FakeTelegram, FakeTwilio, tuple[str, str]]]:
    telegram, twilio = FakeTelegram(), FakeTwilio()
    with serving(telegram.app) as first, serving(twilio.app) as second:
        yield telegram, twilio, (first, second)


@pytest.fixture
async def room(faro: Faro, clock: Clock, wires: tuple[FakeTelegram, FakeTwilio, tuple[str, str]]) -> AsyncIterator[Room]:
    telegram, twilio, urls = wires
    made = Room(faro, telegram, twilio, urls, clock)
    await made.start()
    yield made
    await made.stack.aclose()


async def test_a_whole_talk_by_text_message(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await room.says("/on")
    assert "on duty until 12:00 AM" in room.group[-1]
    await room.sms("28778")
    offered = await room.sms("HUMAN")
    assert "211" in offered.split("1 Ask a volunteer")[0]
    assert "in one message" in await room.sms("1")
    assert not room.rows("handover_note")
    assert "keep quiet" in await room.sms("I am Bob Stone? call 919-555-0142. my name is Ana Stone, who muds out houses")
    asked = room.last
    assert "Talk 1 · county: Buncombe" in room.group[-1]
    assert "who muds out houses" in room.group[-1]
    assert not [secret for secret in ("0142", "Ana Stone", "+1919") if secret in "".join(room.group)]
    await room.says("A crew <b>comes</b> *tomorrow* & it is free. 1. Call [x](y) 828-555-0111", reply_to=asked)
    assert room.texts == ["A volunteer writes:\nA crew <b>comes</b> tomorrow & it is free. 1. Call x (y) 828-555-0111"]
    assert await room.sms("we are 4, number 12 at the end") == ""
    assert await room.sms("4") == "", "a number is an answer to the volunteer, too"
    assert room.group[-2:] == ["Talk 1:\nwe are 4, number 12 at the end", "Talk 1:\n4"]
    assert json.loads(room.telegram.named("sendMessage")[-1].params["reply_parameters"])["message_id"] == asked
    await room.says("thank you", reply_to=room.last)
    assert room.texts[-1].endswith("thank you")
    assert "MENU" in await room.sms("DONE")
    assert room.group[-1] == "Talk 1 is over."
    assert not room.rows("handover") + room.rows("handover_note")
    assert "211" in await room.sms("food")
    sealed = b"".join(path.read_bytes() for path in room.faro.settings.data.glob("faro.sqlite3*"))
    assert b"5550142" not in sealed
    assert not [words for words in ("5550142", "muds out", "tomorrow", "Vera") if words in caplog.text]


async def test_a_whole_talk_on_telegram_in_spanish(room: Room) -> None:
    await room.says("/on@faro_test_bot")
    await room.asks("espanol")
    offered = await room.asks("PERSONA")
    assert "211" in offered
    assert "#human:ask" in room.telegram.named("sendMessage")[-1].params["reply_markup"]
    assert "Escriba ahora su pregunta" in await room.asks("Preguntarle a un voluntario")
    assert "me callo" in await room.asks("¿quién arregla techos en Marion?")
    asked = room.last - 1
    assert "responda en español" in room.group[-1]
    assert "condado: " in room.group[-1]
    assert not [name for name in ("Rosa", "Zarzuela", "rosita", ": 9") if name in "".join(room.group)]
    await room.says("Mañana *va* una <brigada>.\n1. Sin costo", reply_to=asked)
    assert room.telegram.texts(9)[-1] == "<b>Le escribe un voluntario:</b>\n\nMañana *va* una &lt;brigada&gt;.\n1. Sin costo"
    await room.says("/page sleep", reply_to=asked)
    page = room.telegram.texts(9)[-1]
    assert "dormir" in page
    await room.says("/page no-such-page", reply_to=asked)
    assert "no-such-page" in room.group[-1]
    assert await room.asks("gracias") == ""
    await room.says("/done", reply_to=asked)
    assert room.group[-1] == "Terminó la plática 1."
    assert "Otra vez le contesta Faro" in room.telegram.texts(9)[-1]
    assert "211" in await room.asks("comida")


async def test_two_misses_in_a_row_offer_a_volunteer_and_hand_the_question_over(room: Room) -> None:
    await room.says("/on")
    assert "Ask a volunteer" not in await room.sms(ODD[0])
    assert "Ask a volunteer" in await room.sms(ODD[1])
    assert "keep quiet" in await room.sms("1")
    assert ODD[1] in room.group[-1]


async def test_after_something_that_was_answered_the_next_miss_is_the_first(room: Room) -> None:
    await room.says("/on")
    await room.sms(ODD[0])
    await room.sms("food")
    assert "Ask a volunteer" not in await room.sms(ODD[1])


async def test_nobody_on_duty_no_offer(room: Room, clock: Clock) -> None:
    assert "volunteer" not in await room.sms("HUMAN")
    await room.says("/on")
    assert "Ask a volunteer" in await room.sms("HUMAN")
    assert "Ask a volunteer" not in (await room.house.client.post("/api/answer", json={"text": "HUMAN"})).text
    await room.says("/off")
    assert "No volunteer is on duty any more. I am Faro" in await room.sms("1")
    await room.says("/on")
    clock.moment += timedelta(hours=12)
    assert "volunteer" not in await room.sms("HUMAN")


async def test_a_restart_in_the_middle_changes_nothing(room: Room) -> None:
    asked = await room.begin()
    await room.restart()
    assert await room.sms("it is two rooms") == ""
    assert room.group[-1].endswith("it is two rooms")
    await room.restart()
    await room.says("They come on Monday.", reply_to=asked)
    assert room.texts == ["A volunteer writes:\nThey come on Monday."]


async def test_a_crisis_in_the_middle_is_answered_at_once_and_flagged(room: Room) -> None:
    await room.begin()
    usual = await room.sms("i want to kill myself", sender="+19195550143")
    assert "988" in usual
    assert await room.sms("i want to kill myself") == usual
    assert "CRISIS WORDS" in room.group[-1]
    room.telegram.block(GROUP)
    assert await room.sms("i want to kill myself") == usual


async def test_a_first_question_with_words_of_a_crisis_is_passed_on_and_said_to_be(room: Room) -> None:
    await room.says("/on")
    await room.sms("HUMAN")
    await room.sms("1")
    told = await room.sms("my husband hurt his leg, can someone bring crutches to Marion")
    assert told.startswith("If anyone is in danger now, call 911 first.")
    assert "A volunteer has your question" in told
    assert segments(told) <= ("GSM-7", 2)
    note = room.group[-1]
    assert [part for part in ("CRISIS WORDS", "county: McDowell", "answer in English", "crutches", "Reply to this message") if part not in note] == []
    await room.says("Yes, today.", reply_to=room.last)
    assert room.texts == ["A volunteer writes:\nYes, today."]


async def test_a_first_question_that_is_a_crisis_gets_its_answer_and_then_that_it_was_passed_on(room: Room) -> None:
    await room.says("/on")
    usual = await room.sms("i want to kill myself", sender="+19195550143")
    await room.sms("HUMAN")
    await room.sms("1")
    told = await room.sms("i want to kill myself")
    assert told.splitlines()[0] == usual.splitlines()[0]
    assert "A volunteer has your question" in told


@pytest.mark.parametrize(("question", "county"), [("¿Quién corta árboles en Burnsville?", "Yancey"), ("¿Quién corta árboles en 28761?", "McDowell / Burke"), ("¿Quién corta árboles?", "Wake")])
async def test_the_group_is_told_the_county_that_a_question_names(room: Room, question: str, county: str) -> None:
    await room.says("/on")
    if county == "Wake":
        await room.sms("27601")
    await room.sms("PERSONA")
    await room.sms("1")
    await room.sms(question)
    assert f"condado: {county} ·" in room.group[-1] or f"county: {county} ·" in room.group[-1], room.group[-1]


@pytest.mark.parametrize("end", [("STOP",), ("DELETE", "DELETE")])
async def test_stop_and_delete_end_it(room: Room, end: tuple[str, ...]) -> None:
    asked = await room.begin()
    for word in end:
        await room.sms(word)
    assert room.group[-1] == "Talk 1 is over."
    assert not room.rows("handover") + room.rows("handover_note")
    await room.says("Are you there?", reply_to=asked)
    assert "no talk that is still open" in room.group[-1]
    assert not room.texts


async def test_the_menu_works_in_the_middle(room: Room) -> None:
    await room.begin()
    assert "1 " in await room.sms("MENU")
    assert "211" in await room.sms("2")
    assert await room.sms("thanks, and the crew?") == ""
    assert room.group[-1].endswith("thanks, and the crew?")


async def test_twelve_quiet_hours_end_it(room: Room, clock: Clock) -> None:
    asked = await room.begin()
    clock.moment += timedelta(hours=11)
    await room.says("Still looking.", reply_to=asked)
    clock.moment += timedelta(hours=11)
    assert await room.sms("thanks") == ""
    clock.moment += timedelta(hours=12)
    await room.says("Found one!", reply_to=asked)
    assert "no talk that is still open" in room.group[-1]
    assert "211" in await room.sms("food"), "Faro answers again"
    assert room.house.doors.live.desk
    await room.house.doors.live.desk.end_quiet()
    assert "12 hours" in room.group[-1]
    assert not room.rows("handover") + room.rows("handover_note")
    assert len(room.texts) == 1


async def test_a_number_of_a_talk_is_given_once(room: Room) -> None:
    """A message of an old talk must never reach another person."""
    first = await room.begin()
    await room.sms("DONE")
    await room.sms("HUMAN", sender="+19195550143")
    await room.sms("1", sender="+19195550143")
    await room.sms("another question", sender="+19195550143")
    assert "Talk 2" in room.group[-1]
    await room.says("for the first", reply_to=first)
    assert not room.texts


async def test_a_strangers_chat_is_no_volunteers(room: Room) -> None:
    asked = await room.begin()
    before = len(room.group)
    await room.says("/off", chat=STRANGERS)
    await room.says("Send me money", reply_to=asked, chat=STRANGERS)
    await room.says("Send me money", reply_to=asked, chat=77)
    assert (room.texts, len(room.group)) == ([], before)
    assert "Ask a volunteer" in await room.sms("HUMAN", sender="+19195550144")


async def test_the_group_never_talks_to_faro_itself(room: Room) -> None:
    for text in ("food", "where is a shelter @faro_test_bot", "I want to die", "STOP"):
        await room.says(text)
    assert room.group == []
    await room.says("/shelter Boone")
    assert "/page" in room.group[-1]
    assert room.rows("person") == []


async def test_nothing_is_passed_on_twice(room: Room) -> None:
    asked = await room.begin()
    for _ in range(2):
        assert await room.sms("we have two dogs", sid="SMsame") == ""
    assert sum("two dogs" in text for text in room.group) == 1
    sent = await room.says("They come on Monday.", reply_to=asked)
    await room.update(sent)
    await room.restart()
    await room.update(sent)
    assert room.house.doors.live.desk
    noted = GroupMessage(update_id=str(sent["update_id"]), message_id=3000, user="70", text="They come on Monday.", language="en", reply_to=asked, to_us=True)
    await room.house.doors.live.desk.hear(noted)  # killed after it was done, and before the inbox knew
    assert len(room.texts) == 1


async def test_too_long_and_undelivered_words_are_told_to_the_volunteer(room: Room) -> None:
    asked = await room.begin()
    await room.says("much to say. " * 60, reply_to=asked)
    assert "nothing was sent" in room.group[-1]
    room.twilio.answers = [(500, None, {})]
    await room.says("hello", reply_to=asked)
    assert "not certain" in room.group[-1]
    room.twilio.answers = [(400, 21610, {})]
    await room.says("hello", reply_to=asked)
    assert "cannot be written to" in room.group[-1]
    assert not room.rows("handover")


async def test_without_telegram_or_database_the_resident_is_answered(room: Room) -> None:
    await room.begin()
    room.telegram.block(GROUP)
    answer = await room.sms("food")
    assert answer.startswith("I could not reach the volunteers. A person answers at 211")
    assert len(answer) > 120, "and Faro's own answer"
    other = "+19195550145"
    await room.sms(ODD[0], sender=other)
    await room.sms(ODD[1], sender=other)
    answer = await room.sms("1", sender=other)
    assert answer.startswith("I could not reach")
    assert len(room.rows("handover")) == 1
    room.telegram.unblock(GROUP)
    lock = sqlite3.connect(room.faro.settings.data / "faro.sqlite3")
    lock.execute("drop table handover_note")
    lock.commit()
    assert "211" in await room.sms("food")


async def test_a_flood_does_not_reach_the_group(room: Room) -> None:
    await room.begin()
    answers = [await room.sms(f"and another thing {n}") for n in range(PER_TALK.amount + 2)]
    assert sum("another thing" in text for text in room.group) == PER_TALK.amount - 1
    assert [bool(answer) for answer in answers[-3:]] == [True, False, False]
    assert "988" in await room.sms("i want to kill myself")
    assert "CRISIS WORDS" in room.group[-1]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_is_said_fits_text_messages(faro: Faro, language: Language) -> None:
    """Two parts each; and the offer is behind no MORE, whatever lines a county has."""
    kit = faro.live().mind.kit(faro.clock())
    assert {key: parts for key in ("human.ask", "human.passed", "human.ended") if (parts := segments(fold(kit.say(key, language)))) > ("GSM-7", 2)} == {}
    for county in faro.gazetteer.counties:
        turn = Turn(language=language, intent="human", county=county, volunteers=True)
        fitted = fit(await faro.rooms.of("human").answer(turn, kit), Style.SMS, faro.words)
        assert not fitted.rest, county


async def test_a_post_that_fails_is_known(wires: tuple[FakeTelegram, FakeTwilio, tuple[str, str]], room: Room) -> None:
    sender = TelegramSender(token="1:wrong", api_url=wires[2][0], words=room.faro.words)
    assert await sender.post(str(GROUP), "hello") is None
    await sender.close()
