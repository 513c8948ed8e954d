"""What a call takes: wall, this process's CPU, the database's."""

import os
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Times:
    """Of many calls: wall and this process's CPU, in milliseconds."""

    wall: Sequence[float]
    cpu: Sequence[float]
    server: float | None = None  # the database's CPU, the mean

    def __str__(self) -> str:
        worst = sorted(self.wall)[int(0.99 * len(self.wall))]
        served = "" if self.server is None else f", database's mean {self.server:7.3f} ms"
        return f"wall median {statistics.median(self.wall):8.3f} ms, 99 % {worst:8.3f} ms; CPU median {statistics.median(self.cpu):7.3f} ms{served}"


async def timed(works: Sequence[Callable[[], Awaitable[object]]], server: Callable[[], float] | None = None) -> Times:
    wall, cpu, before = [], [], server() if server else 0.0
    for work in works:
        begun, used = time.perf_counter(), time.process_time()
        await work()
        wall.append((time.perf_counter() - begun) * 1000)
        cpu.append((time.process_time() - used) * 1000)
    return Times(wall=wall, cpu=cpu, server=(server() - before) / len(works) * 1000 if server else None)


def megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def say(what: str, told: object) -> None:
    print(f"{what:<58} {told}", flush=True)
