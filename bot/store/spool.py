"""What could not be written while the database was away: sealed files, written later, in order, once."""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from time import monotonic, time_ns
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter
from sqlmodel import SQLModel

from bot.store.sealing import Seal
from bot.store.store import Kept, Store
from bot.store.tables import Conversation, Person

log = logging.getLogger(__name__)

# An answer must not wait for a database that is away: seconds for one question to it, and how long it is then left alone.
PATIENCE, LEFT_ALONE = 2.5, 3.0
T = TypeVar("T")


class Memory:
    """The store, as long as it answers. When it does not, what is to be remembered is kept here and in files until it does."""

    def __init__(self, store: Store, seal: Seal, folder: Path) -> None:
        self._store = store
        self._seal = seal
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._waiting: dict[Path, Kept] = {}
        self._away_until = 0.0
        for path in sorted(self._folder.glob("*.sealed")):
            if kept := self._read(path):
                self._waiting[path] = kept

    @property
    def waiting(self) -> int:
        """How many answered messages are not in the database yet."""
        return len(self._waiting)

    async def answered_before(self, channel: str, message_id: str) -> str | None:
        for kept in self._waiting.values():
            if (kept.handled.channel, kept.handled.message_id) == (channel, message_id):
                return kept.handled.answer
        return await self._asked(self._store.answered_before(channel, message_id))

    async def recall(self, key: str) -> tuple[Person | None, Conversation | None]:
        """What is remembered of a person; what the spool knows of them is newer."""
        for kept in reversed(self._waiting.values()):
            if kept.person.key == key:
                return (None, None) if kept.forget else (kept.person, kept.conversation)
        return await self._asked(self._store.recall(key)) or (None, None)

    async def last_known(self, key: str) -> Person | None:
        """The person, for a decision that must not be taken without knowing: raises when the database does not answer."""
        for kept in reversed(self._waiting.values()):
            if kept.person.key == key:
                return None if kept.forget else kept.person
        async with asyncio.timeout(PATIENCE):
            return (await self._store.recall(key))[0]

    async def opt_out(self, key: str, now: datetime) -> None:
        """Remembers that a person wants nothing, as their carrier or their block says. While the database is away the vendor goes on refusing."""
        await self._asked(self._store.opt_out(key, now))

    async def keep(self, kept: Kept) -> str:
        """Writes what a message leaves, or spools it. Gives the answer that counts."""
        answer = None if self._waiting else await self._asked(self._store.keep(kept))
        if answer is None:
            self._spool(kept)
        return answer or kept.handled.answer

    async def flush(self) -> None:
        """Writes what waits, oldest first, once the database is back."""
        for path, kept in list(self._waiting.items()):
            if await self._asked(self._store.keep(kept)) is None:
                return
            self._waiting.pop(path, None)
            with suppress(OSError):
                path.unlink()
        log.debug("nothing waits for the database")

    async def tend(self) -> None:
        """Flushes for ever."""
        while True:
            await asyncio.sleep(LEFT_ALONE)
            if self._waiting:
                await self.flush()

    async def _asked(self, question: Awaitable[T]) -> T | None:
        """What the database says; None when it does not answer in time, or has just failed to."""
        if monotonic() < self._away_until:
            if asyncio.iscoroutine(question):
                question.close()
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                return await question
        except Exception as error:  # noqa: BLE001  whatever the database throws, the resident gets an answer
            log.error("the database did not answer: %s", type(error).__name__)
            self._away_until = monotonic() + LEFT_ALONE
            return None

    def _spool(self, kept: Kept) -> None:
        path = self._folder / f"{time_ns():020d}-{os.getpid()}.sealed"
        self._waiting[path] = kept
        try:
            part = path.with_suffix(".part")
            part.write_bytes(self._seal.close(_as_json(kept)))
            part.replace(path)
        except OSError as error:
            log.error("the spool cannot be written (%s); it is kept in memory", type(error).__name__)

    def _read(self, path: Path) -> Kept | None:
        try:
            text = self._seal.open(path.read_bytes())
            return _from_json(text) if text else None
        except (OSError, ValueError, KeyError, TypeError):
            log.error("a file of the spool cannot be read: %s", path.name)
            return None


def _as_json(kept: Kept) -> str:
    hints = get_type_hints(Kept)
    return json.dumps({f.name: TypeAdapter(hints[f.name]).dump_python(getattr(kept, f.name), mode="json") for f in fields(Kept)})


def _from_json(text: str) -> Kept:
    data: dict[str, Any] = json.loads(text)
    return Kept(**{name: _made(hint, data[name]) for name, hint in get_type_hints(Kept).items()})


def _made(hint: Any, value: Any) -> Any:
    """A field of Kept again; tables are made by their own class, so that the database knows them."""
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and issubclass(kind, SQLModel) and value is not None:
            return kind.model_validate(value)
    return TypeAdapter(hint).validate_python(value)
