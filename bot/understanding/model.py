"""A linear model over the encoder's vector and word and character n-grams; kept on disk as plain arrays."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize_scalar
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from bot.understanding.encoder import Vectors
from bot.understanding.normalise import spelled_out, unaccented

# How much the encoder's vector weighs beside the n-grams, and how softly the margins are fitted (docs/understanding.md).
VECTOR_WEIGHT = 2.0
SOFTNESS = 0.3
HELD_OUT = 8


def _tfidf(analyzer: str, span: tuple[int, int], vocabulary: list[str] | None = None, *, rare: int = 1) -> TfidfVectorizer:
    pattern = {"token_pattern": r"\w+"} if analyzer == "word" else {}
    return TfidfVectorizer(analyzer=analyzer, ngram_range=span, sublinear_tf=True, min_df=rare, vocabulary=vocabulary, lowercase=False, dtype=np.float32, **pattern)


@dataclass
class Ngrams:
    """Characters and words of a text as sparse numbers."""

    letters: TfidfVectorizer
    words: TfidfVectorizer

    @classmethod
    def learn(cls, texts: list[str]) -> "Ngrams":
        plain = [form(t) for t in texts]
        return cls(_tfidf("char_wb", (2, 5), rare=2).fit(plain), _tfidf("word", (1, 2)).fit(plain))

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
        letters = _tfidf("char_wb", (2, 5), json.loads(arrays["letters"].tobytes()))
        words = _tfidf("word", (1, 2), json.loads(arrays["words"].tobytes()))
        letters.idf_, words.idf_ = arrays["letters_idf"], arrays["words_idf"]
        return cls(letters, words)


def form(text: str) -> str:
    """The form of a text whose n-grams are counted."""
    return unaccented(spelled_out(text))


def _ordered(vectorizer: TfidfVectorizer) -> list[str]:
    return sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)


@dataclass
class LinearModel:
    """One column of weights a label; softmax over the margins, sharpened so that its probabilities mean what they say."""

    labels: list[str]
    weights: NDArray[np.float32] = field(repr=False)
    bias: NDArray[np.float32] = field(repr=False)
    sharpness: float = 1.0

    @classmethod
    def learn(cls, ngrams: sparse.csr_matrix, vectors: Vectors, labels: list[str]) -> "LinearModel":
        """Trained on all but every eighth example for the sharpness, then on all of them for the weights."""
        x = _joined(ngrams, vectors)
        y = np.array(labels)
        held = np.arange(len(y)) % HELD_OUT == 0
        trial = cls._fit(x[~held], y[~held]) if len(set(labels)) > 1 and len(y) > 10 * HELD_OUT else None
        model = cls._fit(x, y)
        if trial is not None:
            model.sharpness = trial._sharpened(x[held], y[held])
        return model

    @classmethod
    def _fit(cls, x: sparse.csr_matrix, y: NDArray[np.str_]) -> "LinearModel":
        names = sorted(set(y.tolist()))
        if len(names) == 1:
            return cls(names, np.zeros((x.shape[1], 1), dtype=np.float32), np.zeros(1, dtype=np.float32))
        svc = LinearSVC(C=SOFTNESS, class_weight="balanced", random_state=0).fit(x, y)
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

    def probabilities(self, ngrams: sparse.csr_matrix, vectors: Vectors) -> NDArray[np.float64]:
        """One row a text, one column a label; rows sum to 1."""
        margins = (_joined(ngrams, vectors) @ self.weights + self.bias).astype(np.float64) * self.sharpness
        margins -= margins.max(axis=1, keepdims=True)
        powers = np.exp(margins)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _joined(ngrams: sparse.csr_matrix, vectors: Vectors) -> sparse.csr_matrix:
    return sparse.hstack([ngrams, sparse.csr_matrix(vectors * np.float32(VECTOR_WEIGHT))]).tocsr()


def save_models(path: Path, ngrams: Ngrams, models: dict[str, LinearModel], extra: dict[str, Any]) -> None:
    """Written beside and then moved into place, so that a half-written file is never read."""
    arrays: dict[str, Any] = ngrams.arrays()
    for name, model in models.items():
        arrays |= {f"{name}.labels": np.array(model.labels), f"{name}.weights": model.weights, f"{name}.bias": model.bias, f"{name}.sharpness": model.sharpness}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(part, **arrays, extra=np.array(json.dumps(extra)))
    part.replace(path)


def load_models(path: Path) -> tuple[Ngrams, dict[str, LinearModel], dict[str, Any]] | None:
    """What save_models wrote, or None when the file is missing or broken."""
    try:
        with np.load(path, allow_pickle=False) as file:
            names = sorted({key.split(".")[0] for key in file.files if key.endswith(".labels")})
            models = {n: LinearModel(file[f"{n}.labels"].tolist(), file[f"{n}.weights"], file[f"{n}.bias"], float(file[f"{n}.sharpness"])) for n in names}
            return Ngrams.from_arrays(file), models, json.loads(str(file["extra"]))
    except (OSError, ValueError, KeyError):
        return None
