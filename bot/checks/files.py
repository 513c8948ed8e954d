"""The files themselves, whatever they hold: blanks at the ends of lines, a last line without an end, characters that no screen shows."""

import re
from collections.abc import Iterator
from pathlib import Path

from bot.errors import Problem
from bot.library.reading import LARGEST_FILE, LOOKALIKES, QUESTIONS
from bot.messages import LANGUAGES

TRAILING = re.compile(r"[ \t]\n")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200c\u200e\u200f\u2028\u2029\ufeff\ufffd]")


def content_files(folder: Path) -> Iterator[Path]:
    """Every file of a content folder that Faro reads; links are not followed."""
    for part, endings in (*((language, (".md", QUESTIONS, LOOKALIKES)) for language in LANGUAGES), ("contacts", (".csv",))):
        for path in sorted((folder / part).rglob("*")):
            if path.name.endswith(endings) and path.is_file() and not path.is_symlink():
                yield path


def check_files(folder: Path) -> Iterator[Problem]:
    for path in content_files(folder):
        raw = bytes_of(path)
        if raw and not raw.endswith(b"\n"):
            yield Problem(path=path, line=raw.count(b"\n") + 1, code="no-last-line-end", severity="note")
        text = raw.decode("utf-8-sig", errors="ignore").replace("\r\n", "\n")
        if path.suffix != ".csv" and (match := TRAILING.search(text)):
            yield Problem(path=path, line=text.count("\n", 0, match.start()) + 1, code="blanks-at-end", severity="note")
        if match := CONTROL.search(text):
            line, column = text.count("\n", 0, match.start()) + 1, match.start() - text.rfind("\n", 0, match.start())
            yield Problem(path=path, line=line, column=column, code="character-hidden", values={"character": f"U+{ord(match[0]):04X}"})


def bytes_of(path: Path) -> bytes:
    """What a file holds; nothing of one that cannot be opened or is too large, which reading has told already."""
    try:
        return path.read_bytes() if path.stat().st_size <= LARGEST_FILE else b""
    except OSError:
        return b""
