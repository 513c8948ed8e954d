"""The list of pages and the editor: nothing broken is saved, nobody's words are lost, and what is saved becomes live."""

import asyncio
import html
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.content import Content, read_content
from bot.geo.tables import Gazetteer
from bot.library.reading import read_library
from bot.messages import LANGUAGES
from bot.settings import Settings
from bot.studio.editing import Draft as Typed
from bot.studio.editing import Leaf, fingerprint, open_sheet, save, shelf, with_translates
from bot.studio.history import Kept, commit, slug
from bot.wording.catalog import Words
from tests.conftest import NOON, Clock
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


@pytest.fixture(scope="module")
def learnt_here(tmp_path_factory: pytest.TempPathFactory, words: Words, gazetteer: Gazetteer) -> Path:
    """What is learnt from this module's content, once: its Spanish page makes it another than the small content."""
    folder = tmp_path_factory.mktemp("learnt_here")
    write_content(folder / "content")
    write_spanish(folder / "content")
    Content(folder / "content", folder / "cache", words, gazetteer, lambda: NOON)
    return folder / "cache"


@pytest.fixture
async def room(settings: Settings, words: Words, gazetteer: Gazetteer, learnt_here: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[Workroom]:
    write_content(tmp_path / "content")
    write_spanish(tmp_path / "content")
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt_here, clock) as opened:
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
    assert "Parts: 1 · characters: " in text
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
    assert "each part hold 67 characters" in answer.text
    assert "<html" not in answer.text
    assert english(room).read_bytes() == before
    called = await sent(room, "/studio/pages/sleep/preview", page_en=english(room).read_text().replace("And more.", "Call 828-555-0101.\nThen {nobody}."))
    assert '<a href="#page-en" data-line="8">Line 8:</a>' in called.text
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


def read_again(room: Workroom) -> None:
    """What the watch does when a file has changed."""
    room.content.live = room.content._lively(read_content(room.folder), room.content.live.mind.understander)


def live_card(text: str) -> str:
    return text.partition('<div id="live"')[2].partition("</div>")[0]


# A page in which the checks find nothing at all.
WELL = "sources: [https://example.org]\nchecked: 2026-12-01\nreview_by: 2027-06-01\n---\n"


def write_well(room: Workroom) -> None:
    """`sleep` in both languages with nothing to be mended."""
    english(room).write_text("---\nid: sleep\ntitle: Sleep\nsms: Call {nc211} to talk to somebody about it.\n" + WELL + "Call {nc211} to talk to somebody about it.\n")
    spanish(room).write_text("---\nid: sleep\ntitle: Dormir mal\nsms: Llame al {nc211} para hablar con alguien.\n" + WELL + "Llame al {nc211} para hablar con alguien.\n")
    read_again(room)
    text = with_translates(spanish(room).read_text(), read_library(room.folder).pages["en", "sleep"].fingerprint)
    spanish(room).write_text(text)
    read_again(room)


async def test_green_is_only_what_residents_get_whole(room: Workroom) -> None:
    write_well(room)
    card = live_card((await room.get("/studio/pages/sleep")).text)
    assert ('data-state="live"' in card, 'class="good"' in card, "<li>" in card) == (True, True, False)


@pytest.mark.parametrize(
    ("typed", "verdict", "told"),
    [
        ("Go to {nobody}. Then rest.", "residents do not get all that is written", "{nobody}"),
        ("See {nc211.website}. Then rest.", "residents do not get all that is written", "{nc211.website}"),
        ("Call 919-555-0101 now.", "This is still to be mended", "919-555-0101"),
    ],
)
async def test_a_saved_page_that_is_live_names_what_is_still_wrong_with_its_line(room: Workroom, typed: str, verdict: str, told: str) -> None:
    write_well(room)
    text = spanish(room).read_text() + f"\n{typed}\n"
    line = text.count("\n")
    assert (await sent(room, page_es=text, do="save")).status_code == 303
    read_again(room)
    for page in ((await room.get("/studio/pages/sleep?saved=no_history")).text, (await room.get("/studio/pages/sleep/live?n=1")).text):
        card = live_card(page)
        assert 'data-state="live"' in card
        assert 'class="good"' not in card
        assert verdict in card
        assert f'Español · <a href="#page-es" data-line="{line}">Line {line}:</a>' in card
        assert told in card
        assert card.count("<li>") == 1


async def test_a_stale_twin_is_no_green_either(room: Workroom) -> None:
    write_well(room)
    await sent(room, page_en=english(room).read_text().replace("title: Sleep", "title: Good sleep"), do="save")
    read_again(room)
    card = live_card((await room.get("/studio/pages/sleep")).text)
    assert ('class="good"' in card, "Español: the English has changed since" in card) == (False, True)


async def test_a_page_that_never_read_is_not_said_to_be_live(room: Workroom) -> None:
    english(room).write_text("broken")
    read_again(room)
    assert 'data-state="held"' in (await room.get("/studio/pages/sleep")).text


