"""Fits models to examples. The only file that needs scikit-learn, which takes a second to load."""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from bot.library.pages import NONE
from bot.understanding.encoder import Vectors
from bot.understanding.features import Rows
from bot.understanding.model import NETWORKS, VECTOR_SCALE, Linear, Model, Network

# How hard the margins are fitted, and when more rounds stopped helping (docs/understanding.md).
SOFTNESS, TOLERANCE, ROUNDS = 0.5, 0.1, 5
# A network learns in so many steps of a batch, and sees each example at least so often.
HIDDEN, BATCH, STEPS, FEWEST_ROUNDS, MOST_ROUNDS, PACE = 512, 256, 400, 3, 40, 3e-3
# The share of `none` from which to refuse is so high that of the questions that are ours this part is refused.
REFUSED_OF_OURS = 0.08
LOWEST, HIGHEST, UNKNOWN = 0.005, 0.5, 0.2
# So many examples are enough to find it.
MOST_EXAMPLES, FOLDS = 8_000, 5


def fit_model(rows: Rows, labels: list[str]) -> Model:
    """Learnt from examples of at least two labels."""
    y = np.array(labels)
    return Model(sorted(set(labels)), fit_linear(rows.letters, y), fit_networks(rows.meaning, y))


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


def refusal(rows: Rows, labels: list[str]) -> float:
    """The share of `none` from which to refuse, found on a part of the examples that a smaller model has not seen."""
    step = max(1, len(labels) // MOST_EXAMPLES)
    chosen = np.arange(0, len(labels), step)
    held = np.arange(len(chosen)) % FOLDS == 0
    y = np.array(labels)
    seen = y[chosen[~held]].tolist()
    if NONE not in seen or len(set(seen)) < 2:
        return UNKNOWN
    model = fit_model(rows[chosen[~held]], seen)
    probabilities = np.exp(model.all_logs(rows[chosen[held]]))
    at = model.labels.index(NONE)
    none, best = probabilities[:, at], np.delete(probabilities, at, axis=1).max(axis=1)
    ours = y[chosen[held]] != NONE
    doubt = (none / (none + best))[ours]
    return float(np.clip(np.quantile(doubt, 1 - REFUSED_OF_OURS), LOWEST, HIGHEST))
