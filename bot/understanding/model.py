"""What a text means, by its letters and by its meaning, learnt from the content alone and kept on disk as plain arrays."""

import json
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from bot.understanding.encoder import Vectors
from bot.understanding.features import Ngrams, Rows

Weights = NDArray[np.float32]

# How hard the margins are fitted, and when more rounds stopped helping (docs/understanding.md).
SOFTNESS, TOLERANCE, ROUNDS = 0.5, 0.1, 5
# The factor under which the margins' softmax fitted held-out questions best.
SHARPNESS = 3.2
# A network learns in so many steps of a batch, and sees each example at least so often.
NETWORKS, HIDDEN, VECTOR_SCALE = 2, 512, 10.0
BATCH, STEPS, FEWEST_ROUNDS, MOST_ROUNDS, PACE = 256, 400, 3, 40, 3e-3
# What each kind of model weighs when they are heard together.
LETTERS_WEIGHT, MEANING_WEIGHT = 0.8, 0.6


@dataclass
class Linear:
    """One column of weights a label."""

    weights: Weights = field(repr=False)
    bias: Weights = field(repr=False)

    def logs(self, x: sparse.csr_matrix) -> NDArray[np.float64]:
        """The log-probability of each label, from how far a text lies on the label's side."""
        return _log_softmax(np.asarray((x @ self.weights + self.bias) * SHARPNESS, dtype=np.float64))


@dataclass
class Network:
    """One hidden layer over the encoder's vector."""

    weights: Weights = field(repr=False)
    bias: Weights = field(repr=False)
    out_weights: Weights = field(repr=False)
    out_bias: Weights = field(repr=False)

    def logs(self, x: Vectors) -> NDArray[np.float64]:
        hidden = np.maximum(x * np.float32(VECTOR_SCALE) @ self.weights + self.bias, 0)
        return _log_softmax(np.asarray(hidden @ self.out_weights + self.out_bias, dtype=np.float64))


@dataclass
class Model:
    """What the letters say and what the meaning says, heard together."""

    labels: list[str]
    letters: Linear
    meaning: list[Network]

    @classmethod
    def learn(cls, rows: Rows, labels: list[str]) -> "Model":
        """Learnt from examples of at least two labels."""
        y = np.array(labels)
        return cls(sorted(set(labels)), fit_linear(rows.letters, y), fit_networks(rows.meaning, y))

    def views(self, rows: Rows) -> dict[str, NDArray[np.float64]]:
        """The log-probabilities of each view."""
        return {"letters": self.letters.logs(rows.letters), "meaning": np.mean([n.logs(rows.meaning) for n in self.meaning], axis=0)}

    def all_logs(self, rows: Rows) -> NDArray[np.float64]:
        """The log-probabilities of all views together: one row a text, one column a label."""
        views = self.views(rows)
        return _log_softmax(LETTERS_WEIGHT * views["letters"] + MEANING_WEIGHT * views["meaning"])

    def probabilities(self, rows: Rows) -> dict[str, float]:
        """The probability of each label for a single row."""
        return dict(zip(self.labels, np.exp(self.all_logs(rows)[0]).tolist(), strict=True))

    def arrays(self) -> dict[str, NDArray[Any]]:
        parts: dict[str, Linear | Network] = {"letters": self.letters} | {f"meaning{n}": network for n, network in enumerate(self.meaning)}
        return {"labels": np.array(self.labels)} | {f"{part}.{name}": value for part, model in parts.items() for name, value in vars(model).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> "Model":
        def part(prefix: str) -> dict[str, NDArray[Any]]:
            return {key.removeprefix(f"{prefix}."): value for key, value in arrays.items() if key.startswith(f"{prefix}.")}

        return cls(arrays["labels"].tolist(), Linear(**part("letters")), [Network(**part(f"meaning{n}")) for n in range(NETWORKS)])


def fit_linear(x: sparse.csr_matrix, y: NDArray[np.str_]) -> Linear:
    """A support vector machine, one label against the rest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        svc = LinearSVC(C=SOFTNESS, class_weight="balanced", tol=TOLERANCE, max_iter=ROUNDS, random_state=0).fit(x, y)
    weights, bias = svc.coef_.astype(np.float32), svc.intercept_.astype(np.float32)
    if len(svc.classes_) == 2:
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    return Linear(np.ascontiguousarray(weights.T), bias)


def fit_networks(x: Vectors, y: NDArray[np.str_]) -> list[Network]:
    """Networks that differ in where they began; together they know better than one."""
    return [_fit_network(x, y, seed) for seed in range(NETWORKS)]


def _fit_network(x: Vectors, y: NDArray[np.str_], seed: int) -> Network:
    """A network with one hidden layer. Two labels get two outputs like any other number."""
    rounds = min(MOST_ROUNDS, max(FEWEST_ROUNDS, STEPS * BATCH // len(y)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        net = MLPClassifier((HIDDEN,), max_iter=rounds, learning_rate_init=PACE, batch_size=min(BATCH, len(y)), random_state=seed).fit(x * np.float32(VECTOR_SCALE), y)
    (first, last), (first_bias, last_bias) = net.coefs_, net.intercepts_
    if len(net.classes_) == 2:
        last, last_bias = np.hstack([-last, last]) / 2, np.concatenate([-last_bias, last_bias]) / 2
    return Network(first.astype(np.float32), first_bias.astype(np.float32), last.astype(np.float32), last_bias.astype(np.float32))


def _log_softmax(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = margins - margins.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def save_models(path: Path, ngrams: Ngrams, models: dict[str, Model], refuse_from: float) -> None:
    """Written beside and then moved into place, so that a half-written file is never read."""
    arrays = {f"ngrams/{key}": value for key, value in ngrams.arrays().items()}
    for name, model in models.items():
        arrays |= {f"{name}/{key}": value for key, value in model.arrays().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(part, **arrays, refuse_from=refuse_from)  # type: ignore[arg-type]
    part.replace(path)


def load_models(path: Path) -> tuple[Ngrams, dict[str, Model], float] | None:
    """What save_models wrote, or None when the file is missing or broken."""
    groups: dict[str, dict[str, NDArray[Any]]] = {}
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            for key in file.files:
                group, _, name = key.partition("/")
                groups.setdefault(group, {})[name] = file[key]
        refuse_from = float(groups.pop("refuse_from")[""])
        return Ngrams.from_arrays(groups.pop("ngrams")), {name: Model.from_arrays(arrays) for name, arrays in groups.items()}, refuse_from
    except (OSError, ValueError, KeyError, TypeError, BadZipFile, json.JSONDecodeError):
        return None
