"""Reads content/<lang>/**: pages (*.md), questions (*.questions.txt) and look-alikes (*.lookalikes.txt)."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from bot.errors import ContentError, Problem, errors_among
from bot.library.pages import NONE, FrontMatter, Library, Page, Question
from bot.messages import LANGUAGES, Language

LARGEST_FILE = 2_000_000
# What opens a level in YAML, and how often it may stand in a head.
LARGEST_HEAD, DEEPEST, DEEPER = 50_000, 500, ("[", "{", "- ", "? ")
# The same in C, ten times as fast, wherever PyYAML was built with it.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
OPEN_QUOTE = re.compile(r"""^[\w-]+: *(["'])(?!.*\1)""", re.MULTILINE)
# What pydantic calls a fault -> what Faro calls it; there is a sentence for each in locale/.
KEY_FAULTS = {
    "extra_forbidden": "key-unknown",
    "missing": "key-missing",
    "tuple_type": "key-not-list",
    "string_type": "key-not-text",
    "string_too_short": "key-empty",
    "string_pattern_mismatch": "id-form",
    "date_from_datetime_parsing": "date-bad",
    "date_parsing": "date-bad",
    "date_type": "date-bad",
    "date_from_datetime_inexact": "date-bad",
}
QUESTIONS, LOOKALIKES = ".questions.txt", ".lookalikes.txt"


def read_library(folder: Path) -> Library:
    """What residents may be told from a content folder, one language or both. Raises ContentError with every problem that was found."""
    library, problems = collect_library(folder)
    if errors := errors_among(problems):
        raise ContentError(errors)
    return library.finished


def collect_library(folder: Path) -> tuple[Library, list[Problem]]:
    """All of a content folder that can be read, pages that are not finished among it, and every problem with the rest."""
    pages: dict[tuple[Language, str], Page] = {}
    questions: list[Question] = []
    lookalikes: list[Question] = []
    problems: list[Problem] = []
    for language in LANGUAGES:
        for path in _files(folder / language, ".md"):
            if (page := _page(path, language, problems)) is None:
                continue
            if twin := pages.get((language, page.id)):
                problems.append(Problem(path=path, line=1, code="id-of-another-page", values={"id": page.id, "other": str(twin.path)}))
            pages[language, page.id] = page
        for path in _files(folder / language, QUESTIONS):
            questions += _lines(path, path.name.removesuffix(QUESTIONS), language, problems)
        for path in _files(folder / language, LOOKALIKES):
            lookalikes += _lines(path, path.name.removesuffix(LOOKALIKES), language, problems)
    if not pages and not problems:
        problems.append(Problem(path=folder, line=1, code="no-pages"))
    return Library(pages=pages, questions=tuple(questions), lookalikes=tuple(lookalikes)), problems


def _files(folder: Path, ending: str) -> Iterator[Path]:
    """Files below a folder in a settled order; links are not followed out of it."""
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob(f"*{ending}")):
        if path.is_file() and not path.is_symlink():
            yield path


def _text(path: Path, problems: list[Problem]) -> str | None:
    """The text of a file, or None with the problem noted."""
    try:
        size = path.stat().st_size
        text = path.read_bytes() if size <= LARGEST_FILE else b""
    except OSError:
        problems.append(Problem(path=path, line=1, code="cannot-open"))
        return None
    if size > LARGEST_FILE:
        problems.append(Problem(path=path, line=1, code="too-large"))
        return None
    try:
        return text.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        problems.append(Problem(path=path, line=text[: error.start].count(b"\n") + 1, code="not-utf8"))
        return None


def _page(path: Path, language: Language, problems: list[Problem]) -> Page | None:
    text = _text(path, problems)
    return None if text is None else parse_page(text, path, language, problems)


def parse_page(text: str, path: Path, language: Language, problems: list[Problem]) -> Page | None:
    """The page that a file of this text would be; None, with the problems noted, when it would be none."""
    head, separator, body = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n") or not separator:
        problems.append(Problem(path=path, line=1, code="no-front-matter"))
        return None
    try:
        data = _keys(head)
    except (yaml.YAMLError, RecursionError) as error:
        problems.append(Problem(path=path, line=_line_of_fault(head, error), code="front-matter-unreadable"))
        return None
    try:
        front = FrontMatter.model_validate(data)
    except ValidationError as error:
        problems += _key_faults(error, head, path)
        return None
    if front.id != path.stem:
        problems.append(Problem(path=path, line=_line_of(head, "id"), code="id-not-file", values={"id": front.id, "file": path.stem}))
    return Page(front=front, language=language, section=path.parent.name, text=body.strip(), path=path)


def _keys(head: str) -> object:
    """What YAML makes of the head. Nested thousands deep, it would be busy for minutes: no page is. Told is the longest line."""
    if len(head) > LARGEST_HEAD or sum(head.count(sign) for sign in DEEPER) > DEEPEST:
        raise yaml.reader.ReaderError("", head.index(max(head.split("\n"), key=len)), 0, "", "too deep")
    return yaml.load(head, Loader=LOADER)  # noqa: S506  the safest loader: every scalar stays a string, so that `id: no` is one


def _line_of_fault(head: str, error: Exception) -> int:
    """Where what YAML could not read began (a bracket, a quote; the head itself says nothing), else where it stopped, be it at a character that no text holds."""
    if match := OPEN_QUOTE.search(head):  # YAML reads on to the next quote, wherever that is
        return head.count("\n", 0, match.start()) + 2
    began, stopped = (getattr(error, name, None) for name in ("context_mark", "problem_mark"))
    if mark := began if began and began.index else stopped:
        return int(mark.line) + 2
    return head.count("\n", 0, getattr(error, "position", 0)) + 2


def _key_faults(error: ValidationError, head: str, path: Path) -> Iterator[Problem]:
    """What pydantic found, one problem for each key."""
    for item in error.errors():
        key = str(item["loc"][0]) if item["loc"] else ""
        code = KEY_FAULTS.get(item["type"], "key-wrong") if key else "front-matter-unreadable"
        near = get_close_matches(key, FrontMatter.model_fields, n=1)
        yield Problem(path=path, line=_line_of(head, key), code=code, values={"key": key, "keys": near[0] if near else ", ".join(FrontMatter.model_fields)})


def _line_of(head: str, key: str) -> int:
    return next((n for n, line in enumerate(head.splitlines(), 2) if line.startswith(f"{key}:")), 1)


def _lines(path: Path, intent: str, language: Language, problems: list[Problem]) -> tuple[Question, ...]:
    return _asked(_text(path, problems) or "", intent or NONE, language)


@lru_cache(maxsize=500)
def _asked(text: str, intent: str, language: Language) -> tuple[Question, ...]:
    """The questions in a file of this text. Kept, so that after a change the many files that are as they were cost those who ask no time."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(Question(text=line, intent=intent, language=language) for line in lines if line and not line.startswith("#"))
