"""Texts as numbers: word and character n-grams, and the encoder's vector."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bot.understanding.encoder import Vectors
from bot.understanding.normalise import spelled_out, unaccented

# Of so many characters of a word, its blanks included, and of words alone and in pairs (docs/understanding.md).
CHARACTERS = 4
WORD = re.compile(r"\w+")
# From so many texts on, what only one or two of them have is left out.
MANY = 1000


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Texts as numbers, one row a text: n-grams, and the encoder's vector."""

    letters: sparse.csr_matrix
    meaning: Vectors

    def __getitem__(self, index: Any) -> "Rows":
        return Rows(letters=self.letters[index], meaning=self.meaning[index])


Split = Callable[[str], list[str]]


def letters_of(text: str) -> list[str]:
    """Four characters after four of each word; a short word whole."""
    return [padded[at : at + CHARACTERS] for word in text.split() for padded in (f" {word} ",) for at in range(max(1, len(padded) - CHARACTERS + 1))]


def words_of(text: str) -> list[str]:
    words = WORD.findall(text)
    return [*words, *map(" ".join, pairwise(words))]


@dataclass
class Grams:
    """One kind of n-grams: the column of each, and how much a rare one weighs (TF-IDF)."""

    split: Split
    columns: dict[str, int]
    weights: Vectors

    @classmethod
    def learn(cls, split: Split, texts: Iterable[str], fewest: int) -> "tuple[Grams, sparse.csr_matrix]":
        """The n-grams that so many texts have, and the texts counted by them."""
        numbers: defaultdict[str, int] = defaultdict(lambda: len(numbers))
        counted = _counted([[numbers[gram] for gram in split(text)] for text in texts], len(numbers))
        having = np.bincount(counted.indices, minlength=len(numbers))
        kept = sorted(gram for gram, number in numbers.items() if having[number] >= fewest)
        chosen = [numbers[gram] for gram in kept]
        weights = np.log(np.float32(counted.shape[0] + 1) / (having[chosen].astype(np.float32) + 1)) + 1
        learnt = cls(split, {gram: at for at, gram in enumerate(kept)}, weights)
        return learnt, learnt._weighed(counted[:, chosen])

    def of(self, texts: Iterable[str]) -> sparse.csr_matrix:
        return self._weighed(_counted([[at for gram in self.split(text) if (at := self.columns.get(gram)) is not None] for text in texts], len(self.columns)))

    def row(self, text: str) -> tuple[NDArray[np.int32], Vectors]:
        """The columns of one text, and its numbers."""
        counts = Counter(at for gram in self.split(text) if (at := self.columns.get(gram)) is not None)
        columns = np.fromiter(counts, dtype=np.int32, count=len(counts))
        values = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * self.weights[columns]
        return columns, values / (np.linalg.norm(values) or np.float32(1))

    def _weighed(self, counted: sparse.csr_matrix) -> sparse.csr_matrix:
        """Each row's numbers, together of length one."""
        values = (1 + np.log(counted.data)) * self.weights[counted.indices]
        ends = np.concatenate([[0.0], np.cumsum(np.square(values), dtype=np.float64)])[counted.indptr]
        lengths = np.sqrt(np.diff(ends))
        counted.data = (values / np.repeat(lengths, np.diff(counted.indptr))).astype(np.float32)
        return counted


def _counted(rows: list[list[int]], width: int) -> sparse.csr_matrix:
    """How often each number stands in each row."""
    numbers = np.fromiter(chain.from_iterable(rows), dtype=np.int32)
    counted = sparse.csr_matrix((np.ones(len(numbers), dtype=np.float32), numbers, np.cumsum([0, *map(len, rows)])), shape=(len(rows), width))
    counted.sum_duplicates()
    return counted


@dataclass
class Ngrams:
    """Characters and words of a text as sparse numbers."""

    letters: Grams
    words: Grams

    @classmethod
    def learn(cls, texts: list[str]) -> "tuple[Ngrams, sparse.csr_matrix]":
        """The n-grams of texts, and the texts counted by them. What only one or two of many texts have is left out."""
        plain = [form(t) for t in texts]
        many = len(plain) > MANY
        letters, by_letters = Grams.learn(letters_of, plain, 3 if many else 1)
        words, by_words = Grams.learn(words_of, plain, 2 if many else 1)
        return cls(letters, words), sparse.hstack([by_letters, by_words]).tocsr()

    def of(self, texts: list[str]) -> sparse.csr_matrix:
        plain = [form(t) for t in texts]
        if len(plain) == 1:
            return self._of_one(plain[0])
        return sparse.hstack([self.letters.of(plain), self.words.of(plain)]).tocsr()

    def _of_one(self, plain: str) -> sparse.csr_matrix:
        """The same numbers for a single text, without the machinery for many, which takes longer than the counting."""
        (letters, by_letters), (words, by_words) = self.letters.row(plain), self.words.row(plain)
        start, width = len(self.letters.columns), len(self.letters.columns) + len(self.words.columns)
        return sparse.csr_matrix((np.concatenate([by_letters, by_words]), np.concatenate([letters, words + start]), [0, len(letters) + len(words)]), shape=(1, width))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "letters": np.frombuffer(json.dumps([*self.letters.columns]).encode(), dtype=np.uint8),
            "letters_idf": self.letters.weights,
            "words": np.frombuffer(json.dumps([*self.words.columns]).encode(), dtype=np.uint8),
            "words_idf": self.words.weights,
        }

    @classmethod
    def from_arrays(cls, arrays: Any) -> "Ngrams":
        return cls(*(Grams(split, {gram: at for at, gram in enumerate(json.loads(arrays[name].tobytes()))}, arrays[f"{name}_idf"]) for name, split in (("letters", letters_of), ("words", words_of))))


def form(text: str) -> str:
    """The form of a text whose n-grams are counted."""
    return unaccented(spelled_out(text))
