"""Who leads recovery here: the county's resilience coalition and long-term recovery group."""

from bot.intents import Kit, Turn, ask_county
from bot.messages import Effects, Reply

INTENTS = ("coalition",)
MOST = 4


async def answer(turn: Turn, kit: Kit) -> Reply:
    if turn.county is None or turn.found.options:
        return ask_county(turn, kit, waiting_for="coalition")
    language, county = turn.language, turn.county
    found = kit.directory.of_county("coalition", county, language, kit.now)
    if found.own:
        short = kit.say("coalition.own", language, county=county)
    else:
        short = kit.say("coalition.none", language, county=county)
        if found.neighbour:
            short += " " + kit.say("coalition.near", language, neighbour=found.neighbour)
    return Reply(
        language=language,
        intent="coalition",
        title=kit.say("coalition.title", language, county=county),
        short=short,
        contacts=(*found.own[:MOST], *found.nearby[:1], *found.statewide[:1]),
        effects=Effects(waiting_for="coalition"),
    )
