"""The sentences of the code: both languages have all of them, none is missing or left over, dates read as people say them."""

import ast
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from bot.channels.telegram import COMMANDS
from bot.channels.web import FILES
from bot.library.pages import CRISIS
from bot.messages import LANGUAGES, LOCAL_TIME, CrisisKind, Language
from bot.settings import ROOT
from bot.wording.catalog import Words
from handlers.menu import ITEMS

PLACEHOLDER = re.compile(r"\{[\w.-]+\}")
# Words that no Spanish sentence holds, unless they are a name.
ENGLISH = re.compile(r"\b(the|and|you|your|is|are|this|that|with|for|of|call|please|not|from|have|what|will|can)\b", re.IGNORECASE)
SPANISH = re.compile(r"\b(el|los|las|usted|su|sus|que|para|con|del|una|por favor|llame|escriba)\b", re.IGNORECASE)


def _sources() -> Iterator[ast.Module]:
    for folder in ("bot", "handlers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def _said(call: ast.AST) -> ast.expr | None:
    """What a call of .say() is given as its key."""
    named = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "say"
    return call.args[0] if isinstance(call, ast.Call) and named and call.args else None


def _pattern(text: ast.JoinedStr) -> str:
    """f'menu.{item}' as a regular expression."""
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"[\w-]+" for part in text.values)


def _studio() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in (ROOT / "bot" / "studio" / "templates").glob("*.html")]


@pytest.fixture(scope="module")
def template_keys() -> set[str]:
    """t.send in the page is the sentence web.send; t("today.title") in the studio is studio.today.title."""
    page = {f"web.{name}" for path in FILES.glob("*.html") for name in re.findall(r"\bt\.(\w+)", path.read_text(encoding="utf-8"))}
    return page | {f"studio.{name}" for text in _studio() for name in re.findall(r"""\bt\(["']([\w.-]+)["'][,)]""", text)}


@pytest.fixture(scope="module")
def spoken_keys() -> set[str]:
    """Keys that stand in the code as they are, in .say() or on the way to it."""
    return {node.value for tree in _sources() for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value}


@pytest.fixture(scope="module")
def key_patterns() -> set[str]:
    """Keys that the code puts together; those of the page are read in the page."""
    made = {_pattern(node) for tree in _sources() for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)}
    begun = {rf"studio\.{re.escape(name)}[\w-]+" for text in _studio() for name in re.findall(r"""\bt\(["']([\w.-]+\.)["'] ~""", text)}
    return begun | {p for p in made if re.match(r"[a-z]+\\\.", p) and not p.startswith(r"web\.")}


def test_both_languages_have_the_same_keys(words: Words) -> None:
    assert words.keys("en") == words.keys("es")
    assert len(words.keys("en")) > 80


def test_both_languages_have_the_same_placeholders(words: Words) -> None:
    """A value that only one language tells would be lost in the other. 211's toll-free number may stand in one alone: it is another way to the same line."""
    unequal = {key for key in words.keys("en") if set(PLACEHOLDER.findall(words.say(key, "en"))) != set(PLACEHOLDER.findall(words.say(key, "es")))}
    assert not unequal


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_stands_twice(language: Language) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "locale" / language / "LC_MESSAGES").glob("*.po"))
    keys = re.findall(r'^msgid "(.+)"$', text, re.MULTILINE)
    assert len(keys) == len(set(keys))
    assert "fuzzy" not in text


def test_every_key_that_is_said_exists(words: Words, template_keys: set[str]) -> None:
    said = [key for tree in _sources() for node in ast.walk(tree) if (key := _said(node)) is not None]
    missing = {key.value for key in said if isinstance(key, ast.Constant)} - words.keys("en")
    empty = {_pattern(key) for key in said if isinstance(key, ast.JoinedStr) and not any(re.fullmatch(_pattern(key), k) for k in words.keys("en"))}
    assert (missing, empty, template_keys - words.keys("en")) == (set(), set(), set())
    assert len(said) > 50


def test_every_key_that_is_put_together_exists(words: Words) -> None:
    needed = {f"menu.{item}" for item in ITEMS} | {f"telegram.commands.{name}" for name in COMMANDS}
    needed |= {f"crisis.maybe.{kind}" for kind in CrisisKind} | {f"crisis.last.{page.removeprefix('crisis-')}" for page in CRISIS}
    needed |= {f"intent.{path.name.removesuffix('.questions.txt')}" for path in (ROOT / "content" / "en" / "intents").glob("*.questions.txt")}
    assert not needed - words.keys("en")


def test_no_key_is_left_over(words: Words, spoken_keys: set[str], template_keys: set[str], key_patterns: set[str]) -> None:
    unused = {k for k in words.keys("en") - spoken_keys - template_keys if not any(re.fullmatch(p, k) for p in key_patterns)}
    assert not unused


def _foreign(text: str, stopwords: re.Pattern[str]) -> list[str]:
    return stopwords.findall(PLACEHOLDER.sub("", text))


def test_no_english_under_es_and_no_spanish_under_en(words: Words) -> None:
    switch = {"web.switch"}  # says the other language's name, in that language
    assert not {k: found for k in words.keys("es") - switch if (found := _foreign(words.say(k, "es"), ENGLISH))}
    assert not {k: found for k in words.keys("en") - switch if (found := _foreign(words.say(k, "en"), SPANISH))}


def test_no_page_under_es_is_english() -> None:
    """Three everyday English words in a line are no name of an office any more."""
    pages = [*(ROOT / "content" / "es").rglob("*.md")]
    found = {f"{p.name}:{n}": line for p in pages for n, line in _prose(p) if len(_foreign(line, ENGLISH)) >= 3}
    assert pages
    assert not found


def _prose(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if "http" not in line:
            yield number, line


@pytest.mark.parametrize(
    ("day", "language", "said"),
    [
        (date(2026, 12, 16), "en", "Wednesday, December 16"),
        (date(2026, 12, 16), "es", "miércoles 16 de diciembre"),
        (date(2027, 1, 1), "en", "Friday, January 1"),
        (date(2027, 1, 1), "es", "viernes 1 de enero"),
    ],
)
def test_a_day_is_said_in_the_languages_own_form(words: Words, day: date, language: Language, said: str) -> None:
    assert words.day(day, language) == said


@pytest.mark.parametrize(("language", "said"), [("en", "6:05 PM"), ("es", "6:05 p. m.")])
def test_an_hour_has_plain_blanks(words: Words, language: Language, said: str) -> None:
    """A narrow no-break space would make an SMS three times as long."""
    assert words.hour(datetime(2026, 12, 10, 18, 5, tzinfo=LOCAL_TIME), language) in (said, said.replace("p. m.", "p.m."))


@pytest.mark.parametrize(("language", "said"), [("en", "Wake, Ashe, or Lee"), ("es", "Wake, Ashe o Lee")])
def test_a_list_is_said_in_the_languages_own_form(words: Words, language: Language, said: str) -> None:
    assert words.listing(["Wake", "Ashe", "Lee"], language) == said


def test_values_are_put_in_and_references_stay(words: Words) -> None:
    assert words.say("choice.county", "es", county="Wake") == "Condado de Wake"
    assert "{nc211}" in words.say("coalition.none", "en", county="Wake")
    with pytest.raises(KeyError):
        words.say("no.such.key", "en")
