"""People who meet to talk about what happened: the county's groups, the nearest ones, the lines of the whole State."""

from bot.intents import Kit, Turn, ask_county
from bot.messages import Effects, Reply

INTENTS = ("support-group",)
MOST = 4


async def answer(turn: Turn, kit: Kit) -> Reply:
    if turn.county is None or turn.found.options:
        return ask_county(turn, kit, waiting_for="support-group")
    language, county = turn.language, turn.county
    found = kit.directory.of_county("support-group", county, language, kit.now)
    warmline = kit.directory.line("peer_warmline", language)
    line = f"{warmline.name} {warmline.phone}" if warmline else "211"
    if found.own:
        short = kit.say("group.own", language, county=county)
    else:
        short = kit.say("group.none", language, county=county, line=line)
        if found.neighbour:
            short += " " + kit.say("group.near", language, neighbour=found.neighbour)
    statewide = () if len(found.own) >= MOST else found.statewide
    return Reply(
        language=language,
        intent="support-group",
        title=kit.say("group.title", language, county=county),
        short=short,
        contacts=tuple([*found.own, *found.nearby[:2], *statewide][: MOST + 2]),
        after=kit.say("group.after", language),
        effects=Effects(waiting_for="support-group"),
    )
