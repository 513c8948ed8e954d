"""Nothing fits: Faro says so, gives 211 and the menu, and keeps the question for the volunteers. The second time in a row one of them may be asked."""

from bot.intents import Kit, Turn, volunteer
from bot.messages import Effects, Reply

INTENTS = ("none",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    if turn.outside:
        return Reply(language=turn.language, intent="none", short=kit.say("ask.outside", turn.language), effects=Effects(keep_place=True))
    said = any(c.isalnum() for c in turn.text)
    key = "none.short" if said else "none.media" if turn.media else "none.empty"
    twice = said and turn.waiting_for == "none"
    effects = Effects(unanswered=said, keep_place=not said, waiting_for="none")
    return Reply(language=turn.language, intent="none", short=kit.say(key, turn.language), choices=volunteer(turn, kit) if twice else (), effects=effects)
