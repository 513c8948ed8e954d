"""What a text means, by its letters and by its meaning, learnt from the content alone and kept on disk as plain arrays."""

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bot.messages import LANGUAGES, Language
from bot.understanding.encoder import Vectors
from bot.understanding.features import Ngrams, Rows
from bot.understanding.language import WordCounts

Weights = NDArray[np.float32]

# The factor under which the margins' softmax fitted held-out questions best.
SHARPNESS = 3.2
NETWORKS, VECTOR_SCALE = 2, 10.0
# What each kind of model weighs when they are heard together.
LETTERS_WEIGHT, MEANING_WEIGHT = 0.8, 0.6


@dataclass
class Linear:
    """One column of weights a label."""

    weights: Weights = field(repr=False)
    bias: Weights = field(repr=False)

    def logs(self, x: sparse.csr_matrix) -> NDArray[np.float64]:
        """The log-probability of each label, from how far a text lies on the label's side."""
        # For a single text the machinery for many takes longer than the sum.
        product = (x.data @ self.weights[x.indices])[None] if x.shape[0] == 1 else x @ self.weights
        return _log_softmax(np.asarray((product + self.bias) * SHARPNESS, dtype=np.float64))


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

    def views(self, rows: Rows) -> dict[str, NDArray[np.float64]]:
        """The log-probabilities of each view."""
        return {"letters": self.letters.logs(rows.letters), "meaning": np.mean([n.logs(rows.meaning) for n in self.meaning], axis=0)}

    def all_logs(self, rows: Rows) -> NDArray[np.float64]:
        """The log-probabilities of all views together: one row a text, one column a label."""
        views = self.views(rows)
        return _log_softmax(LETTERS_WEIGHT * views["letters"] + MEANING_WEIGHT * views["meaning"])

    def probabilities(self, rows: Rows) -> list[dict[str, float]]:
        """The probability of each label, row by row."""
        return [dict(zip(self.labels, row, strict=True)) for row in np.exp(self.all_logs(rows)).tolist()]

    def arrays(self) -> dict[str, NDArray[Any]]:
        parts: dict[str, Linear | Network] = {"letters": self.letters} | {f"meaning{n}": network for n, network in enumerate(self.meaning)}
        return {"labels": np.array(self.labels)} | {f"{part}.{name}": value for part, model in parts.items() for name, value in vars(model).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> "Model":
        def part(prefix: str) -> dict[str, NDArray[Any]]:
            return {key.removeprefix(f"{prefix}."): value for key, value in arrays.items() if key.startswith(f"{prefix}.")}

        return cls(arrays["labels"].tolist(), Linear(**part("letters")), [Network(**part(f"meaning{n}")) for n in range(NETWORKS)])


@dataclass
class Models:
    """Everything that is learnt from the content."""

    counts: WordCounts
    phrases: dict[str, str]
    ngrams: Ngrams
    topics: Model
    crisis: Model | None
    refuse_from: float


def _log_softmax(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = margins - margins.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def save_models(path: Path, models: Models) -> None:
    """Written beside and then moved into place, so that a half-written file is never read."""
    arrays: dict[str, NDArray[Any]] = {"counts": _as_bytes(models.counts), "phrases": _as_bytes(_by_intent(models.phrases)), "refuse_from": np.array(models.refuse_from)}
    for name, part in (("ngrams", models.ngrams), ("topics", models.topics), ("crisis", models.crisis)):
        arrays |= {f"{name}/{key}": value for key, value in part.arrays().items()} if part else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(beside, **arrays)  # type: ignore[arg-type]
    beside.replace(path)


def _by_intent(phrases: dict[str, str]) -> dict[str, str]:
    """A line each: JSON that holds 38,000 strings is read without a pause, and nobody is answered meanwhile."""
    lines: dict[str, list[str]] = {}
    for text, intent in phrases.items():
        lines.setdefault(intent, []).append(text)
    return {intent: "\n".join(texts) for intent, texts in lines.items()}


def _as_bytes(data: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(data).encode(), dtype=np.uint8)


def load_models(path: Path) -> Models | None:
    """What save_models wrote, or None when the file is missing or broken."""
    groups: dict[str, dict[str, NDArray[Any]]] = {}
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            for key in file.files:
                group, _, name = key.partition("/")
                groups.setdefault(group, {})[name] = file[key]
        counts: dict[Language, dict[str, int]] = json.loads(groups["counts"][""].tobytes())
        return Models(
            counts={language: Counter(counts[language]) for language in LANGUAGES},
            phrases={text: intent for intent, texts in json.loads(groups["phrases"][""].tobytes()).items() for text in texts.split("\n")},
            ngrams=Ngrams.from_arrays(groups["ngrams"]),
            topics=Model.from_arrays(groups["topics"]),
            crisis=Model.from_arrays(groups["crisis"]) if "crisis" in groups else None,
            refuse_from=float(groups["refuse_from"][""]),
        )
    except (OSError, ValueError, KeyError, TypeError, BadZipFile):
        return None
