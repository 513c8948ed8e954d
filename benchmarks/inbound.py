"""What one inbound SMS costs, all the way: signature, memory, understanding, answer, TwiML; beside a floor of the same run.

    python benchmarks/inbound.py                       CPU a message, Faro and floor; p50, p99 at 100 a second
    python benchmarks/inbound.py --processes 2         how much more two processes answer than one
    python benchmarks/inbound.py --count 100000        a long run
    python benchmarks/inbound.py --database postgresql://...

CPU is what the serving process used, by the system's own account; the load comes from this process, whose cost is not counted but shares the cores.
The encoder's time is what the process itself counts (faro_encoder_seconds_total); texts that wait together are encoded together, so it costs less in a crowd.
Before anything is measured, WARM other messages are answered: words that are met for the first time are looked up once.
"""

import argparse
import asyncio
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx
from rich.console import Console
from rich.table import Table
from twilio.request_validator import RequestValidator

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bot.library.reading import read_library  # noqa: E402

TOKEN, PUBLIC_URL, PATH = "a token of the benchmark", "https://faro.example.org", "/twilio/messages"
TICKS = os.sysconf("SC_CLK_TCK")
COUNTIES = ("Wake", "Durham", "Buncombe", "Watauga", "Yancey", "Haywood", "28801", "27601")
CONNECTIONS, WARM = 16, 600


@dataclass(kw_only=True)
class Run:
    """What became of a load."""

    count: int = 0
    errors: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    encoder: float = 0.0
    waits: list[float] = field(default_factory=list)

    def each(self, seconds: float) -> float:
        """Milliseconds a message."""
        return seconds / self.count * 1000

    def wait(self, share: float) -> float:
        return sorted(self.waits)[min(len(self.waits) - 1, int(share * len(self.waits)))] * 1000


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server process and where it listens."""

    process: subprocess.Popen[bytes]
    port: int

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def encoder(self) -> float:
        """Seconds of it that the sentence encoder used; the floor has none."""
        told = httpx.get(f"http://127.0.0.1:{self.port}/metrics").text
        return next((float(line.split()[1]) for line in told.splitlines() if line.startswith("faro_encoder_seconds_total")), 0.0)

    def megabytes(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def served(command: Sequence[str], port: int, **settings: str) -> Iterator[Server]:
    """A server, once it answers."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", **settings}
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + 180
        while time.monotonic() < limit:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{' '.join(command)} did not start; run it by hand to see why") from None
                time.sleep(0.05)
        yield Server(process=process, port=port)
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def texts(count: int) -> list[str]:
    """Questions as residents ask them, some with a place, each said a little differently, so that nothing is remembered from before."""
    chance = random.Random(6)
    questions = [q.text for q in read_library(ROOT / "content").questions]
    return [f"{chance.choice(questions)} {chance.choice(COUNTIES) if n % 3 == 0 else ''} {chance.choice(('please', 'por favor', 'thanks', ''))} {n}" for n in range(count)]


def requests(said: Sequence[str], start: int) -> Iterator[bytes]:
    """Whole HTTP requests, signed; each from another person."""
    validator = RequestValidator(TOKEN)
    for n, text in enumerate(said, start):
        form = {"MessageSid": f"SM{n:032x}", "AccountSid": "AC" + "0" * 32, "From": f"+1919555{n % 10_000:04d}{n // 10_000}", "To": "+19195550100", "Body": text, "NumMedia": "0", "NumSegments": "1"}
        body = urlencode(form).encode()
        signature = validator.compute_signature(PUBLIC_URL + PATH, form)
        head = f"POST {PATH} HTTP/1.1\r\nHost: faro\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        yield head.encode() + body


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bool:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    return head.startswith(b"HTTP/1.1 200") and (await reader.readexactly(length)).endswith(b"</Response>")


