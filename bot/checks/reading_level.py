"""How hard a page is to read: Flesch-Kincaid for English, Fernández-Huerta for Spanish. The reader is twelve years old, tired and afraid."""

import re
from collections.abc import Iterator

from textstat.textstat import textstatistics

from bot.checks.subject import Source, Subject
from bot.directory.references import REFERENCE
from bot.errors import Problem
from bot.wording.narrow import plain

HARDEST_GRADE, LEAST_EASE = 8.0, 60.0
# Under so many words the figures say nothing.
FEWEST_WORDS = 60


class ReadingLevel:
    """textstat keeps a language for each of its objects: one for each of ours."""

    def __init__(self) -> None:
        self._english, self._spanish = textstatistics(), textstatistics()
        self._english.set_lang("en")
        self._spanish.set_lang("es")

    def grade(self, text: str) -> float:
        """The American school year that reads it."""
        return float(self._english.flesch_kincaid_grade(text))

    def ease(self, text: str) -> float:
        """0 (hard) to 100 (easy); 60 is plain Spanish."""
        return float(self._spanish.fernandez_huerta(text))

    def check(self, source: Source, subject: Subject) -> Iterator[Problem]:
        text = sentences(source)
        if len(text.split()) < FEWEST_WORDS:
            return
        line = source.prose[0].number
        if source.page.language == "en" and (grade := self.grade(text)) > HARDEST_GRADE:
            yield source.problem("reading-level-en", line, "warning", grade=f"{grade:.1f}", most=f"{HARDEST_GRADE:g}")
        if source.page.language == "es" and (ease := self.ease(text)) < LEAST_EASE:
            yield source.problem("reading-level-es", line, "warning", ease=f"{ease:.0f}", least=f"{LEAST_EASE:g}")


def sentences(source: Source) -> str:
    """The prose without signs and numbers, each paragraph and each item of a list a sentence at least."""
    blocks = (plain(" ".join(line.text for line in block)) for block in source.blocks())
    texts = (REFERENCE.sub("", block).removeprefix("- ").strip(" :") for block in blocks)
    return " ".join(text if re.search(r"[.!?]$", text) else f"{text}." for text in texts if text)
