"""Today: every kind of thing that waits is named, with the page where it is mended."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.content import read_content
from bot.directory.rows import Row
from bot.geo.tables import Gazetteer
from bot.library.reading import read_library
from bot.messages import Channel, Inbound
from bot.settings import Settings
from bot.studio.today import reason
from bot.wording.catalog import Words
from tests.conftest import NOON, Clock
from tests.small_content import write_content
from tests.studio import Workroom, open_studio

ROWS = """id,county,name,phone,source,checked,confidence,review_by
nc211,STATEWIDE,NC 211,211,https://example.org,2026-12-01,high,
unsure,Watauga,"Doubtful & Sons",828-555-0101,https://example.org,2026-12-01,low,
old,Watauga,An old row,828-555-0102,https://example.org,2026-06-01,high,
review,Watauga,A late row,828-555-0103,https://example.org,2026-12-01,high,2026-12-09
"""
KEYS = "contacts: [nc211]\nsources: [https://example.org]\nchecked: 2026-12-01\nreview_by: 2027-06-01\n"
CRISIS = {
    "en": f"---\nid: {{id}}\ntitle: Now\nsms: Call {{{{nc211}}}} now. They answer at once.\n{KEYS}---\nCall {{{{nc211}}}} now. They answer at once.\n",
    "es": f'---\nid: {{id}}\ntitle: Ya\nsms: Llame al {{{{nc211}}}} ya. Contestan luego.\n{KEYS}translates: "{{english}}"\n---\nLlame al {{{{nc211}}}} ya. Contestan luego.\n',
}
TWIN = '---\nid: sleep\ntitle: Dormir\nsms: Esta es la respuesta.\nreview_by: 2026-12-09\ntranslates: "0123456789ab"\n---\nEsta es la respuesta.\n'


@pytest.fixture
async def room(settings: Settings, words: Words, gazetteer: Gazetteer, learnt: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[Workroom]:
    write_content(tmp_path / "content")
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt, clock) as opened:
        yield opened


async def again(room: Workroom) -> str:
    """Today after the content was read again."""
    room.content.live = replace(room.content.live, problems=read_content(room.folder).problems)
    return (await room.get("/studio")).text


async def test_what_waits_is_told_with_where_it_is_mended(room: Workroom) -> None:
    (room.folder / "contacts" / "hotlines.csv").write_text(ROWS, encoding="utf-8")
    (room.folder / "es" / "topics").mkdir(parents=True)
    (room.folder / "es" / "topics" / "sleep.md").write_text(TWIN, encoding="utf-8")
    text = await again(room)
    assert '<a href="/studio/pages/sleep">Sleep</a>' in text
    assert '<a href="/studio/pages/sleep">Sleep: due on 2026-12-09</a>' in text
    assert '<a href="/studio/contacts?table=hotlines&amp;q=unsure">Doubtful &amp; Sons (Watauga): to be confirmed</a>' in text
    assert "An old row (Watauga): last checked on 2026-06-01" in text
    assert "A late row (Watauga): its day of review has passed" in text
    assert "q=nc211" not in text
    assert "en/food.md:1:" in text
    assert "crisis-suicide" in text
    assert "Nothing is waiting" not in text


async def test_a_change_that_does_not_read_stands_first(room: Workroom) -> None:
    (room.folder / "en" / "topics" / "food.md").write_text("broken", encoding="utf-8")
    text = await again(room)
    assert read_content(room.folder).problems
    assert '<a href="/studio/pages/food">' in text
    assert text.index("A change is not live") < text.index("Found by the check")


async def test_a_mere_note_holds_no_change_back(room: Workroom) -> None:
    (room.folder / "contacts" / "hotlines.csv").write_text(ROWS.replace(",", ";").replace('"Doubtful & Sons"', "Doubtful"), encoding="utf-8")
    assert "A change is not live" not in await again(room)
    assert read_content(room.folder).problems


async def test_questions_of_the_last_week_are_counted(room: Workroom, clock: Clock) -> None:
    assert "/studio/questions" not in (await room.get("/studio")).text.partition("<main")[2]
    for day, text in ((NOON - timedelta(days=8), "zebra stripes"), (NOON - timedelta(days=6), "guitar strings"), (NOON, "algebra")):
        clock.moment = day
        await room.house.faro.conversation.answer(Inbound(channel=Channel.SMS, sender=f"+1828555{len(text):04d}", message_id=text, text=f"tell me about {text} and football"))
    clock.moment = NOON
    kept = len(await room.house.faro.store.unanswered())
    assert kept == 3
    assert '<a href="/studio/questions">2 in the last 7 days</a>' in (await room.get("/studio")).text


async def test_nothing_waits_when_all_is_well(room: Workroom) -> None:
    shutil.rmtree(room.folder)
    for kind in ("suicide", "danger", "abuse"):
        for language, text in CRISIS.items():
            path = room.folder / language / "crisis" / f"crisis-{kind}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            english = read_library(room.folder).pages["en", path.stem].fingerprint if language == "es" else ""
            path.write_text(text.format(id=path.stem, english=english), encoding="utf-8")
            path.with_name(f"{path.stem}.questions.txt").write_text(f"{kind} {language} 7\n", encoding="utf-8")
    (room.folder / "contacts").mkdir()
    (room.folder / "contacts" / "hotlines.csv").write_text("\n".join(ROWS.splitlines()[:2]) + "\n", encoding="utf-8")
    text = (await room.get("/studio")).text
    assert "Nothing is waiting" in text, text
    assert "today-group" not in text


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"confidence": "low"}, "unsure"),
        ({"checked": "2026-06-13"}, None),
        ({"checked": "2026-06-12"}, "old"),
        ({"checked": "soon"}, None),
        ({"review_by": "2026-12-10"}, None),
        ({"review_by": "2026-12-09"}, "review"),
    ],
)
def test_a_contact_is_looked_at_again_after_180_days(values: dict[str, str], why: str | None) -> None:
    row = Row(kind="hotline", county="STATEWIDE", values={"id": "a", "name": "A", **values}, path=Path("x.csv"), line=2)
    assert reason(row, NOON.date()) == why
