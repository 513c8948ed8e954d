"""English or Spanish: how often each word is used in both languages, by general counts and by the content's own."""

import gzip
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgpack

from bot.messages import LANGUAGES, Language
from bot.understanding.normalise import unaccented, words

# How much the general counts weigh against the content's own, and how much one word may say.
PRIOR = 3e5
MOST = 5.0
SURE = 1.0
MOST_REMEMBERED = 50_000
# Of the general counts, words used less than once in ten million (Zipf 2) say nothing, and are half of what there is to remember.
RAREST = 700
ONLY_SPANISH = re.compile(r"[ñ¿¡]|[áéíóú]", re.IGNORECASE)
# Words that both languages write alike, or that are names: they say nothing.
NEUTRAL = frozenset(("ok okay fema no nc d snap dsnap ebt wic ssn id gps wifi sms whatsapp telegram facebook google 911 988 211 hotel menu motel mm ja ah oh eh hey email internet").split())


@dataclass(frozen=True, kw_only=True)
class Heard:
    language: Language
    sure: bool


WordCounts = Mapping[Language, Counter[str]]


def counted(texts: Iterable[tuple[str, Language]]) -> WordCounts:
    """How often each folded word stands in the content's texts of each language."""
    counts: WordCounts = {language: Counter() for language in LANGUAGES}
    for text, language in texts:
        counts[language].update(words(text))
    return counts


class LanguageEar:
    """Naive Bayes over words, over letter triples for words nobody has seen."""

    def __init__(self, counts: WordCounts) -> None:
        self._counts = counts
        self._totals = {k: max(1, sum(c.values())) for k, c in counts.items()}
        self._triples: dict[Language, Counter[str]] = {"en": Counter(), "es": Counter()}
        for language, own in counts.items():
            triples = self._triples[language]
            for word, count in own.items():
                for triple in set(_triples(word)):
                    triples[triple] += min(count, 20)
        self._triple_totals = {k: max(1, sum(c.values())) for k, c in self._triples.items()}
        self._memo: dict[str, float] = {}
        self._words: dict[str, bool] = {}

    def hear(self, text: str, usual: Language | None = None) -> Heard:
        """The language of a text; the usual one when the text says nothing."""
        said = [w for w in words(text) if w not in NEUTRAL and not w.isdigit()]
        score = sum(self._leaning(w) for w in said)
        if ONLY_SPANISH.search(text):
            score += 3.0
        if abs(score) >= SURE:
            return Heard(language="es" if score > 0 else "en", sure=True)
        return Heard(language=usual or ("es" if score > 0 else "en"), sure=False)

    def is_word(self, word: str) -> bool:
        """Whether a folded word is used in either language, generally or in the content."""
        if word not in self._words:
            if len(self._words) > MOST_REMEMBERED:
                self._words.clear()
            self._words[word] = self._general(word) or any(counts[word] >= 2 for counts in self._counts.values())
        return self._words[word]

    @staticmethod
    def _general(word: str) -> bool:
        return max(zipf(word, language) for language in LANGUAGES) >= 2.5

    def _leaning(self, word: str) -> float:
        """Log-odds of a word, Spanish above zero."""
        if word not in self._memo:
            if len(self._memo) > MOST_REMEMBERED:
                self._memo.clear()
            self._memo[word] = self._odds(word)
        return self._memo[word]

    def _odds(self, word: str) -> float:
        general = {k: 10 ** (_zipf(word, k) - 9) for k in self._counts}
        if not any(general.values()) and not any(c[word] for c in self._counts.values()):
            return max(-MOST, min(MOST, 0.5 * sum(self._triple_odds(t) for t in _triples(word))))
        es, en = ((self._counts[k][word] + PRIOR * general[k] + 0.02) / (self._totals[k] + PRIOR) for k in ("es", "en"))
        return max(-MOST, min(MOST, math.log(es / en)))

    def _triple_odds(self, triple: str) -> float:
        es, en = ((self._triples[k][triple] + 0.5) / self._triple_totals[k] for k in ("es", "en"))
        return math.log(es / en)


def zipf(word: str, language: Language) -> float:
    """How often a word is used in general, as the logarithm of its uses in a billion words; 0 for one that nobody has counted."""
    return _general_counts(language).get(word, 0.0)


@cache
def _general_counts(language: Language) -> dict[str, float]:
    """wordfreq's list without its end, from its file: what it gives ready made takes 70 MB and half a second, and to import it as long again. Its format (cBpack) keeps words by the hundredths of the logarithm."""
    package = find_spec("wordfreq")
    assert package is not None
    assert package.origin
    with gzip.open(Path(package.origin).parent / "data" / f"large_{language}.msgpack.gz") as file:
        _header, *by_rareness = msgpack.load(file)
    return {word: (900 - rareness) / 100 for rareness, alike in enumerate(by_rareness[: RAREST + 1]) for word in alike}


def _zipf(word: str, language: Language) -> float:
    """The general frequency of a folded word: Spanish ones are counted with their accents too."""
    return max((zipf(form, language) for form in _forms(word, language)), default=0.0)


def _forms(word: str, language: Language) -> Iterable[str]:
    yield word
    if language == "es":
        for plain, accented in (("a", "á"), ("e", "é"), ("i", "í"), ("o", "ó"), ("u", "ú"), ("n", "ñ")):
            for at in [i for i, c in enumerate(word) if c == plain]:
                yield f"{word[:at]}{accented}{word[at + 1 :]}"


def _triples(word: str) -> list[str]:
    padded = f"^{unaccented(word)}$"
    return [padded[i : i + 3] for i in range(len(padded) - 2)]
