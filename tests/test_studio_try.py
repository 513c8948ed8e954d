"""Try it: Faro answers as it answers residents, says why, and keeps nothing of it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.geo.tables import Gazetteer
from bot.settings import Settings
from bot.store.keeping import Kept, Known
from bot.store.tables import Conversation, ConversationRow, Handled, HandledRow, Person, PersonRow, TallyRow, Unanswered
from bot.studio.try_it import MOST_TALKS, ShortMemory
from bot.wording.catalog import Words
from tests.conftest import NOON, Clock
from tests.small_content import write_content
from tests.studio import Workroom, open_studio


@pytest.fixture
async def room(settings: Settings, words: Words, gazetteer: Gazetteer, learnt: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[Workroom]:
    write_content(tmp_path / "content")
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt, clock) as opened:
        yield opened


async def said(room: Workroom, text: str, **more: str) -> httpx.Response:
    return await room.post("/studio/try", **{"text": text, "talk": "a talk", "channel": "sms", "language": "", **more})


async def test_an_answer_comes_as_sms_with_its_cost_and_its_reasons(room: Workroom) -> None:
    text = (await said(room, "we have no bread today")).text
    assert '<div class="bubble" lang="en">The first food answer.' in text
    assert re.search(r"Parts: \d · characters: \d+", text)
    assert "Why this answer" in text
    assert "we have no bread today</td><td>Food</td><td>100 %" in text
    assert "<html" in text


async def test_the_web_dress_is_html_and_what_is_written_is_not(room: Workroom) -> None:
    text = (await said(room, "<script>x</script> we have no bread", channel="web")).text
    assert "<h2>Food</h2>" in text
    assert "<script>x" not in text
    assert "&lt;script&gt;x" in text


async def test_each_visit_is_somebody_new(room: Workroom) -> None:
    talks = {re.findall(r'name="talk" value="([^"]+)"', (await room.get("/studio/try")).text)[0] for _ in range(3)}
    assert len(talks) == 3


async def test_a_talk_goes_on_and_a_new_one_knows_nothing(room: Workroom) -> None:
    await said(room, "hola, necesito ayuda para mi familia por favor")
    assert '<div class="bubble" lang="es">' in (await said(room, "28607")).text
    assert '<div class="bubble" lang="en">' in (await said(room, "28607", talk="another")).text


async def test_only_so_many_talks_are_remembered() -> None:
    memory = ShortMemory()
    for number in range(MOST_TALKS + 1):
        key = str(number)
        await memory.keep(
            Kept(
                person=Person(key=key, seen_at=NOON),
                conversation=Conversation(key=key, choices=[], updated_at=NOON),
                handled=Handled(channel="sms", message_id=key, key=key, answer="", at=NOON),
                forget=number == MOST_TALKS - 1,
            )
        )
    assert [await memory.known(str(n), "", "") == Known() for n in (0, 1, MOST_TALKS - 1, MOST_TALKS)] == [False, False, True, False]
    await memory.keep(
        Kept(person=Person(key="x", seen_at=NOON), conversation=Conversation(key="x", choices=[], updated_at=NOON), handled=Handled(channel="sms", message_id="x", key="x", answer="", at=NOON))
    )
    assert await memory.known("0", "", "") == Known()


async def test_nothing_of_a_talk_is_stored(room: Workroom) -> None:
    await said(room, "we have no bread today")
    await said(room, "tell me about algebra and football")
    store = room.house.faro.store
    assert await store.unanswered() == []
    tables: tuple[type[SQLModel], ...] = (PersonRow, ConversationRow, HandledRow, Unanswered, TallyRow)
    async with AsyncSession(store._engine) as session:
        for table in tables:
            assert (await session.exec(select(table))).all() == []


async def test_with_htmx_only_the_turn_comes_back(room: Workroom) -> None:
    answer = await room.client.post("/studio/try", data={"text": "hello <b>", "talk": "x", "mark": room.mark}, headers={"hx-request": "true"})
    assert "<html" not in answer.text
    assert "hello &lt;b&gt;" in answer.text
    assert (await said(room, "   ")).status_code == 200


async def test_a_choice_says_what_stands_behind_it(room: Workroom) -> None:
    text = (await said(room, "", channel="web", says="#food\nFood, please")).text
    assert "Food, please" in text
    assert "<h2>Food</h2>" in text
    assert "Why this answer" not in text


@pytest.mark.parametrize(("language", "expected"), [("es", "es"), ("en", "en"), ("", "en"), ("fr", "en")])
async def test_the_language_is_chosen_where_the_words_show_none(room: Workroom, language: str, expected: str) -> None:
    answer = await room.client.post("/studio/try", data={"text": "28607", "talk": "x", "language": language, "mark": room.mark})
    assert f'<div class="bubble" lang="{expected}">' in answer.text
