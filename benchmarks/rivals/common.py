"""What the rivals written in Python share: what they are taught, and being asked line by line. Imports nothing of Faro's."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NONE = "none"
UNKNOWN = "Sorry, I do not know that. / Perdone, eso no lo sé."


@dataclass(frozen=True, kw_only=True)
class Guess:
    """The nearest of the intents that are ours, and how sure; `ours` is False when the message is nearer to what is not ours."""

    intent: str
    language: str
    score: float
    ours: bool


def taught(work: Path) -> list[dict[str, str]]:
    return json.loads((work / "taught.json").read_text(encoding="utf-8"))["questions"]


def answers(work: Path) -> dict[str, dict[str, str]]:
    return json.loads((work / "taught.json").read_text(encoding="utf-8"))["answers"]


def text_of(said: Guess, cutoff: float, texts: dict[str, dict[str, str]]) -> str:
    """What the bot writes."""
    return texts[said.language][said.intent] if said.ours and said.score >= cutoff else UNKNOWN


def asked_line_by_line(guess: Callable[[str], Guess]) -> None:
    """A JSON line in, a JSON line out, with what it cost. The cutoff is chosen by who asks."""
    guess("warm")
    for line in sys.stdin:
        text = json.loads(line)["text"]
        wall, cpu = time.perf_counter(), time.process_time()
        said = guess(text)
        took: dict[str, Any] = {"ms": 1000 * (time.perf_counter() - wall), "cpu": 1000 * (time.process_time() - cpu)}
        print(json.dumps({"best": said.intent, "score": said.score if said.ours else 0.0, "language": said.language, **took}), flush=True)
