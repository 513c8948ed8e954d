"""The Telegram door against a strict Bot API on a real socket: by polling, and by webhook."""

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.app import Faro, compose
from bot.conversation import Mind
from bot.intents import Kit
from bot.settings import ROOT
from bot.store.patience import Patience
from tests.conftest import Clock
from tests.doors import PUBLIC_URL, House, open_house, serving, wait_until
from tests.fake_telegram import BOT, TOKEN, USERNAME, FakeTelegram, Refused, parsed_html

SECRET = "a-secret_of-the-tests"
PATH = "/telegram"
ids = count(1)


@pytest.fixture
def telegram() -> FakeTelegram:
    return FakeTelegram()


@pytest.fixture
def api_url(telegram: FakeTelegram) -> Iterator[str]:
    with serving(telegram.app) as url:
        yield url


@asynccontextmanager
async def bot(faro: Faro, api_url: str, *, webhook: bool) -> AsyncIterator[House]:
    """Faro with its Telegram door started, as the composition root starts it."""
    public = PUBLIC_URL if webhook else ""
    async with open_house(faro, telegram_token=TOKEN, telegram_secret=SECRET, telegram_api_url=api_url, public_url=public) as house:
        assert house.doors.telegram
        await house.doors.telegram.start()
        try:
            yield house
        finally:
            await house.doors.telegram.stop()


@pytest.fixture
async def house(faro: Faro, api_url: str) -> AsyncIterator[House]:
    async with bot(faro, api_url, webhook=True) as opened:
        yield opened


def update(chat: int = 1, **parts: Any) -> dict[str, Any]:
    """A private message; `kind`, `chat_type` and `language_code` change its shape."""
    language, chat_type, kind = parts.pop("language_code", "en"), parts.pop("chat_type", "private"), parts.pop("kind", "message")
    person = {"id": 7, "is_bot": False, "first_name": "Ana", "language_code": language}
    number = next(ids)
    return {"update_id": number, kind: {"message_id": number, "date": 1_800_000_000, "chat": {"id": chat, "type": chat_type}, "from": person, **parts}}


def press(data: str, chat: int = 1, message: dict[str, Any] | None = None) -> dict[str, Any]:
    """A press on a button under an earlier message of the bot, if need be one that Telegram does not show any more."""
    number = next(ids)
    shown = {"message_id": 5, "date": 1_800_000_000, "chat": {"id": chat, "type": "private" if chat > 0 else "group"}, "from": BOT, "text": "Menu"}
    person = {"id": 7, "is_bot": False, "first_name": "Ana", "language_code": "en"}
    return {"update_id": number, "callback_query": {"id": f"q{number}", "from": person, "message": message or shown, "chat_instance": "1", "data": data}}


async def deliver(house: House, telegram: FakeTelegram, sent: dict[str, Any]) -> int:
    """As Telegram calls the webhook; the status."""
    telegram.know(sent)
    answer = await house.client.post(PATH, json=sent, headers={"x-telegram-bot-api-secret-token": SECRET})
    assert house.doors.telegram
    await house.doors.telegram.finished()
    return answer.status_code


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    sent: dict[str, Any]
    holds: tuple[str, ...]


