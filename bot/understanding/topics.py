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
    """Where answering begins (probability of the best intent) and where refusing does (`none` beside the best intent)."""

    answer: float = 0.42
    refuse: float = 0.17


def decide(ranked: list[Scored], none: float, at: Thresholds) -> Decision:
    """`ranked` holds intents, best first, `none` left out."""
    best = ranked[0].score if ranked else 0.0
    if not ranked or none / (none + best) >= at.refuse:
        return Decision.NONE
    return Decision.ANSWER if best >= at.answer else Decision.CLARIFY


def ranking(probabilities: dict[str, float]) -> list[Scored]:
    """Intents by score, best first, `none` left out."""
    return sorted((Scored(intent=i, score=s) for i, s in probabilities.items() if i != NONE), key=lambda s: -s.score)
