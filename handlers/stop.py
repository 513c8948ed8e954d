"""The person wants no more messages. Where the carrier answers for us, Faro only remembers."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Reply

INTENTS = ("stop",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    return Reply(language=turn.language, intent="stop", short=kit.say("stop.short", turn.language), silent=turn.carrier_answers, effects=Effects(opted_out=True))
