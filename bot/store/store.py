"""Reads and writes what is remembered; the only file that knows the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, delete, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.messages import LOCAL_TIME, Rated
from bot.store.tables import Conversation, Feedback, Handled, Person, Rating, Tally, Unanswered

KEEP_HANDLED = timedelta(days=7)
KEEP_WORDS = timedelta(days=90)
KEEP_TALLY = timedelta(days=2 * 365)
MIGRATIONS = Path(__file__).parent / "migrations"
# Any number: the same one in every Faro, so that two that start at once do not migrate at once.
MIGRATION_LOCK = 7_246_001


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Everything one answered message leaves behind, written together or not at all."""

    person: Person
    conversation: Conversation
    handled: Handled
    unanswered: str | None = field(default=None, repr=False)
    feedback: str | None = field(default=None, repr=False)
    rated: Rated | None = None
    tally: Tally | None = None
    forget: bool = False


class Store:
    """The database behind one engine. Open it with `open_store`, which brings its tables up to date."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def session(self) -> AsyncSession:
        return AsyncSession(self._engine, expire_on_commit=False)

    async def answered_before(self, channel: str, message_id: str) -> str | None:
        """The answer that a message of this id was given, or None."""
        async with AsyncSession(self._engine) as session:
            handled = await session.get(Handled, (channel, message_id))
            return handled.answer if handled else None

    async def recall(self, key: str) -> tuple[Person | None, Conversation | None]:
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            return await session.get(Person, key), await session.get(Conversation, key)

    async def opt_out(self, key: str, now: datetime) -> None:
        """Remembers that a person wants nothing, as their carrier or their block says."""
        async with AsyncSession(self._engine) as session:
            person = await session.get(Person, key) or Person(key=key, seen_at=now)
            person.opted_out = True
            session.add(person)
            await session.commit()

    async def keep(self, kept: Kept) -> str:
        """Writes what a message leaves. Gives the answer that counts: the earlier one when another process was quicker."""
        try:
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                if kept.forget:
                    kept.handled.key = ""
                session.add(kept.handled)
                await session.flush()
                if kept.forget:
                    await self._forget(session, kept.person.key)
                else:
                    await session.merge(kept.person)
                    await session.merge(kept.conversation)
                    await self._note(session, kept)
                if kept.tally:
                    await self._count(session, kept.tally)
                await session.commit()
            return kept.handled.answer
        except IntegrityError:
            earlier = await self.answered_before(kept.handled.channel, kept.handled.message_id)
            if earlier is None:
                raise
            return earlier

    @staticmethod
    async def _note(session: AsyncSession, kept: Kept) -> None:
        person, at = kept.person, kept.handled.at
        language = person.language or "en"
        if kept.unanswered:
            session.add(Unanswered(key=person.key, text=kept.unanswered, language=language, county=person.county, at=at))
        if kept.feedback:
            session.add(Feedback(key=person.key, text=kept.feedback, language=language, county=person.county, at=at))
        if kept.rated:
            await session.merge(Rating(key=person.key, intent=kept.rated.intent, useful=kept.rated.useful, language=language, county=person.county, at=at))

    async def _count(self, session: AsyncSession, tally: Tally) -> None:
        """One more of its kind. The last thing that is written, since everybody's messages of a day meet in one row."""
        await session.flush()
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        row = insert(Tally).values(tally.model_dump())
        kind = [column.name for column in row.table.primary_key]
        await session.exec(row.on_conflict_do_update(index_elements=kind, set_={"count": Tally.count + 1}))

    @staticmethod
    async def _forget(session: AsyncSession, key: str) -> None:
        """Everything of a person; that this last message was answered is kept without their key, and names nobody."""
        for table in (Person, Conversation, Handled, Unanswered, Feedback, Rating):
            await session.exec(delete(table).where(table.key == key))  # type: ignore[arg-type]

    async def unanswered(self) -> Sequence[Unanswered]:
        """Questions without an answer, the newest first."""
        async with AsyncSession(self._engine) as session:
            return (await session.exec(select(Unanswered).order_by(Unanswered.at.desc()))).all()  # type: ignore[attr-defined]

    async def drop_unanswered(self, ids: Sequence[int]) -> None:
        """Forgets questions that a volunteer has dealt with."""
        async with AsyncSession(self._engine) as session:
            await session.exec(delete(Unanswered).where(Unanswered.id.in_(ids)))  # type: ignore[union-attr]
            await session.commit()

    async def tallies(self, since: date) -> Sequence[Tally]:
        """What was counted from that day on, the oldest first."""
        async with AsyncSession(self._engine) as session:
            return (await session.exec(select(Tally).where(Tally.day >= since).order_by(Tally.day))).all()  # type: ignore[arg-type]

    async def feedback(self) -> Sequence[Feedback]:
        async with AsyncSession(self._engine) as session:
            return (await session.exec(select(Feedback).order_by(Feedback.at.desc()))).all()  # type: ignore[attr-defined]

    async def ratings(self) -> Sequence[Rating]:
        """Which pages were useful to whom, the newest first."""
        async with AsyncSession(self._engine) as session:
            return (await session.exec(select(Rating).order_by(Rating.at.desc()))).all()  # type: ignore[attr-defined]

    async def tidy(self, now: datetime) -> None:
        """Drops what is older than it is kept."""
        async with AsyncSession(self._engine) as session:
            await session.exec(delete(Handled).where(Handled.at < now - KEEP_HANDLED))  # type: ignore[arg-type]
            for table in (Unanswered, Feedback, Rating):
                await session.exec(delete(table).where(table.at < now - KEEP_WORDS))  # type: ignore[arg-type]
            await session.exec(delete(Tally).where(Tally.day < now.astimezone(LOCAL_TIME).date() - KEEP_TALLY))  # type: ignore[arg-type]
            await session.commit()

    async def alive(self) -> bool:
        async with self._engine.connect() as connection:
            return (await connection.execute(text("select 1"))).scalar() == 1

    async def close(self) -> None:
        await self._engine.dispose()


async def open_store(url: str) -> Store:
    """The store at a SQLAlchemy address ('sqlite+aiosqlite:///file', 'postgresql://...'), its tables up to date."""
    engine = create_async_engine(with_driver(url), pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine.sync_engine, "connect", _sqlite_manners)
    async with engine.begin() as connection:
        await connection.run_sync(_migrate)
    return Store(engine)


def with_driver(url: str) -> str:
    """'postgresql://' and 'sqlite://' as hosts give them, with the asynchronous driver that Faro uses."""
    scheme, separator, rest = url.partition("://")
    driver = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "sqlite": "sqlite+aiosqlite"}.get(scheme, scheme)
    return f"{driver}{separator}{rest}"


def _sqlite_manners(connection: object, _record: object) -> None:
    """WAL, so that readers do not wait for the writer; five seconds of patience for another process."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"select pg_advisory_xact_lock({MIGRATION_LOCK})"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
