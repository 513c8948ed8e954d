"""The studio's questions: grouped, filtered, added to a page or to what is not ours, dropped; and Faro learns."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest

from bot.geo.tables import Gazetteer
from bot.messages import Rated
from bot.settings import Settings
from bot.store.keeping import Kept
from bot.store.tables import Conversation, Handled, Person
from bot.studio.phrases import add_phrase, questions_file, tidy_phrase
from bot.wording.catalog import Words
from tests.conftest import NOON, Clock
from tests.small_content import write_content
from tests.studio import Workroom, open_studio
from tests.test_content import eventually

PAGE = "/studio/questions"
CARD = re.compile(r'<form class="card questions-card".*?</form>', re.DOTALL)


@pytest.fixture
async def room(settings: Settings, words: Words, gazetteer: Gazetteer, learnt: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[Workroom]:
    write_content(tmp_path / "content")
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt, clock) as opened:
        yield opened


async def asked(room: Workroom, text: str | None, *, language: str = "en", county: str | None = None, at: datetime = NOON, rated: Rated | None = None) -> None:
    key = sha256(f"{text} {rated} {at} {county}".encode()).hexdigest()
    kept = Kept(
        person=Person(key=key, language=language, county=county, seen_at=at),
        conversation=Conversation(key=key, choices=[], updated_at=at),
        handled=Handled(channel="sms", message_id=key, key=key, answer="", at=at),
        unanswered=text,
        rated=rated,
    )
    await room.house.faro.store.keep(kept)


async def cards(room: Workroom, query: str = "") -> list[str]:
    return CARD.findall((await room.get(f"{PAGE}{query}")).text)


def value(card: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="(.*?)"', card)
    assert found
    return unescape(found[1])


async def decide(room: Workroom, act: str, **changes: str) -> str:
    """What is answered when the first card is sent off."""
    card = (await cards(room))[0]
    return (await room.post(PAGE, **{"ids": value(card, "ids"), "phrase": value(card, "phrase"), "intent": "food", "act": act} | changes)).text


async def left(room: Workroom) -> list[str]:
    return [one.text for one in await room.house.faro.store.unanswered()]


def questions(room: Workroom, name: str = "topics/food", language: str = "en") -> list[str]:
    return (room.folder / language / f"{name}.questions.txt").read_text(encoding="utf-8").splitlines()


@asynccontextmanager
async def watched(room: Workroom) -> AsyncIterator[None]:
    """While Faro watches its content."""
    watching = asyncio.create_task(room.content.watch())
    await asyncio.sleep(0.3)
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout


async def test_the_biggest_group_comes_first_with_the_likely_pages_on_top(room: Workroom) -> None:
    for text in ("my roof leaks", "who gives out canned soup", "Canned soup: who gives it out?"):
        await asked(room, text)
    first, second = await cards(room)
    assert "Times asked: 2" in first
    assert (value(first, "phrase"), value(second, "phrase")) == ("who gives out canned soup", "my roof leaks")
    assert first.index('label="Likely"') < first.index('<option value="food"')
    assert "crisis" not in first
    assert "No question is waiting." in (await room.get(f"{PAGE}?county=Wake")).text


async def test_filters_by_language_county_and_week(room: Workroom) -> None:
    await asked(room, "my roof leaks", county="Wake")
    await asked(room, "se cayó el puente", language="es", county="Lee")
    await asked(room, "where is the ferry", county="Lee", at=NOON - timedelta(days=7))
    for query, texts in {
        "language=es": ["se cayó el puente"],
        "county=Wake": ["my roof leaks"],
        "week=2026-11-30": ["where is the ferry"],
        "county=Lee&week=2026-12-07": ["se cayó el puente"],
    }.items():
        assert [value(card, "phrase") for card in await cards(room, f"?{query}")] == texts
    html = (await room.get(f"{PAGE}?county=Lee", "es")).text
    assert '<option value="Lee" selected>' in html
    assert '<option value="2026-11-30">lunes 30 de noviembre</option>' in html


async def test_a_phrase_is_added_to_its_page_and_the_group_is_gone(room: Workroom) -> None:
    await asked(room, "who gives out canned soup")
    before = questions(room)
    assert "Added to &#39;Food&#39;" in await decide(room, "add")
    assert questions(room) == [*before, "who gives out canned soup"]
    assert await left(room) == []
    assert not [p for p in (room.folder / "en" / "topics").iterdir() if p.name.startswith(".")]


async def test_faro_learns_what_was_added(room: Workroom) -> None:
    async with watched(room):
        await asked(room, "who gives out canned soup")
        await decide(room, "add")
        await eventually(lambda: room.content.live.learning)


async def test_words_that_stand_somewhere_already_are_not_added_again(room: Workroom) -> None:
    await asked(room, "What about BREAD?")
    before = questions(room, "topics/sleep")
    assert "they stand under &#39;Food&#39;" in await decide(room, "add", intent="sleep")
    assert questions(room, "topics/sleep") == before
    assert await left(room) == []


async def test_not_ours_and_done(room: Workroom) -> None:
    await asked(room, "who wins the lottery")
    assert "not ours" in await decide(room, "none")
    assert questions(room, "none")[-1] == "who wins the lottery"
    await asked(room, "???! x")
    files = {p: p.read_bytes() for p in room.folder.rglob("*.txt")}
    assert "gone from the list" in await decide(room, "done", phrase="")
    assert {p: p.read_bytes() for p in room.folder.rglob("*.txt")} == files
    assert await left(room) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"phrase": "call me at [number]"}, "marks in square brackets"),
        ({"phrase": "write to [email] "}, "marks in square brackets"),
        ({"phrase": " # "}, "Write the words"),
        ({"intent": "../../x"}, "Choose a page"),
        ({"intent": ""}, "Choose a page"),
    ],
)
async def test_what_cannot_be_added_is_said_and_nothing_is_lost(room: Workroom, changes: dict[str, str], fault: str) -> None:
    await asked(room, "who gives out canned soup")
    files = sorted(room.folder.rglob("*"))
    html = await decide(room, "add", **changes)
    assert fault in html
    assert 'aria-invalid="true"' in html
    assert sorted(room.folder.rglob("*")) == files
    assert await left(room) == ["who gives out canned soup"]


async def test_a_volunteer_mends_the_words_before_adding_them(room: Workroom) -> None:
    await asked(room, "soup for [number] please")
    await decide(room, "add", phrase="# soup \n for\tmany, please ")
    assert questions(room)[-1] == "soup for many, please"


async def test_what_teaches_a_crisis_is_for_coordinators(room: Workroom) -> None:
    async with watched(room):
        (room.folder / "en" / "topics" / "crisis-abuse.md").write_text("---\nid: crisis-abuse\ntitle: Abuse\nsms: Call.\n---\nCall.\n", encoding="utf-8")
        await eventually(lambda: "crisis-abuse" in room.content.live.mind.kit(NOON).library.intents)
    await asked(room, "my roof leaks")
    assert "Choose a page" in await decide(room, "add", intent="crisis-abuse")
    await room.sign_in(role="coordinator")
    assert "Added to &#39;Abuse&#39;" in await decide(room, "add", intent="crisis-abuse")
    assert questions(room, "topics/crisis-abuse") == ["my roof leaks"]


async def test_what_somebody_else_dealt_with_and_forged_forms_change_nothing(room: Workroom) -> None:
    await asked(room, "who gives out canned soup")
    before = questions(room)
    assert "dealt with" in (await room.post(PAGE, ids="999,x,", phrase="soup", intent="food", act="add")).text
    assert (await room.client.post(PAGE, data={"ids": "1", "phrase": "soup", "intent": "food", "act": "add"})).status_code == 403
    assert questions(room) == before
    assert len(await left(room)) == 1


async def test_htmx_gets_the_card_alone(room: Workroom) -> None:
    await asked(room, "who gives out canned soup")
    headers = {"hx-request": "true", "x-faro-mark": room.mark}
    form = {"ids": value((await cards(room))[0], "ids"), "phrase": "", "intent": "food", "act": "add"}
    refused = (await room.client.post(PAGE, data=form, headers=headers)).text
    assert refused.lstrip().startswith("<form")
    assert "<html" not in refused
    done = (await room.client.post(PAGE, data=form | {"act": "done"}, headers=headers)).text
    assert 'role="status"' in done
    assert "<form" not in done


async def test_the_change_is_kept_in_git_in_the_volunteers_name(room: Workroom) -> None:
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "first"]):
        git(room.folder, *command)
    await asked(room, "who gives out canned soup")
    await decide(room, "add")
    log = git(room.folder, "log", "-1", "--format=%an: %s", "--name-only").split("\n")
    assert (log[0], log[2]) == ("Ana: Studio: what residents asked, in food.questions.txt", "en/topics/food.questions.txt")


async def test_pages_that_were_not_useful_are_named_without_a_text(room: Workroom) -> None:
    await asked(room, None, county="Hyde", rated=Rated(intent="food", useful=False))
    html = (await room.get(PAGE)).text
    assert '<tr><th scope="row">Food</th><td>1</td><td>0</td></tr>' in html
    assert "<td>fewer than 5</td><td>0</td>" in (await room.get(f"{PAGE}?county=Hyde")).text
    assert "Nobody said so." in (await room.get(f"{PAGE}?language=es")).text


async def test_the_page_in_spanish(room: Workroom) -> None:
    await asked(room, "<b>se cayó</b> el puente", language="es")
    html = (await room.get(PAGE, "es")).text
    assert all(part in html for part in ("Lo que la gente preguntó y Faro no supo responder", "Agregar a esta página", "No nos toca", "&lt;b&gt;se cayó"))
    assert not re.search(r"\sstyle=|<style", html)


def test_a_phrase_is_one_short_line_and_no_comment() -> None:
    assert tidy_phrase("  ## a\r\nb\x00 c  ") == "a b c"
    assert len(tidy_phrase("x " * 300)) <= 200


def test_the_file_of_an_intent(tmp_path: Path) -> None:
    """The one that is there; else beside the page; else where the other language has it."""
    for name in ("en/a/one.md", "en/intents/two.questions.txt", "es/a/one.questions.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("first, without an end", encoding="utf-8")
    files = {("en", "one"): "en/a", ("es", "one"): "es/a", ("es", "two"): "es/intents", ("en", "two"): "en/intents", ("en", "none"): "en", ("es", "new"): "es/intents"}
    assert questions_file(tmp_path, "en", "one") == tmp_path / "en/a/one.questions.txt"
    for language, intent in files:
        assert questions_file(tmp_path, "es" if language == "es" else "en", intent) == tmp_path / files[language, intent] / f"{intent}.questions.txt"
    add_phrase(tmp_path, "es", "one", "segunda")
    assert (tmp_path / "es/a/one.questions.txt").read_text(encoding="utf-8") == "first, without an end\nsegunda\n"
    add_phrase(tmp_path, "es", "two", "otra")
    assert (tmp_path / "es/intents/two.questions.txt").read_text(encoding="utf-8") == "otra\n"
