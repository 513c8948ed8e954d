"""What a change of the content costs those who ask while it is read: a real Faro over the real content, asked without a pause through its SMS door.

    python benchmarks/reload.py [--rounds 3] [--cache data/cache]

The machine may be busy with other things, which makes every answer wait now and then. So beside the time waited stands the processor time that Faro itself used meanwhile: what the reading thread takes
from an answer is in it, what other processes take is not.

Each round: nothing happens (the floor, ten seconds); a page's short answer is changed until the new one is given; a question is added until it is understood, in two parts: while it is learnt
(until the new model lies on disk), and while the model is loaded (until a second after the first answer of it). `--cache` is where a model of this content lies already; without one the start takes a minute.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import clock_gettime, monotonic, perf_counter, sleep
from typing import NamedTuple

import httpx
from twilio.request_validator import RequestValidator

ROOT = Path(__file__).resolve().parent.parent
TOKEN, PUBLIC_URL, PATH = "a token of the benchmark", "https://faro.example.org", "/twilio/messages"
PAGE, FLOOR, AFTER, PATIENCE = "sleep", 10.0, 1.0, 600.0
# A number in each makes it new to Faro; the last two are asked again and again, and tell when a change is live.
QUESTIONS = (
    "where is a shelter in Wake county, we are {n} people",
    "mi hijo de {n} anos no quiere comer desde el huracan",
    "insurance will not pay for my roof, claim {n}",
    "donde hay un grupo de apoyo cerca de 28801, somos {n}",
    "it has been {n} days and i am angry all the time",
)
KEYWORD, NEW = "insomnia", "xqzvkw jjqrtp {round}"


class Took(NamedTuple):
    """What one answer took, in milliseconds."""

    waited: float
    worked: float


class Asker:
    """One who asks, each time as another person, and notes what each answer took."""

    def __init__(self, url: str, faro: int) -> None:
        self._clock = (~faro << 3) | 2  # Linux: the processor time of the process of that number
        self._client = httpx.Client(base_url=url, timeout=60)
        self._validator = RequestValidator(TOKEN)
        self._numbers = count(1)
        self._took: list[Took] = []

    def ask(self, text: str) -> str:
        n = next(self._numbers)
        form = {"MessageSid": f"SM{n:032d}", "From": f"+1919{5550000 + n:07d}", "To": "+19195550100", "NumMedia": "0", "Body": text.format(n=n)}
        signature = self._validator.compute_signature(f"{PUBLIC_URL}{PATH}", form)
        begun, used = perf_counter(), clock_gettime(self._clock)
        answer = self._client.post(PATH, data=form, headers={"x-twilio-signature": signature})
        self._took.append(Took(1000 * (perf_counter() - begun), 1000 * (clock_gettime(self._clock) - used)))
        return answer.raise_for_status().text

    def until(self, done: Callable[[str], bool], telling: str = KEYWORD) -> float:
        """Asks this and that, and each second time what tells; the seconds until its answer is right."""
        begun = monotonic()
        for text in (QUESTIONS[n % len(QUESTIONS)] for n in count()):
            self.ask(text)
            if done(self.ask(telling)):
                return monotonic() - begun
            if monotonic() - begun > PATIENCE:
                raise SystemExit(f"not live after {PATIENCE:.0f} s")
        raise AssertionError

    def during(self, seconds: float) -> None:
        end = monotonic() + seconds
        self.until(lambda _: monotonic() > end)

    def since_then(self) -> list[Took]:
        """What the answers took since this was asked before."""
        took, self._took = self._took, []
        return took


def round_of(n: int, folder: Path, asker: Asker, phases: dict[str, list[list[Took]]]) -> tuple[float, float]:
    """One round; the seconds until the page was live, and until the question was understood."""

    def phase(name: str) -> None:
        phases[name].append(asker.since_then())

    page, questions = folder / f"content/en/coping/{PAGE}.md", folder / f"content/en/coping/{PAGE}.questions.txt"
    asker.during(FLOOR)
    phase("floor")
    page.write_text(page.read_text().replace("sms: >\n", f"sms: >\n  Change {n}.\n", 1))
    page_live = asker.until(lambda answer: f"Change {n}." in answer)
    asker.during(AFTER)
    phase("page changed")
    before = {*(folder / "data/cache").glob("model-*.npz")}
    with questions.open("a") as file:
        file.write(NEW.format(round=n) + "\n")
    begun = monotonic()
    asker.until(lambda _: any(not model.name.endswith(".part.npz") for model in {*(folder / "data/cache").glob("model-*.npz")} - before))
    phase("questions learnt")
    asker.until(lambda answer: f"Change {n}." in answer, NEW.format(round=n))
    understood = monotonic() - begun
    asker.during(AFTER)
    phase("model loaded")
    return page_live, understood


@contextmanager
def served(folder: Path, cache: Path | None) -> Iterator[tuple[str, int]]:
    """A Faro of its own over a copy of the content; its address and its process."""
    shutil.copytree(ROOT / "content", folder / "content")
    if cache:
        shutil.copytree(cache, folder / "data/cache")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"FARO_DATA": str(folder / "data"), "FARO_CONTENT": str(folder / "content"), "FARO_PORT": str(port), "FARO_TWILIO_AUTH_TOKEN": TOKEN, "FARO_PUBLIC_URL": PUBLIC_URL}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", **settings}
    process = subprocess.Popen([sys.executable, "-m", "bot", "serve"], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        while not ready(url):
            if process.poll() is not None:
                raise SystemExit("Faro did not start")
            sleep(0.2)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(20)


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready").status_code == 200
    except httpx.TransportError:
        return False


def told(phases: dict[str, list[list[Took]]]) -> None:
    for clock, what in enumerate(("waited", "processor time of Faro")):
        print(f"\n| {what} | answers | median | p99 | slowest | slowest, more than in the floor | slowest of each round |\n|" + " --- |" * 7)
        quiet = max(took[clock] for one in phases["floor"] for took in one)
        for name, rounds in phases.items():
            sizes = sorted(took[clock] for one in rounds for took in one)
            each = ", ".join(f"{max(took[clock] for took in one):.0f}" for one in rounds)
            print(f"| {name} | {len(sizes)} | {statistics.median(sizes):.1f} ms | {sizes[int(0.99 * len(sizes))]:.1f} ms | {sizes[-1]:.1f} ms | {sizes[-1] - quiet:+.1f} ms | {each} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", type=Path)
    given = parser.parse_args()
    phases: dict[str, list[list[Took]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary, served(Path(temporary), given.cache) as faro:
        asker = Asker(*faro)
        asker.during(2)
        asker.since_then()
        live = [round_of(n, Path(temporary), asker, phases) for n in range(given.rounds)]
    told(phases)
    print("page live after      " + ", ".join(f"{page:.2f} s" for page, _ in live))
    print("questions live after " + ", ".join(f"{questions:.1f} s" for _, questions in live))


if __name__ == "__main__":
    main()
