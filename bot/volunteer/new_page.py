"""Makes a page: the twin files with every key that can be filled, and both questions files. Overwrites nothing; nobody is told the page before a person has compared it."""

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from string import Template

import yaml

from bot.errors import ContentError, Problem
from bot.library.reading import parse_page
from bot.messages import LANGUAGES, Language

SKELETONS = Path(__file__).parent / "skeleton"
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
REVIEW_MONTHS = 6
# Folders that hold no ordinary page.
RESERVED = ("crisis", "intents")


def sections(content: Path) -> list[str]:
    """The folders in which a new page may lie."""
    found = {path.name for language in LANGUAGES for path in (content / language).glob("*/") if path.is_dir()}
    return sorted(found - set(RESERVED))


def write_page(content: Path, id_: str, section: str, titles: Mapping[Language, str], today: date) -> list[Path]:
    """Writes the four files of a page. Raises FileExistsError, with nothing written, when one of them is there."""
    texts = _texts(content, id_, section, titles, today)
    if taken := next((path for path in texts if path.exists() or path.is_symlink()), None):
        raise FileExistsError(taken)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return list(texts)


def _texts(content: Path, id_: str, section: str, titles: Mapping[Language, str], today: date) -> dict[Path, str]:
    """What goes into each file. Only a page that reads back well is given."""
    texts: dict[Path, str] = {}
    for language in LANGUAGES:
        path = content / language / section / f"{id_}.md"
        title = yaml.safe_dump({"title": titles[language]}, allow_unicode=True, width=1_000).strip()
        values = {"id": id_, "title": title, "review_by": months_after(today, REVIEW_MONTHS).isoformat()}
        texts[path] = Template((SKELETONS / f"{language}.md").read_text(encoding="utf-8")).substitute(values)
        _read_back(texts[path], path, language)
        texts[path.with_suffix(".questions.txt")] = (SKELETONS / f"{language}.questions.txt").read_text(encoding="utf-8")
    return texts


def _read_back(text: str, path: Path, language: Language) -> None:
    problems: list[Problem] = []
    if parse_page(text, path, language, problems) is None:
        raise ContentError(problems)


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the month's last when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
