"""Content that changes while Faro runs: a good change is live as a whole, a broken one changes nothing."""

import asyncio
import json
import logging
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.app import compose
from bot.content import Content, read_content
from bot.geo.tables import Gazetteer
from bot.router import Asked, Stage, route
from bot.settings import Settings
from bot.store.store import open_store
from bot.wording.catalog import Words
from tests.conftest import NOON
from tests.doors import open_house
from tests.small_content import CSV, TOOLS, questions, write_content, write_page


async def eventually(done: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110  what is waited for lies in files and processes
            await asyncio.sleep(0.02)


@asynccontextmanager
async def watched(folder: Path, cache: Path, words: Words, gazetteer: Gazetteer) -> AsyncIterator[Content]:
    content = Content(folder, cache, words, gazetteer, lambda: NOON)
    watching = asyncio.create_task(content.watch())
    await asyncio.sleep(0.3)
    try:
        yield content
    finally:
        watching.cancel()
        await asyncio.wait([watching])


@pytest.fixture
async def content(tmp_path: Path, learnt: Path, words: Words, gazetteer: Gazetteer) -> AsyncIterator[Content]:
    write_content(tmp_path / "content")
    shutil.copytree(learnt, tmp_path / "cache")
    async with watched(tmp_path / "content", tmp_path / "cache", words, gazetteer) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "content"


def told(content: Content, id_: str = "sleep") -> str:
    page = content.live.mind.kit(NOON).page(id_, "en")
    return page.sms if page else ""


async def test_a_changed_page_and_a_changed_number_are_live(content: Content, folder: Path) -> None:
    model = content.live.mind.understander
    write_page(folder, "sleep", "Call {nc211} first.")
    await eventually(lambda: told(content) == "Call 211 first.")
    (folder / "contacts" / "hotlines.csv").write_text(CSV.format(phone="919-555-0143"), encoding="utf-8")
    await eventually(lambda: told(content) == "Call 919-555-0143 first.")
    assert content.live.mind.understander is model, "nothing was learnt again for words that teach nothing"


def test_only_files_that_changed_are_read_into_questions_again(folder: Path) -> None:
    write_content(folder)
    first = read_content(folder).library.questions
    (folder / "en" / "topics" / "sleep.questions.txt").write_text("# all new\n\n  i lie awake \n", encoding="utf-8")
    second = read_content(folder).library.questions
    kept = {id(q) for q in first}
    assert {q.intent for q in second if id(q) in kept} == {"food", "none"}
    assert [(q.text, q.intent, q.language) for q in second if id(q) not in kept] == [("i lie awake", "sleep", "en")]


async def test_a_broken_change_leaves_the_last_good_content_and_is_told(content: Content, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_page(folder, "food", "Another food answer.")
    (folder / "en" / "topics" / "sleep.md").write_text("no front matter at all", encoding="utf-8")
    await eventually(lambda: bool(content.live.problems))
    assert (told(content), told(content, "food")) == ("The first sleep answer.", "The first food answer."), "as a whole or not at all"
    assert "sleep.md" in caplog.text
    write_page(folder, "sleep", "Mended.")
    await eventually(lambda: told(content) == "Mended.")
    assert told(content, "food") == "Another food answer."
    assert content.live.problems == ()


async def test_new_questions_are_learnt_while_the_old_model_answers(content: Content, folder: Path) -> None:
    write_page(folder, "tools", "Borrow tools.")
    (folder / "en" / "topics" / "tools.questions.txt").write_text(questions(TOOLS), encoding="utf-8")
    await eventually(lambda: content.live.learning)
    old = content.live.mind
    assert told(content, "tools") == "Borrow tools.", "the page is there already"
    assert old.understander.understand("i need help with bread").intent == "food"
    await eventually(lambda: not content.live.learning)
    assert content.live.mind.understander.understand("what about the chainsaw").intent == "tools"


async def test_a_pull_of_eighty_files_is_one_change(content: Content, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for n in range(80):
            write_page(folder, f"page-{n}", f"Answer {n}.")
            await asyncio.sleep(0.005)
        await eventually(lambda: told(content, "page-79") == "Answer 79.")
    assert caplog.text.count("the content was read again") == 1


async def test_a_deleted_folder_a_giant_and_a_link_to_itself_break_nothing(content: Content, folder: Path, tmp_path: Path) -> None:
    shutil.move(folder, tmp_path / "away")
    await eventually(lambda: any(p.code == "folder-gone" for p in content.live.problems))
    assert told(content) == "The first sleep answer."
    shutil.move(tmp_path / "away", folder)
    await eventually(lambda: content.live.problems == ())
    (folder / "en" / "itself").symlink_to(folder / "en")
    (folder / "en" / "loop.md").symlink_to(folder / "en" / "loop.md")
    write_page(folder, "sleep", "After the links.")
    await eventually(lambda: told(content) == "After the links.")
    with (folder / "en" / "topics" / "giant.md").open("wb") as file:
        file.truncate(50_000_000)
    await eventually(lambda: any(p.code == "too-large" for p in content.live.problems))
    assert told(content) == "After the links."


async def test_faro_starts_with_what_can_be_read(folder: Path, tmp_path: Path, words: Words, gazetteer: Gazetteer) -> None:
    write_content(folder)
    (folder / "en" / "topics" / "food.md").write_text("---\nid: [\n---\n", encoding="utf-8")
    async with watched(folder, tmp_path / "cache", words, gazetteer) as content:
        assert [p.path.name for p in content.live.problems] == ["food.md"]
        assert told(content) == "The first sleep answer."
        write_page(folder, "food", "Mended.")
        await eventually(lambda: told(content, "food") == "Mended.")


async def test_a_start_with_a_broken_page_learns_nothing_and_keeps_what_is_learnt(folder: Path, tmp_path: Path, learnt: Path, words: Words, gazetteer: Gazetteer) -> None:
    """To learn takes half a minute in which nobody is answered, and as long again once the page is mended."""
    shutil.copytree(learnt, tmp_path / "cache")
    there = sorted((tmp_path / "cache").glob("model-*.npz"))
    write_content(folder)
    (folder / "en" / "topics" / "food.md").write_text("---\nid: [\n---\n", encoding="utf-8")
    Content(folder, tmp_path / "cache", words, gazetteer, lambda: NOON)
    assert sorted((tmp_path / "cache").glob("model-*.npz")) == there


async def test_health_tells_what_is_wrong_with_the_content(content: Content, folder: Path, settings: Settings, words: Words, gazetteer: Gazetteer) -> None:
    store = await open_store(settings.database())
    faro = compose(settings, words=words, gazetteer=gazetteer, live=lambda: content.live, store=store, clock=lambda: NOON)
    async with open_house(faro) as house:
        assert (await house.client.get("/health")).json()["content"]["problems"] == []
        (folder / "en" / "topics" / "sleep.md").write_bytes(b"\xff\xfe")
        await eventually(lambda: bool(content.live.problems))
        health = (await house.client.get("/health")).json()
        assert health["status"] == "alive"
        assert "sleep.md:1: is not UTF-8" in json.dumps(health)
    await store.close()


@pytest.mark.parametrize(("order", "intent"), [("STOP", "stop"), ("ya no quiero mensajes", "stop"), ("borrar mis datos", "privacy")])
def test_a_content_that_lost_the_words_of_stop_honours_it_all_the_same(learnt: Path, words: Words, gazetteer: Gazetteer, order: str, intent: str) -> None:
    understander = Content(learnt.parent / "content", learnt, words, gazetteer, lambda: NOON).live.mind.understander
    assert route(Asked(text=order, understood=understander.understand(order))) == (Stage.COMMAND, intent)
