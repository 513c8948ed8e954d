"""Messages that are owed an answer: stored, sealed, before the vendor is told that we have them; dropped when the answer is sent.

A table of our own and not a workflow engine: one row that lives for a second, whose text must not stand in the database in the clear.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import UpdateBase, delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from bot.errors import DatabaseAway
from bot.store.patience import Patience
from bot.store.sealing import Seal
from bot.store.store import Store
from bot.store.tables import HandledRow, Owed

# Whoever took a message changes its mark while working on it. A Faro that has seen the mark of another's unchanged for so long takes over: seconds of its
# own monotonic clock, since clocks of different machines differ, and jump.
LEASE = 20.0
# For what nobody waits for, such as to say that one is alive: a database that is merely slow must not make the living look dead.
PATIENCE_ASIDE = 8.0
# An answer that comes later than this helps nobody; a message that failed so often is poison.
OWED_FOR, MOST_TRIES = timedelta(hours=6), 8
TAKEN_AT_ONCE = 500
OWED = SQLModel.metadata.tables["inbox"]


@dataclass(frozen=True, kw_only=True)
class Debt:
    """A message whose answer is owed. `sent` says how many texts of it have gone out."""

    message_id: str
    payload: str = field(repr=False)
    sent: int = 0


class Inbox:
    """What one channel owes."""

    def __init__(self, store: Store, seal: Seal, channel: str, clock: Callable[[], datetime], patience: Patience | None = None, pulse: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._seal = seal
        self._channel = channel
        self._ours = OWED.c.channel == channel
        self._clock = clock
        self._patience = patience or Patience()
        self._aside = Patience(PATIENCE_ASIDE, left_alone=0)
        self._pulse = pulse
        self._watched: dict[str, tuple[datetime, float]] = {}

    async def put(self, message_id: str, payload: str, key: str = "") -> bool:
        """Stores a message and takes it. False when it was stored before: somebody answers it, or has."""
        return await self._patience.ask(self._put(message_id, payload, key))

    async def _put(self, message_id: str, payload: str, key: str) -> bool:
        now = self._clock()
        try:
            async with self._store.session() as session:
                if await session.get(HandledRow, (self._channel, message_id)):
                    return False
                session.add(Owed(channel=self._channel, message_id=message_id, key=key, payload=self._seal.close(payload), at=now, taken_until=now))
                await session.commit()
            return True
        except IntegrityError:
            return False

    async def renew(self, message_ids: Iterable[str]) -> None:
        """Says that this Faro still works on these."""
        if ids := list(message_ids):
            await self._aside.ask(self._changed(update(OWED).where(self._ours, OWED.c.message_id.in_(ids)).values(taken_until=self._clock())))

    async def went_out(self, message_id: str, sent: int) -> None:
        await self._change(update(OWED).where(self._ours, OWED.c.message_id == message_id).values(sent=sent))

    async def blameless(self, message_id: str) -> None:
        """The vendor is away, or has had enough: a message that waits for it is no poison."""
        await self._change(update(OWED).where(self._ours, OWED.c.message_id == message_id).values(tries=0))

    async def done(self, *message_ids: str) -> None:
        if message_ids:
            await self._change(delete(OWED).where(self._ours, OWED.c.message_id.in_(message_ids)))

    async def orphans(self, but: Iterable[str] = ()) -> list[Debt]:
        """Takes what nobody works on (`but` are ours), oldest first. Drops what is too old, has failed too often, or was sealed with another secret."""
        try:
            left = await self._aside.ask(self._unchanged(frozenset(but)))
            return await self._aside.ask(self._taken(left)) if left else []
        except DatabaseAway:
            self._watched.clear()  # while it is away nobody can change a mark
            raise

    async def _unchanged(self, ours: frozenset[str]) -> list[str]:
        """Messages of others whose mark has not changed for as long as a lease lasts."""
        now = self._pulse()
        async with self._store.begin() as connection:
            marks = (await connection.execute(select(OWED.c.message_id, OWED.c.taken_until).where(self._ours))).all()
        before, self._watched = self._watched, {}
        for name, mark in marks:
            if name not in ours:
                seen, since = before.get(name, (mark, now))
                self._watched[name] = (mark, since if seen == mark else now)
        return [name for name, (_, since) in self._watched.items() if now - since >= LEASE][:TAKEN_AT_ONCE]

    async def _taken(self, names: list[str]) -> list[Debt]:
        theirs = or_(*((OWED.c.message_id == name) & (OWED.c.taken_until == self._watched[name][0]) for name in names))
        async with self._store.session() as session:
            await session.exec(delete(OWED).where(self._ours, theirs, or_(OWED.c.at < self._clock() - OWED_FOR, OWED.c.tries >= MOST_TRIES)))
            taking = update(OWED).where(self._ours, theirs).values(taken_until=self._clock(), tries=OWED.c.tries + 1)
            rows = (await session.exec(taking.returning(OWED.c.at, OWED.c.message_id, OWED.c.payload, OWED.c.sent))).all()
            await session.commit()
        opened = [(name, self._seal.open(payload), sent) for _, name, payload, sent in sorted(rows, key=lambda row: (row[0], len(row[1]), row[1]))]
        return [Debt(message_id=name, payload=payload, sent=sent) for name, payload, sent in opened if payload is not None]

    async def _change(self, statement: UpdateBase) -> None:
        await self._patience.ask(self._changed(statement))

    async def _changed(self, statement: UpdateBase) -> None:
        async with self._store.session() as session:
            await session.exec(statement)
            await session.commit()