async def test_a_page_that_nobody_has_compared_is_said_to_be_told_to_nobody(room: Workroom) -> None:
    write_well(room)
    english(room).write_text(english(room).read_text().replace("checked: 2026-12-01", "checked: no"))
    read_again(room)
    text = (await room.get("/studio/pages/sleep")).text
    assert ('data-state="unfinished"' in text, "Nobody is told this page yet" in text) == (True, True)
    assert '<span class="pages-mark">not finished</span>' in (await room.get("/studio/pages")).text


async def test_the_editor_tells_what_would_be_from_what_is(room: Workroom) -> None:
    opened = (await room.get("/studio/pages/sleep")).text
    assert opened.count("What residents get now by SMS") == 2
    assert "What they would get" not in opened
    text = (await sent(room, "/studio/pages/sleep/preview", page_en=english(room).read_text().replace("first", "second"))).text
    would, _, now = text.partition("What residents get now by SMS")
    assert ("What they would get by SMS" in would, "The second sleep answer." in would, "The first" in would) == (True, True, False)
    assert ("The first sleep answer." in now, "The second" in now) == (True, False)
    unreadable = (await sent(room, "/studio/pages/sleep/preview", page_en="broken")).text
    assert "The first sleep answer." in unreadable.partition("What residents get now by SMS")[2]


async def test_the_previews_are_asked_again_when_a_change_has_become_live(room: Workroom) -> None:
    assert (await room.get("/studio/pages/sleep/live?n=1")).headers["hx-trigger"] == "faro-live"
    assert "hx-trigger" not in (await room.get("/studio/pages/sleep/live")).headers


@pytest.mark.parametrize(
    ("language", "easy", "hard", "aim"),
    [
        ("en", "Go to bed now. ", "Institutional considerations notwithstanding, comprehensive organizational rehabilitation necessitates extraordinary deliberation. ", "the aim is 8 at most"),
        ("es", "Ya vaya a dormir. ", "Independientemente de consideraciones institucionales extraordinarias, la rehabilitación organizacional requiere deliberaciones. ", "the aim is 60 at least"),
    ],
)
async def test_how_easily_it_reads_is_shown_while_it_is_typed_with_the_aim(room: Workroom, language: str, easy: str, hard: str, aim: str) -> None:
    page = (english if language == "en" else spanish)(room).read_text()
    for prose, kind, warned in ((easy * 30, "note", False), (hard * 10, "warn", True)):
        answer = (await sent(room, "/studio/pages/sleep/preview", side=language, **{f"page_{language}": f"{page}\n{prose}\n"})).text
        assert f'<p class="pages-level {kind}">' in answer
        assert aim in answer
        assert ("Flesch-Kincaid" in answer or "Huerta" in answer) is warned
    assert "Too short to tell" in (await sent(room, "/studio/pages/sleep/preview", side=language)).text


async def test_one_clash_keeps_both_languages_and_shows_the_one_where_it_is(room: Workroom) -> None:
    before = spanish(room).read_bytes()
    mine = form(room, page_en=english(room).read_text().replace("first", "mine"), page_es=spanish(room).read_text().replace("primera", "mía"), tongue="es")
    await sent(room, page_en=english(room).read_text().replace("first", "theirs"), do="save")
    answer = await room.post("/studio/pages/sleep", "es", **mine, do="save")
    assert answer.status_code == 409
    assert spanish(room).read_bytes() == before
    assert "La mía respuesta.\nreview_by" in answer.text
    assert 'value="en" checked' in answer.text
    assert 'value="es" checked' not in answer.text
    seen = {"opened_page_en": open_sheet(english(room)).fingerprint}
    assert (await room.post("/studio/pages/sleep", "es", **{**mine, **seen}, do="save")).headers["location"] == "/studio/pages/sleep?saved=no_history&tongue=es"
    assert ("mine" in english(room).read_text(), "mía" in spanish(room).read_text()) == (True, True)


@pytest.mark.parametrize(("language", "tongue", "broken", "first"), [("es", "", "", "es"), ("en", "", "", "en"), ("es", "en", "", "en"), ("es", "es", "en", "en"), ("en", "xx", "", "en")])
async def test_the_language_that_a_phone_shows(room: Workroom, language: str, tongue: str, broken: str, first: str) -> None:
    texts = {f"page_{broken}": "broken"} if broken else {}
    answer = await sent(room, "/studio/pages/sleep", language, tongue=tongue, do="save" if broken else "show", **texts)
    assert f'value="{first}" checked' in answer.text
    assert answer.text.count(" checked>") == 1


def test_the_studio_has_one_word_for_the_parts_of_a_message(words: Words) -> None:
    for language in LANGUAGES:
        for key in (key for key in words.keys(language) if key.startswith("studio.")):
            assert "segment" not in words.say(key, language).lower(), key
        assert "153" in words.say("studio.sms.part", language)


def test_a_leaf_knows_where_its_twin_would_be(tmp_path: Path) -> None:
    write_content(tmp_path)
    leaf: Leaf = shelf(tmp_path)["food"]
    assert leaf.path(("es", "questions")) == tmp_path / "es" / "topics" / "food.questions.txt"
    assert leaf.section == "topics"