PHOTO = [{"file_id": "P", "file_unique_id": "U", "width": 9, "height": 9}]
STICKER = {"file_id": "S", "file_unique_id": "U", "width": 9, "height": 9, "is_animated": False, "is_video": False, "type": "regular", "emoji": "🙂"}
LOCATION = {"latitude": 35.5951, "longitude": -82.5515}
OURS = {"message_id": 1, "date": 1_800_000_000, "chat": {"id": -5, "type": "group"}, "from": BOT}
CASES = [
    Case(name="English", sent=update(text="where can i sleep tonight, im in asheville"), holds=("Buncombe County", "828-250-6100", "43362")),
    Case(name="Spanish", sent=update(text="no puedo dormir desde la tormenta"), holds=("1-800-985-5990",)),
    Case(name="the app's language when the text says none", sent=update(text="28801", language_code="es-419"), holds=("condado de Buncombe",)),
    Case(name="/start", sent=update(text="/start"), holds=("Faro",)),
    Case(name="/shelter", sent=update(text="/shelter Boone"), holds=("Watauga County",)),
    Case(name="/shelter@bot", sent=update(text=f"/shelter@{USERNAME} Boone"), holds=("Watauga County",)),
    Case(name="location", sent=update(location=LOCATION), holds=("Buncombe County",)),
    Case(name="photo without text", sent=update(photo=PHOTO), holds=("cannot see pictures",)),
    Case(name="photo with a caption", sent=update(photo=PHOTO, caption="shelter in boone"), holds=("Watauga County",)),
    Case(name="sticker", sent=update(sticker=STICKER), holds=("cannot see pictures",)),
    Case(name="HTML of the resident", sent=update(text="<b>&<script> shelter"), holds=("11",)),
    Case(name="100,000 characters", sent=update(text="food " * 20_000), holds=("211",)),
    Case(name="group, named", sent=update(chat=-5, chat_type="group", text=f"@{USERNAME} shelter in boone"), holds=("Watauga County",)),
    Case(name="group, replied to", sent=update(chat=-5, chat_type="group", text="shelter in boone", reply_to_message=OURS), holds=("Watauga",)),
    Case(name="unknown button", sent=press("#no-such-thing"), holds=("11",)),
    Case(name="unknown order of a button", sent=press("#nowhere:x"), holds=("211",)),
    Case(name="button", sent=press("#food"), holds=("211",)),
    Case(name="button of a message out of reach", sent=press("#food", message={"message_id": 5, "date": 0, "chat": {"id": 1, "type": "private"}}), holds=("211",)),
    Case(name="button in a group", sent=press("#food", chat=-5), holds=("211",)),
    Case(name="group, named in capitals", sent=update(chat=-5, chat_type="group", text=f"shelter in boone @{USERNAME.upper()}"), holds=("Watauga County",)),
    Case(name="group, asked where", sent=update(chat=-5, chat_type="group", text=f"@{USERNAME} support groups"), holds=("county",)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_an_update_is_answered(house: House, telegram: FakeTelegram, case: Case) -> None:
    assert await deliver(house, telegram, case.sent) == 200
    shown = "\n".join(c.params["text"] for c in telegram.named("sendMessage"))
    assert [part for part in case.holds if part.lower() not in shown.lower()] == [], shown
    assert len(telegram.named("answerCallbackQuery")) == ("callback_query" in case.sent)


UNHEARD = [
    update(chat=-5, chat_type="group", text="shelter in boone"),
    update(chat=-5, chat_type="supergroup", text="STOP"),
    update(chat=-5, chat_type="group", text=f"@{USERNAME}2 hi"),
    update(pinned_message=OURS),
    update(kind="edited_message", edit_date=1_800_000_001, text="shelter in boone"),
    update(chat=-6, chat_type="channel", kind="channel_post", text=f"@{USERNAME} hi"),
    {"update_id": 900_001, "my_chat_member": None},
    {"update_id": 900_002, "something_of_next_year": {"a": 1}},
]


@pytest.mark.parametrize("sent", UNHEARD, ids=["group", "supergroup", "another bot", "pinned", "edit of what was not heard", "channel", "nothing", "unknown kind"])
async def test_what_is_not_for_us_is_taken_in_silence(house: House, telegram: FakeTelegram, sent: dict[str, Any]) -> None:
    assert await deliver(house, telegram, sent) == 200
    assert telegram.named("sendMessage") == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"x-telegram-bot-api-secret-token": ""}, 403),
        ({"x-telegram-bot-api-secret-token": SECRET[:-1]}, 403),
        ({"x-telegram-bot-api-secret-token": b"se\xc3\xb1al"}, 403),
        ({"x-telegram-bot-api-secret-token": b"\xff\xfe"}, 403),
    ],
)
async def test_a_wrong_secret_is_refused(house: House, telegram: FakeTelegram, headers: dict[str, str], status: int) -> None:
    answer = await house.client.post(PATH, json=update(text="hi"), headers=headers)
    assert answer.status_code == status
    assert telegram.named("sendMessage") == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"null", b'"x"', b'{"update_id": "x"', b"\xff", b'{"message": {}}', b"[" * 3000])
