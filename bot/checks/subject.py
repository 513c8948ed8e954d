"""What is checked: everything that was read, and the lines of each page as its file has them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from bot.checks.files import bytes_of, tables, without_lines
from bot.checks.harsh import Harsh, harsh_words
from bot.directory.directory import Directory
from bot.directory.references import fill
from bot.directory.rows import LARGEST_TABLE, Row
from bot.errors import Problem, Severity
from bot.library.pages import Library, Page
from bot.messages import Language
from bot.wording.catalog import Words

# A sentence of a new page that nobody has written yet.
TO_WRITE = re.compile(r"\{(?:replace|cambiar)-[\w-]+\}")
_TOP_KEY = re.compile(r"[\w-]+:")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One reading of a content folder, and the day on which it is judged."""

    folder: Path
    library: Library
    rows: Sequence[Row] = field(repr=False)
    counties: frozenset[str] = field(repr=False)
    directory: Directory = field(repr=False)
    words: Words = field(repr=False)
    today: date
    broken: frozenset[Path] = frozenset()

    @cached_property
    def intents(self) -> frozenset[str]:
        return frozenset(self.library.intents)

    def stands(self, language: Language, name: str) -> bool:
        """Whether something of that name is there, readable or not: what is wrong with it is told where it stands, and nowhere else."""
        return any(path.name == name for path in (self.folder / language).rglob("*"))

    def unread(self, contact: str) -> bool:
        """Whether a contact stands in a table from which its row could not be read: told of the table, and not of every page that names it."""
        return not self.directory.knows(contact) and (self._tables is None or bool(re.search(rf'^"?{re.escape(contact)}\b', self._tables, re.MULTILINE)))

    @cached_property
    def _tables(self) -> str | None:
        """What all tables hold; None when one of them cannot be opened, or there are no lines."""
        texts = [bytes_of(path, LARGEST_TABLE) for path in tables(self.folder)]
        return None if without_lines(self.folder) or not all(texts) else b"\n".join(texts).decode("utf-8", "replace")

    @cached_property
    def harsh(self) -> tuple[Harsh, ...]:
        return harsh_words(self.folder)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a file, counted from 1."""

    number: int
    text: str


class Source:
    """A page beside its file, or beside a text that is not saved yet."""

    def __init__(self, page: Page, text: str | None = None) -> None:
        self.page = page
        whole = page.path.read_text(encoding="utf-8-sig").replace("\r\n", "\n") if text is None else text
        self.lines = [Line(number=n, text=line) for n, line in enumerate(whole.split("\n"), 1)]
        self._head_end = next((line.number for line in self.lines[1:] if line.text == "---"), 1)

    @property
    def prose(self) -> list[Line]:
        return self.lines[self._head_end :]

    @property
    def sms(self) -> list[Line]:
        """The lines of the short answer, the one with its key among them."""
        begin = self.key("sms")
        end = next((line.number for line in self.lines[begin : self._head_end] if _TOP_KEY.match(line.text)), self._head_end)
        return self.lines[begin - 1 : end - 1] if begin > 1 else []

    @property
    def told(self) -> list[Line]:
        """What residents read: title, short answer, prose."""
        return [line for line in self.lines if line.text.startswith("title:")] + self.sms + self.prose

    def key(self, name: str) -> int:
        """The line of a key; 1 when it is not there."""
        return next((line.number for line in self.lines[: self._head_end] if line.text.startswith(f"{name}:")), 1)

    def blocks(self) -> Iterator[list[Line]]:
        """Paragraphs and list items of the prose."""
        block: list[Line] = []
        for line in self.prose:
            if block and (not line.text.strip() or re.match(r"\s*[-*#] ", line.text)):
                yield block
                block = []
            if line.text.strip():
                block.append(line)
        if block:
            yield block

    def short(self, subject: Subject) -> str:
        """The short answer as it is sent, before it is folded."""
        return " ".join(fill(self.page.front.sms.strip(), subject.directory, self.page.language).split())

    def problem(self, code: str, line: int, severity: Severity = "error", column: int | None = None, **values: str) -> Problem:
        return Problem(path=self.page.path, line=line, column=column, code=code, severity=severity, values=values)

    def found(self, pattern: re.Pattern[str], lines: list[Line]) -> Iterator[tuple[re.Match[str], Line]]:
        for line in lines:
            for match in pattern.finditer(line.text):
                yield match, line
