"""Nothing fits: Faro says so, gives 211 and the menu, and keeps the question for the volunteers."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Reply

INTENTS = ("none",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    if turn.outside:
        return Reply(language=turn.language, intent="none", short=kit.say("ask.outside", turn.language))
    said = any(c.isalnum() for c in turn.text)
    key = "none.short" if said else "none.media" if turn.media else "none.empty"
    return Reply(language=turn.language, intent="none", short=kit.say(key, turn.language), effects=Effects(unanswered=said, keep_place=not said))
