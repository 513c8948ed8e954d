"""How hard a page is to read: Flesch-Kincaid for English, Fernández-Huerta for Spanish. The reader is twelve years old, tired and afraid.

Syllables by pyphen, the formulas here: textstat fetches word lists from the network when it runs, or needs a part of setuptools that is gone.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

from pyphen import Pyphen

from bot.checks.subject import Source, Subject
from bot.directory.references import REFERENCE
from bot.errors import Problem
from bot.wording.narrow import plain

HARDEST_GRADE, LEAST_EASE = 8.0, 60.0
# Under so many words the figures say nothing.
FEWEST_WORDS = 60


class ReadingLevel:
    """Counts words, sentences and syllables."""

    def grade(self, text: str) -> float:
        """The American school year that reads it (Kincaid and others 1975)."""
        long_sentences, long_words = _lengths(text, _syllables("en_US"))
        return 0.39 * long_sentences + 11.8 * long_words - 15.59

    def ease(self, text: str) -> float:
        """0 (hard) to 100 (easy); 60 is plain Spanish (Fernández Huerta 1959)."""
        long_sentences, long_words = _lengths(text, _syllables("es"))
        return 206.84 - 60 * long_words - 1.02 * long_sentences

    def check(self, source: Source, subject: Subject) -> Iterator[Problem]:
        text = sentences(source)
        if len(text.split()) < FEWEST_WORDS:
            return
        line = source.prose[0].number
        if source.page.language == "en" and (grade := self.grade(text)) > HARDEST_GRADE:
            yield source.problem("reading-level-en", line, "warning", grade=f"{grade:.1f}", most=f"{HARDEST_GRADE:g}")
        if source.page.language == "es" and (ease := self.ease(text)) < LEAST_EASE:
            yield source.problem("reading-level-es", line, "warning", ease=f"{ease:.0f}", least=f"{LEAST_EASE:g}")


def _lengths(text: str, syllables: Callable[[str], int]) -> tuple[float, float]:
    """Words a sentence, and syllables a word."""
    words = re.findall(r"[^\W\d_]+", text)
    ends = max(1, len(re.findall(r"[.!?]+(?:\s|$)", text)))
    return len(words) / ends, sum(map(syllables, words)) / max(1, len(words))


@cache
def _syllables(language: str) -> Callable[[str], int]:
    """Counts the syllables of a word, of each but once: pages share most of their words. The patterns are read when they are first needed, which takes a tenth of a second."""
    hyphens = Pyphen(lang=language)
    return cache(lambda word: len(hyphens.positions(word)) + 1)


def sentences(source: Source) -> str:
    """The prose without signs and numbers, each paragraph and each item of a list a sentence at least."""
    blocks = (plain(" ".join(line.text for line in block)) for block in source.blocks())
    texts = (REFERENCE.sub("", block).removeprefix("- ").strip(" :") for block in blocks)
    return " ".join(text if re.search(r"[.!?]$", text) else f"{text}." for text in texts if text)
