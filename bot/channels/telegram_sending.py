"""How an answer goes out to Telegram: what may be pressed under it, and how long it is tried."""

import asyncio
from collections.abc import Awaitable, Callable
from random import random

from prometheus_client import Counter
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, KeyboardButton, ReplyKeyboardMarkup, ReplyKeyboardRemove
from telegram.error import BadRequest, Forbidden, NetworkError

from bot.wording.catalog import Words
from bot.wording.fitting import Fitted

LONGEST_CALLBACK = 64
# Pauses between tries, in seconds.
FIRST_PAUSE, LONGEST_PAUSE, TRIES = 1.0, 30.0, 6
CUT = Counter("faro_telegram_cut", "Sends to Telegram that failed on the way: each may have been delivered all the same")
Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove


def markup(answer: Fitted, words: Words, *, private: bool, last: bool) -> Markup | None:
    """What may be pressed under a text. A message carries one keyboard only, so the one that asked for a place is taken away with the next text that has no buttons."""
    if last and (keys := buttons(answer, words)):
        return InlineKeyboardMarkup(keys)
    if not private:
        return None
    if last and answer.ask_location:
        label = words.say("telegram.share_location", answer.language)
        return ReplyKeyboardMarkup([[KeyboardButton(label, request_location=True)]], resize_keyboard=True, one_time_keyboard=True)
    return ReplyKeyboardRemove()


def buttons(answer: Fitted, words: Words) -> list[list[InlineKeyboardButton]]:
    """One below the other what may be chosen; last, side by side, whether it was useful. Each says all that is needed, so old ones work."""
    keys = [[InlineKeyboardButton(c.label, callback_data=c.says[:LONGEST_CALLBACK])] for c in answer.choices]
    if answer.rateable:
        yes, no = (words.say(key, answer.language) for key in ("rating.yes", "rating.no"))
        keys.append([InlineKeyboardButton(label, callback_data=f"#useful:{said}:{answer.intent}") for label, said in ((yes, "yes"), (no, "no"))])
    return keys


async def patiently(send: Callable[[], Awaitable[object]]) -> None:
    """Sends, and tries again when the network failed. When the line was cut after Telegram had it, that says it twice: those are counted."""
    for n in range(TRIES):
        try:
            await send()
            return
        except (BadRequest, Forbidden):
            raise
        except NetworkError:
            CUT.inc()
            if n == TRIES - 1:
                raise
            await asyncio.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2**n) * (0.5 + random()))  # noqa: S311  jitter, no secret