async def test_what_is_no_update_is_refused(house: House, body: bytes) -> None:
    answer = await house.client.post(PATH, content=body, headers={"x-telegram-bot-api-secret-token": SECRET})
    assert answer.status_code == 400


async def test_an_update_of_300_000_characters_is_refused(house: House, telegram: FakeTelegram) -> None:
    assert await deliver(house, telegram, update(text="a" * 300_000)) == 400


def answered(telegram: FakeTelegram, before: int) -> bool:
    return len(telegram.texts(22)) > before


TALK = ["hola", "refugio en boone", "y comida?", "MENU", "4", "support groups in 28739", "27501", "me quiero morir", "when is the next peer connections meeting"]


async def test_polling_and_webhook_give_the_same_answers(faro: Faro, telegram: FakeTelegram, api_url: str) -> None:
    async with bot(faro, api_url, webhook=True) as house:
        for text in TALK:
            await deliver(house, telegram, update(chat=11, text=text))
    by_webhook = telegram.texts(11)
    async with bot(faro, api_url, webhook=False) as house:
        for text in TALK:
            before = len(telegram.texts(22))
            telegram.push(update(chat=22, text=text))
            await asyncio.to_thread(wait_until, partial(answered, telegram, before))
        assert (await house.client.post(PATH, json=update(text="hi"))).status_code == 404
    assert len(by_webhook) >= len(TALK)
    assert telegram.texts(22) == by_webhook


async def test_the_webhook_is_set_and_the_bot_introduced_in_both_languages(house: House, telegram: FakeTelegram) -> None:
    (hook,) = telegram.named("setWebhook")
    assert (hook.params["url"], hook.params["secret_token"]) == (f"{house.faro.settings.public_url}{PATH}", SECRET)
    for method in ("setMyCommands", "setMyDescription", "setMyShortDescription"):
        assert [c.params.get("language_code") for c in telegram.named(method)] == [None, "es"]
    english, spanish = (json.loads(c.params["commands"]) for c in telegram.named("setMyCommands"))
    assert [c["command"] for c in english] == [c["command"] for c in spanish]
    assert english != spanish


async def test_every_command_of_the_menu_is_understood(house: House, telegram: FakeTelegram) -> None:
    commands = [c["command"] for c in json.loads(telegram.named("setMyCommands")[0].params["commands"])]
    for chat, command in enumerate(commands, 100):
        await deliver(house, telegram, update(chat=chat, text=f"/{command}"))
        assert telegram.texts(chat), command
    assert await house.faro.store.unanswered() == []


async def test_choices_are_buttons_and_each_button_is_answered(house: House, telegram: FakeTelegram) -> None:
    await deliver(house, telegram, update(text="/menu"))
    rows = json.loads(telegram.named("sendMessage")[0].params["reply_markup"])["inline_keyboard"]
    assert len(rows) == 9
    for (button,), chat in zip(rows, range(200, 300), strict=False):
        assert await deliver(house, telegram, press(button["callback_data"], chat=chat)) == 200
        assert telegram.texts(chat), button


@pytest.mark.parametrize("asked", ["support groups", "I need shelter", "county", "recovery coalition"])
async def test_where_the_county_is_asked_a_location_may_be_shared(house: House, telegram: FakeTelegram, asked: str) -> None:
    """The answer names the county, and the keyboard that asked for it goes."""
    await deliver(house, telegram, update(text=asked))
    assert markup(telegram)["keyboard"][0][0]["request_location"] is True
    await deliver(house, telegram, update(location=LOCATION))
    assert "Buncombe County" in telegram.texts(1)[-1]
    assert markup(telegram) == {"remove_keyboard": True}


async def test_a_redelivered_update_is_answered_once_and_noted_once(house: House, telegram: FakeTelegram) -> None:
    sent = update(text="what is the capital of france")
    await asyncio.gather(deliver(house, telegram, sent), deliver(house, telegram, sent))
    await deliver(house, telegram, sent)
    assert len(telegram.texts(1)) == 1
    assert len(await house.faro.store.unanswered()) == 1


