"""Words that blame or frighten, each with a gentler way: a short list that volunteers keep."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

FILE = "blame_words.csv"


@dataclass(frozen=True, kw_only=True)
class Harsh:
    language: str
    words: str
    pattern: re.Pattern[str]
    gentler: str


def harsh_words(folder: Path) -> tuple[Harsh, ...]:
    """The list of a content folder; a folder without one has none."""
    path = folder / FILE
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    rows = csv.DictReader(lines, delimiter=";" if lines and lines[0].count(";") > lines[0].count(",") else ",")
    return tuple(_harsh(row.get("language") or "", words.lower(), row.get("gentler") or "") for row in rows if (words := row.get("words")))


def _harsh(language: str, words: str, gentler: str) -> Harsh:
    return Harsh(language=language, words=words, pattern=re.compile(rf"\b{re.escape(words)}\b", re.IGNORECASE), gentler=gentler)
