"""Brings the tables up to date, by one Faro at a time, all of it or nothing. Alembic is imported where it is used: most commands touch no tables, and it takes a fifth of a second."""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number: the same one in every Faro, so that two that start at once do not migrate at once.
MIGRATION_LOCK = 7_246_001


async def migrate(engine: AsyncEngine, revision: str = "head") -> None:
    async with _alone(engine), engine.begin() as connection:
        await connection.run_sync(_upgrade, revision)


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncIterator[None]:
    """SQLite has no lock that could be had before its file is a database: so one beside it. PostgreSQL has one of its own, below."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        yield
        return
    file = Path(engine.url.database)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        yield


def _upgrade(connection: Connection, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"select pg_advisory_xact_lock({MIGRATION_LOCK})"))
    else:
        # Python begins no transaction before a CREATE TABLE: killed in the middle, half of the tables would stand, and no start could go on from there.
        connection.exec_driver_sql("begin immediate")
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def revisions() -> tuple[str, ...]:
    """The versions of the tables that this Faro knows, the newest first."""
    from alembic.script import ScriptDirectory

    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def revision_of(connection: Connection) -> str | None:
    """The version of a database's tables; None before the first."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
