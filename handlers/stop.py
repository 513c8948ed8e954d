"""The person wants no more messages. Where the carrier answers for us, Faro only remembers."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Reply
from bot.understanding.commands import BY_CARRIER

INTENTS = ("stop",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    effects = Effects(opted_out=True, waiting_for=BY_CARRIER if turn.carrier_answers else None)
    return Reply(language=turn.language, intent="stop", short=kit.say("stop.short", turn.language), silent=turn.carrier_answers, effects=effects)