async def test_peer_connections_comes_with_a_calendar_file(house: House, telegram: FakeTelegram) -> None:
    await deliver(house, telegram, update(text="cuando es la proxima reunion de peer connections"))
    (document,) = telegram.named("sendDocument")
    ((name, content),) = document.files.items()
    assert name == "peer-connections.ics"
    assert b"DTSTART;TZID=America/New_York:20261216T120000" in content
    assert "16 de diciembre" in telegram.texts(1)[0]


async def test_a_resident_who_blocked_the_bot_costs_nothing(house: House, telegram: FakeTelegram, caplog: pytest.LogCaptureFixture) -> None:
    telegram.block(1)
    assert await deliver(house, telegram, update(text="when is the next peer connections meeting")) == 200
    assert await deliver(house, telegram, update(chat=2, text="hi")) == 200
    assert telegram.texts(2)
    assert not caplog.records or "Forbidden" not in caplog.text
    telegram.unblock(1)
    await deliver(house, telegram, update(text="/start"))
    assert telegram.texts(1)


async def test_stop_is_kept_until_start(house: House, telegram: FakeTelegram) -> None:
    for text, answers in [("/stop", 1), ("food", 1), ("/start", 2), ("food", 3)]:
        await deliver(house, telegram, update(text=text))
        assert len(telegram.texts(1)) == answers, text


def markup(telegram: FakeTelegram) -> dict[str, Any]:
    """What stands under the newest message."""
    found: dict[str, Any] = json.loads(telegram.named("sendMessage")[-1].params.get("reply_markup", "{}"))
    return found


def useful_buttons(telegram: FakeTelegram) -> list[str]:
    row = markup(telegram).get("inline_keyboard", [[]])[-1]
    return [b["callback_data"] for b in row if b["callback_data"].startswith("#useful:")]


async def test_a_page_asks_whether_it_was_useful(house: House, telegram: FakeTelegram) -> None:
    """Yes is thanked without a message; no asks what was wrong, and the next words are the feedback."""
    await deliver(house, telegram, update(text="no puedo dormir desde la tormenta en Boone"))
    yes, no = useful_buttons(telegram)
    before = len(telegram.texts(1))
    await deliver(house, telegram, press(yes))
    assert len(telegram.texts(1)) == before
    await deliver(house, telegram, press(no))
    await deliver(house, telegram, update(text="el número no contesta"))
    assert len(telegram.texts(1)) == before + 2
    thanks = house.faro.words.say("rating.thanks", "es")
    assert [c.params["text"] for c in telegram.named("answerCallbackQuery")] == [thanks, thanks]
    assert telegram.texts(1)[-2] == house.faro.words.say("feedback.ask", "es")
    assert [(r.intent, r.useful, r.language, r.county) for r in await house.faro.store.ratings()] == [(yes.split(":")[2], False, "es", "Watauga")]
    assert [f.text for f in await house.faro.store.feedback()] == ["el número no contesta"]


@pytest.mark.parametrize("data", ["#useful:yes:no-such-page", "#useful:maybe:food", "#useful:yes", "#useful"])
async def test_a_rating_of_nothing_is_not_kept(house: House, telegram: FakeTelegram, data: str) -> None:
    assert await deliver(house, telegram, press(data)) == 200
    assert len(telegram.named("answerCallbackQuery")) == 1
    assert await house.faro.store.ratings() == []


@pytest.mark.parametrize("text", ["/menu", "me quiero morir", "support groups", "what is the capital of france", "/privacy", "hola", "shelter in boone", "i cant sleep and i cant go on"])
async def test_what_is_no_page_does_not_ask(house: House, telegram: FakeTelegram, text: str) -> None:
    await deliver(house, telegram, update(text=text))
    assert telegram.texts(1)
    assert useful_buttons(telegram) == []


async def test_a_message_mended_within_a_minute_is_answered_again_once(house: House, telegram: FakeTelegram) -> None:
    first = update(text="xyzzy")
    await deliver(house, telegram, first)

    async def edit(after: int, **parts: Any) -> int:
        """How many texts an edit of the first message brings."""
        before = len(telegram.texts(1))
        changed = update(kind="edited_message", edit_date=1_800_000_000 + after, **parts)
        changed["edited_message"]["message_id"] = first["message"]["message_id"]
        await deliver(house, telegram, changed)
        return len(telegram.texts(1)) - before

    assert [await edit(5, text="xyzzy"), await edit(6, location=LOCATION), await edit(61, text="shelter in boone")] == [0, 0, 0]
    assert [await edit(60, text="shelter in boone"), await edit(60, text="shelter in wake county")] == [1, 0]
    assert "Watauga County" in telegram.texts(1)[-1]


