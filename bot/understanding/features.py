"""Texts as numbers: word and character n-grams, and the encoder's vector."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.understanding.encoder import Vectors
from bot.understanding.normalise import spelled_out, unaccented

# How much the encoder's vector weighs beside the n-grams, and in how many directions of it (docs/understanding.md).
VECTOR_WEIGHT = 2.0
DIRECTIONS = 128
# From so many texts on, what only one or two of them have is left out.
MANY = 1000


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Texts as numbers, one row a text: n-grams, the main directions of the encoder's vector, the vector itself."""

    letters: sparse.csr_matrix
    turned: Vectors
    meaning: Vectors

    def __getitem__(self, index: Any) -> "Rows":
        return Rows(letters=self.letters[index], turned=self.turned[index], meaning=self.meaning[index])

    @property
    def both(self) -> sparse.csr_matrix:
        """N-grams and directions side by side, as one model learns them."""
        return sparse.hstack([self.letters, sparse.csr_matrix(self.turned)], dtype=np.float32).tocsr()


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
        letters, words = _tfidf("char_wb", (3, 4), rare=3 if many else 1), _tfidf("word", (1, 2), rare=2 if many else 1)
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
        letters = _tfidf("char_wb", (3, 4), json.loads(arrays["letters"].tobytes()))
        words = _tfidf("word", (1, 2), json.loads(arrays["words"].tobytes()))
        letters.idf_, words.idf_ = arrays["letters_idf"], arrays["words_idf"]
        return cls(letters, words)


def form(text: str) -> str:
    """The form of a text whose n-grams are counted."""
    return unaccented(spelled_out(text))


def _ordered(vectorizer: TfidfVectorizer) -> list[str]:
    return sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)


@dataclass
class Features:
    """A text as numbers: its n-grams, and the encoder's vector in the directions in which the content varies most."""

    ngrams: Ngrams
    centre: Vectors = field(repr=False)
    directions: Vectors = field(repr=False)

    @classmethod
    def learn(cls, texts: list[str], vectors: Callable[[], Vectors]) -> "tuple[Features, Rows]":
        """The features of texts, and the texts as rows of them. The vectors are asked for last, since they take longest."""
        ngrams, counted = Ngrams.learn(texts)
        known = vectors()
        centre = known.mean(axis=0)
        _, axes = np.linalg.eigh(np.cov((known - centre).T, bias=True) if len(known) > 1 else np.eye(known.shape[1]))
        features = cls(ngrams, centre, np.ascontiguousarray(axes[:, ::-1][:, :DIRECTIONS], dtype=np.float32))
        return features, features._joined(counted, known)

    def of(self, texts: list[str], vectors: Vectors) -> "Rows":
        """One row a text."""
        return self._joined(self.ngrams.of(texts), vectors)

    def _joined(self, counted: sparse.csr_matrix, vectors: Vectors) -> "Rows":
        turned = ((vectors - self.centre) @ self.directions * VECTOR_WEIGHT).astype(np.float32)
        return Rows(letters=counted, turned=turned, meaning=vectors)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {**self.ngrams.arrays(), "centre": self.centre, "directions": self.directions}

    @classmethod
    def from_arrays(cls, arrays: Any) -> "Features":
        return cls(Ngrams.from_arrays(arrays), arrays["centre"], arrays["directions"])
