"""What could not be written while the database was away: sealed files, written later, in order, once."""

import asyncio
import json
import logging
import os
from collections import defaultdict
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from time import time_ns
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter
from sqlmodel import SQLModel

from bot.errors import DatabaseAway, DatabaseRefuses
from bot.store.keeping import Kept, Known, with_changes
from bot.store.patience import LEFT_ALONE, Patience
from bot.store.sealing import Seal
from bot.store.store import Store
from bot.store.tables import Person

log = logging.getLogger(__name__)

T = TypeVar("T")


class Memory:
    """The store, as long as it answers. When it does not, what is to be remembered is kept here and in files until it does."""

    def __init__(self, store: Store, seal: Seal, folder: Path) -> None:
        self._store = store
        self._seal = seal
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self.patience = Patience()
        self._waiting: dict[Path, Kept] = {}
        self._of: defaultdict[str, dict[Path, Kept]] = defaultdict(dict)  # the same by person
        self._on_disk: set[Path] = set()
        self._last = 0
        for path in sorted(self._folder.glob("*.sealed")):
            self._last = max(self._last, _number(path))
            if kept := self._read(path):
                self._wait(path, kept)
                self._on_disk.add(path)

    @property
    def waiting(self) -> int:
        """How many answered messages are not in the database yet."""
        return len(self._waiting)

    async def known(self, key: str, channel: str, message_id: str) -> Known:
        """What is remembered of a person and their message, and what waits to be."""
        waiting = [*self._of.get(key, {}).values()]
        answer = next((kept.handled.answer for kept in waiting if (kept.handled.channel, kept.handled.message_id) == (channel, message_id)), None)
        known = await self._asked(self._store.known(key, channel, message_id)) or Known()
        for kept in waiting:
            known = Known(answer=known.answer) if kept.forget else replace(known, person=with_changes(known.person, kept), standing=kept.conversation)
        return known if answer is None else replace(known, answer=answer)

    async def last_known(self, key: str) -> Person | None:
        """The person, for a decision that must not be taken without knowing whether they opted out: raises when the database does not answer."""
        knowing = any(kept.forget or "opted_out" in kept.changed for kept in self._of.get(key, {}).values())
        return (await self.known(key, "", "")).person if knowing else (await self.patience.ask(self._store.recall(key)))[0]

    async def alerts(self, key: str) -> tuple[str, ...]:
        """The counties whose alerts a person gets, as far as the database says."""
        return await self._asked(self._store.alerts(key)) or ()

    async def opt_out(self, key: str, now: datetime) -> None:
        """Remembers that a person wants nothing, as their carrier or their block says. While the database is away the vendor goes on refusing."""
        await self._asked(self._store.opt_out(key, now))

    async def keep(self, kept: Kept) -> str:
        """Writes what a message leaves, or spools it. Gives the answer that counts."""
        try:
            answer = None if self._waiting else await self.patience.ask(self._store.keep(kept))
        except DatabaseRefuses:
            return kept.handled.answer
        except DatabaseAway:
            answer = None
        if answer is None:
            if kept.forget:
                self._forget(kept.person.key)
            self._spool(kept)
        return answer or kept.handled.answer

    async def flush(self) -> None:
        """Writes what waits, oldest first, once the database is back; also what comes meanwhile, or under load there would be no end to it."""
        while self._waiting:
            path, kept = next(iter(self._waiting.items()))
            try:
                # A Faro that shares our folder has read it, too, and written it: once more, it could come back after a DELETE.
                if path not in self._on_disk or path.exists():
                    await self.patience.ask(self._store.keep(kept, late=True))
            except DatabaseRefuses:
                log.error("what a message left is dropped: the database will never take it")
            except DatabaseAway:
                return
            self._drop(path)

    async def tend(self) -> None:
        """Flushes for ever."""
        while True:
            await asyncio.sleep(LEFT_ALONE)
            if self._waiting:
                await self.flush()

    async def _asked(self, question: Awaitable[T]) -> T | None:
        try:
            return await self.patience.ask(question)
        except DatabaseAway:
            return None

    def _spool(self, kept: Kept) -> None:
        # Numbered by the clock, but never backwards: whoever reads them after a crash writes them in this order.
        self._last = max(time_ns(), self._last + 1)
        path = self._folder / f"{self._last:020d}-{os.getpid()}.sealed"
        self._wait(path, kept)
        part = path.with_suffix(".part")
        try:
            part.write_bytes(self._seal.close(_as_json(kept)))
            part.replace(path)
            self._on_disk.add(path)
        except OSError as error:
            log.error("the spool cannot be written (%s); it is kept in memory", type(error).__name__)
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _wait(self, path: Path, kept: Kept) -> None:
        self._waiting[path] = self._of[kept.person.key][path] = kept

    def _forget(self, key: str) -> None:
        """DELETE while the database is away: what waits of the person is dropped at once, what the database has when it is back."""
        for path in [*self._of.get(key, ())]:
            self._drop(path)

    def _drop(self, path: Path) -> None:
        if kept := self._waiting.pop(path, None):
            self._of[kept.person.key].pop(path)
            if not self._of[kept.person.key]:
                del self._of[kept.person.key]
        self._on_disk.discard(path)
        with suppress(OSError):
            path.unlink()

    def _read(self, path: Path) -> Kept | None:
        try:
            text = self._seal.open(path.read_bytes())
            return _from_json(text) if text else None
        except (OSError, ValueError, KeyError, TypeError):
            log.error("a file of the spool cannot be read: %s", path.name)
            return None


def _number(path: Path) -> int:
    first = path.name.partition("-")[0]
    return int(first) if first.isdigit() else 0


@cache
def _written() -> dict[str, TypeAdapter[Any]]:
    return {name: TypeAdapter(hint) for name, hint in get_type_hints(Kept).items()}


def _as_json(kept: Kept) -> str:
    return json.dumps({name: adapter.dump_python(getattr(kept, name), mode="json") for name, adapter in _written().items()})


def _from_json(text: str) -> Kept:
    data: dict[str, Any] = json.loads(text)
    return Kept(**{name: _made(hint, data[name]) for name, hint in get_type_hints(Kept).items() if name in data})  # an older Faro knew fewer


def _made(hint: Any, value: Any) -> Any:
    """A field of Kept again; tables are made by their own class, so that the database knows them."""
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and issubclass(kind, SQLModel) and value is not None:
            return kind.model_validate(value)
    return TypeAdapter(hint).validate_python(value)
