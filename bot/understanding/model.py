"""What a text means, by three models over three views of it, learnt from the content alone and kept on disk as plain arrays."""

import json
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
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
from bot.understanding.features import Features, Rows

Weights = NDArray[np.float32]

# How hard the margins are fitted, and when more rounds stopped helping (docs/understanding.md).
SOFTNESS = {"letters": 0.5, "both": 1.0}
TOLERANCE, ROUNDS = 0.1, 10
# The factor under which the margins' softmax fitted held-out questions best (3.22 to 3.24 in four measurements).
SHARPNESS = 3.2
HIDDEN, EPOCHS, VECTOR_SCALE = 256, 12, 10.0
# With more examples than this, two models are worth learning in processes side by side.
WORTH_A_PROCESS = 5_000


@dataclass
class Linear:
    """One column of weights a label."""

    weights: Weights = field(repr=False)
    bias: Weights = field(repr=False)

    def margins(self, counted: sparse.csr_matrix, turned: Vectors | None = None) -> NDArray[np.float64]:
        """How far each text lies on each label's side; `turned` are the columns that follow the counted ones."""
        known = counted.shape[1]
        x = counted @ self.weights[:known] + self.bias
        return np.asarray((x if turned is None else x + turned @ self.weights[known:]) * SHARPNESS, dtype=np.float64)


@dataclass
class Network:
    """One hidden layer over the encoder's vector."""

    weights: Weights = field(repr=False)
    bias: Weights = field(repr=False)
    out_weights: Weights = field(repr=False)
    out_bias: Weights = field(repr=False)

    def margins(self, x: Vectors) -> NDArray[np.float64]:
        hidden = np.maximum(x * np.float32(VECTOR_SCALE) @ self.weights + self.bias, 0)
        return np.asarray(hidden @ self.out_weights + self.out_bias, dtype=np.float64)


@dataclass
class Model:
    """Three opinions, one voice: the mean of their log-probabilities."""

    labels: list[str]
    letters: Linear
    both: Linear
    meaning: Network

    @classmethod
    def learn(cls, rows: Rows, labels: list[str]) -> "Model":
        """Learnt from examples of at least two labels."""
        y = np.array(labels)
        if len(labels) < WORTH_A_PROCESS:
            return cls(sorted(set(labels)), fit_linear(rows.letters, y, "letters"), fit_linear(rows.both, y, "both"), fit_network(rows.meaning, y))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
            both = beside.submit(fit_linear, rows.both, y, "both")
            letters, meaning = fit_linear(rows.letters, y, "letters"), fit_network(rows.meaning, y)
            return cls(sorted(set(labels)), letters, both.result(), meaning)

    def views(self, rows: Rows) -> dict[str, NDArray[np.float64]]:
        """The log-probabilities of each of the three models."""
        margins = {
            "letters": self.letters.margins(rows.letters),
            "both": self.both.margins(rows.letters, rows.turned),
            "meaning": self.meaning.margins(rows.meaning),
        }
        return {view: _log_softmax(m) for view, m in margins.items()}

    def all_probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """One row a text, one column a label; each row sums to 1."""
        mean = np.mean(list(self.views(rows).values()), axis=0)
        return np.asarray(np.exp(_log_softmax(mean)))

    def probabilities(self, rows: Rows) -> dict[str, float]:
        """The probability of each label for a single row."""
        return dict(zip(self.labels, self.all_probabilities(rows)[0].tolist(), strict=True))

    def arrays(self) -> dict[str, NDArray[Any]]:
        parts = {"letters": self.letters, "both": self.both, "meaning": self.meaning}
        return {"labels": np.array(self.labels)} | {f"{part}.{name}": value for part, model in parts.items() for name, value in vars(model).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> "Model":
        def part(prefix: str) -> dict[str, NDArray[Any]]:
            return {key.removeprefix(f"{prefix}."): value for key, value in arrays.items() if key.startswith(f"{prefix}.")}

        return cls(arrays["labels"].tolist(), Linear(**part("letters")), Linear(**part("both")), Network(**part("meaning")))


def fit_linear(x: sparse.csr_matrix, y: NDArray[np.str_], view: str) -> Linear:
    """A support vector machine, one label against the rest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        svc = LinearSVC(C=SOFTNESS[view], class_weight="balanced", tol=TOLERANCE, max_iter=ROUNDS, random_state=0).fit(x, y)
    weights, bias = svc.coef_.astype(np.float32), svc.intercept_.astype(np.float32)
    if len(svc.classes_) == 2:
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    return Linear(np.ascontiguousarray(weights.T), bias)


def fit_network(x: Vectors, y: NDArray[np.str_]) -> Network:
    """A network with one hidden layer. Two labels get two outputs like any other number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        net = MLPClassifier((HIDDEN,), max_iter=EPOCHS, learning_rate_init=2e-3, batch_size=min(256, len(y)), random_state=0).fit(x * np.float32(VECTOR_SCALE), y)
    (first, last), (first_bias, last_bias) = net.coefs_, net.intercepts_
    if len(net.classes_) == 2:
        last, last_bias = np.hstack([-last, last]) / 2, np.concatenate([-last_bias, last_bias]) / 2
    return Network(first.astype(np.float32), first_bias.astype(np.float32), last.astype(np.float32), last_bias.astype(np.float32))


def _log_softmax(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = margins - margins.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def save_models(path: Path, features: Features, models: dict[str, Model], refuse_from: float) -> None:
    """Written beside and then moved into place, so that a half-written file is never read."""
    arrays = {f"features/{key}": value for key, value in features.arrays().items()}
    for name, model in models.items():
        arrays |= {f"{name}/{key}": value for key, value in model.arrays().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(part, **arrays, refuse_from=refuse_from)  # type: ignore[arg-type]
    part.replace(path)


def load_models(path: Path) -> tuple[Features, dict[str, Model], float] | None:
    """What save_models wrote, or None when the file is missing or broken."""
    groups: dict[str, dict[str, NDArray[Any]]] = {}
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            for key in file.files:
                group, _, name = key.partition("/")
                groups.setdefault(group, {})[name] = file[key]
        refuse_from = float(groups.pop("refuse_from")[""])
        return Features.from_arrays(groups.pop("features")), {name: Model.from_arrays(arrays) for name, arrays in groups.items()}, refuse_from
    except (OSError, ValueError, KeyError, TypeError, BadZipFile, json.JSONDecodeError):
        return None
