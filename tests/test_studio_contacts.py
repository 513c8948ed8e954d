"""Contacts in the studio: what is written to the files, and what is not."""

import csv
import io
import re
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from bot.directory.contact_rules import faults
from bot.directory.phones import phone_fault
from bot.directory.tables import read_table, to_be_confirmed
from bot.geo.tables import Gazetteer
from bot.settings import Settings
from bot.wording.catalog import Words
from tests.conftest import Clock
from tests.small_content import write_content
from tests.studio import Workroom, open_studio

# As a spreadsheet saves it: a BOM, ';', CRLF, a column that Faro does not know, a cell of two lines, a blank row, no end of the last line.
GROUPS = (
    "\ufeffour_notes;id;county;name;phone;website;notes;checked;confidence\r\n"
    'x;g-wake;Wake;"The ""Lantern"" group";919-555-0101;https://example.org;"Two\r\nlines; and more";2026-12-01;high\r\n'
    "\r\n"
    "  kept ;g-ashe;Ashe;<b>Ashe</b> group;336-555-0102;;=1+1;;low\r\n"
    "y;g-old;Avery;Old group;828-555-0103;;;2026-01-02;medium"
)
PATH = "/studio/contacts"


@pytest.fixture
async def room(settings: Settings, words: Words, gazetteer: Gazetteer, learnt: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[Workroom]:
    write_content(tmp_path / "content")
    (tmp_path / "content" / "contacts" / "support_groups.csv").write_bytes(GROUPS.encode())
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt, clock) as opened:
        yield opened


def file_of(room: Workroom) -> bytes:
    return (room.folder / "contacts" / "support_groups.csv").read_bytes()


def row_path(id_: str, table: str = "support_groups") -> str:
    return f"{PATH}/row?{urlencode({'table': table, 'id': id_})}"


def seen(room: Workroom, id_: str) -> str:
    table = read_table(room.folder / "contacts" / "support_groups.csv")
    assert table
    found = table.find(id_)
    assert found
    return found[0].fingerprint


async def edit(room: Workroom, id_: str, cells: dict[str, str], language: str = "en", fingerprint: str = "") -> tuple[int, str]:
    answer = await room.post(row_path(id_), language, seen=fingerprint or seen(room, id_), **{f"cell.{column}": value for column, value in cells.items()})
    return answer.status_code, answer.text


async def test_the_table_shows_and_filters(room: Workroom) -> None:
    everything = (await room.get(PATH)).text
    assert all(text in everything for text in ("g-wake", "g-ashe", "g-old", "nc211", "<th scope="))
    assert "<b>Ashe</b>" not in everything
    assert "&lt;b&gt;Ashe" in everything
    for query, there, not_there in (
        ("table=hotlines", "nc211", "g-wake"),
        ("county=Ashe", "g-ashe", "g-wake"),
        ("q=lantern", "g-wake", "g-ashe"),
        ("q=919-555-0101", "g-wake", "g-old"),
        ("confirm=1", "g-old", "g-wake"),
    ):
        page = (await room.get(f"{PATH}?{query}")).text
        assert f"<code>{there}</code>" in page, query
        assert f"<code>{not_there}</code>" not in page, query


@pytest.mark.parametrize(
    ("sought", "order"),
    [
        ("wake", ["wake-id", "x-name", "x-es", "x-inside", "x-county", "x-notes"]),
        ("Wáke  County", ["x-name", "x-county", "x-notes"]),
        ("9195550142", ["x-notes"]),
    ],
)
async def test_the_best_match_comes_first(room: Workroom, sought: str, order: list[str]) -> None:
    rows = (
        "x-notes,Ashe,Lantern,,(919) 555-0142,Ask in Wake county\nx-county,Wake,County office,,,\nx-es,Ashe,Help,Ayuda de Wake,,\nx-inside,Ashe,The Wake house,,,\n"
        "wake-id,Ashe,Some house,,,\nx-name,Ashe,Wake County house,,,\n"
    )
    (room.folder / "contacts" / "food_banks.csv").write_text(f"id,county,name,name_es,phone,notes\n{rows}", encoding="utf-8")
    page = (await room.get(f"{PATH}?{urlencode({'table': 'food_banks', 'q': sought})}")).text
    found = re.findall(r"<code>([\w-]+)</code>", page)
    assert found == order


