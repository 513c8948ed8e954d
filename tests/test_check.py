"""`faro check`: a small folder without fault, each time with one fault; every sentence in both languages; our own content."""

import ast
import os
import re
import shutil
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from bot.checks.everything import in_order, problems_of, read_subject
from bot.checks.telling import told
from bot.errors import Problem, errors_among
from bot.geo.tables import Gazetteer
from bot.messages import LANGUAGES, Language
from bot.settings import ROOT
from bot.wording.catalog import Words
from tests.good_content import write_good_content

TODAY = date(2026, 12, 10)
EN, ES = "en/coping/sleep.md", "es/coping/sleep.md"
ASKED, ASKED_ES = "en/coping/sleep.questions.txt", "es/coping/sleep.questions.txt"
LINES = "contacts/hotlines.csv"

Spoil = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_good_content(tmp_path / "content")


def look(folder: Path, gazetteer: Gazetteer, words: Words, *, deep: bool = False) -> list[Problem]:
    subject, problems = read_subject(folder, gazetteer.counties, words, TODAY)
    return in_order([*problems, *problems_of(subject, deep=deep)])


def change(file: str, old: str, new: str) -> Spoil:
    def apply(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return apply


def add(file: str, text: str) -> Spoil:
    return lambda folder: (folder / file).write_text((folder / file).read_text(encoding="utf-8") + text, encoding="utf-8")


def recode(file: str, encoding: str, old: str = "", new: str = "") -> Spoil:
    return lambda folder: (folder / file).write_bytes((folder / file).read_text(encoding="utf-8").replace(old, new).encode(encoding))


def delete(*files: str) -> Spoil:
    return lambda folder: [*map(Path.unlink, (folder / file for file in files))][-1]


def folder_instead(file: str) -> Spoil:
    def apply(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).mkdir()

    return apply


def link_to_itself(file: str) -> Spoil:
    def apply(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).symlink_to(folder / file)

    return apply


def swollen(file: str) -> Spoil:
    """50 MB that take no room on the disk."""
    return lambda folder: os.truncate(folder / file, 50_000_000)


LONG = "Something that nobody can do at once is told here in many a word and at great length"
HARD = "Notwithstanding considerable administrative difficulties, municipal representatives consistently recommend comprehensive documentation of residential deterioration immediately. " * 5
HARD_ES = "Independientemente de las consideraciones administrativas correspondientes, las autoridades municipales recomiendan documentar exhaustivamente las afectaciones habitacionales. " * 6
# code, file, line, column (0: none), severity, what spoils it
FAULTS: list[tuple[str, str, int, int, str, Spoil]] = [
    ("key-unknown", EN, 4, 0, "error", change(EN, "keywords:", "keyword:")),
    ("key-missing", EN, 1, 0, "error", change(EN, "title: Trouble sleeping\n", "")),
    ("key-missing", EN, 1, 0, "error", change(EN, "review_by: 2027-05-22\n", "")),
    ("key-missing", ES, 1, 0, "error", change(ES, "translates:", "# ")),
    ("key-not-list", EN, 4, 0, "error", change(EN, "[sleep]", "sleep")),
    ("key-not-text", EN, 3, 0, "error", change(EN, "Trouble sleeping", "[Trouble, sleeping]")),
    ("key-empty", EN, 3, 0, "error", change(EN, "Trouble sleeping", "")),
    ("id-form", EN, 2, 0, "error", change(EN, "id: sleep", "id: sleep well")),
    ("id-not-file", EN, 2, 0, "error", change(EN, "id: sleep", "id: slep")),
    ("id-of-another-page", "en/practical/sleep.md", 1, 0, "error", lambda f: shutil.copytree(f / "en/coping", f / "en/practical")),
    ("date-bad", EN, 11, 0, "error", change(EN, "2026-11-22", "22/11/2026")),
    ("no-front-matter", EN, 1, 0, "error", change(EN, "---\nid", "id")),
    ("front-matter-unreadable", EN, 3, 0, "error", change(EN, "Trouble", "Sleep: trouble")),
    ("front-matter-unreadable", EN, 4, 0, "error", change(EN, "sleep]", "[" * 3000 + "]" * 3000)),
    ("not-utf8", ES, 3, 0, "error", recode(ES, "latin-1", "Cuando", "Aún")),
    ("too-large", EN, 1, 0, "error", add(EN, "x" * 2_000_001)),
    ("too-large", LINES, 1, 0, "error", add(LINES, "x" * 10_000_001)),
    ("twin-missing", EN, 1, 0, "error", delete(ES)),
    ("not-a-file", ES, 1, 0, "error", folder_instead(ES)),
    ("table-missing", LINES, 1, 0, "error", delete(LINES)),
    ("not-checked", EN, 11, 0, "error", change(EN, "checked: 2026-11-22", "checked: no")),
    ("not-compared", ES, 13, 0, "error", lambda f: change(ES, f'"{re.findall("translates: .(.*).", (f / ES).read_text())[0]}"', "no")(f)),
    ("sentence-unwritten", EN, 20, 7, "error", add(EN, "Write {replace-first-step}.\n")),
    ("questions-none", EN, 1, 0, "warning", delete(ASKED)),
    ("twin-stale", ES, 13, 0, "error", add(EN, "One more thing.\n")),
    ("crisis-page-missing", "en/crisis/crisis-abuse.md", 1, 0, "error", delete("en/crisis/crisis-abuse.md", "es/crisis/crisis-abuse.md")),
    ("no-pages", "", 1, 0, "error", lambda f: [*map(Path.unlink, [*f.rglob("*.md")])][-1]),
    ("language-en", ES, 22, 0, "warning", add(ES, "\nThis is what you can do when the water is in your house.\n")),
    ("language-es", EN, 21, 0, "warning", add(EN, "\nEsto es lo que puede hacer si el agua está en su casa.\n")),
    ("fact-only-here", ES, 15, 0, "warning", change(ES, "20 minutos", "25 minutos")),
    ("fact-only-there", ES, 15, 0, "warning", change(ES, "20 minutos", "un rato")),
    ("fact-only-here", ES, 15, 0, "warning", change(ES, "$5", "$6")),
    ("fact-only-there", ES, 15, 0, "warning", change(ES, "6 de la tarde", "7 de la tarde")),
    ("fact-only-here", ES, 18, 0, "note", change(ES, "example.org/rest", "example.org/descanso")),
    ("fact-only-there", ES, 15, 0, "warning", change(ES, "Llame al {lifeline}", "Llame")),
    ("phone-typed", EN, 14, 1, "error", change(EN, "When you", "336-555-0100. When you")),
    ("reference-unknown", EN, 19, 38, "error", change(EN, "{lifeline} at", "{nosuch} at")),
    ("contact-unknown", EN, 8, 0, "error", change(EN, "[nc211,", "[nosuch,")),
    ("related-unknown", EN, 7, 0, "error", change(EN, "[crisis-danger]", "[nosuch]")),
    ("table-unknown", EN, 9, 0, "error", change(EN, "[mental-health]", "[shops]")),
    ("url-form", EN, 10, 0, "error", change(EN, "https://www.example.org/facts", "www.example.org/facts")),
    ("review-due", EN, 12, 0, "warning", change(EN, "2027-05-22", "2026-12-09")),
    ("word-harsh", EN, 20, 6, "warning", add(EN, "Many victims rest.\n")),
    ("carrier-word", EN, 20, 1, "error", add(EN, "Reply HELP for more.\n")),
    ("markdown-bold", EN, 16, 0, "warning", change(EN, "**Rest**", "**Rest")),
    ("markdown-link", EN, 17, 0, "warning", change(EN, "/rest)", "/rest page)")),
    ("character-hidden", EN, 14, 5, "error", change(EN, "When you", "When\u200b you")),
    ("character-hidden", ASKED, 2, 1, "error", change(ASKED, "cannot", "\x01cannot")),
    ("blanks-at-end", EN, 16, 0, "note", change(EN, "you can.\n", "you can. \n")),
    ("no-last-line-end", EN, 19, 0, "note", change(EN, "of the day.\n", "of the day.")),
    ("reading-level-en", EN, 14, 0, "warning", add(EN, HARD)),
    ("reading-level-es", ES, 15, 0, "warning", add(ES, HARD_ES)),
    ("sms-long", EN, 5, 0, "error", change(EN, "for help.", "for help. " + f"{LONG}. " * 6)),
    ("sms-first-part-cuts", EN, 5, 0, "error", change(EN, "Get up", LONG + " and then, as a page of the web says on its own: www.example.org/what-one-can-do-at-night " + LONG)),
    ("sms-first-part-empty", EN, 5, 0, "error", change(EN, "Get up", f"{LONG} {LONG}")),
    ("sms-letter", EN, 6, 3, "warning", change(EN, "Get up", "🌙 Get up")),
    ("sms-quotes", EN, 6, 7, "note", change(EN, "Get up", "Get “up”")),
    ("question-twice", "es/coping/sleep.questions.txt", 3, 0, "warning", add(ASKED_ES, "awake with crisis-abuse\n")),
    ("question-again", ASKED, 4, 0, "note", add(ASKED, "Awake with sleep!\n")),
    ("question-near", "en/crisis/crisis-abuse.questions.txt", 4, 0, "note", lambda f: (add(ASKED, "how do i get any rest with so much noise\n")(f), add("en/crisis/crisis-abuse.questions.txt", "how do i get any rest with so much noises\n")(f))[0]),
    ("questions-es", ASKED, 4, 0, "warning", add(ASKED, "no puedo dormir por el ruido de la calle\npor qué no duermo si es de noche\nqué hago si no me puedo dormir\n")),
    ("questions-en", ASKED_ES, 3, 0, "warning", add(ASKED_ES, "what can i do when it is late\nwhy is it that i wake up at night\nhow do you sleep in this\n")),
    ("table-semicolons", LINES, 1, 0, "note", recode(LINES, "utf-8", ",", ";")),
    ("table-bom", LINES, 1, 0, "note", recode(LINES, "utf-8-sig")),
    ("table-latin1", LINES, 2, 0, "warning", recode(LINES, "latin-1")),
    ("table-unreadable", LINES, 4, 0, "error", add(LINES, '"' + "x" * 200_000)),
    ("columns-missing", LINES, 1, 0, "error", change(LINES, "id,county", "county")),
    ("cells-too-many", LINES, 3, 0, "error", change(LINES, "988,988", "988,9,8,8")),
    ("cells-too-few", LINES, 4, 0, "warning", add(LINES, "x,Wake,Name,Nombre,211,,,,,,,,,,https://x.example.org,2026-11-22\n")),
    ("cell-empty", LINES, 3, 0, "error", change(LINES, "lifeline,STATEWIDE", "lifeline,")),
    ("cell-lines", LINES, 3, 0, "warning", change(LINES, "NC 211,NC", '"NC\n211",NC')),
    ("cell-quotes", LINES, 2, 0, "note", change(LINES, "Food,", "“Food”,")),
    ("cell-wanted", LINES, 2, 0, "warning", change(LINES, "también.,https://nc211.example.org,", "también.,,")),
    ("cell-date-bad", LINES, 2, 0, "error", change(LINES, "2026-11-22", "11/22/2026")),
    ("cell-url-form", LINES, 2, 0, "error", change(LINES, "https://nc211", "nc211")),
    ("county-unknown", LINES, 3, 0, "error", change(LINES, "lifeline,STATEWIDE", "lifeline,Wakee")),
    ("confidence-unknown", LINES, 2, 0, "error", change(LINES, ",high", ",hihg")),
    ("confidence-low", LINES, 2, 0, "note", change(LINES, ",high", ",low")),
    ("phone-bad", LINES, 2, 0, "error", change(LINES, ",211,", ",919-234-56,")),
    ("phone-made-up", LINES, 2, 0, "error", change(LINES, ",211,", ",919-555-0100,")),
    ("id-of-another-row", LINES, 3, 0, "error", change(LINES, "lifeline,", "nc211,")),
    ("row-twice", LINES, 4, 0, "warning", add(LINES, "again,STATEWIDE,Lifeline,Línea,988,,,https://line.example.org,,,,,,,https://line.example.org,2026-11-22,high\n")),
    ("cell-time-bad", "contacts/shelters.csv", 2, 0, "error", lambda f: (f / "contacts/shelters.csv").write_text(HALL)),
]  # fmt: skip
HALL = "id,county,name,source,checked,confidence,as_of\nhall,Wake,Hall,https://x.example.org,2026-11-22,high,noon\n"
# Told elsewhere: by a Faro that runs, for a file without the right to read it, for figures that Faro has no name for, with --deep, and by the studio.
ELSEWHERE = {"folder-gone", "no-questions", "cannot-open", "key-wrong", "page-not-reached", "sentence-left-out"}


def test_the_good_folder_has_no_fault(folder: Path, gazetteer: Gazetteer, words: Words) -> None:
    assert look(folder, gazetteer, words) == []


@pytest.mark.parametrize(("code", "file", "line", "column", "severity", "spoil"), FAULTS, ids=[f"{n} {fault[0]}" for n, fault in enumerate(FAULTS)])
def test_a_fault_is_told_with_file_and_line(folder: Path, gazetteer: Gazetteer, words: Words, code: str, file: str, line: int, column: int, severity: str, spoil: Spoil) -> None:
    spoil(folder)
    found = look(folder, gazetteer, words)
    places = {(p.code, p.path.relative_to(folder).as_posix(), p.line, p.column or 0, p.severity) for p in found}
    assert (code, file or ".", line, column, severity) in places, places
    for said, problem in ((str(told(p, words, language)), p) for p in found if p.code == code for language in LANGUAGES):
        # No placeholder is left in a sentence; references of the content are values, and may stand in braces.
        assert not [name for name in problem.values if f"{{{name}}}" in said], said
        assert "{" not in said.replace("begins with {", "").replace("empieza con {", "") or "reference" in problem.values or "fact" in problem.values, said


BROKEN: list[tuple[str, Spoil]] = [
    ("not-utf8", recode(ES, "latin-1", "Cuando", "Aún")),
    ("not-utf8", recode(ASKED_ES, "utf-16")),
    ("too-large", swollen(ES)),
    ("too-large", swollen(LINES)),
    ("not-a-file", folder_instead(EN)),
    ("not-a-file", folder_instead(LINES)),
    ("not-a-file", folder_instead(ASKED)),
    ("not-a-file", link_to_itself(ES)),
    ("key-unknown", change(EN, "keywords:", "keyword:")),
    ("id-not-file", change(EN, "id: sleep", "id: slep")),
    ("no-front-matter", lambda f: [change(f"{language}/crisis/crisis-danger.md", "---\nid", "id")(f) for language in LANGUAGES]),
    ("table-missing", delete(LINES)),
    ("table-missing", lambda f: (f / LINES).write_text((f / LINES).read_text().splitlines()[0] + "\n")),
    ("columns-missing", change(LINES, "id,county", "county")),
    ("cells-too-many", change(LINES, "nc211,STATEWIDE", "nc211,x,STATEWIDE")),
]


@pytest.mark.parametrize(("code", "spoil"), BROKEN, ids=[f"{n} {fault[0]}" for n, fault in enumerate(BROKEN)])
def test_what_cannot_be_read_is_told_once_and_makes_no_other_fault(folder: Path, gazetteer: Gazetteer, words: Words, code: str, spoil: Spoil) -> None:
    """No twin is called missing and no contact unknown because its file cannot be read."""
    spoil(folder)
    assert {p.code for p in look(folder, gazetteer, words)} == {code}


def test_a_contact_that_is_not_to_be_told_is_no_unread_one(folder: Path, gazetteer: Gazetteer, words: Words) -> None:
    change(LINES, ",high", ",low")(folder)
    assert {p.code for p in look(folder, gazetteer, words)} == {"confidence-low", "reference-unknown", "contact-unknown"}


@cache
def codes() -> set[str]:
    """Every code that the checks give: the constants that stand where codes stand."""
    found = {"language-en", "language-es", "questions-en", "questions-es"}
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
                given = [k.value for k in node.keywords if k.arg == "code"] if name == "Problem" else node.args if name in ("problem", "_problem") else []
                found |= {c.value for g in given[:2] for c in ast.walk(g) if isinstance(c, ast.Constant) and isinstance(c.value, str) and "-" in c.value and not c.value.endswith("-")}
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
                found |= {c.value for c in ast.walk(node.value) if isinstance(c, ast.Constant) and isinstance(c.value, str) and "-" in c.value}
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict) and "KEY_FAULTS" in ast.unparse(node):
                found |= {str(v.value) for v in node.value.values if isinstance(v, ast.Constant)}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_sentences_and_no_sentence_is_left_over(words: Words, language: Language) -> None:
    said = {key.removeprefix("check.").removesuffix(".what") for key in words.keys(language) if key.startswith("check.") and key.endswith(".what")}
    mends = {key.removeprefix("check.").removesuffix(".mend") for key in words.keys(language) if key.startswith("check.") and key.endswith(".mend")}
    assert said == mends == codes()


def test_every_code_has_a_test() -> None:
    assert codes() == {fault[0] for fault in FAULTS} | ELSEWHERE


def test_our_own_content_has_no_error_and_few_warnings(gazetteer: Gazetteer, words: Words) -> None:
    subject, problems = read_subject(ROOT / "content", gazetteer.counties, words, TODAY)
    found = [*problems, *problems_of(subject)]
    assert not [str(p) for p in errors_among(found)]
    assert len([p for p in found if p.severity == "warning"]) <= 10
    assert not [str(p) for p in found if p.code in ("question-twice", "question-near")], "one question for two intents"
