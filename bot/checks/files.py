"""The files themselves, whatever they hold: blanks at the ends of lines, a last line without an end, characters that no screen shows."""

import re
from collections.abc import Iterator
from pathlib import Path

from bot.directory.rows import KINDS, LARGEST_TABLE
from bot.errors import Problem
from bot.library.reading import LARGEST_FILE, LOOKALIKES, QUESTIONS
from bot.messages import LANGUAGES

LINES = "hotlines"
TRAILING = re.compile(r"[ \t]\n")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200c\u200e\u200f\u2028\u2029\ufeff\ufffd]")


def content_files(folder: Path) -> Iterator[Path]:
    """Every file of a content folder that Faro reads; links are not followed."""
    return (path for path in _named(folder) if path.is_file() and not path.is_symlink())


def tables(folder: Path) -> list[Path]:
    """The contact tables that are there."""
    return [path for stem in KINDS if (path := folder / "contacts" / f"{stem}.csv").exists()]


def without_lines(folder: Path) -> bool:
    """Whether the table of the lines is not there, or has nothing but its header."""
    table = folder / "contacts" / f"{LINES}.csv"
    raw = bytes_of(table, LARGEST_TABLE)
    return not table.exists() or (bool(raw) and raw.count(b"\n", 0, -1) == 0)


def _named(folder: Path) -> Iterator[Path]:
    """Everything in a content folder that is called like a file which Faro reads."""
    for part, endings in (*((language, (".md", QUESTIONS, LOOKALIKES)) for language in LANGUAGES), ("contacts", (".csv",))):
        yield from (path for path in sorted((folder / part).rglob("*")) if path.name.endswith(endings))


def check_files(folder: Path) -> Iterator[Problem]:
    for path in _named(folder):
        if path.is_symlink() or not path.is_file():
            yield Problem(path=path, line=1, code="not-a-file")
    if without_lines(folder):
        yield Problem(path=folder / "contacts" / f"{LINES}.csv", line=1, code="table-missing")
    for path in content_files(folder):
        raw = bytes_of(path)
        text = _decoded(raw).replace("\r\n", "\n")
        if text and not raw.endswith(b"\n"):
            yield Problem(path=path, line=raw.count(b"\n") + 1, code="no-last-line-end", severity="note")
        if path.suffix != ".csv" and (match := TRAILING.search(text)):
            yield Problem(path=path, line=text.count("\n", 0, match.start()) + 1, code="blanks-at-end", severity="note")
        if match := CONTROL.search(text):
            line, column = text.count("\n", 0, match.start()) + 1, match.start() - text.rfind("\n", 0, match.start())
            yield Problem(path=path, line=line, column=column, code="character-hidden", values={"character": f"U+{ord(match[0]):04X}"})


def _decoded(raw: bytes) -> str:
    """The text of a file; nothing of what is no UTF-8, which reading has told already."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""


def bytes_of(path: Path, most: int = LARGEST_FILE) -> bytes:
    """What a file holds; nothing of one that cannot be opened or is too large, which reading has told already."""
    try:
        return path.read_bytes() if path.stat().st_size <= most else b""
    except OSError:
        return b""
