"""Messages that are owed an answer: stored, sealed, before the vendor is told that we have them; dropped when the answer is sent.

A table of our own and not a workflow engine: one row that lives for a second, whose text must not stand in the database in the clear.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import UpdateBase, and_, delete, or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from bot.store.sealing import Seal
from bot.store.store import Store
from bot.store.tables import Handled, Owed

# Whoever took a message renews this while working on it; another Faro takes over the messages of one that died.
LEASE = timedelta(seconds=20)
# An answer that comes later than this helps nobody; a message that failed so often is poison.
OWED_FOR, MOST_TRIES = timedelta(hours=6), 8
OWED = SQLModel.metadata.tables["inbox"]


@dataclass(frozen=True, kw_only=True)
class Debt:
    """A message whose answer is owed. `sent` says how many texts of it have gone out."""

    message_id: str
    payload: str = field(repr=False)
    sent: int = 0


class Inbox:
    """What one channel owes."""

    def __init__(self, store: Store, seal: Seal, channel: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._seal = seal
        self._channel = channel
        self._ours = OWED.c.channel == channel
        self._clock = clock

    async def put(self, message_id: str, payload: str) -> bool:
        """Stores a message and takes it. False when it was stored before: somebody answers it, or has."""
        now = self._clock()
        try:
            async with self._store.session() as session:
                if await session.get(Handled, (self._channel, message_id)):
                    return False
                session.add(Owed(channel=self._channel, message_id=message_id, payload=self._seal.close(payload), at=now, taken_until=now + LEASE))
                await session.commit()
            return True
        except IntegrityError:
            return False

    async def renew(self, message_ids: Iterable[str]) -> None:
        """Says that this Faro still works on these."""
        if ids := list(message_ids):
            await self._change(update(OWED).where(self._ours, OWED.c.message_id.in_(ids)).values(taken_until=self._clock() + LEASE))

    async def went_out(self, message_id: str, sent: int) -> None:
        await self._change(update(OWED).where(self._ours, OWED.c.message_id == message_id).values(sent=sent))

    async def done(self, message_id: str) -> None:
        await self._change(delete(OWED).where(self._ours, OWED.c.message_id == message_id))

    async def orphans(self) -> list[Debt]:
        """Takes what nobody works on, oldest first. Drops what is too old, has failed too often, or was sealed with another secret."""
        now = self._clock()
        hopeless = or_(OWED.c.at < now - OWED_FOR, and_(OWED.c.tries >= MOST_TRIES, OWED.c.taken_until < now))
        await self._change(delete(OWED).where(self._ours, hopeless))
        taking = update(OWED).where(self._ours, OWED.c.taken_until < now).values(taken_until=now + LEASE, tries=OWED.c.tries + 1)
        async with self._store.session() as session:
            rows = (await session.exec(taking.returning(OWED.c.at, OWED.c.message_id, OWED.c.payload, OWED.c.sent))).all()
            await session.commit()
        opened = [(name, self._seal.open(payload), sent) for _, name, payload, sent in sorted(rows, key=lambda row: (row[0], len(row[1]), row[1]))]
        return [Debt(message_id=name, payload=payload, sent=sent) for name, payload, sent in opened if payload is not None]

    async def _change(self, statement: UpdateBase) -> None:
        async with self._store.session() as session:
            await session.exec(statement)
            await session.commit()
