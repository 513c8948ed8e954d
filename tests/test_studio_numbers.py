"""The studio's numbers: what real conversations leave in them, and how they are drawn."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bot.geo.tables import Gazetteer
from bot.messages import Channel, Inbound
from bot.settings import Settings
from bot.store.keeping import Kept
from bot.store.privacy import person_key
from bot.store.tables import Conversation, Handled, Person, Tally
from bot.studio.numbers import chart
from bot.wording.catalog import Words
from tests.conftest import NOON, Clock
from tests.small_content import write_content
from tests.studio import Workroom, open_studio

ROW = re.compile(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td>(?:<td>(.*?)</td>)?</tr>')


@pytest.fixture
async def room(settings: Settings, words: Words, gazetteer: Gazetteer, learnt: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[Workroom]:
    write_content(tmp_path / "content")
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt, clock) as opened:
        yield opened


async def say(room: Workroom, *texts: str, sender: str = "+19195550100", channel: Channel = Channel.WEB) -> None:
    for n, text in enumerate(texts):
        inbound = Inbound(channel=channel, sender=sender, message_id=f"{sender} {text} {n}", text=text, language_hint="en")
        await room.house.faro.conversation.answer(inbound)


async def rows(room: Workroom, *, days: int = 30, language: str = "en") -> dict[str, dict[str, tuple[str, ...]]]:
    """Every table of the page by its chart's key."""
    await room.sign_in()  # a visit does not last for days
    html = (await room.get(f"/studio/numbers?days={days}", language)).text
    sections = re.findall(r'<section class="card" aria-labelledby="numbers-(\w+)">(.*?)</section>', html, re.DOTALL)
    return {key: {name: tuple(n for n in counts if n) for name, *counts in ROW.findall(section)} for key, section in sections}


async def test_conversations_are_counted_by_what_became_of_them(room: Workroom, clock: Clock) -> None:
    await say(room, "i need help with bread", "what about the meal today", "what about algebra", "I want to kill myself", "9", "#useful:no:food")
    await say(room, "what about my bed", sender="another", channel=Channel.TELEGRAM)
    clock.moment = NOON + timedelta(days=1)
    await say(room, "we have no bread", "#useful:yes:food", sender="a third", channel=Channel.TELEGRAM)
    told = await rows(room)
    assert told["handling"] == {"Answered": ("4",), "Faro did not know": ("1",), "Crisis answer": ("1",), "Menu, thanks and other orders": ("3",), "Asked which topic was meant": ("0",)}
    assert told["topic"] == {"Food": ("3",), "Sleep": ("1",)}
    assert told["useful"] == {"Food": ("1", "1")}
    assert told["channel"] == {"Web page": ("6",), "Telegram": ("3",)}
    assert told["language"] == {"English": ("9",)}
    assert {day: n for day, n in told["days"].items() if n != ("0",)} == {"Thursday, December 10": ("7",), "Friday, December 11": ("2",)}


async def test_a_repeated_message_counts_once_and_silence_not_at_all(room: Workroom) -> None:
    for _ in range(3):
        await say(room, "what about bread")
    faro = room.house.faro
    await faro.store.opt_out(person_key(faro.settings.key(), Channel.WEB, "+19195550100"), NOON)
    await say(room, "what about the meal")
    assert sum(t.count for t in await faro.store.tallies(NOON.date())) == 1
    assert (await rows(room))["topic"] == {"Food": ("1",)}


async def test_a_day_and_the_spans_are_those_of_north_carolina(room: Workroom, clock: Clock) -> None:
    clock.moment = NOON.replace(hour=4, minute=59)
    await say(room, "what about bread")
    assert (await rows(room))["days"]["Wednesday, December 9"] == ("1",)
    clock.moment = NOON + timedelta(days=6)
    assert len((await rows(room, days=7))["days"]) == 7
    assert (await rows(room, days=7))["topic"] == {}
    assert (await rows(room, days=30))["topic"] == {"Food": ("1",)}
    assert [len((await rows(room, days=n))["days"]) for n in (90, 12)] == [90, 30]


async def test_small_counts_of_a_county_are_told_to_nobody(room: Workroom) -> None:
    for n in range(9):
        counted = Tally(day=NOON.date(), channel="sms", language="es", intent="food", decision="answered", county="Wake" if n < 5 else "Hyde")
        person, standing = Person(key=str(n), seen_at=NOON), Conversation(key=str(n), choices=[], updated_at=NOON)
        handled = Handled(channel="sms", message_id=str(n), key=str(n), answer="", at=NOON)
        await room.house.faro.store.keep(Kept(person=person, conversation=standing, handled=handled, tally=counted))
    assert (await rows(room))["county"] == {"Wake": ("5",), "Hyde": ("fewer than 5",)}
    assert (await rows(room, language="es"))["county"] == {"Wake": ("5",), "Hyde": ("menos de 5",)}
    html = (await room.get("/studio/numbers")).text
    assert ">4<" not in html


async def test_every_picture_has_a_name_and_no_style_of_its_own(room: Workroom) -> None:
    await say(room, "what about bread", "#useful:no:food")
    html = (await room.get("/studio/numbers", "es")).text
    assert all(part in html for part in ("<h1>Cifras</h1>", "Mensajes por día", "Mensajes respondidos: 2", "Respondidos"))
    pictures = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(pictures) == 6
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        title = root.find("title")
        assert root.get("role") == "img"
        assert title is not None
        assert title.text
        assert root.get("aria-labelledby") == title.get("id")
    assert not re.search(r"\sstyle=|<style|<script(?! src)", html)


async def test_an_empty_faro_has_a_page_of_numbers(room: Workroom) -> None:
    html = (await room.get("/studio/numbers")).text
    assert "0 messages answered" in html
    assert "Nothing yet." in html
    room.client.cookies.clear()
    assert (await room.get("/studio/numbers")).status_code == 401


def test_bars_are_in_proportion_and_what_is_not_told_has_none() -> None:
    drawn = chart("county", {"Wake": 20, "Lee": 5, "Hyde": None, "Ashe": 0})
    lengths = [bar.length for bar in drawn.bars]
    assert lengths[0] == pytest.approx(4 * lengths[1], abs=2)
    assert lengths[2:] == [0, 0]
    assert [bar.name for bar in drawn.drawn] == ["Wake", "Lee"]
    assert chart("days", {}, upright=True).most == 0