async def test_a_long_page_comes_in_parts(faro: Faro, telegram: FakeTelegram, api_url: str, clock: Clock) -> None:
    """20,000 characters of the worst: nothing is lost, and Telegram takes every part."""
    text = "a < b & c_d *e [f ` <script> 😀😀😀😀 \n" * 500

    def kit(now: datetime) -> Kit:
        usual = faro.live().mind.kit(now)
        page = replace(usual.library.pages["en", "food"], text=text)
        return replace(usual, library=replace(usual.library, pages={**usual.library.pages, ("en", "food"): page}))

    long = compose(faro.settings, words=faro.words, gazetteer=faro.gazetteer, live=lambda: replace(faro.live(), mind=replace(faro.live().mind, kit=kit)), store=faro.store, clock=clock)
    async with bot(long, api_url, webhook=True) as house:
        await deliver(house, telegram, press("#food"))
    sent = telegram.named("sendMessage")
    assert len(sent) >= len(text) // 4096
    assert "".join(telegram.texts(1)).count("😀") == text.count("😀")
    assert all(json.loads(c.params["link_preview_options"]) == {"is_disabled": True} for c in sent)
    assert [("inline_keyboard" in c.params["reply_markup"]) for c in sent] == [False] * (len(sent) - 1) + [True]


async def test_what_telegram_cannot_parse_is_sent_as_plain_text(house: House, telegram: FakeTelegram) -> None:
    telegram.understands_entities = False
    await deliver(house, telegram, update(text="no puedo dormir desde la tormenta"))
    (text,) = telegram.texts(1)
    assert "1-800-985-5990" in text
    assert not re.search(r"<\w|&\w+;", text)
    assert useful_buttons(telegram)


@pytest.mark.filterwarnings("default::telegram.warnings.PTBDeprecationWarning")  # the library's own, of its own figure of seconds
async def test_too_many_requests_means_waiting_and_one_answer(house: House, telegram: FakeTelegram) -> None:
    telegram.flood(1)
    assert await deliver(house, telegram, update(text="food")) == 200
    assert len(telegram.texts(1)) == 1
    assert telegram.too_early == 0


@pytest.mark.parametrize("webhook", [True, False], ids=["webhook", "polling"])
async def test_a_slow_chat_holds_back_itself_only(faro: Faro, telegram: FakeTelegram, api_url: str, webhook: bool) -> None:
    """Its own messages are answered in the order they came in."""
    async with bot(faro, api_url, webhook=webhook) as house:
        telegram.hold(31)
        given = []
        for chat, text in [(31, "shelter in boone"), (31, "shelter in raleigh"), (31, "shelter in asheville"), (32, "shelter in boone"), (33, "hola")]:
            sent = update(chat=chat, text=text)
            if webhook:
                given.append(asyncio.create_task(deliver(house, telegram, sent)))
            else:
                telegram.push(sent)
        await asyncio.to_thread(wait_until, lambda: bool(telegram.texts(32) and telegram.texts(33) and telegram.waiting))
        assert telegram.texts(31) == []
        telegram.let_go(31)
        await asyncio.to_thread(wait_until, lambda: len(telegram.texts(31)) == 3)
        await asyncio.gather(*given)
    assert [next(c for c in ("Watauga", "Wake", "Buncombe") if c in text) for text in telegram.texts(31)] == ["Watauga", "Wake", "Buncombe"]


