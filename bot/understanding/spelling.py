"""Spelling mended against the content's own words: 'sheltr' -> 'shelter', 'nesesito' -> 'necesito'."""

import re

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.messages import Language
from bot.understanding.language import WordCounts, zipf
from bot.understanding.normalise import ABBREVIATIONS, unaccented

# A word that is used at least this often, in general or in the content, is no misspelling.
GENERAL, OWN = 2.6, 3
SHORTEST = 4
CLOSE_ENOUGH = 0.74
MOST_REMEMBERED = 50_000
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


class Speller:
    """Knows the words of the content and of both languages; everything else that is near one of ours is mended."""

    def __init__(self, counts: WordCounts) -> None:
        self._own = counts
        self._by_length: dict[tuple[Language, int], list[str]] = {}
        for language, own in counts.items():
            for word, count in own.items():
                if count >= OWN and len(word) >= SHORTEST and zipf(word, language) >= GENERAL:
                    self._by_length.setdefault((language, len(word)), []).append(word)
        self._memo: dict[tuple[str, Language], str | None] = {}

    def mend(self, text: str, language: Language) -> str:
        """The text with unknown words replaced by the nearest word that the content has in that language, where one is near enough."""
        shouted = text.isupper()
        return _WORD.sub(lambda m: m[0] if m[0][0].isupper() and m.start() and not shouted else self._mended(m[0], language), text)

    def _mended(self, word: str, language: Language) -> str:
        if len(word) < SHORTEST:
            return word
        if (word, language) not in self._memo:
            if len(self._memo) > MOST_REMEMBERED:
                self._memo.clear()
            plain = unaccented(word).replace("'", "")
            right = len(plain) < SHORTEST or plain in ABBREVIATIONS or self._known(plain)
            self._memo[word, language] = None if right else self._nearest(plain, language)
        return self._memo[word, language] or word

    def _nearest(self, word: str, language: Language) -> str | None:
        near = [w for size in range(len(word) - 2, len(word) + 3) for w in self._by_length.get((language, size), ())]
        hits = process.extract(word, near, scorer=OSA.normalized_similarity, score_cutoff=CLOSE_ENOUGH, limit=5)
        likely = [h for h in hits if h[0][0] == word[0] or h[1] >= 0.85]
        return max(likely, key=lambda h: (round(h[1], 2), self._own[language][h[0]]))[0] if likely else None

    def _known(self, word: str) -> bool:
        return any(counts[word] >= OWN or zipf(word, language) >= GENERAL for language, counts in self._own.items())
