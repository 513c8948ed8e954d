"""Pages and questions: every problem told with file and line, and what our own 39 pages must hold in both languages."""

import re
from collections import Counter
from pathlib import Path

import pytest

from bot.directory.directory import Directory
from bot.directory.references import REFERENCE, fill
from bot.directory.rows import KINDS, Row, read_rows
from bot.errors import ContentError
from bot.geo.tables import Gazetteer
from bot.library.pages import Library, Page
from bot.library.reading import read_library
from bot.messages import LANGUAGES, Language
from bot.settings import ROOT
from bot.wording.gsm7 import first_segment, fold, segments

PAGES = {
    "coping": "stress-reactions calm-now sleep grief help-children help-older-adults support-someone anniversary alcohol-drugs after-violence responder-stress find-counselor about-trauma",
    "practical": "fema-aid food safe-water power-outage cleanup-mold find-person pets medicine housing legal-help insurance scams documents work-income roads-transport immigrant-help"
    " farm-help evacuate environmental-hazard volunteer-donate",
    "community": "peer-connections start-coalition safe-spaces",
    "crisis": "crisis-suicide crisis-danger crisis-abuse",
}
OURS = [(language, section, id_) for language in LANGUAGES for section, ids in PAGES.items() for id_ in ids.split()]
# A number to call or text, or an address to open.
ACTION = re.compile(r"(?<![\w-])(?:911|988|211|(?:1-)?\d{3}-\d{3}-\d{4}|\d{5,6})(?![\w-])|\b[\w.-]+\.(?:org|gov|com|net)\b")
TYPED = re.compile(r"(?:\(\d{3}\)\s*|\b\d{3}[-.\s])\d{3}[-.\s]\d{4}\b")


@pytest.fixture(scope="module")
def library() -> Library:
    return read_library(ROOT / "content")


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    return {row["id"]: row for row in read_rows(ROOT / "content" / "contacts")}


@pytest.fixture(scope="module")
def directory(rows: dict[str, Row], gazetteer: Gazetteer) -> Directory:
    return Directory([*rows.values()], gazetteer.counties)


def _page_file(folder: Path, text: str | bytes, name: str = "en/coping/sleep.md") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


GOOD = "---\nid: sleep\ntitle: Sleep\n---\nRest.\n"


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("Rest.\n", 1, "no-front-matter"),
        ("---\nid: sleep\ntitle: Sleep\n", 1, "no-front-matter"),
        ("---\nid: sleep\ntitle: Sleep: at night\n---\n", 3, "front-matter-unreadable"),
        ("---\nid: sleep\ntitle: Sleep\nsms: [a\n---\n", 4, "front-matter-unreadable"),
        ("---\nid: sleep\n---\n", 1, "key-missing"),
        ("---\nid: sleep\ntitle: Sleep\nkeyword: [a]\n---\n", 4, "key-unknown"),
        ("---\nid: sleep\ntitle: Sleep\nchecked: soon\n---\n", 4, "date-bad"),
        ("---\nid: sleep\ntitle: Sleep\nkeywords: sleep\n---\n", 4, "key-not-list"),
        ("---\nid: slep\ntitle: Sleep\n---\n", 2, "id-not-file"),
        ("---\n- a\n---\n", 1, "front-matter-unreadable"),
        (GOOD.encode() + "más\n".encode("latin-1"), 6, "not-utf8"),
        (b"\xff\xfe-\x00", 1, "not-utf8"),
        (GOOD + "x" * 2_000_001, 1, "too-large"),
    ],
)
def test_a_broken_page_is_told_with_file_and_line(tmp_path: Path, text: str | bytes, line: int, code: str) -> None:
    path = _page_file(tmp_path, text)
    with pytest.raises(ContentError) as caught:
        read_library(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.path, problem.line, problem.code) == (path, line, code)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    _page_file(tmp_path, GOOD)
    _page_file(tmp_path, "x", "en/coping/grief.md")
    _page_file(tmp_path, GOOD, "en/practical/sleep.md")
    _page_file(tmp_path, b"\xe9", "es/coping/sleep.questions.txt")
    with pytest.raises(ContentError) as caught:
        read_library(tmp_path)
    assert [p.path.relative_to(tmp_path).as_posix() for p in caught.value.problems] == ["en/coping/grief.md", "en/practical/sleep.md", "es/coping/sleep.questions.txt"]


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="no-pages"):
        read_library(tmp_path)