async def test_while_an_answer_takes_long_faro_is_typing(house: House, telegram: FakeTelegram) -> None:
    """Another process writes to the database for a while; when the answer is there, nobody types any more."""
    other = sqlite3.connect(house.faro.settings.data / "faro.sqlite3", isolation_level=None)
    other.execute("begin immediate")
    house.faro.memory.patience = Patience()  # one of its own, so that the answer waits although the inbox has just given up
    answering = asyncio.create_task(deliver(house, telegram, update(text="food")))
    await asyncio.to_thread(wait_until, lambda: bool(telegram.named("sendChatAction")))
    other.execute("rollback")
    other.close()
    await answering
    assert {c.params["chat_id"] for c in telegram.named("sendChatAction")} == {"1"}
    assert telegram.texts(1)
    assert not [task for task in asyncio.all_tasks() if "TelegramDoor._typing" in repr(task)]


async def test_after_a_restart_nothing_is_answered_twice_and_old_buttons_work(faro: Faro, telegram: FakeTelegram, api_url: str) -> None:
    sent = update(text="/menu")
    async with bot(faro, api_url, webhook=True) as house:
        await deliver(house, telegram, sent)
    async with bot(faro, api_url, webhook=True) as house:
        await deliver(house, telegram, sent)
        assert len(telegram.texts(1)) == 1
        for (button,) in markup(telegram)["inline_keyboard"]:
            before = len(telegram.texts(1))
            await deliver(house, telegram, press(button["callback_data"]))
            assert len(telegram.texts(1)) > before, button


POISON = [
    {"callback_query": {"id": "q1", "from": {"id": 7, "is_bot": False, "first_name": "Secreta"}, "data": "#food"}},
    {"message": {"message_id": 1, "text": "Secreta"}},
    {"message": 3},
    {"message": {"message_id": 1, "date": 1_800_000_000, "chat": {"id": [], "type": "private"}, "text": "Secreta"}},
]


@pytest.mark.parametrize("poison", POISON, ids=["a press without chat_instance", "a message without date and chat", "no message", "a chat without a number"])
@pytest.mark.parametrize("webhook", [True, False], ids=["webhook", "polling"])
async def test_an_update_that_cannot_be_read_stops_no_other(faro: Faro, telegram: FakeTelegram, api_url: str, poison: dict[str, Any], webhook: bool, caplog: pytest.LogCaptureFixture) -> None:
    """It is taken, so that it does not come again, and its kind is all that the log has of it."""
    async with bot(faro, api_url, webhook=webhook) as house:
        batch = [update(chat=41, text="food"), {"update_id": next(ids), **poison}, update(chat=42, text="food"), {"update_id": next(ids), **poison}]
        for sent in batch:
            if webhook:
                assert await deliver(house, telegram, sent) == 200
            else:
                telegram.push(sent)
        await asyncio.to_thread(wait_until, lambda: bool(telegram.texts(41) and telegram.texts(42) and not telegram.unconfirmed))
    assert "could not be read: " + next(iter(poison)) in caplog.text
    assert "Secreta" not in caplog.text


@pytest.mark.parametrize("html", ["a < b", "a & b", "<b>x", "<b><i>x</b></i>", "<p>x</p>", "x</b>"])
def test_the_fake_refuses_what_telegram_refuses(html: str) -> None:
    with pytest.raises(Refused, match="can't parse entities"):
        parsed_html(html)


def test_the_token_stands_in_no_log(mind: Mind, model_cache: Path, tmp_path: Path, telegram: FakeTelegram, api_url: str) -> None:
    """A whole Faro of its own, logging at INFO, polling and answering."""
    assert mind
    (tmp_path / "cache").symlink_to(model_cache)
    telegram.push(update(text="/shelter Boone"))
    names = {"FARO_DATA": str(tmp_path), "FARO_PORT": "0", "FARO_TELEGRAM_TOKEN": TOKEN, "FARO_TELEGRAM_API_URL": api_url, "FARO_LOG_LEVEL": "INFO"}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FARO_")}
    with (tmp_path / "log").open("w") as log, subprocess.Popen([sys.executable, "-m", "bot"], cwd=ROOT, env={**kept, **names}, stdout=log, stderr=log) as process:
        try:
            wait_until(lambda: bool(telegram.texts(1)) or process.poll() is not None)
        finally:
            process.terminate()
    written = (tmp_path / "log").read_text()
    assert telegram.texts(1), written
    assert "Telegram" in written
    assert TOKEN not in written
    assert TOKEN.partition(":")[2] not in written
