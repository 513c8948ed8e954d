"""What volunteers do at the command line, by the real commands."""

import asyncio
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.content import read_content
from bot.directory.directory import Directory
from bot.errors import CannotDo
from bot.explaining import told
from bot.geo.tables import Gazetteer
from bot.geo.text import Found, Mention
from bot.intents import Kit
from bot.library.reading import collect_library, read_library
from bot.messages import LANGUAGES, CrisisKind, CrisisLevel, Language
from bot.preview import Bubble, Dress, preview
from bot.router import discover_rooms
from bot.settings import ROOT
from bot.understanding.crisis import Crisis
from bot.understanding.topics import Decision, Scored
from bot.understanding.understander import Explanation, Understanding
from bot.volunteer.new_page import months_after
from bot.volunteer.showing import plain_text, show
from bot.wording.catalog import Words
from tests.small_content import write_content

Run = Callable[..., Result]
TITLES = ("--title-en", "Charge a phone: where", "--title-es", "Dónde cargar el teléfono", "--section", "topics")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_content(tmp_path / "content")
    return tmp_path / "content"


@pytest.fixture
def run(tmp_path: Path, folder: Path, learnt: Path) -> Run:
    """A command over the small content, with what was learnt from it."""
    shutil.copytree(learnt, tmp_path / "data" / "cache")

    def command(*words: str, **env: str) -> Result:
        return CliRunner().invoke(app, list(words), env={"FARO_CONTENT": str(folder), "FARO_DATA": str(tmp_path / "data")} | env)

    return command


