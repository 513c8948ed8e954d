"""'No' to a question of Faro's: nothing is done, and the question is closed."""

from bot.intents import Kit, Turn
from bot.messages import Reply

INTENTS = ("no",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    return Reply(language=turn.language, intent="no", short=kit.say("no.short", turn.language))