async def test_a_long_list_is_paged(room: Workroom) -> None:
    rows = "".join(f"food-{n:03},Wake,Pantry {n},211,medium\n" for n in range(105))
    (room.folder / "contacts" / "food_banks.csv").write_text(f"id,county,name,phone,confidence\n{rows}", encoding="utf-8")
    first, second = [(await room.get(f"{PATH}?table=food_banks&page={n}")).text for n in (1, 2)]
    assert (first.count("<code>food-"), second.count("<code>food-")) == (100, 5)
    assert 'rel="next" href="/studio/contacts?table=food_banks&amp;page=2"' in first
    assert (await room.get(f"{PATH}?page=999999")).status_code == 200


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"confidence": "high", "checked": "2026-11-30"}, False),
        ({"confidence": "high", "checked": "2026-06-13"}, False),
        ({"confidence": "high", "checked": "2026-06-12"}, True),
        ({"confidence": "low", "checked": "2026-11-30"}, True),
        ({"confidence": "", "checked": "2026-11-30"}, True),
        ({"confidence": "high", "checked": ""}, True),
        ({"confidence": "high", "checked": "soon"}, True),
        ({}, True),
    ],
)
def test_what_is_to_be_confirmed(values: dict[str, str], wanted: bool) -> None:
    assert to_be_confirmed(values, date(2026, 12, 10)) is wanted


async def test_an_edit_leaves_all_other_bytes(room: Workroom) -> None:
    status, _ = await edit(room, "g-ashe", {"phone": "211", "notes": "=1+1", "county": "Ashe"})
    assert status == 303
    expected = GROUPS.replace("336-555-0102;;=1+1", "211;;=1+1")
    assert file_of(room) == expected.encode()
    status, _ = await edit(room, "g-old", {"name": 'A "new"; name'})
    assert status == 303
    assert file_of(room) == expected.replace("Old group", '"A ""new""; name"').encode()


async def test_an_edit_of_nothing_writes_nothing(room: Workroom) -> None:
    before = (room.folder / "contacts" / "support_groups.csv").stat()
    assert (await edit(room, "g-wake", {"notes": "Two lines; and more", "phone": "919-555-0101"}))[0] == 303
    assert (room.folder / "contacts" / "support_groups.csv").stat() == before


async def test_other_dialects_are_kept(room: Workroom) -> None:
    path = room.folder / "contacts" / "coalitions.csv"
    path.write_bytes(b'"id","county","name","phone","confidence"\n"c-1","Wake","One","","low"\n"c-2","Ashe","Two","","low"\n')
    table = read_table(path)
    assert table
    found = table.find("c-2")
    assert found
    await room.post(row_path("c-2", "coalitions"), seen=found[0].fingerprint, **{"cell.phone": "988"})
    assert path.read_bytes() == b'"id","county","name","phone","confidence"\n"c-1","Wake","One","","low"\n"c-2","Ashe","Two","988","low"\n'
    assert not list(path.parent.glob(".*"))


async def test_what_is_wrong_is_said_beside_the_field_in_spanish(room: Workroom, words: Words) -> None:
    before = file_of(room)
    typed = {"phone": "919-555-01", "website": "example", "county": "Wakee", "name": "", "checked": "2026-12-11", "notes": "@SUM(A1)", "confidence": "sure"}
    status, page = await edit(room, "g-wake", typed, "es")
    assert status == 422
    for fault in ("phone_short", "website", "county", "empty", "future", "formula", "confidence"):
        assert words.say(f"studio.contacts.fault.{fault}", "es") in page, fault
    assert 'value="919-555-01"' in page
    assert file_of(room) == before


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("1-800-985-5990", None),
        ("+1 (800) 985-5990", None),
        ("800-985-5990 ext. 12", None),
        ("211", None),
        ("988", None),
        ("112", "short"),
        ("66746", "short"),
        ("919-555-0123", "made_up"),
        ("+1 919 555 0123", "made_up"),
        ("123-456-7890", "unknown"),
        ("+44 20 7946 0958", "unknown"),
        ("call 211", "shape"),
    ],
)
def test_numbers_that_cannot_be_dialled(number: str, fault: str | None) -> None:
    assert phone_fault(number) == fault


def test_a_short_code_can_be_texted() -> None:
    assert phone_fault("66746", for_texts=True) is None


def test_each_kind_of_cell_is_judged_and_what_was_there_before_is_not() -> None:
    good = {"id": "a-1", "county": "STATEWIDE", "name": "A", "website": "https://example.org/a", "email": "a@example.org", "as_of": "2026-11-22 18:30", "confidence": "low"}
    bad = {"id": "a b", "county": "", "name": "x" * 1001, "website": "javascript:alert(1)", "email": "a@example", "as_of": "noon", "confidence": "", "hours": "-1"}
    wrong = {"id": "id_form", "county": "empty", "name": "long", "website": "website", "email": "email", "as_of": "moment", "confidence": "empty", "hours": "formula"}
    rules = {"counties": ("Wake",), "taken": ("b-1",), "today": date(2026, 12, 10)}
    assert faults(good, {}, **rules) == {}  # type: ignore[arg-type]
    assert faults(bad, {}, **rules) == wrong  # type: ignore[arg-type]
    assert faults({"id": "b-1"}, {}, **rules) == {"id": "id_taken"}  # type: ignore[arg-type]
    assert faults(bad, bad, **rules) == {}  # type: ignore[arg-type]


