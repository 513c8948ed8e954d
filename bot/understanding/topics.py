"""The decision: answer, offer two or three choices, or say that Faro does not know."""

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bot.library.pages import NONE
from bot.understanding.commands import COMMANDS
from bot.understanding.features import Rows
from bot.understanding.model import Model
from bot.understanding.normalise import unaccented

# Answering begins at this probability of the best intent. Refusing begins at a share of `none` beside the best intent that is found
# by holding questions back: so high that of those that are ours this part is refused. From a part of it on, Faro only offers.
ANSWER_FROM = 0.5
REFUSED_OF_OURS = 0.08
OFFER_BELOW = 0.6
LOWEST, HIGHEST, UNKNOWN = 0.005, 0.5, 0.2
# So many examples are enough to find it.
MOST_EXAMPLES, FOLDS = 8_000, 5


class Decision(StrEnum):
    ANSWER = "answer"
    CLARIFY = "clarify"
    NONE = "none"
    CRISIS = "crisis"


@dataclass(frozen=True, kw_only=True)
class Scored:
    intent: str
    score: float


# Orders to the bot, when they are not said in so many words, want a surer model: a wrong one is not a page that helps a little.
ORDERS = frozenset(COMMANDS) - {"human", "privacy", "feedback"}
ORDER_FROM = 0.8
# Nobody is unsubscribed by a guess: the words must speak of messages, lists or stopping.
OPT_OUT = re.compile(
    r"\b(stop|unsub|text|messag|msg|mensaj|escrib|list|number|numero|remove|baja|opt|quit|cancel|contact|mand|envi|notif|alert|sms|spam|block|bloque|suscri|subscri|phone|telefono|saque|quit[ea]|borr|molest|bother)",
    re.IGNORECASE,
)


def trusted(text: str, ranked: list[Scored]) -> list[Scored]:
    """The ranking without an opt-out that the words do not bear out."""
    return ranked if OPT_OUT.search(unaccented(text)) else [s for s in ranked if s.intent != "stop"]


def decide(ranked: list[Scored], none: float, refuse_from: float) -> Decision:
    """`ranked` holds intents, best first, `none` left out; `none` is the probability that the message is not ours."""
    best = ranked[0].score if ranked else 0.0
    doubt = none / (none + best) if ranked else 1.0
    if doubt >= refuse_from:
        return Decision.NONE
    enough = ORDER_FROM if ranked[0].intent in ORDERS else ANSWER_FROM
    return Decision.ANSWER if best >= enough and doubt < OFFER_BELOW * refuse_from else Decision.CLARIFY


# Two things are asked when a joining word stands between them and both intents are likely; the more urgent is answered first.
JOINED = re.compile(r"\b(and|y|e|also|plus|tambien|también|ademas|además)\b|[,;&+]", re.IGNORECASE)
BOTH_LIKELY, SECOND_LIKELY = 0.7, 0.18
URGENT = ("evacuate", "shelter", "medicine", "safe-water", "find-person", "calm-now", "power-outage", "food", "pets")


def in_order(text: str, ranked: list[Scored]) -> tuple[Scored, Scored | None]:
    """What to answer and, when two things are asked in one message, what to offer beside it."""
    if len(ranked) < 2 or not JOINED.search(text):
        return ranked[0], None
    first, second = ranked[:2]
    if second.score < SECOND_LIKELY or first.score + second.score < BOTH_LIKELY:
        return first, None
    urgency = {intent: n for n, intent in enumerate(URGENT)}
    if urgency.get(second.intent, len(URGENT)) < urgency.get(first.intent, len(URGENT)):
        first, second = second, first
    return first, second


def refusal(rows: Rows, labels: list[str]) -> float:
    """The share of `none` from which to refuse, found on a part of the examples that a smaller model has not seen."""
    step = max(1, len(labels) // MOST_EXAMPLES)
    chosen = np.arange(0, len(labels), step)
    held = np.arange(len(chosen)) % FOLDS == 0
    y = np.array(labels)
    seen = y[chosen[~held]].tolist()
    if NONE not in seen or len(set(seen)) < 2:
        return UNKNOWN
    model = Model.learn(rows[chosen[~held]], seen)
    probabilities = np.exp(model.all_logs(rows[chosen[held]]))
    at = model.labels.index(NONE)
    none, best = probabilities[:, at], np.delete(probabilities, at, axis=1).max(axis=1)
    ours = y[chosen[held]] != NONE
    doubt = (none / (none + best))[ours]
    return float(np.clip(np.quantile(doubt, 1 - REFUSED_OF_OURS), LOWEST, HIGHEST))


def ranking(probabilities: dict[str, float]) -> list[Scored]:
    """Intents by score, best first, `none` left out."""
    return sorted((Scored(intent=i, score=s) for i, s in probabilities.items() if i != NONE), key=lambda s: -s.score)
