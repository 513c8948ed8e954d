"""What was worked out of each question before: the text as it is read, and its vector. On disk by the hash of the question."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from bot.library.pages import Question
from bot.understanding.encoder import WIDTH, Encoder, Vectors

# So many questions at a time are worth a process of their own; the encoder itself is quickest with one thread.
PART, PROCESSES = 512, 2
Progress = Callable[[int, int], None]
Reader = Callable[[Question], str]


def no_progress(_done: int, _total: int) -> None:
    """For those who do not watch."""


class Notebook:
    """Reads questions once. The file holds texts and numbers only, and is safe to read."""

    def __init__(self, encoder: Encoder, path: Path | None) -> None:
        self._encoder = encoder
        self._path = path
        self._texts: dict[bytes, str] = {}
        self._vectors: dict[bytes, Vectors] = {}
        if path and path.exists():
            try:
                with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                    keys = [k.tobytes() for k in file["keys"]]
                    self._texts = dict(zip(keys, json.loads(file["texts"].tobytes()), strict=True))
                    self._vectors = dict(zip(keys, file["vectors"].astype(np.float32), strict=True))
            except (OSError, ValueError, KeyError, BadZipFile):
                self._texts, self._vectors = {}, {}

    def read(self, questions: Sequence[Question], reader: Reader, progress: Progress = no_progress) -> tuple[list[str], Vectors]:
        """Each question as `reader` reads it, and the vector of that."""
        keys = [blake2b(f"{q.language} {q.text}".encode("utf-8", "replace"), digest_size=16).digest() for q in questions]
        missing = {k: q for k, q in zip(keys, questions, strict=True) if k not in self._vectors}
        if missing:
            texts, vectors = self._worked_out(list(missing.values()), reader, progress)
            self._texts.update(zip(missing, texts, strict=True))
            # Rounded as they are kept, so that the same content gives the same model the second time.
            self._vectors.update(zip(missing, vectors.astype(np.float16).astype(np.float32), strict=True))
            self._keep(sorted(set(keys)))
        return [self._texts[k] for k in keys], np.vstack([self._vectors[k] for k in keys]) if keys else np.zeros((0, WIDTH), dtype=np.float32)

    def _worked_out(self, questions: list[Question], reader: Reader, progress: Progress) -> tuple[list[str], Vectors]:
        """Questions that are new: many of them are encoded in processes, while this one goes on reading."""
        texts: list[str] = []
        if len(questions) < 2 * PART:
            texts = [reader(q) for q in questions]
            return texts, self._encoder.encode(texts)

        def parts() -> Iterator[list[str]]:
            for start in range(0, len(questions), PART):
                part = [reader(q) for q in questions[start : start + PART]]
                texts.extend(part)
                yield part

        done: list[Vectors] = []
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            for vectors in pool.map(_encode_part, parts()):
                done.append(vectors)
                progress(sum(map(len, done)), len(questions))
        return texts, np.vstack(done)

    def _keep(self, keys: list[bytes]) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(f".{os.getpid()}.part.npz")
        np.savez(
            part,
            keys=np.array([np.frombuffer(k, dtype=np.uint8) for k in keys]),
            texts=np.frombuffer(json.dumps([self._texts[k] for k in keys]).encode(), dtype=np.uint8),
            vectors=np.vstack([self._vectors[k] for k in keys]).astype(np.float16),
        )
        part.replace(self._path)


def _encode_part(texts: list[str]) -> Vectors:
    return Encoder().encode(texts)
