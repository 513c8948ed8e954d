"""The person says where they are, or wants to change it."""

from bot.intents import Kit, Turn, ask_county
from bot.messages import Effects, Reply

INTENTS = ("county",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    if turn.found.options or not turn.found.county:
        return ask_county(turn, kit, waiting_for="county")
    county = turn.found.county
    text = kit.say("county.noted", turn.language, county=county)
    return Reply(language=turn.language, intent="county", short=f"{text} {kit.say('county.next', turn.language)}", effects=Effects(county=county))
