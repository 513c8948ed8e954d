"""A store of one's own, without the migrations in every test."""

from pathlib import Path
from tempfile import TemporaryDirectory

from bot.settings import Settings
from bot.store.store import Store, closed_store, open_store

# The file that the migrations make, read once in a process: all tables, no row.
_empty: list[bytes] = []


async def new_store(settings: Settings) -> Store:
    """The store of these settings; a file that is not there yet is a copy of the empty one. Tests of the migrations themselves call `open_store`."""
    file = settings.data / "faro.sqlite3"
    if not settings.database().startswith("sqlite"):
        return await open_store(settings.database())
    if not file.exists():
        file.write_bytes(_empty[0] if _empty else await _migrated())
    return closed_store(settings.database())


async def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "faro.sqlite3"
        await (await open_store(f"sqlite:///{file}")).close()
        _empty.append(file.read_bytes())
    return _empty[0]
