"""The decision: answer, offer two or three choices, or say that Faro does not know."""

import re
from dataclasses import dataclass
from enum import StrEnum
from heapq import nlargest
from operator import itemgetter

from bot.library.pages import NONE
from bot.understanding.commands import COMMANDS
from bot.understanding.normalise import unaccented

# Answering begins at this probability of the best intent. Refusing begins at a share of `none` beside the best intent, which is learnt
# (training.py). From a part of it on, Faro only offers.
ANSWER_FROM = 0.5
OFFER_BELOW = 0.6
# So many are looked at: three that are offered, and some that may be taken out of them.
RANKED = 6


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


# 'stop it', 'make it stop', 'cancel my hotel' speak of none of these: then it is offered, and done only when it is picked.
OF_MESSAGES = re.compile(
    r"\b(uns?ub|unsc|unenrol|subscri|suscri|opt\w*[ -]?(me )?out|te?xt|mess?ag|msg|mensaj|escrib|list[as]?\b|number|numero|contact|notif|alert|sms|spam|phone|telefono|celular|baja\b|block you|bloque"
    r"|(remove|delete|unlist|take|get|drop|let|leave|scratch|quit[ea]n?|saquen?|borren?) ?(me|us|nos|off|this)\b|me (mand|envi|molest))",
    re.IGNORECASE,
)


def trusted(text: str, ranked: list[Scored]) -> list[Scored]:
    """The ranking without an opt-out that the words do not bear out."""
    return ranked if OPT_OUT.search(unaccented(text)) else [s for s in ranked if s.intent != "stop"]


def borne_out(intent: str, text: str) -> bool:
    """Whether the words are enough to do what the model alone takes for an order: to unsubscribe, they must speak of messages."""
    return intent != "stop" or OF_MESSAGES.search(unaccented(text)) is not None


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


def ranking(probabilities: dict[str, float]) -> list[Scored]:
    """The best intents by score, best first, `none` left out."""
    best = nlargest(RANKED, (one for one in probabilities.items() if one[0] != NONE), key=itemgetter(1))
    return [Scored(intent=intent, score=score) for intent, score in best]
