"""A problem in the words of the person who is to mend it."""

from dataclasses import dataclass
from pathlib import Path

from bot.errors import Problem
from bot.messages import Language
from bot.wording.catalog import Words


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is wrong, and how to mend it."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} {self.mend}"


def told(problem: Problem, words: Words, language: Language) -> Told:
    return Told(
        what=words.say(f"check.{problem.code}.what", language, **problem.values),
        mend=words.say(f"check.{problem.code}.mend", language, **problem.values),
    )


def line_told(problem: Problem, words: Words, language: Language) -> str:
    """'content/en/coping/sleep.md:3: what is wrong. How to mend it.'"""
    return f"{shown(problem.path)}:{problem.line}: {told(problem, words, language)}"


def shown(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()
