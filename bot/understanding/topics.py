"""The decision: answer, offer two or three choices, or say that Faro does not know."""

from dataclasses import dataclass
from enum import StrEnum

from bot.library.pages import NONE


class Decision(StrEnum):
    ANSWER = "answer"
    CLARIFY = "clarify"
    NONE = "none"
    CRISIS = "crisis"


@dataclass(frozen=True, kw_only=True)
class Scored:
    intent: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Where answering begins (probability of the best intent), and where refusing does (probability of `none`)."""

    answer: float = 0.40
    refuse: float = 0.50
    guess: float = 0.12


def decide(ranked: list[Scored], none: float, at: Thresholds) -> Decision:
    """`ranked` holds intents, best first, `none` left out."""
    best = ranked[0].score if ranked else 0.0
    if not ranked or none >= at.refuse or (none > best and best < at.guess):
        return Decision.NONE
    if best >= at.answer and best > none:
        return Decision.ANSWER
    return Decision.CLARIFY if best >= at.guess else Decision.NONE


def ranking(probabilities: dict[str, float]) -> list[Scored]:
    """Intents by score, best first, `none` left out."""
    return sorted((Scored(intent=i, score=s) for i, s in probabilities.items() if i != NONE), key=lambda s: -s.score)
