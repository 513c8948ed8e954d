"""A linear model over the encoder's vector and word and character n-grams; kept on disk as plain arrays."""

import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize_scalar
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from bot.understanding.encoder import Vectors
from bot.understanding.normalise import spelled_out, unaccented

# How much the encoder's vector weighs beside the n-grams, in how many directions of it, and how the margins are fitted (docs/understanding.md).
VECTOR_WEIGHT = 2.0
DIRECTIONS = 256
SOFTNESS = 1.0
TOLERANCE, ROUNDS = 0.1, 10
# The sharpness of the probabilities is measured on a part of the examples that a smaller model has not seen.
TRIAL_PARTS = 4
MANY = 1000


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
        return sparse.hstack([self.letters.transform(plain), self.words.transform(plain)]).tocsr()

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
    def learn(cls, texts: list[str], vectors: Callable[[], Vectors]) -> "tuple[Features, sparse.csr_matrix]":
        """The features of texts, and the texts as rows of them. The vectors are asked for last, since they take longest."""
        ngrams, counted = Ngrams.learn(texts)
        known = vectors()
        centre = known.mean(axis=0)
        _, axes = np.linalg.eigh(np.cov((known - centre).T, bias=True) if len(known) > 1 else np.eye(known.shape[1]))
        features = cls(ngrams, centre, np.ascontiguousarray(axes[:, ::-1][:, :DIRECTIONS], dtype=np.float32))
        return features, features._joined(counted, known)

    def of(self, texts: list[str], vectors: Vectors) -> sparse.csr_matrix:
        """One row a text."""
        return self._joined(self.ngrams.of(texts), vectors)

    def _joined(self, counted: sparse.csr_matrix, vectors: Vectors) -> sparse.csr_matrix:
        turned = (vectors - self.centre) @ self.directions * np.float32(VECTOR_WEIGHT)
        return sparse.hstack([counted, sparse.csr_matrix(turned)], dtype=np.float32).tocsr()

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {**self.ngrams.arrays(), "centre": self.centre, "directions": self.directions}

    @classmethod
    def from_arrays(cls, arrays: Any) -> "Features":
        return cls(Ngrams.from_arrays(arrays), arrays["centre"], arrays["directions"])


@dataclass
class LinearModel:
    """One column of weights a label; softmax over the margins, sharpened so that its probabilities mean what they say."""

    labels: list[str]
    weights: NDArray[np.float32] = field(repr=False)
    bias: NDArray[np.float32] = field(repr=False)
    sharpness: float = 3.0

    @classmethod
    def learn(cls, x: sparse.csr_matrix, labels: list[str]) -> "LinearModel":
        y = np.array(labels)
        model = cls._fit(x, y)
        parts = np.arange(len(y)) % TRIAL_PARTS
        if len(model.labels) > 1 and len(y) > 100 * TRIAL_PARTS:
            model.sharpness = cls._fit(x[parts == 0], y[parts == 0])._sharpened(x[parts == 2], y[parts == 2])
        return model

    @classmethod
    def _fit(cls, x: sparse.csr_matrix, y: NDArray[np.str_]) -> "LinearModel":
        names = sorted(set(y.tolist()))
        if len(names) == 1:
            return cls(names, np.zeros((x.shape[1], 1), dtype=np.float32), np.zeros(1, dtype=np.float32))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # ROUNDS is where more rounds stopped helping
            svc = LinearSVC(C=SOFTNESS, class_weight="balanced", tol=TOLERANCE, max_iter=ROUNDS, random_state=0).fit(x, y)
        weights, bias = svc.coef_.astype(np.float32), svc.intercept_.astype(np.float32)
        if len(names) == 2:
            weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
        return cls(svc.classes_.tolist(), np.ascontiguousarray(weights.T), bias)

    def _sharpened(self, x: sparse.csr_matrix, y: NDArray[np.str_]) -> float:
        """The factor on the margins under which held-out labels are likeliest."""
        index = {label: i for i, label in enumerate(self.labels)}
        known = np.array([label in index for label in y])
        margins = (x[known] @ self.weights) + self.bias
        truth = np.array([index[label] for label in y[known]])

        def loss(sharpness: float) -> float:
            scaled = margins * sharpness
            scaled = scaled - scaled.max(axis=1, keepdims=True)
            return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(truth)), truth]))

        return float(minimize_scalar(loss, bounds=(0.5, 20.0), method="bounded").x)

    def probabilities(self, x: sparse.csr_matrix) -> dict[str, float]:
        """The probability of each label for the first row; they sum to 1."""
        margins = (x[0] @ self.weights + self.bias).astype(np.float64)[0] * self.sharpness
        powers = np.exp(margins - margins.max())
        return dict(zip(self.labels, (powers / powers.sum()).tolist(), strict=True))


def save_models(path: Path, features: Features, models: dict[str, LinearModel], extra: dict[str, Any]) -> None:
    """Written beside and then moved into place, so that a half-written file is never read."""
    arrays: dict[str, Any] = features.arrays()
    for name, model in models.items():
        arrays |= {f"{name}.labels": np.array(model.labels), f"{name}.weights": model.weights, f"{name}.bias": model.bias, f"{name}.sharpness": model.sharpness}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(part, **arrays, extra=np.array(json.dumps(extra)))
    part.replace(path)


def load_models(path: Path) -> tuple[Features, dict[str, LinearModel], dict[str, Any]] | None:
    """What save_models wrote, or None when the file is missing or broken."""
    try:
        with np.load(path, allow_pickle=False) as file:
            names = sorted({key.split(".")[0] for key in file.files if key.endswith(".labels")})
            models = {n: LinearModel(file[f"{n}.labels"].tolist(), file[f"{n}.weights"], file[f"{n}.bias"], float(file[f"{n}.sharpness"])) for n in names}
            return Features.from_arrays(file), models, json.loads(str(file["extra"]))
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
