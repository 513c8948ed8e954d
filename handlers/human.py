"""A person to talk to: 211, the distress line, and the county's own lines."""

from bot.intents import Kit, Turn
from bot.messages import Contact, Reply

INTENTS = ("human",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    contacts: list[Contact] = []
    if turn.county:
        for kind in ("mental-health", "emergency-management"):
            contacts += kit.directory.of_county(kind, turn.county, turn.language, kit.now).own[:1]
    return Reply(language=turn.language, intent="human", short=kit.say("human.short", turn.language), contacts=tuple(contacts))
