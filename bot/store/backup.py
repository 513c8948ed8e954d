"""The database as one sealed file, and back again. What is written cannot be read without Faro's secret, at no moment."""

import base64
import json
import os
import shutil
import sqlite3
import subprocess
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import IO

from sqlalchemy.engine import make_url

from bot.errors import NoBackup
from bot.store.facts import TABLES, Facts, sqlite_file
from bot.store.migrating import MIGRATION_LOCK, revisions
from bot.store.sealing import Seal

PART = 1 << 20
PATIENCE = 60
# Where Debian and its like keep them, when PATH does not.
BESIDE_THE_SERVER = Path("/usr/lib/postgresql")


@dataclass(frozen=True, kw_only=True)
class Label:
    """The first line of a backup: what it holds, and the name that binds its lines together."""

    name: str
    kind: str
    made_at: str
    revision: str | None
    newest: str | None


def write_backup(url: str, facts: Facts, seal: Seal, file: Path, now: datetime) -> None:
    """All of the database, sealed, under its name only when it is whole."""
    label = Label(name=token_hex(8), kind=facts.kind, made_at=now.isoformat(), revision=facts.revision, newest=facts.newest.isoformat() if facts.newest else None)
    part = file.with_name(f"{file.name}.part")
    dump = _dump_sqlite(path) if (path := sqlite_file(url)) else _dump_postgresql(url)
    try:
        with open(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
            out.writelines(seal.close(line) + b"\n" for line in _lines(label, dump))
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError as error:
        raise NoBackup("file", {"file": str(file), "reason": error.strerror or type(error).__name__}) from None
    finally:
        part.unlink(missing_ok=True)


def read_label(file: Path, seal: Seal) -> Label:
    """What a backup says of itself. Raises NoBackup for another secret's, and for what is none."""
    try:
        with file.open("rb") as lines:
            text = seal.open(lines.readline(1 << 16).rstrip(b"\n"))
    except OSError as error:
        raise NoBackup("file", {"file": str(file), "reason": error.strerror or type(error).__name__}) from None
    if text is None:
        raise NoBackup("other-secret")
    try:
        return Label(**json.loads(text))
    except (ValueError, TypeError):
        raise NoBackup("damaged") from None


def restore(url: str, file: Path, seal: Seal, kind: str) -> None:
    """Puts a backup in the place of what the database holds, all of it or nothing."""
    label = read_label(file, seal)
    if label.kind != kind:
        raise NoBackup("other-kind", {"kind": label.kind, "wanted": kind})
    if label.revision and label.revision not in revisions():
        raise NoBackup("newer-faro")
    for _ in _opened(file, seal, label):
        pass  # read to its end, so that nothing is touched for a damaged one
    if path := sqlite_file(url):
        _load_sqlite(path, _opened(file, seal, label))
    else:
        _load_postgresql(url, _opened(file, seal, label))


def _lines(label: Label, dump: Iterable[bytes]) -> Iterator[str]:
    """The label, then compressed parts that carry its name and their number, then how many there are: a part that is lost, moved or another file's is seen."""
    yield json.dumps(asdict(label))
    count = 0
    for count, packed in enumerate(_packed(dump), 1):
        yield f"{label.name} {count} {base64.b64encode(packed).decode()}"
    yield f"{label.name} end {count}"


def _packed(dump: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj()
    for part in dump:
        if packed := packer.compress(part):
            yield packed
    yield packer.flush()


def _opened(file: Path, seal: Seal, label: Label) -> Iterator[bytes]:
    """What was dumped, part after part. Raises NoBackup when anything is not as it was written."""
    unpacker, count = zlib.decompressobj(), 0
    with file.open("rb") as lines:
        lines.readline()
        for line in lines:
            words = (seal.open(line.rstrip(b"\n")) or "").split(" ")
            if words == [label.name, "end", str(count)]:
                return
            count += 1
            if len(words) != 3 or words[:2] != [label.name, str(count)]:
                break
            yield unpacker.decompress(base64.b64decode(words[2]))
    raise NoBackup("damaged")


def _dump_sqlite(path: Path) -> Iterator[bytes]:
    """A consistent copy while others write. It is made in memory: on the disk it would lie unsealed."""
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as source, closing(sqlite3.connect(":memory:")) as copy:
        source.backup(copy)
        pages = memoryview(copy.serialize())
    for start in range(0, len(pages), PART):
        yield bytes(pages[start : start + PART])


def _load_sqlite(path: Path, dump: Iterable[bytes]) -> None:
    """Written page by page in one transaction of the database's own, which a Faro that still runs survives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".restore-", dir=path.parent) as folder:
        copy = Path(folder) / "copy"
        with copy.open("wb") as out:
            out.writelines(dump)
        with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(path, timeout=PATIENCE)) as target:
            if source.execute("pragma quick_check").fetchone() != ("ok",):
                raise NoBackup("damaged")
            source.backup(target)


def _dump_postgresql(url: str) -> Iterator[bytes]:
    with _client("pg_dump", url, "--no-owner", "--no-privileges", stdout=subprocess.PIPE) as process:
        assert process.stdout
        while part := process.stdout.read(PART):
            yield part


def _load_postgresql(url: str, dump: Iterable[bytes]) -> None:
    """One transaction: our tables go, those of the backup come. psql and not pg_restore, which leaves tables that the backup does not know."""
    tables = ", ".join(["alembic_version", *TABLES])
    before = f"set client_min_messages = warning; select pg_advisory_xact_lock({MIGRATION_LOCK}); drop table if exists {tables} cascade;\n"
    options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-")
    with _client("psql", url, *options, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin
        with suppress(BrokenPipeError):  # it stopped reading; why, it says itself
            process.stdin.write(before.encode())
            process.stdin.writelines(dump)
        with suppress(BrokenPipeError):
            process.stdin.close()


@contextmanager
def _client(name: str, url: str, *options: str, stdin: int | None = None, stdout: int | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """One of PostgreSQL's programs at work on a database; its failure is raised in its own last words. The password goes by a file: everybody may read a command line."""
    program = find_program(name)
    address = make_url(url).set(drivername="postgresql")
    with NamedTemporaryFile("w") as password, NamedTemporaryFile() as complaint:
        if address.password:
            password.write("*:*:*:*:" + str(address.password).replace("\\", "\\\\").replace(":", "\\:"))
            password.flush()
            address = address.set(password=None).update_query_dict({"passfile": password.name})
        command = [program, *options, f"--dbname={address.render_as_string(hide_password=False)}"]
        with subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=complaint) as process:  # noqa: S603  no shell, our own words
            try:
                yield process
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise NoBackup("postgresql", {"program": name, "reason": _last_line(complaint)})


def find_program(name: str) -> str:
    """Where it is: on PATH, else beside the newest server."""
    beside = sorted(BESIDE_THE_SERVER.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]) if path.parts[-3].isdigit() else 0)
    found = shutil.which(name) or (str(beside[-1]) if beside else None)
    if found is None:
        raise NoBackup("no-program", {"program": name})
    return found


def _last_line(complaint: IO[bytes]) -> str:
    complaint.seek(0)
    lines = complaint.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "?"
