"""The rest of the last answer. What is left was kept already fitted; here it is only handed on."""

from bot.intents import Kit, Turn
from bot.messages import Reply

INTENTS = ("more",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    text = turn.rest or kit.say("more.nothing", turn.language)
    return Reply(language=turn.language, intent="more", short=text)
