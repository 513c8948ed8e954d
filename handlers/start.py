"""The person signs up, or comes back after STOP."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Reply

INTENTS = ("start",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    return Reply(language=turn.language, intent="start", short=kit.say("start.short", turn.language), silent=turn.carrier_answers, effects=Effects(opted_out=False))
