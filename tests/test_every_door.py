"""One dialogue through every real door: the same facts and the same choices, in the dress of each."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from bot.app import Faro
from bot.messages import Language
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, House, open_house, serving, signed, twiml_texts
from tests.fake_telegram import TOKEN, FakeTelegram
from tests.test_dialogues import FOLDER, comparable, read, wrong

SECRET = "a-secret_of-the-tests"
CHOICE_LINE = re.compile(r"^(\d) (.+)$", re.MULTILINE)
# A telephone number or a short code.
FACT = re.compile(r"(?<![\w-])(?:1-\d{3}-\d{3}-\d{4}|\d{3}-\d{3}-\d{4}|911|988|211)(?![\w-])")
DIALOGUES = {"en": FOLDER / "en" / "twenty_turns.txt", "es": FOLDER / "es" / "veinte_turnos.txt"}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a resident sees of one answer."""

    text: str
    choices: tuple[str, ...] = ()

    @property
    def facts(self) -> set[str]:
        return set(FACT.findall(self.text))


class Visitor(Protocol):
    """Somebody at a door, who picks from a list as one does there."""

    async def says(self, text: str) -> Shown: ...


@dataclass
class Texter:
    """SMS and WhatsApp: plain text, choices by number."""

    house: House
    sender: str

    async def says(self, text: str) -> Shown:
        form = {"MessageSid": f"SM{uuid4()}", "From": self.sender, "To": "+19195550100", "NumMedia": "0", "Body": text}
        shown = "\n".join(twiml_texts(await self.house.client.post(SMS_PATH, data=form, headers=signed(form))))
        return Shown(text=shown, choices=tuple(label for _, label in CHOICE_LINE.findall(shown)))


@dataclass
class Telegrammer:
    """Telegram by webhook: buttons are pressed."""

    house: House
    fake: FakeTelegram
    language: Language
    buttons: list[dict[str, str]] = field(default_factory=list)

    async def says(self, text: str) -> Shown:
        person, number = {"id": 7, "is_bot": False, "first_name": "Ana", "language_code": self.language}, uuid4().int % 10**9
        message = {"message_id": number, "date": 1_800_000_000, "chat": {"id": 7, "type": "private"}, "text": text}
        update: dict[str, object] = {"update_id": number, "message": {**message, "from": person}}
        if text.isdigit() and self.buttons:
            update = {"update_id": number, "callback_query": {"id": str(number), "from": person, "message": message, "chat_instance": "1", "data": self.buttons[int(text) - 1]["callback_data"]}}
        self.fake.know(update)
        before = len(self.fake.named("sendMessage"))
        answer = await self.house.client.post("/telegram", json=update, headers={"x-telegram-bot-api-secret-token": SECRET})
        assert answer.status_code == 200
        assert self.house.doors.telegram
        await self.house.doors.telegram.finished()
        calls = self.fake.named("sendMessage")[before:]
        rows = [row for call in calls for row in json.loads(call.params.get("reply_markup", "{}")).get("inline_keyboard", [])]
        self.buttons = [button for row in rows for button in row if not button["callback_data"].startswith("#useful")]
        return Shown(text=plain("\n".join(call.params["text"] for call in calls)), choices=tuple(button["text"] for button in self.buttons))


@dataclass
class Browser:
    """The web page's JSON: choices are buttons."""

    house: House
    language: Language
    session: str | None = None
    choices: list[dict[str, str]] = field(default_factory=list)

    async def says(self, text: str) -> Shown:
        said = self.choices[int(text) - 1]["says"] if text.isdigit() and self.choices else text
        answer = (await self.house.client.post("/api/chat", json={"id": str(uuid4()), "text": said, "session": self.session, "language": self.language})).json()
        self.session, self.choices = answer["session"], answer["choices"]
        files = " ".join(a["filename"] for a in answer["attachments"])
        return Shown(text=plain(f"{answer['html']} {files}"), choices=tuple(c["label"] for c in self.choices))


@dataclass
class Reader:
    """The web page without JavaScript: a form that carries the conversation with it."""

    house: House
    language: Language
    hidden: dict[str, str] = field(default_factory=dict)
    choices: list[str] = field(default_factory=list)

    async def says(self, text: str) -> Shown:
        picked = {"says": self.choices[int(text) - 1]} if text.isdigit() and self.choices else {"text": text}
        html = (await self.house.client.post("/", data={"lang": self.language, **self.hidden, **picked})).text
        self.hidden = {name: unescape(value) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html)}
        last = html[html.index('id="latest"') : html.index("</main>")]
        offered = [b for b in re.findall(r'name="says" value="([^"]*)">(.*?)</button>', last) if not b[0].startswith("#useful")]
        self.choices = [unescape(says) for says, _ in offered]
        return Shown(text=plain(last), choices=tuple(unescape(label) for _, label in offered))


def plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", html))


@pytest.fixture
def fake() -> FakeTelegram:
    return FakeTelegram()


@pytest.fixture
def api_url(fake: FakeTelegram) -> Iterator[str]:
    with serving(fake.app) as url:
        yield url


@pytest.fixture
async def house(faro: Faro, api_url: str) -> AsyncIterator[House]:
    async with open_house(faro, twilio_auth_token=TWILIO_TOKEN, telegram_token=TOKEN, telegram_secret=SECRET, telegram_api_url=api_url, public_url=PUBLIC_URL) as opened:
        assert opened.doors.telegram
        await opened.doors.telegram.start()
        yield opened
        await opened.doors.telegram.stop()


@pytest.mark.parametrize("language", ["en", "es"])
async def test_twenty_turns_are_the_same_on_every_door(house: House, fake: FakeTelegram, language: Language) -> None:
    visitors: dict[str, Visitor] = {
        "SMS": Texter(house, "+19195550142"),
        "WhatsApp": Texter(house, "whatsapp:+19195550143"),
        "Telegram": Telegrammer(house, fake, language),
        "web": Browser(house, language),
        "web without JavaScript": Reader(house, language),
    }
    path: Path = DIALOGUES[language]
    steps, faults = read(path), []
    assert len(steps) == 20
    for step in steps:
        shown = {name: await visitor.says(step.says) for name, visitor in visitors.items()}
        sms = shown["SMS"]
        for name, answer in shown.items():
            where = f"{path.name}:{step.line} {name}: > {step.says}\n  {answer.text[:300]!r}"
            faults += [f"{where}\n  lacks {e!r}" for e in step.expected if wrong(e, comparable(f"{answer.text} {' '.join(answer.choices)}"))]
            if [comparable(c) for c in answer.choices] != [comparable(c) for c in sms.choices]:
                faults.append(f"{where}\n  offers {answer.choices}, SMS {sms.choices}")
            if not sms.facts <= answer.facts:
                faults.append(f"{where}\n  lacks the numbers {sms.facts - answer.facts} of the SMS")
    assert not faults, "\n".join(faults)