async def test_two_people_at_the_same_row(room: Workroom) -> None:
    opened = seen(room, "g-ashe")
    assert (await edit(room, "g-ashe", {"name": "First"}))[0] == 303
    after_first = file_of(room)
    status, page = await edit(room, "g-ashe", {"name": "Second", "phone": "211"}, fingerprint=opened)
    assert status == 409
    assert file_of(room) == after_first
    assert 'value="First"' in page
    assert "You typed: Second" in page
    assert seen(room, "g-ashe") in page
    called = await room.post(f"{PATH}/called", table="support_groups", id="g-ashe", seen=opened)
    assert (called.status_code, file_of(room)) == (409, after_first)


async def test_a_call_sets_the_day_of_north_carolina(room: Workroom, clock: Clock) -> None:
    clock.moment = datetime(2026, 12, 11, 3, 0, tzinfo=UTC)
    answer = await room.post(f"{PATH}/called", table="support_groups", id="g-ashe", seen=seen(room, "g-ashe"))
    assert answer.status_code == 303
    assert file_of(room) == GROUPS.replace("=1+1;;low", "=1+1;2026-12-10;low").encode()


async def test_a_call_to_a_shelter_says_that_it_is_open_now(room: Workroom) -> None:
    path = room.folder / "contacts" / "shelters.csv"
    path.write_text("id,county,name,checked,confidence,as_of\ns-1,Wake,School,,low,\n", encoding="utf-8")
    table = read_table(path)
    assert table
    await room.post(f"{PATH}/called", table="shelters", id="s-1", seen=table.records[0].fingerprint)
    assert path.read_text(encoding="utf-8").endswith("s-1,Wake,School,2026-12-10,low,2026-12-10 12:00\n")


async def test_a_new_row_stands_at_the_end(room: Workroom, words: Words) -> None:
    assert "/studio/contacts/new?table=support_groups" in (await room.get(f"{PATH}/new")).text
    assert 'name="cell.our_notes"' in (await room.get(f"{PATH}/new?table=support_groups")).text
    row = {"cell.id": "g-new", "cell.county": "Clay", "cell.name": "New group", "cell.phone": "211", "cell.confidence": "low"}
    for change, fault in (({"cell.id": "nc211"}, "id_taken"), ({"cell.phone": "919-555-0123"}, "phone_made_up"), ({"cell.county": ""}, "empty")):
        answer = await room.post(f"{PATH}/new", table="support_groups", **{**row, **change})
        assert (answer.status_code, words.say(f"studio.contacts.fault.{fault}", "en") in answer.text) == (422, True)
    assert file_of(room) == GROUPS.encode()
    assert (await room.post(f"{PATH}/new", table="support_groups", **row)).status_code == 303
    assert file_of(room) == f"{GROUPS}\r\n;g-new;Clay;New group;211;;;;low\r\n".encode()


PASTE = 'id\tname\tphone\tcounty\ng-wake\tThe "Lantern" group\t919-555-0101\tWake\ng-ashe\tAshe group\t211\tAshe\ng-clay\tClay group\t988\tClay\n'


async def test_an_import_shows_first_and_writes_then(room: Workroom) -> None:
    preview = await room.post(f"{PATH}/import", table="support_groups", rows=PASTE)
    assert file_of(room) == GROUPS.encode()
    assert preview.status_code == 200
    assert "To add: 1. To change: 1. Left alone: 1. Wrong: 0." in preview.text
    for change in ("<del>&lt;b&gt;Ashe&lt;/b&gt; group</del>", "<ins>Ashe group</ins>", "<del>336-555-0102</del>", "<ins>211</ins>", "<code>g-clay</code>"):
        assert change in preview.text
    table = read_table(room.folder / "contacts" / "support_groups.csv")
    assert table
    stale = await room.post(f"{PATH}/import", table="support_groups", rows=PASTE, apply="1", seen="of another time")
    assert (stale.status_code, file_of(room)) == (409, GROUPS.encode())
    assert (await room.post(f"{PATH}/import", table="support_groups", rows=PASTE, apply="1", seen=table.fingerprint)).status_code == 303
    expected = GROUPS.replace("<b>Ashe</b> group;336-555-0102", "Ashe group;211") + "\r\n;g-clay;Clay;Clay group;988;;;;low\r\n"
    assert file_of(room) == expected.encode()


