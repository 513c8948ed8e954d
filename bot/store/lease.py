"""One Faro among several: who asks a feed, who sends at a rate. Taken over when its holder has died."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete, or_
from sqlmodel import SQLModel

from bot.store.store import Store
from bot.store.tables_live import Lease as Row

HELD_FOR = timedelta(seconds=20)
LEASE = SQLModel.metadata.tables["lease"]


class Lease:
    """The right to do what `name` says. Ask `hold` before each piece of work, well within HELD_FOR of the last time."""

    def __init__(self, store: Store, name: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._name = name
        self._clock = clock
        self._holder = uuid4().hex

    async def hold(self) -> bool:
        """Takes or renews it. False while another Faro has it."""
        now = self._clock()
        row = self._store.insert(Row).values(name=self._name, holder=self._holder, until=now + HELD_FOR)
        free = or_(LEASE.c.until < now, LEASE.c.holder == self._holder)
        taking = row.on_conflict_do_update(index_elements=["name"], set_={"holder": self._holder, "until": now + HELD_FOR}, where=free).returning(LEASE.c.holder)
        async with self._store.begin() as connection:
            holder = (await connection.execute(taking)).first()
        return holder is not None

    async def release(self) -> None:
        """Lets the next one have it at once."""
        async with self._store.begin() as connection:
            await connection.execute(delete(LEASE).where(LEASE.c.name == self._name, LEASE.c.holder == self._holder))