async def load(ports: Sequence[int], said: Sequence[bytes], rate: float | None) -> Run:
    """Sends all requests over a few connections: `rate` a second, however long answers take; or without it as fast as they are answered."""
    run, queue, began = Run(), asyncio.Queue[tuple[float, bytes]](), time.perf_counter()
    for n, request in enumerate(said):
        queue.put_nowait((began + n / rate if rate else 0.0, request))

    async def one(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not queue.empty():
            due, request = queue.get_nowait()
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            sent = due or time.perf_counter()
            try:
                good = await _asked(reader, writer, request)
            except (OSError, asyncio.IncompleteReadError):
                good = False
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            run.waits.append(time.perf_counter() - sent)
            run.errors += not good
            run.count += 1
        writer.close()

    await asyncio.gather(*(one(ports[n % len(ports)]) for n in range(CONNECTIONS)))
    run.seconds = time.perf_counter() - began
    return run


def measured(servers: Sequence[Server], said: Sequence[str], start: int, rate: float | None) -> Run:
    ready = list(requests(said, start))
    cpu, encoder = (sum(of(server) for server in servers) for of in (Server.cpu, Server.encoder))
    run = asyncio.run(load([server.port for server in servers], ready, rate))
    run.encoder = sum(server.encoder() for server in servers) - encoder
    run.cpu = sum(server.cpu() for server in servers) - cpu
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--rate", type=float, default=100, help="messages a second; 0 leaves this out")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--database", default="", help="an empty PostgreSQL database; SQLite without it")
    parser.add_argument("--cache", type=Path, help="a folder with the model, learnt before")
    given = parser.parse_args()
    out, data = Console(), Path(tempfile.mkdtemp())
    table = Table("", "messages", "errors", "CPU ms a message", "of it encoder", "p50 ms", "p99 ms", "messages/s", "MB")
    try:
        if given.cache:
            shutil.copytree(given.cache, data / "cache")
        warm, said = texts(WARM), [f"{text} again" for text in texts(given.count + WARM)[WARM:]]
        settings = {"FARO_DATA": str(data), "FARO_TWILIO_AUTH_TOKEN": TOKEN, "FARO_PUBLIC_URL": PUBLIC_URL, "FARO_SECRET": "s" * 40, "FARO_LOG_LEVEL": "ERROR"}
        if given.database:
            settings["FARO_DATABASE_URL"] = given.database
        costs = {}
        with ExitStack() as open_servers:
            port = free_port()
            floor = open_servers.enter_context(served(["-m", "benchmarks.floor", given.database or f"sqlite:///{data}/floor.sqlite3", TOKEN, PUBLIC_URL, str(port)], port))
            costs["floor"] = measured([floor], said, 10**9, None)
            row(table, "floor, as fast as it goes", costs["floor"], floor)
        with ExitStack() as open_servers:
            faros = []
            for _ in range(given.processes):
                port = free_port()
                faros.append(open_servers.enter_context(served(["-m", "bot", "serve"], port, FARO_PORT=str(port), **settings)))
            for n, faro in enumerate(faros):
                measured([faro], warm, 2 * 10**9 + n * 10**8, None)
            for n in range(1, given.processes + 1):
                unheard = [f"{text} {n}" for text in said]  # what was answered before is remembered
                costs[f"{n}"] = measured(faros[:n], unheard, 3 * 10**9 + n * 10**8, None)
                row(table, f"Faro, {n} process{'es' * (n > 1)}, as fast as it goes", costs[f"{n}"], faros[0])
            if given.rate:
                row(table, f"Faro, 1 process, {given.rate:g} a second", measured(faros[:1], [f"{text} again" for text in said], 5 * 10**9, given.rate), faros[0])
        out.print(table)
        bare, ours = costs["floor"], costs["1"]
        without = ours.each(ours.cpu - ours.encoder)
        out.print(f"Faro without the encoder {without:.2f} ms a message = {without / bare.each(bare.cpu):.1f} x the floor")
        if given.processes > 1:
            rates = [costs[str(n)].count / costs[str(n)].seconds for n in (1, given.processes)]
            out.print(f"{given.processes} processes answer {rates[1] / rates[0]:.2f} times what one does, with the load made on the same {os.cpu_count()} cores")
    finally:
        shutil.rmtree(data)


def row(table: Table, name: str, run: Run, server: Server) -> None:
    cpu, encoder, rate = f"{run.each(run.cpu):.2f}", f"{run.each(run.encoder):.2f}", f"{run.count / run.seconds:.0f}"
    table.add_row(name, str(run.count), str(run.errors), cpu, encoder, f"{run.wait(0.5):.1f}", f"{run.wait(0.99):.1f}", rate, f"{server.megabytes():.0f}")


if __name__ == "__main__":
    main()
