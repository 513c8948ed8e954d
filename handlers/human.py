"""A person to talk to: 211, the distress line, and the county's own lines; a volunteer, when one is on duty."""

from bot.intents import ASK_VOLUNTEER, Kit, Turn, volunteer
from bot.messages import Contact, Effects, Reply

INTENTS = ("human",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    asked, short = turn.text == ASK_VOLUNTEER, kit.say("human.short", turn.language)
    if asked and turn.volunteers:
        return Reply(language=turn.language, intent="human", short=short, effects=Effects(hand_over=True))
    if asked:
        return Reply(language=turn.language, intent="human", short=f"{kit.say('human.nobody', turn.language)} {short}")
    contacts: list[Contact] = []
    if turn.county:
        for kind in ("mental-health", "emergency-management"):
            contacts += kit.directory.of_county(kind, turn.county, turn.language, kit.now).own[:1]
    # A question that Faro could not answer stays the last one that was asked.
    missed = Effects(waiting_for=turn.waiting_for if turn.waiting_for == "none" else None)
    return Reply(language=turn.language, intent="human", short=short, contacts=tuple(contacts), choices=volunteer(turn, kit), effects=missed)