def typed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command as it is typed, in a process of its own."""
    env = {**os.environ, "FARO_CONTENT": str(folder), "FARO_DATA": str(folder.parent / "none")}
    return subprocess.run([sys.executable, "-m", "bot", *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def refused(result: Result) -> str:
    assert isinstance(result.exception, CannotDo), result.output
    return str(result.exception)


# preview


@pytest.mark.parametrize(("intent", "county"), [("sleep", None), ("sleep", "Wake"), ("shelter", "Wake"), ("support-group", "Buncombe"), ("coalition", "Ashe")])
def test_preview_shows_the_very_bubbles(intent: str, county: str | None, words: Words, gazetteer: Gazetteer) -> None:
    reading = read_content(ROOT / "content")
    kit = Kit(library=reading.library, directory=Directory(reading.rows, gazetteer.counties), gazetteer=gazetteer, words=words, now=datetime.now(UTC))
    done = CliRunner().invoke(app, ["preview", intent, *(("--county", county) if county else ())])
    assert done.exit_code == 0
    for language in LANGUAGES:
        dress = asyncio.run(preview(intent, language, kit, discover_rooms(), county))
        for bubble in dress.sms:
            assert f"{bubble.text}\n" in done.stdout
            assert re.search(rf"{bubble.encoding} · {bubble.segments} segments? · {bubble.units} ", done.stdout)
        assert plain_text(dress.web) in done.stdout
        assert plain_text(dress.telegram[0], lines_count=True) in done.stdout


def test_preview_needs_no_model(folder: Path, run: Run) -> None:
    done = run("preview", "sleep", "--lang", "es", FARO_DATA=str(folder.parent / "none"))
    assert (done.exit_code, "== español · SMS 1/2 · GSM-7 · 1 segmento" in done.stdout) == (0, True), done.stderr
    assert not (folder.parent / "none").exists()


def test_preview_of_an_unknown_page_or_county_says_what_is_near(folder: Path, run: Run) -> None:
    done = typed(folder, "preview", "slep")
    assert (done.returncode, done.stdout, "no page 'slep'. Did you mean: sleep?" in done.stderr, "Traceback" in done.stderr) == (1, "", True, False)
    assert "¿Quiso decir: Buncombe" in refused(run("preview", "shelter", "--county", "Buncomb", "--lang", "es"))


def test_preview_tells_a_file_that_cannot_be_read_and_shows_the_rest(folder: Path, run: Run) -> None:
    (folder / "en" / "topics" / "food.md").write_text("no front matter", encoding="utf-8")
    done = run("preview", "sleep")
    assert done.exit_code == 0
    assert "food.md:1: " in done.stderr


def _dress(language: Language) -> Dress:
    return Dress(language=language, sms=(Bubble(text=f"[b]{language}", encoding="GSM-7", segments=1, units=5),), telegram=("<b>t</b>",), web="<p>w</p>", choices=("Yes",))


@pytest.mark.parametrize(("width", "beside"), [(100, True), (99, False)])
def test_languages_stand_side_by_side_where_there_is_room(words: Words, width: int, beside: bool) -> None:
    file = StringIO()
    show([_dress(language) for language in LANGUAGES], words, "en", Console(file=file, width=width, force_terminal=True, color_system=None))
    lines = file.getvalue().splitlines()
    assert any("English · SMS 1/1" in line and "Spanish · SMS 1/1" in line for line in lines) == beside
    assert "[b]es" in file.getvalue()
    assert max(map(len, lines)) <= width


def test_html_is_shown_as_it_is_read() -> None:
    assert plain_text("<h2>A &amp; B</h2><p>one\ntwo</p><ul><li>x<br>y</li><li><p>z</p></li></ul>") == "A & B\n\none two\n\n- x\ny\n\n- z"
    assert plain_text("<b>a</b>\n\nb", lines_count=True) == "a\n\nb"


# new page


def test_a_new_page_is_whole_and_never_told_before_it_is_written(folder: Path, run: Run) -> None:
    done = run("new", "page", "charge-phone", *TITLES)
    assert done.exit_code == 0, done.output
    assert [Path(line).relative_to(folder).as_posix() for line in done.stdout.split()] == [f"{language}/topics/charge-phone{ending}" for language in LANGUAGES for ending in (".md", ".questions.txt")]
    library, problems = collect_library(folder)
    english, spanish = (library.pages[language, "charge-phone"] for language in LANGUAGES)
    assert not problems
    assert (english.front.title, spanish.front.title) == ("Charge a phone: where", "Dónde cargar el teléfono")
    assert english.not_compared == frozenset(["checked"])
    assert spanish.not_compared == frozenset(["checked", "translates"])
    assert "charge-phone" not in read_content(folder).library.intents
    shown = run("preview", "charge-phone")
    assert "Nobody is told this page yet" in " ".join(shown.stderr.split())
    assert not re.search(r"Write here|Escriba aquí|replace-|cambiar-", shown.stdout)


def _finish(folder: Path, language: Language) -> None:
    """What a person does who has written the page and compared it with its sources."""
    path = folder / language / "topics" / "charge-phone.md"
    head = path.read_text(encoding="utf-8").rpartition("---\n")[0].replace("checked: no", "checked: 2026-11-22")
    path.write_text(f"{head}---\nAsk a shop.\n", encoding="utf-8")
    path.with_suffix(".questions.txt").write_text(f"where do i charge my phone {language}\n", encoding="utf-8")


def test_a_page_is_told_once_a_person_has_compared_it(folder: Path, run: Run) -> None:
    run("new", "page", "charge-phone", *TITLES)
    for language in LANGUAGES:
        (folder / language / "topics" / "charge-phone.questions.txt").write_text(f"where do i charge my phone {language}\n", encoding="utf-8")
    assert not [q for q in read_library(folder).questions if q.intent == "charge-phone"], "what leads to it would lead away from what is told"
    _finish(folder, "en")
    _finish(folder, "es")
    library = read_library(folder)
    assert [language for language, id_ in library.pages if id_ == "charge-phone"] == ["en"]
    assert len([q for q in library.questions if q.intent == "charge-phone"]) == 2
    typed(folder, "check", "--content", str(folder), "--fix", "--reviewed", "charge-phone")
    library = read_library(folder)
    assert library.pages["es", "charge-phone"].front.translates == library.pages["en", "charge-phone"].fingerprint


def test_a_crisis_page_is_told_whatever_it_says_of_itself(folder: Path) -> None:
    path = folder / "en" / "crisis" / "crisis-danger.md"
    path.parent.mkdir()
    path.write_text("---\nid: crisis-danger\ntitle: Danger\nchecked: no\n---\nCall 911.\n", encoding="utf-8")
    path.with_suffix(".questions.txt").write_text("i am drowning\n", encoding="utf-8")
    library = read_library(folder)
    assert ("en", "crisis-danger") in library.pages
    assert "crisis-danger" in {q.intent for q in library.questions}


def test_check_says_plainly_what_is_left_to_do(folder: Path, run: Run) -> None:
    run("new", "page", "charge-phone", *TITLES)
    done = typed(folder, "check", "--content", str(folder))
    for mark in ("replace-sms-first-part", "replace-whom-to-call", "cambiar-que-hacer-ahora", "cambiar-primer-paso"):
        assert f"{{{mark}}}: this sentence is still to be written" in done.stdout
    assert done.stdout.count("no person has compared it with its sources") == 2
    assert done.stdout.count("faro check --fix --reviewed charge-phone") == 1
    about = done.stdout[done.stdout.index("en/topics/charge-phone.md") :]
    assert not re.search("does not stand in|and this one does not|is no contact", about), "what nobody has written yet is no difference"


@pytest.mark.parametrize("id_", ["Charge-phone", "charge_phone", "charge--phone", "-charge", "cargar-teléfono", "a b", "../x", "charge-phone\n", ""])
def test_an_id_is_lower_case_words_with_hyphens(folder: Path, run: Run, id_: str) -> None:
    before = sorted(folder.rglob("*"))
    assert "lower-case" in refused(run("new", "page", "--", id_)) if not id_.startswith("-") else refused(run("new", "page", *TITLES, "--", id_))
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("id_", ["sleep", "menu", "shelter", "none", "crisis-danger"])
def test_an_id_that_answers_something_is_refused(run: Run, id_: str) -> None:
    assert "ya contesta algo" in refused(run("new", "page", id_, *TITLES, "--lang", "es"))


def test_nothing_is_overwritten_and_nothing_half_made(folder: Path, run: Run) -> None:
    there = folder / "es" / "topics" / "charge-phone.questions.txt"
    there.parent.mkdir(parents=True)
    there.write_text("# mine\n", encoding="utf-8")
    assert str(there) in refused(run("new", "page", "charge-phone", *TITLES))
    assert there.read_text(encoding="utf-8") == "# mine\n"
    assert list(folder.rglob("charge-phone*")) == [there]


def test_without_a_terminal_what_is_missing_is_named(folder: Path, run: Run) -> None:
    said = refused(run("new", "page", "charge-phone", "--title-en", "Charge"))
    assert said.startswith("Missing: --title-es, --section. Folders: topics.")
    assert refused(run("new", "page", "charge-phone", "--lang", "es")).startswith("Falta: --title-en, --title-es, --section. Carpetas: topics.")
    example = shlex.split(said.splitlines()[-1])
    assert (example[0], run(*example[1:]).exit_code) == ("faro", 0), "the example can be used as it is"
    for made in folder.rglob("charge-phone*"):
        made.unlink()
    assert "One of: topics." in refused(run("new", "page", "charge-phone", *TITLES[:-1], "topic"))
    assert not list(folder.rglob("charge-phone*"))


def test_at_a_terminal_what_is_missing_is_asked(folder: Path) -> None:
    ours, theirs = pty.openpty()
    env = {**os.environ, "FARO_CONTENT": str(folder), "FARO_DATA": str(folder.parent / "none")}
    command = [sys.executable, "-m", "bot", "new", "page", "charge-phone", "--title-en", "Charge a phone", "--lang", "es"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        os.close(theirs)
        os.write(ours, "Cargar el teléfono\ntopics\n".encode())
        out, told_ = process.communicate()
    os.close(ours)
    assert process.returncode == 0, told_
    assert len(out.split()) == 4
    assert "Título en español:" in told_
    assert "Carpeta (topics):" in told_
    assert collect_library(folder)[0].pages["es", "charge-phone"].front.title == "Cargar el teléfono"


@pytest.mark.parametrize(("day", "later"), [(date(2026, 11, 22), date(2027, 5, 22)), (date(2026, 8, 31), date(2027, 2, 28)), (date(2026, 6, 30), date(2026, 12, 30))])
def test_six_months_later(day: date, later: date) -> None:
    assert months_after(day, 6) == later


# explain


def test_explain_keeps_its_figures_and_adds_why(run: Run) -> None:
    lines = run("explain", "we have no pantry today").stdout.splitlines()
    assert lines[0].startswith("answer: food (")
    assert lines[0].endswith("language en, crisis none, county none")
    assert lines[1] == "read as: we have no pantry today"
    assert [line for line in lines if line.startswith("by letters: food (")]
    assert "near: we have no pantry today -> food (1.00)" in lines
    why = [line.removeprefix("why: ") for line in lines if line.startswith("why: ")]
    assert why[0].startswith("Read as English")
    assert "It is word for word a phrase, a keyword or a title of the content." in why
    assert any(re.match(r"Answered, because 'Food \(food\)' is (9\d|100) % sure and 50 % is enough\.", line) for line in why)
    assert any(line.startswith("What came second: 'Sleep (sleep)' (") for line in why)
    assert all(line.startswith(("answer:", "read as:", "next:", "by ", "near:", "why: ")) for line in lines)


def test_explain_in_spanish(run: Run) -> None:
    said = run("explain", "we have no pantri in boone", "--lang", "es").stdout
    assert "why: Lugares que se apartan antes de ver qué se pide: Boone. Condado: Watauga." in said
    assert "why: Ortografía corregida: pantri -> pantry." in said
    assert "basta con 50 %" in said
    assert "Answered" not in said


def test_explain_on_a_terminal_is_for_reading(folder: Path, tmp_path: Path, run: Run) -> None:
    done = run("explain", "guitar [today]", FORCE_COLOR="1", COLUMNS="90")
    assert "• Read as" in done.stdout
    assert "The nearest phrases" in done.stdout
    assert "what about guitar today" in done.stdout
    assert "why:" not in done.stdout


def test_explain_says_which_words_are_a_crisis(run: Run) -> None:
    said = run("explain", "i want to kill myself").stdout
    assert said.startswith("crisis: crisis-suicide")
    assert "why: Words of a crisis stand in it (suicide)" in said
    assert "only the crisis answer is given" in said


SLEEP, FOOD = Scored(intent="sleep", score=0.45), Scored(intent="food", score=0.3)
ASKED = Understanding(language="en", language_sure=True, decision=Decision.CLARIFY, intent="sleep", score=0.45, alternatives=(SLEEP, FOOD))
WHY = Explanation(understood=ASKED, layers={}, closest=(), closest_texts=(), read_as="x y", written="x y", place_alone=False, exact=False, doubt=0.01, refuse_from=0.2, crisis_words=None, alarm=0.001)  # fmt: skip
SURE = replace(ASKED, alternatives=(replace(SLEEP, score=0.7), FOOD))
BOONE = Found(county="Watauga", mentions=(Mention(start=0, end=5, name="Boone", meanings=()),))


@pytest.mark.parametrize(
    ("why", "says"),
    [
        (WHY, "best page, 'sleep', is only 45 % sure, and 50 % is needed"),
        (replace(WHY, understood=SURE, doubt=0.15), "'sleep' is 70 % sure, but the doubt whether this is Faro's business is 15 %, and from 12 % Faro asks back"),
        (replace(WHY, understood=replace(ASKED, alternatives=(Scored(intent="stop", score=0.7), FOOD))), "80 % is needed"),
        (replace(WHY, understood=replace(ASKED, decision=Decision.NONE), doubt=0.4), "the doubt whether this is its business is 40 %, and from 20 % it refuses"),
        (replace(WHY, understood=replace(ASKED, decision=Decision.ANSWER, ordered=True)), "command words: 'sleep' is done at once"),
        (replace(WHY, understood=replace(ASKED, decision=Decision.ANSWER, also="food")), "'food' is offered beside it"),
        (replace(WHY, understood=replace(ASKED, found=BOONE), place_alone=True), "names a place and asks nothing else"),
        (replace(WHY, understood=replace(ASKED, found=replace(BOONE, county=None))), "says that nobody is there"),
        (replace(WHY, read_as=" "), "Nothing is left"),
        (replace(WHY, understood=replace(ASKED, language_sure=False)), "does not show its language"),
        (replace(WHY, understood=replace(ASKED, crisis=Crisis(kind=CrisisKind.ABUSE, level=CrisisLevel.MAYBE)), alarm=0.021), "the crisis model hears 2.1 % (abuse). From 1.0 % the crisis line"),
        (replace(WHY, understood=replace(ASKED, crisis=Crisis(kind=CrisisKind.ABUSE, level=CrisisLevel.MAYBE))), "the crisis line stands before the ordinary answer"),
    ],
)
def test_every_reason_is_said(words: Words, why: Explanation, says: str) -> None:
    assert says in "\n".join(told(why, words, "en", str))
    assert all(told(why, words, "es", str))


# eval


def test_eval_without_a_file_asks_our_own_questions(run: Run) -> None:
    assert "questions lead to their own page; 0 changed" in " ".join(run("eval").stderr.split())
    assert run("eval").stdout == ""


LIST = "i need help with bed,sleep\nwhat about bread today,sleep\nwe have no guitar,none\n"


@pytest.mark.parametrize(
    "raw",
    [
        LIST.encode(),
        b"\xef\xbb\xbfQuestion,expected\r\n" + LIST.replace("\n", "\r\n").encode(),
        b"pregunta;esperado\n" + LIST.replace(",", ";").encode(),
        b"\n" + LIST.replace("\n", ",,\n\n").encode(),
    ],
    ids=["bare", "BOM and header", "semicolons", "blank cells and lines"],
)
def test_eval_grades_a_list_of_ones_own(tmp_path: Path, run: Run, raw: bytes) -> None:
    (tmp_path / "mine.csv").write_bytes(raw)
    done = run("eval", str(tmp_path / "mine.csv"))
    assert done.exit_code == 0, done.output
    first, second, third, totals = done.stdout.splitlines()
    assert re.fullmatch(r"right +\d+: i need help with bed -> sleep", first)
    assert re.fullmatch(r"wrong +\d+: what about bread today -> sleep \(got food\)", second)
    assert re.fullmatch(r"right +\d+: we have no guitar -> none", third)
    assert totals == "3 questions: 2 right, 0 offered, 1 wrong; 0 changed since the last run."


def test_eval_shows_what_changed_since_the_last_run(tmp_path: Path, folder: Path, run: Run) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text(LIST, encoding="utf-8")
    run("eval", str(mine))
    assert "0 changed" in run("eval", str(mine)).stdout
    memory = next((tmp_path / "data").glob("eval-*.json"))
    memory.write_text(memory.read_text(encoding="utf-8").replace('["right", "sleep"]', '["offered", "food"]'), encoding="utf-8")
    said = run("eval", str(mine), "--lang", "es").stdout
    assert "cambió  1: i need help with bed: antes ofrecida (food), ahora bien (sleep)" in said
    assert said.endswith("3 preguntas: 2 bien, 0 ofrecidas, 1 mal; 1 cambiaron desde la última vez.\n")
    assert "0 changed" in run("eval", str(mine)).stdout


@pytest.mark.parametrize(
    ("raw", "line", "says"),
    [
        (b"bed,sleep\nbread\n", 2, "two filled cells"),
        (b"bed,sleep\nhelp, please,sleep\n", 2, "in quotes"),
        (b"bed,slep\n", 1, "Did you mean: sleep?"),
        (b"bed,sleep\n\nd\xf3nde,sleep\n", 3, "CSV UTF-8"),
        (b'bed,sleep\n"open,sleep\n', 2, "quotation mark"),
        (b"question,expected\n", 1, "no question"),
    ],
)
def test_eval_names_the_line_that_is_broken(tmp_path: Path, run: Run, raw: bytes, line: int, says: str) -> None:
    (tmp_path / "mine.csv").write_bytes(raw)
    said = refused(run("eval", str(tmp_path / "mine.csv")))
    assert f"mine.csv:{line}: " in said
    assert says in said


def test_eval_names_a_file_that_is_not_there(tmp_path: Path, run: Run) -> None:
    assert "cannot be opened" in refused(run("eval", str(tmp_path / "nowhere.csv")))
