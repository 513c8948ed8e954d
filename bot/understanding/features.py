"""Texts as numbers: word and character n-grams, and the encoder's vector."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.understanding.encoder import Vectors
from bot.understanding.normalise import spelled_out, unaccented

# Characters of a text, and words of it, that stand together (docs/understanding.md).
CHARACTERS, WORDS = (4, 4), (1, 2)
# From so many texts on, what only one or two of them have is left out.
MANY = 1000


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Texts as numbers, one row a text: n-grams, and the encoder's vector."""

    letters: sparse.csr_matrix
    meaning: Vectors

    def __getitem__(self, index: Any) -> "Rows":
        return Rows(letters=self.letters[index], meaning=self.meaning[index])


def _tfidf(analyzer: str, span: tuple[int, int], vocabulary: list[str] | None = None, *, rare: int = 1) -> TfidfVectorizer:
    pattern = {"token_pattern": r"\w+"} if analyzer == "word" else {}
    return TfidfVectorizer(analyzer=analyzer, ngram_range=span, sublinear_tf=True, min_df=rare, vocabulary=vocabulary, lowercase=False, dtype=np.float32, **pattern)


@dataclass
class Ngrams:
    """Characters and words of a text as sparse numbers."""

    letters: TfidfVectorizer
    words: TfidfVectorizer

    @classmethod
    def learn(cls, texts: list[str]) -> "tuple[Ngrams, sparse.csr_matrix]":
        """The n-grams of texts, and the texts counted by them. What only one or two of many texts have is left out."""
        plain = [form(t) for t in texts]
        many = len(plain) > MANY
        letters, words = _tfidf("char_wb", CHARACTERS, rare=3 if many else 1), _tfidf("word", WORDS, rare=2 if many else 1)
        counted = sparse.hstack([letters.fit_transform(plain), words.fit_transform(plain)]).tocsr()
        return cls(letters, words), counted

    def of(self, texts: list[str]) -> sparse.csr_matrix:
        plain = [form(t) for t in texts]
        if len(plain) == 1:
            return self._of_one(plain[0])
        return sparse.hstack([self.letters.transform(plain), self.words.transform(plain)]).tocsr()

    def _of_one(self, plain: str) -> sparse.csr_matrix:
        """The same numbers as scikit-learn's for a single text, without its checks, which take longer than the counting."""
        columns: list[int] = []
        values: list[Vectors] = []
        start = 0
        for vectorizer, analyze in ((self.letters, self._analyzers[0]), (self.words, self._analyzers[1])):
            counts = Counter(at for gram in analyze(plain) if (at := vectorizer.vocabulary_.get(gram)) is not None)
            at = np.fromiter(counts, dtype=np.int32, count=len(counts))
            weight = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * vectorizer.idf_[at]
            values.append((weight / (np.linalg.norm(weight) or 1)).astype(np.float32))
            columns.extend((at + start).tolist())
            start += len(vectorizer.vocabulary_)
        return sparse.csr_matrix((np.concatenate(values), columns, [0, len(columns)]), shape=(1, start))

    @cached_property
    def _analyzers(self) -> tuple[Callable[[str], list[str]], Callable[[str], list[str]]]:
        return self.letters.build_analyzer(), self.words.build_analyzer()

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "letters": np.frombuffer(json.dumps(_ordered(self.letters)).encode(), dtype=np.uint8),
            "letters_idf": self.letters.idf_,
            "words": np.frombuffer(json.dumps(_ordered(self.words)).encode(), dtype=np.uint8),
            "words_idf": self.words.idf_,
        }

    @classmethod
    def from_arrays(cls, arrays: Any) -> "Ngrams":
        letters = _tfidf("char_wb", CHARACTERS, json.loads(arrays["letters"].tobytes()))
        words = _tfidf("word", WORDS, json.loads(arrays["words"].tobytes()))
        letters.idf_, words.idf_ = arrays["letters_idf"], arrays["words_idf"]
        return cls(letters, words)


def form(text: str) -> str:
    """The form of a text whose n-grams are counted."""
    return unaccented(spelled_out(text))


def _ordered(vectorizer: TfidfVectorizer) -> list[str]:
    return sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
