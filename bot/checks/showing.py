"""Problems on a screen, as annotations on GitHub, and as JSON for programs."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from bot.checks.everything import SEVERITIES
from bot.checks.fixing import Mended
from bot.checks.telling import shown, told
from bot.errors import Problem
from bot.messages import Language
from bot.wording.catalog import Words

COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}
DIFF_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
GITHUB = {"error": "error", "warning": "warning", "note": "notice"}


def as_text(problems: Sequence[Problem], words: Words, language: Language) -> Iterator[Text]:
    """By file, the line first, as one reads a file."""
    for path, group in groupby(problems, key=lambda p: p.path):
        yield Text(shown(path), style="bold underline")
        for problem in group:
            place = f"{problem.line}:{problem.column}" if problem.column else str(problem.line)
            said = told(problem, words, language)
            severity = words.say(f"check.severity.{problem.severity}", language)
            yield Text.assemble(f"  {place:>6}  ", (severity, COLOURS[problem.severity]), f"  {said.what} ", (said.mend, "dim"))
        yield Text()


def counted(problems: Sequence[Problem], words: Words, language: Language) -> str:
    """'2 errors, 3 warnings, 45 to note'"""
    counts = Counter(problem.severity for problem in problems)
    parts = [words.say(f"check.count.{severity}.{'one' if counts[severity] == 1 else 'many'}", language, n=counts[severity]) for severity in SEVERITIES if counts[severity]]
    return ", ".join(parts)


def as_json(problem: Problem, words: Words, language: Language) -> str:
    said = told(problem, words, language)
    place = {"file": shown(problem.path), "line": problem.line, "column": problem.column}
    return json.dumps({**place, "severity": problem.severity, "code": problem.code, "what": said.what, "mend": said.mend}, ensure_ascii=False)


def as_github(problem: Problem, words: Words, language: Language) -> str:
    """A workflow command: GitHub shows it beside the line of the change."""
    place = [f"file={_escaped(shown(problem.path), ':,')}", f"line={problem.line}"] + ([f"col={problem.column}"] if problem.column else [])
    return f"::{GITHUB[problem.severity]} {','.join(place)},title={_escaped(problem.code, ':,')}::{_escaped(str(told(problem, words, language)))}"


def as_diff(mended: Mended) -> Iterator[Text]:
    for line in mended.diff():
        yield Text(line, style="bold" if line.startswith(("+++", "---")) else DIFF_COLOURS.get(line[:1], ""))


def _escaped(text: str, more: str = "") -> str:
    for sign in "%\r\n" + more:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text
