"""Who asked for alerts, of which county, in which language. The address is sealed, and gone with the last subscription."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlmodel import SQLModel

from bot.messages import Channel, Language
from bot.store.sealing import Seal
from bot.store.store import Store
from bot.store.tables_live import Subscription

SUBSCRIPTION = SQLModel.metadata.tables["subscription"]
RESEALED_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Subscriber:
    """Somebody who is to be told something."""

    key: str
    channel: Channel
    language: Language
    address: str = field(repr=False)


class Subscriptions:
    """All of them. A person may ask for several counties."""

    def __init__(self, store: Store, seal: Seal, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._seal = seal
        self._clock = clock

    async def add(self, subscriber: Subscriber, county: str) -> None:
        """Asked for, and confirmed. Asking again changes the language."""
        row = {
            "key": subscriber.key,
            "channel": subscriber.channel.value,
            "county": county,
            "language": subscriber.language,
            "address": self._seal.close(subscriber.address),
            "at": self._clock(),
        }
        new = self._store.insert(Subscription).values(row)
        async with self._store.begin() as connection:
            await connection.execute(new.on_conflict_do_update(index_elements=["key", "county"], set_={"language": subscriber.language, "address": row["address"]}))

    async def of(self, key: str) -> list[str]:
        """The counties a person asked for, in the order of asking."""
        async with self._store.begin() as connection:
            return list((await connection.execute(select(SUBSCRIPTION.c.county).where(SUBSCRIPTION.c.key == key).order_by(SUBSCRIPTION.c.id))).scalars())

    async def drop(self, key: str, county: str | None = None) -> None:
        """Ends one county's alerts, or all of a person's."""
        ending = delete(SUBSCRIPTION).where(SUBSCRIPTION.c.key == key)
        async with self._store.begin() as connection:
            await connection.execute(ending if county is None else ending.where(SUBSCRIPTION.c.county == county))

    async def found(self, ids: Iterable[int]) -> Mapping[int, Subscriber]:
        """The subscribers behind these rows; those who left, or were sealed with a secret that is gone, are missing."""
        async with self._store.begin() as connection:
            rows = (await connection.execute(select(SUBSCRIPTION).where(SUBSCRIPTION.c.id.in_(list(ids))))).all()
        opened = ((row, self._seal.open(row.address)) for row in rows)
        return {row.id: Subscriber(key=row.key, channel=Channel(row.channel), language=row.language, address=address) for row, address in opened if address is not None}

    async def counted(self, counties: Iterable[str]) -> Counter[tuple[Channel, Language]]:
        """How many persons of these counties would be told, by channel and language."""
        persons = select(SUBSCRIPTION.c.key, func.min(SUBSCRIPTION.c.channel).label("channel"), func.min(SUBSCRIPTION.c.language).label("language"))
        chosen = persons.where(SUBSCRIPTION.c.county.in_(list(counties))).group_by(SUBSCRIPTION.c.key).subquery()
        async with self._store.begin() as connection:
            rows = (await connection.execute(select(chosen.c.channel, chosen.c.language, func.count()).group_by(chosen.c.channel, chosen.c.language))).all()
        return Counter({(Channel(channel), language): count for channel, language, count in rows})

    async def reseal(self) -> int:
        """Seals every address anew with the newest key, after a change of the secret. Gives how many could be opened."""
        done = last = 0
        while True:
            async with self._store.begin() as connection:
                rows = (await connection.execute(select(SUBSCRIPTION.c.id, SUBSCRIPTION.c.address).where(SUBSCRIPTION.c.id > last).order_by(SUBSCRIPTION.c.id).limit(RESEALED_AT_ONCE))).all()
                for id_, sealed in rows:
                    if (address := self._seal.open(sealed)) is not None:
                        await connection.execute(update(SUBSCRIPTION).where(SUBSCRIPTION.c.id == id_).values(address=self._seal.close(address)))
                        done += 1
            if not rows:
                return done
            last = rows[-1][0]
