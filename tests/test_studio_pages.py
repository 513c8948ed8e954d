"""The list of pages and the editor: nothing broken is saved, nobody's words are lost, and what is saved becomes live."""

import asyncio
import html
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.content import read_content
from bot.geo.tables import Gazetteer
from bot.library.reading import read_library
from bot.settings import Settings
from bot.studio.editing import Draft as Typed
from bot.studio.editing import Leaf, fingerprint, open_sheet, save, shelf, with_translates
from bot.studio.history import Kept, commit, slug
from bot.wording.catalog import Words
from tests.conftest import Clock
from tests.small_content import write_content
from tests.studio import Workroom, open_studio

SPANISH = """---
id: sleep
title: Dormir mal
sms: >
  La primera respuesta.
review_by: 2020-01-01
translates: "{english}"
---
La primera respuesta. Y algo más.
"""


def write_spanish(folder: Path, english: str = "") -> None:
    page = folder / "es" / "topics" / "sleep.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(SPANISH.format(english=english or read_library(folder).pages["en", "sleep"].fingerprint), encoding="utf-8")


@pytest.fixture
async def room(settings: Settings, words: Words, gazetteer: Gazetteer, learnt: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[Workroom]:
    write_content(tmp_path / "content")
    write_spanish(tmp_path / "content")
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt, clock) as opened:
        yield opened


def english(room: Workroom, id_: str = "sleep") -> Path:
    return room.folder / "en" / "topics" / f"{id_}.md"


def spanish(room: Workroom) -> Path:
    return room.folder / "es" / "topics" / "sleep.md"


def form(room: Workroom, **changes: str) -> dict[str, str]:
    """The editor's form of the page `sleep` as it was opened, with these texts typed into it."""
    paths = {"page_en": english(room), "page_es": spanish(room), "questions_en": english(room).with_name("sleep.questions.txt"), "questions_es": spanish(room).with_name("sleep.questions.txt")}
    texts = {name: open_sheet(path).text for name, path in paths.items()}
    return {f"opened_{name}": fingerprint(text) for name, text in texts.items()} | {name: text.replace("\n", "\r\n") for name, text in texts.items()} | changes


async def sent(room: Workroom, path: str = "/studio/pages/sleep", language: str = "en", **fields: str) -> httpx.Response:
    return await room.post(path, language, **form(room, **fields))


async def test_the_list_shows_both_titles_and_what_each_page_needs(room: Workroom) -> None:
    text = (await room.get("/studio/pages")).text
    assert "Sleep" in text
    assert "Dormir mal" in text
    assert "45 / 0" in text
    assert text.count("past its review day") == 1
    assert text.count("no Spanish page") == 1
    assert "the English has changed since" not in text
    found = (await room.get("/studio/pages?q=PRIMERA respuesta")).text
    assert "/studio/pages/sleep" in found
    assert "/studio/pages/food" not in found
    assert "No page has these words." in (await room.get("/studio/pages?q=zzz")).text


async def test_a_title_is_never_read_as_html(room: Workroom) -> None:
    text = english(room).read_text().replace("title: Sleep", "title: <script>alert(1)</script>").replace("And more.", "<img src=x onerror=alert(1)> </textarea><script>x</script>")
    english(room).write_text(text)
    room.content.live = room.content._lively(read_content(room.folder), room.content.live.mind.understander)
    pages = [await room.get(path) for path in ("/studio/pages", "/studio/pages/sleep", "/studio")]
    pages.append(await sent(room, "/studio/pages/sleep/preview", page_en=text))
    assert "&lt;script&gt;alert(1)" in pages[0].text
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<script>x" not in page.text
        assert "<img" not in page.text


