"""The last good list of each feed, and what coordinators said of shelters: shared by all Faros, and there after a restart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import SQLModel

from bot.store.store import Store
from bot.store.tables_live import Feed, Opening

FEED, OPENING = SQLModel.metadata.tables["feed"], SQLModel.metadata.tables["opening"]
NO_TIME: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A feed as it was last heard. `items` is JSON; `trouble` is empty when all is well."""

    name: str
    asked_at: datetime
    good_at: datetime | None = NO_TIME
    items: str = "[]"
    etag: str = ""
    modified: str = ""
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class Word:
    """What a coordinator said of a shelter, as it stands. `facts` is JSON."""

    site: str
    open: bool
    facts: str
    by: str
    at: datetime


class Feeds:
    """The table of feeds, and the log of coordinators' words."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def all(self) -> Mapping[str, Kept]:
        async with self._store.begin() as connection:
            rows = (await connection.execute(select(FEED))).mappings().all()
        return {row["name"]: Kept(**row) for row in rows}

    async def keep(self, feed: Kept) -> None:
        values = asdict(feed)
        async with self._store.begin() as connection:
            await connection.execute(self._store.insert(Feed).values(values).on_conflict_do_update(index_elements=["name"], set_=values))

    async def say(self, site: str, *, open_: bool, facts: str, by: str) -> None:
        """Adds a coordinator's word. Nothing is ever written over: who said what, and when, stays."""
        async with self._store.begin() as connection:
            await connection.execute(self._store.insert(Opening).values(site=site, open=open_, facts=facts, by=by[:60], at=self._clock()))

    async def words(self, limit: int = 2000) -> Sequence[Word]:
        """The newest words first."""
        async with self._store.begin() as connection:
            rows = (await connection.execute(select(OPENING).order_by(OPENING.c.id.desc()).limit(limit))).all()
        return [Word(site=row.site, open=row.open, facts=row.facts, by=row.by, at=row.at) for row in rows]