FAULTY = {
    "name,phone\nx,211": "no_header",
    "id,name,fax\ng-wake,x,211": "column",
    "id,name,name\ng-wake,x,y": "column_twice",
    "id,name\ng-wake,x,y": "many_cells",
    "id,name\ng-wake,x\ng-wake,y": "twice",
    "id,county,name\nnc211,Wake,x": "id_taken",
    "id,name\ng-new,x": "empty",
    "id,phone\ng-wake,call me": "phone_shape",
}


async def test_an_import_with_a_fault_is_not_written(room: Workroom, words: Words) -> None:
    table = read_table(room.folder / "contacts" / "support_groups.csv")
    assert table
    for text, fault in FAULTY.items():
        answer = await room.post(f"{PATH}/import", "es", table="support_groups", rows=text, apply="1", seen=table.fingerprint)
        assert answer.status_code == 422
        assert words.say(f"studio.contacts.fault.{fault}", "es") in answer.text, fault
        assert 'name="apply"' not in answer.text
    assert file_of(room) == GROUPS.encode()


async def test_a_download_holds_no_formula_and_comes_back_unchanged(room: Workroom) -> None:
    await edit(room, "g-old", {"phone": "+1 800-985-5990"})
    answer = await room.get(f"{PATH}/download?table=support_groups")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [cell for row in rows for cell in row if cell.startswith(("'", "=", "+", "-", "@"))] == ["'=1+1", "'+1 800-985-5990"]
    back = await room.post(f"{PATH}/import", table="support_groups", rows=answer.content.decode())
    assert "To add: 0. To change: 0. Left alone: 3. Wrong: 0." in back.text


async def test_with_htmx_only_the_row_comes_back(room: Workroom) -> None:
    room.client.headers["hx-request"] = "true"
    form = (await room.get(row_path("g-ashe"))).text
    assert form.startswith("<tr>")
    assert 'hx-post="/studio/contacts/row?table=support_groups&amp;id=g-ashe"' in form
    status, again = await edit(room, "g-ashe", {"phone": "1"})
    assert (status, 'aria-invalid="true"' in again) == (200, True)
    status, row = await edit(room, "g-ashe", {"phone": "211"})
    assert (status, "Saved." in row, "<html" in row) == (200, True, False)
    assert "Saved." not in (await room.get(f"{row_path('g-ashe')}&shown=1")).text


async def test_what_is_not_there_is_said(room: Workroom) -> None:
    for path in (row_path("nobody"), row_path("g-ashe", "../secret"), f"{PATH}/download?table=../../secret"):
        assert (await room.get(path)).status_code == 404
    assert (await room.post(f"{PATH}/called", table="support_groups", id="nobody", seen="")).status_code == 404


async def test_a_change_is_a_commit_of_the_volunteer(room: Workroom) -> None:
    def git(*arguments: str) -> str:
        return subprocess.run(("git", "-C", str(room.folder), *arguments), check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    await room.post(f"{PATH}/called", table="support_groups", id="g-ashe", seen=seen(room, "g-ashe"))
    assert git("log", "--format=%an: %s") == "Ana: contacts: g-ashe: called, it is right"
    assert git("show", "--name-only", "--format=") == "contacts/support_groups.csv"


async def test_what_was_brought_in_and_waits_for_review_is_found_by_itself(room: Workroom) -> None:
    page = (await room.get(f"{PATH}?review=1")).text
    assert re.findall(r"<code>([\w-]+)</code>", page) == ["g-ashe"]
    assert '<input type="checkbox" name="review" value="1" checked>' in page
    assert "Older ones" not in page
    old = "h-one;Wake;One;211;2026-01-02;low\nh-two;Wake;Two;211;2026-01-02;low\n"
    new = "n-one;Wake;New one;211;;low\nhsds-two;Wake;New two;211;2026-01-02;low\n"
    rows = f"id;county;name;phone;checked;confidence\n{old}{new}"
    shown = await room.post(f"{PATH}/import", table="support_groups", rows=rows)
    seen = re.search(r'name="seen" value="(\w+)"', shown.text)
    assert seen
    await room.post(f"{PATH}/import", table="support_groups", rows=rows, seen=seen[1], apply="1")
    page = (await room.get(f"{PATH}?review=1")).text
    assert re.findall(r"<code>([\w-]+)</code>", page) == ["hsds-two", "n-one", "g-ashe"], "the newest first, the older ones apart"
    assert "Older ones of low confidence: 2" in page
    assert re.findall(r"<code>([\w-]+)</code>", (await room.get(f"{PATH}?review=older")).text) == ["h-two", "h-one"]