async def test_the_editor_shows_the_files_as_they_stand_and_the_sms_they_make(room: Workroom) -> None:
    text = (await room.get("/studio/pages/sleep")).text
    assert html.escape(english(room).read_text().strip(), quote=False) in text
    assert "i need help with bed" in text
    assert '<div class="bubble" lang="en">The first sleep answer.' in text
    assert '<div class="bubble" lang="es">La primera respuesta.' in text
    assert "GSM-7 · 1 parts" in text
    assert "Watauga" in text


@pytest.mark.parametrize("id_", ["nothing", "%2E%2E", "..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", "sleep.md", "en%2Ftopics%2Fsleep", "sleep%00", "*", "sleep%0A"])
async def test_no_path_of_a_browser_reaches_a_file(room: Workroom, id_: str) -> None:
    before = {path: path.read_bytes() for path in room.folder.parent.rglob("*") if path.is_file() and path.suffix in (".md", ".txt", ".csv")}
    assert (await room.get(f"/studio/pages/{id_}")).status_code == 404
    for path in (f"/studio/pages/{id_}", f"/studio/pages/{id_}/preview"):
        assert (await room.post(path, page_en="x", opened_page_en="", file="/etc/passwd", page_fr="x")).status_code == 404
    assert {path: path.read_bytes() for path in before} == before


