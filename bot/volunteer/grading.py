"""A volunteer's own list of question,expected: asked, graded, and compared with the last time."""

import csv
import io
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

from bot.library.pages import NONE
from bot.understanding.topics import Decision
from bot.understanding.understander import Understanding
from bot.volunteer.names import near

HEADER = {"question", "questions", "pregunta", "preguntas", "text", "texto"}


class Verdict(StrEnum):
    RIGHT = "right"
    OFFERED = "offered"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One line of the list: a message, and the page or intent that must answer it."""

    question: str = field(repr=False)
    expected: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Graded:
    """How a line went: `got` is what was answered, or offered first."""

    wanted: Wanted
    verdict: Verdict
    got: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A line that cannot be used; what is wrong stands in locale/ under volunteer.list.<code>."""

    line: int
    code: str
    values: dict[str, str] = field(default_factory=dict)


def read_wanted(path: Path, intents: Collection[str]) -> tuple[list[Wanted], list[Fault]]:
    """The lines of a list, ',' or ';' between the two cells, and every line that cannot be used."""
    faults: list[Fault] = []
    wanted = list(_wanted(_text(path, faults), {*intents, NONE}, faults))
    if not wanted and not faults:
        faults.append(Fault(line=1, code="empty"))
    return wanted, faults


def _wanted(text: str, intents: set[str], faults: list[Fault]) -> Iterator[Wanted]:
    lines = [line for line in text.splitlines() if line.strip()]
    reader = csv.reader(io.StringIO(text), delimiter=";" if lines and all(";" in line for line in lines) else ",", strict=True)
    begun = False
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            while len(cells) > 2 and not cells[-1]:
                cells.pop()
            header, begun = not begun and bool(cells) and cells[0].lower() in HEADER, begun or any(cells)
            if header or not any(cells):
                continue
            if len(cells) != 2 or not all(cells):
                faults.append(Fault(line=reader.line_num, code="cells"))
            elif cells[1] not in intents:
                faults.append(Fault(line=reader.line_num, code="unknown", values={"name": cells[1], "names": ", ".join(near(cells[1], intents) or [NONE])}))
            else:
                yield Wanted(question=cells[0], expected=cells[1], line=reader.line_num)
    except csv.Error:
        faults.append(Fault(line=reader.line_num, code="quotes"))


def _text(path: Path, faults: list[Fault]) -> str:
    try:
        raw = path.read_bytes()
    except OSError:
        faults.append(Fault(line=1, code="cannot_open"))
        return ""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.append(Fault(line=raw[: error.start].count(b"\n") + 1, code="not_utf8"))
        return ""


def grade(wanted: Wanted, understood: Understanding) -> Graded:
    """Right when Faro answers with it, offered when it is among the choices or beside the answer."""
    offered = {s.intent for s in understood.alternatives} if understood.decision is Decision.CLARIFY else {understood.also}
    if understood.decision is not Decision.CLARIFY and understood.intent == wanted.expected:
        verdict = Verdict.RIGHT
    else:
        verdict = Verdict.OFFERED if wanted.expected in offered else Verdict.WRONG
    return Graded(wanted=wanted, verdict=verdict, got=understood.intent)


def changes(graded: list[Graded], memory: Path) -> list[tuple[Graded, Verdict, str]]:
    """The lines that went otherwise the last time, with what they were; then this time is what is remembered."""
    before: dict[str, list[str]] = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else {}
    changed = [(one, Verdict(was[0]), was[1]) for one in graded if (was := before.get(one.wanted.question)) and was != [one.verdict, one.got]]
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps({one.wanted.question: [one.verdict, one.got] for one in graded}, ensure_ascii=False), encoding="utf-8")
    return changed


def memory_of(path: Path, data: Path) -> Path:
    """Where the last run of a list is kept."""
    return data / f"eval-{blake2b(str(path.resolve()).encode(), digest_size=8).hexdigest()}.json"
