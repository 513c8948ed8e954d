"""Rules of the house that nobody should have to remember."""

import ast
import re
from hashlib import blake2b
from pathlib import Path

import pytest

from bot.checks.carrier import carrier_words
from bot.library.reading import read_library
from bot.messages import Language
from bot.router import discover_rooms
from bot.settings import ROOT, Settings
from bot.understanding.normalise import folded
from bot.wording.catalog import Words
from handlers import peer_connections

CODE = sorted([*(ROOT / "bot").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
INTENTS = set(re.findall(r"^- ([a-z-]+)[ :(]", (ROOT / "docs" / "topics.md").read_text(encoding="utf-8"), re.MULTILINE))


def test_every_setting_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"FARO_{name.upper()}" not in readme]
    assert not missing


def test_the_environment_is_read_in_settings_only() -> None:
    users = [p.name for p in CODE if "os.environ" in p.read_text(encoding="utf-8") or "getenv" in p.read_text(encoding="utf-8")]
    assert not users


def test_tests_fake_the_wire_and_never_the_code() -> None:
    for path in TESTS:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} | {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        assert not names & {"Mock", "MagicMock", "AsyncMock", "patch"}, path.name


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_names_versions_and_hashes_and_no_place(name: str) -> None:
    """No download address, and no path of whoever made it."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines[1:] if "://" in line or re.search(r"(?:^|\s)/\w", line)] == []
    assert any("--hash=sha256:" in line for line in lines)


def test_no_error_is_told_apart_by_its_text() -> None:
    assert not [p.name for p in CODE if re.search(r"in str\((?:e|err|error|exc)\)", p.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    "text",
    [
        "Reply HELP for help.",
        "reply with YES",
        "Text 'STOP' if this is wrong",
        'Send us the word "info" for more',
        "Answer YES to go on",
        "Type MENU or HELP",
        "with the word CANCEL",
        "Responda STOP si ya no es verdad",
        "Conteste YES",
        "Mande la palabra INFO",
        "envíe HELP",
        "Enviemos HELP; envie END",
        "Escriba «CANCEL» para borrar",
        "textee START para más",
        "Escriba MENU o INFO",
        "con la palabra 'yes'",
    ],
)
def test_carrier_words_are_found_however_they_are_asked_for(text: str) -> None:
    assert carrier_words(text)


@pytest.mark.parametrize("text", ["text START to {dv.text}", "mande START por texto al 88788", "Text STOP to opt out", "escriba STOP para no recibir más", "we cannot send help", "Escriba MENU"])
def test_a_carrier_word_for_what_it_does_is_no_fault(text: str) -> None:
    assert not carrier_words(text)


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_text_of_ours_asks_for_a_carrier_word(language: Language, words: Words) -> None:
    """START to come back after STOP is the one exception, and a text to another service's number."""
    files = [*(ROOT / "content" / language).rglob("*.md"), *(ROOT / "content" / "contacts").glob("*.csv")]
    texts = {str(p): p.read_text(encoding="utf-8") for p in files} | {key: words.say(key, language) for key in words.keys(language)}
    assert not {where: found for where, text in texts.items() if (found := carrier_words(text, back=where == "stop.short"))}


def test_every_intent_of_the_design_has_a_room() -> None:
    rooms = discover_rooms()
    assert all(rooms.of(intent) for intent in INTENTS)
    assert len(INTENTS) > 50


def test_a_room_is_named_after_what_it_answers() -> None:
    for path in sorted((ROOT / "handlers").glob("*.py")):
        if path.stem in ("__init__", "page", "crisis"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assigned = next(n for n in tree.body if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name) and n.targets[0].id == "INTENTS")
        assert ast.literal_eval(assigned.value)[0].replace("-", "_") == path.stem


def test_every_intent_has_a_hundred_questions_in_each_language() -> None:
    library = read_library(ROOT / "content")
    for language in ("en", "es"):
        for intent in INTENTS - {"none"}:
            wanted = 150 if intent.startswith("crisis") else 100
            count = len({folded(q.text) for q in library.questions if q.intent == intent and q.language == language})
            assert count >= wanted, (language, intent, count)
        assert len([q for q in library.questions if q.intent == "none" and q.language == language]) >= 400
        for kind in ("crisis-suicide", "crisis-danger", "crisis-abuse"):
            assert len([q for q in library.lookalikes if q.intent == kind and q.language == language]) >= 150


def test_no_question_stands_twice_or_leads_to_two_intents() -> None:
    library = read_library(ROOT / "content")
    seen: dict[tuple[str, str], str] = {}
    for question in library.questions:
        key = (question.language, folded(question.text) or question.text)
        assert key not in seen, f"{question.text!r}: {question.intent} and {seen[key]}"
        seen[key] = question.intent


def test_no_question_is_a_message_of_the_evaluation() -> None:
    """The evaluation's messages are for measuring, never for teaching; the file holds their hashes only."""
    held = set((Path(__file__).parent / "data" / "evaluation_hashes.txt").read_text().split())
    assert len(held) > 600
    library = read_library(ROOT / "content")
    taught = [q.text for q in (*library.questions, *library.lookalikes) if blake2b(folded(q.text).encode(), digest_size=8).hexdigest() in held]
    assert not taught


def test_every_page_is_translated_from_the_english_that_stands_there() -> None:
    library = read_library(ROOT / "content")
    for (language, id_), page in library.pages.items():
        if language == "es":
            assert page.front.translates == library.pages["en", id_].fingerprint, f"{id_}: compare the Spanish page with the English one, then write translates: {library.pages['en', id_].fingerprint}"


def test_the_third_wednesday() -> None:
    assert [peer_connections.third_wednesday(2026, m).day for m in (1, 4, 7, 12)] == [21, 15, 15, 16]
