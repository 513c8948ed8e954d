"""Reads content/<lang>/**: pages (*.md), questions (*.questions.txt) and look-alikes (*.lookalikes.txt)."""

from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import ValidationError

from bot.errors import ContentError, Problem
from bot.library.pages import NONE, FrontMatter, Library, Page, Question
from bot.messages import LANGUAGES, Language

LARGEST_FILE = 2_000_000
QUESTIONS, LOOKALIKES = ".questions.txt", ".lookalikes.txt"


def read_library(folder: Path) -> Library:
    """Everything in a content folder, one language or both. Raises ContentError with every problem that was found."""
    pages: dict[tuple[Language, str], Page] = {}
    questions: list[Question] = []
    lookalikes: list[Question] = []
    problems: list[Problem] = []
    for language in LANGUAGES:
        for path in _files(folder / language, ".md"):
            if (page := _page(path, language, problems)) is None:
                continue
            if twin := pages.get((language, page.id)):
                problems.append(Problem(path=path, line=1, what=f"id '{page.id}' is also that of {twin.path}.", mend="Give each page its own id."))
            pages[language, page.id] = page
        for path in _files(folder / language, QUESTIONS):
            questions += _lines(path, path.name.removesuffix(QUESTIONS), language, problems)
        for path in _files(folder / language, LOOKALIKES):
            lookalikes += _lines(path, path.name.removesuffix(LOOKALIKES), language, problems)
    if not pages and not problems:
        problems.append(Problem(path=folder, line=0, what="no page was found here.", mend="Pages are <folder>/en/**/<id>.md and <folder>/es/**/<id>.md."))
    if problems:
        raise ContentError(problems)
    return Library(pages=pages, questions=tuple(questions), lookalikes=tuple(lookalikes))


def _files(folder: Path, ending: str) -> Iterator[Path]:
    """Files below a folder in a settled order; links are not followed out of it."""
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob(f"*{ending}")):
        if path.is_file() and not path.is_symlink():
            yield path


def _text(path: Path, problems: list[Problem]) -> str | None:
    """The text of a file, or None with the problem noted."""
    if path.stat().st_size > LARGEST_FILE:
        problems.append(Problem(path=path, line=0, what="the file is larger than 2 MB.", mend="A page is a few kilobytes: is this the right file?"))
        return None
    try:
        return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        problems.append(Problem(path=path, line=line, what="is not UTF-8 text.", mend="Save the file as UTF-8."))
        return None


def _page(path: Path, language: Language, problems: list[Problem]) -> Page | None:
    text = _text(path, problems)
    if text is None:
        return None
    head, separator, body = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n") or not separator:
        problems.append(Problem(path=path, line=1, what="has no front matter.", mend="Begin with a line ---, the keys, and a line --- again."))
        return None
    try:
        data = yaml.load(head, Loader=yaml.BaseLoader)  # noqa: S506  the safest loader: every scalar stays a string, so that `id: no` is one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        problems.append(Problem(path=path, line=line, what="the front matter cannot be read.", mend='Put a text that holds ": " or begins with { in quotes.'))
        return None
    try:
        front = FrontMatter.model_validate(data)
    except ValidationError as error:
        for item in error.errors():
            key = str(item["loc"][0]) if item["loc"] else ""
            problems.append(Problem(path=path, line=_line_of(head, key), what=f"{key or 'front matter'}: {item['msg']}.", mend=f"Mend '{key}' in the front matter."))
        return None
    if front.id != path.stem:
        problems.append(Problem(path=path, line=_line_of(head, "id"), what=f"id is '{front.id}', the file is '{path.stem}'.", mend="They must be the same."))
    return Page(front=front, language=language, section=path.parent.name, text=body.strip(), path=path)


def _line_of(head: str, key: str) -> int:
    return next((n for n, line in enumerate(head.splitlines(), 2) if line.startswith(f"{key}:")), 1)


def _lines(path: Path, intent: str, language: Language, problems: list[Problem]) -> Iterator[Question]:
    text = _text(path, problems) or ""
    for line in text.splitlines():
        line = line.strip()
        if line and not line.startswith("#"):
            yield Question(text=line, intent=intent or NONE, language=language)