async def test_files_behind_links_are_neither_listed_nor_shown(room: Workroom, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("---\nid: secret\ntitle: A secret\n---\nhidden words\n")
    (room.folder / "en" / "topics" / "secret.md").symlink_to(secret)
    (room.folder / "es" / "topics" / "sleep.questions.txt").symlink_to(secret)
    assert "secret" not in shelf(room.folder)
    assert "hidden words" not in (await room.get("/studio/pages/sleep")).text


async def test_what_is_typed_is_shown_before_it_is_saved(room: Workroom) -> None:
    before = english(room).read_bytes()
    text = english(room).read_text().replace("The first sleep answer.", "Go to bed early, call {nc211}. 😀")
    answer = await sent(room, "/studio/pages/sleep/preview", side="en", page_en=text)
    bubble = answer.text.partition('<div class="bubble" lang="en">')[2]
    assert bubble.startswith("Go to bed early, call 211.")
    assert "UCS-2" in answer.text
    assert "<html" not in answer.text
    assert english(room).read_bytes() == before
    called = await sent(room, "/studio/pages/sleep/preview", page_en=english(room).read_text().replace("And more.", "Call 828-555-0101.\nThen {nobody}."))
    assert "Line 8:" in called.text
    assert "Line 7:" in called.text


async def test_what_does_not_read_is_refused_and_kept_for_the_volunteer(room: Workroom) -> None:
    before = english(room).read_bytes()
    for broken, line in (("no front matter at all", 1), (english(room).read_text().replace("title: Sleep", "titel: Sleep"), 1), (english(room).read_text().replace("id: sleep", "id: other"), 2)):
        answer = await sent(room, page_en=broken, do="save")
        assert answer.status_code == 422
        assert html.escape(broken.strip(), quote=False) in answer.text
        assert "Nothing was saved" in answer.text
        assert f"Line {line}:" in answer.text
    assert english(room).read_bytes() == before


async def test_a_broken_page_on_disk_can_still_be_mended(room: Workroom) -> None:
    good = english(room).read_text()
    english(room).write_text("broken")
    opened = await room.get("/studio/pages/sleep")
    assert (opened.status_code, "broken</textarea>" in opened.text) == (200, True)
    assert (await sent(room, page_en=good, do="save")).status_code == 303
    assert english(room).read_text() == good


async def test_a_save_writes_the_file_whole_with_its_own_line_ends_and_rights(room: Workroom) -> None:
    english(room).write_bytes(b"\xef\xbb\xbf" + english(room).read_bytes().replace(b"\n", b"\r\n"))
    english(room).chmod(0o640)
    answer = await sent(room, page_en=open_sheet(english(room)).text.replace("first", "second").replace("\n", "\r\n"), do="save")
    assert (answer.status_code, answer.headers["location"]) == (303, "/studio/pages/sleep?saved=no_history")
    raw = english(room).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf---\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert b"The second sleep answer." in raw
    assert english(room).stat().st_mode & 0o777 == 0o640
    assert not list(english(room).parent.glob(".*"))


async def test_saving_what_was_not_changed_writes_nothing(room: Workroom) -> None:
    written = english(room).stat().st_mtime_ns
    assert (await sent(room, do="save")).headers["location"] == "/studio/pages/sleep"
    assert english(room).stat().st_mtime_ns == written


async def test_two_people_never_overwrite_each_other_unasked(room: Workroom) -> None:
    mine = form(room, page_en=english(room).read_text().replace("first", "mine"))
    await sent(room, page_en=english(room).read_text().replace("first", "theirs"), do="save")
    answer = await room.post("/studio/pages/sleep", **mine, do="save")
    assert answer.status_code == 409
    assert "-  The mine sleep answer." in answer.text
    assert "+  The theirs sleep answer." in answer.text
    assert "The mine sleep answer.\n---" in answer.text
    assert "theirs" in english(room).read_text()
    seen = open_sheet(english(room)).fingerprint
    assert f'name="opened_page_en" value="{seen}"' in answer.text
    # A third person comes between: asked again.
    await sent(room, page_en=english(room).read_text().replace("theirs", "third"), do="save")
    assert (await room.post("/studio/pages/sleep", **{**mine, "opened_page_en": seen}, do="save")).status_code == 409
    assert (await room.post("/studio/pages/sleep", **{**mine, "opened_page_en": open_sheet(english(room)).fingerprint}, do="save")).status_code == 303
    assert "mine" in english(room).read_text()


async def test_somebody_elses_change_of_another_file_is_left_alone(room: Workroom) -> None:
    mine = form(room, page_en=english(room).read_text().replace("first", "mine"))
    await sent(room, page_es=spanish(room).read_text().replace("primera", "segunda"), do="save")
    assert (await room.post("/studio/pages/sleep", **mine, do="save")).status_code == 303
    assert "segunda" in spanish(room).read_text()
    assert "mine" in english(room).read_text()


def test_a_clash_keeps_every_file_from_being_written(tmp_path: Path) -> None:
    one, two = tmp_path / "one.md", tmp_path / "two.md"
    one.write_text("theirs\n")
    saved = save(tmp_path, [Typed(path=two, text="mine", opened=fingerprint("")), Typed(path=one, text="mine\n", opened=fingerprint("before\n"))])
    assert (len(saved.clashes), saved.written, two.exists()) == (1, (), False)


async def test_a_changed_english_page_makes_its_twin_stale_until_somebody_has_compared_them(room: Workroom) -> None:
    text = english(room).read_text().replace("first", "second")
    assert "The English has changed since" in (await sent(room, "/studio/pages/sleep/preview", side="es", page_en=text)).text
    await sent(room, page_en=text, do="save")
    assert "The English has changed since" in (await room.get("/studio/pages/sleep")).text
    await sent(room, do="compared")
    library = read_library(room.folder)
    assert library.pages["es", "sleep"].front.translates == library.pages["en", "sleep"].fingerprint
    assert "The English has changed since" not in (await room.get("/studio/pages/sleep")).text


def test_translates_is_written_where_it_is_missing_too() -> None:
    assert with_translates("---\nid: a\n---\ntranslates: no\n", "12") == '---\nid: a\ntranslates: "12"\n---\ntranslates: no\n'
    assert with_translates("no page", "12") == "no page"


async def test_a_missing_twin_can_be_written(room: Workroom) -> None:
    assert "There is no Spanish page yet" in (await room.get("/studio/pages/food")).text
    twin = room.folder / "es" / "topics" / "food.md"
    text = "---\nid: food\ntitle: Comida\n---\nHay comida.\n"
    answer = await room.post("/studio/pages/food", page_es=text, opened_page_es=fingerprint(""), do="compared")
    assert answer.status_code == 303
    assert 'translates: "' in twin.read_text()


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True).stdout


