"""Hello: who Faro is and what to write."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Reply

INTENTS = ("greeting",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    return Reply(language=turn.language, intent="greeting", short=kit.say("greeting.short", turn.language), effects=Effects(keep_place=True))