@pytest.mark.parametrize("text", [GOOD, "\ufeff" + GOOD, GOOD.replace("\n", "\r\n")], ids=["plain", "BOM", "Windows"])
def test_a_page_as_editors_save_it(tmp_path: Path, text: str) -> None:
    _page_file(tmp_path, text)
    _page_file(tmp_path, "# comment\n\n  cannot sleep  \r\nnightmares", "en/coping/sleep.questions.txt")
    read = read_library(tmp_path)
    page = read.page("sleep", "es")
    assert page
    assert (page.front.title, page.text, page.section, page.language) == ("Sleep", "Rest.", "coping", "en")
    assert [(q.text, q.intent, q.language) for q in read.questions] == [("cannot sleep", "sleep", "en"), ("nightmares", "sleep", "en")]


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = _page_file(tmp_path / "outside", GOOD.replace("sleep", "secret"), "secret.md")
    _page_file(tmp_path / "content", GOOD)
    (tmp_path / "content" / "en" / "secret.md").symlink_to(outside)
    (tmp_path / "content" / "en" / "folder").symlink_to(outside.parent)
    assert [id_ for _, id_ in read_library(tmp_path / "content").pages] == ["sleep"]


def _own(library: Library, language: Language, id_: str) -> Page:
    return library.pages[language, id_]


def test_there_are_39_pages_in_each_language(library: Library) -> None:
    assert len(OURS) == 78
    assert set(library.pages) == {(language, id_) for language, _, id_ in OURS}


@pytest.mark.parametrize(("language", "section", "id_"), OURS, ids=lambda v: str(v))
def test_a_page_has_what_it_needs(library: Library, language: Language, section: str, id_: str) -> None:
    page = _own(library, language, id_)
    front = page.front
    assert page.section == section
    assert page.path.relative_to(ROOT / "content").parts == (language, section, f"{id_}.md")
    assert front.keywords
    assert front.sms.strip()
    assert front.checked
    assert front.sources
    assert all(re.match(r"https?://[\w.-]+", s) for s in front.sources)
    assert len({q.text for q in library.questions if (q.intent, q.language) == (id_, language)}) >= 12
    assert len(page.text) > 300


@pytest.mark.parametrize(("language", "section", "id_"), OURS, ids=lambda v: str(v))
def test_the_first_sms_part_is_a_whole_answer(library: Library, directory: Directory, language: Language, section: str, id_: str) -> None:
    sms = fold(" ".join(fill(_own(library, language, id_).front.sms, directory, language).split()))
    kind, count = segments(sms)
    first = first_segment(sms)
    assert (kind, count <= 3) == ("GSM-7", True)
    assert any(m.end() <= len(first) for m in ACTION.finditer(sms)), f"nobody to call in: {first}"
    assert section != "crisis" or re.search(r"\b(911|988)\b", first)


@pytest.mark.parametrize(("language", "section", "id_"), OURS, ids=lambda v: str(v))
def test_what_a_page_names_exists(library: Library, rows: dict[str, Row], language: Language, section: str, id_: str) -> None:
    page = _own(library, language, id_)
    references = REFERENCE.findall(page.front.sms + page.text)
    untold = {name for name, column in references if name not in rows or not rows[name].trusted or not rows[name][column or "phone"]}
    assert not untold, "each is left out with its whole sentence"
    assert not [c for c in page.front.contacts if c not in rows]
    assert not [r for r in page.front.related if r not in library.intents]
    assert not [d for d in page.front.directory if d not in KINDS.values()]
    assert id_ not in page.front.related


@pytest.mark.parametrize(("language", "section", "id_"), OURS, ids=lambda v: str(v))
def test_no_number_is_typed_in_prose(library: Library, language: Language, section: str, id_: str) -> None:
    page = _own(library, language, id_)
    assert not TYPED.findall(page.front.sms + page.text)


def test_both_languages_name_the_same_helpers(library: Library) -> None:
    unlike = [id_ for _, id_ in library.pages if set(_own(library, "en", id_).front.directory) != set(_own(library, "es", id_).front.directory)]
    assert not unlike


def test_no_question_is_written_for_two_intents(library: Library) -> None:
    """The same words can lead to one place only; what is written twice for one intent says nothing new."""
    by_text = {(q.text.lower(), q.language): set[str]() for q in library.questions}
    for q in library.questions:
        by_text[q.text.lower(), q.language].add(q.intent)
    torn = Counter({text: len(intents) for (text, _), intents in by_text.items() if len(intents) > 1})
    assert len(torn) <= len(by_text) / 100
