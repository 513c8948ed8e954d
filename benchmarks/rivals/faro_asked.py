"""Faro, asked as the rivals beside this file are, and served as it always is.

learn WORK | ask WORK | serve WORK CUTOFF PORT | poll WORK CUTOFF API TOKEN PORT (Faro has its own cutoff)
"""

import json
import os
import sys
import time
from pathlib import Path

from bot.geo.tables import load_gazetteer
from bot.library.reading import read_library
from bot.understanding.understander import Understander, Understanding, build_understander

NONE = "none"
SERVED = ["-m", "bot", "serve"]


def built(work: Path) -> Understander:
    return build_understander(read_library(work / "content"), load_gazetteer(), work / "faro" / "cache")


def as_line(u: Understanding) -> dict[str, object]:
    """`none` when Faro answers nothing: it refuses, or it offers choices."""
    answered = u.decision.value in ("answer", "crisis")
    return {
        "intent": u.intent if answered else NONE,
        "offered": [s.intent for s in u.alternatives] if u.decision.value == "clarify" else [],
        "best": u.intent if answered else u.alternatives[0].intent,
        "language": u.language,
        "county": u.found.county,
        "crisis": u.crisis.kind.value if u.crisis else None,
    }


def ask(work: Path) -> None:
    understander = built(work)
    for line in sys.stdin:
        text = json.loads(line)["text"]
        wall, cpu = time.perf_counter(), time.process_time()
        understood = understander.understand(text)
        took = {"ms": 1000 * (time.perf_counter() - wall), "cpu": 1000 * (time.process_time() - cpu)}
        print(json.dumps({**as_line(understood), **took}), flush=True)


def serve(work: Path, **settings: str) -> None:
    """`faro serve` in the place of this process, with a new database."""
    given = {"FARO_CONTENT": str(work / "content"), "FARO_DATA": str(work / "faro"), "FARO_SECRET": "a secret of the benchmark, long enough for a key"}
    os.execve(sys.executable, [sys.executable, *SERVED], {**os.environ, **given, **settings})


def main() -> None:
    order, work, *more = sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]
    if order == "learn":
        (work / "faro" / "cache").mkdir(parents=True, exist_ok=True)
        built(work)
    elif order == "ask":
        ask(work)
    elif order == "serve":
        serve(work, FARO_PORT=more[1])
    else:
        serve(work, FARO_PORT=more[3], FARO_TELEGRAM_API_URL=more[1], FARO_TELEGRAM_TOKEN=more[2], FARO_TELEGRAM_MODE="polling")


if __name__ == "__main__":
    main()