async def test_a_save_is_kept_in_the_history_in_the_volunteers_name(room: Workroom) -> None:
    git(room.folder, "init", "--quiet")
    git(room.folder, "add", ".")
    git(room.folder, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "-m", "first")
    (room.folder / "none.txt").write_text("somebody's own work")
    git(room.folder, "add", "none.txt")
    await room.sign_in("José Ñandú <x>")
    answer = await sent(room, page_en=english(room).read_text().replace("first", "second"), questions_es="no puedo dormir", do="save")
    assert answer.headers["location"] == "/studio/pages/sleep?saved=committed"
    log = git(room.folder, "log", "--format=%an|%ae|%s", "--name-only", "-2").strip().split("\n")
    assert log == [
        "José Ñandú x|jose-nandu-x@studio.invalid|Studio: Dormir mal (es)",
        "",
        "es/topics/sleep.questions.txt",
        "José Ñandú x|jose-nandu-x@studio.invalid|Studio: Sleep (en)",
        "",
        "en/topics/sleep.md",
    ]
    assert git(room.folder, "status", "--short").strip() == "A  none.txt"
    assert "kept in the history under your name" in (await room.get("/studio/pages/sleep?saved=committed")).text
    (room.folder / ".git" / "index.lock").touch()
    refused = await sent(room, page_en=english(room).read_text().replace("second", "third"), do="save")
    assert refused.headers["location"] == "/studio/pages/sleep?saved=failed"
    assert "third" in english(room).read_text()


async def test_no_history_is_no_reason_to_stop(tmp_path: Path) -> None:
    assert await commit(tmp_path, [tmp_path / "x"], "Ana", "m") is Kept.NO_HISTORY
    assert slug("¿?") == "volunteer"


async def test_the_page_says_when_a_change_is_live(room: Workroom) -> None:
    assert 'data-state="live"' in (await room.get("/studio/pages/sleep")).text
    watching = asyncio.create_task(room.content.watch())
    try:
        await asyncio.sleep(0.3)
        await sent(room, page_en=english(room).read_text().replace("first", "second"), do="save")
        state = (await room.get("/studio/pages/sleep/live?n=1")).text
        assert 'data-state="waiting"' in state
        assert "live?n=2" in state
        async with asyncio.timeout(20):
            while 'data-state="live"' not in (await room.get("/studio/pages/sleep/live?n=2")).text:  # noqa: ASYNC110  as the page itself asks
                await asyncio.sleep(0.1)
    finally:
        watching.cancel()
        await asyncio.wait([watching])


async def test_looking_ends_and_says_what_holds_a_change_back(room: Workroom) -> None:
    await sent(room, page_en=english(room).read_text().replace("first", "second"), do="save")
    for looks in ("20", "99", "999"):
        late = (await room.get(f"/studio/pages/sleep/live?n={looks}")).text
        assert ('data-state="late"' in late, "hx-get" in late) == (True, False)
    assert (await room.get("/studio/pages/sleep/live?n=²")).status_code == 200


async def test_a_county_shows_its_own_contacts(room: Workroom) -> None:
    (room.folder / "contacts" / "shelters.csv").write_text("id,county,name,confidence\n", encoding="utf-8")
    answer = await sent(room, county="Watauga", do="show")
    assert "<option selected>Watauga</option>" in answer.text
    assert (await sent(room, county="<script>", do="show")).status_code == 200


def test_a_leaf_knows_where_its_twin_would_be(tmp_path: Path) -> None:
    write_content(tmp_path)
    leaf: Leaf = shelf(tmp_path)["food"]
    assert leaf.path(("es", "questions")) == tmp_path / "es" / "topics" / "food.questions.txt"
    assert leaf.section == "topics"
