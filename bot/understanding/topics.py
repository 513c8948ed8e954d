"""The decision: answer, offer two or three choices, or say that Faro does not know."""

from dataclasses import dataclass
from enum import StrEnum

from bot.library.pages import NONE

# Answering begins at this probability of the best intent; at this share of `none` beside it, Faro only offers, and then refuses.
# Chosen by cross-validation on the content (docs/understanding.md).
ANSWER_FROM = 0.38
OFFER_FROM = 0.12
REFUSE_FROM = 0.20


class Decision(StrEnum):
    ANSWER = "answer"
    CLARIFY = "clarify"
    NONE = "none"
    CRISIS = "crisis"


@dataclass(frozen=True, kw_only=True)
class Scored:
    intent: str
    score: float


def decide(ranked: list[Scored], none: float) -> Decision:
    """`ranked` holds intents, best first, `none` left out; `none` is the probability that the message is not ours."""
    best = ranked[0].score if ranked else 0.0
    doubt = none / (none + best) if ranked else 1.0
    if doubt >= REFUSE_FROM:
        return Decision.NONE
    return Decision.ANSWER if best >= ANSWER_FROM and doubt < OFFER_FROM else Decision.CLARIFY


def ranking(probabilities: dict[str, float]) -> list[Scored]:
    """Intents by score, best first, `none` left out."""
    return sorted((Scored(intent=i, score=s) for i, s in probabilities.items() if i != NONE), key=lambda s: -s.score)
