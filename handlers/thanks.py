"""Thanks and goodbye."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Reply

INTENTS = ("thanks",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    return Reply(language=turn.language, intent="thanks", short=kit.say("thanks.short", turn.language), effects=Effects(keep_place=True))
