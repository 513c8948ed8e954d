"""Where to sleep tonight: open shelters of the county if any are known, how to find one now, the county's emergency office."""

from bot.intents import Kit, Turn, ask_county
from bot.messages import LOCAL_TIME, Effects, Reply

INTENTS = ("shelter",)
MOST = 3


async def answer(turn: Turn, kit: Kit) -> Reply:
    language, county = turn.language, turn.county
    if county is None or turn.found.options:
        return ask_county(turn, kit, waiting_for="shelter", lead=kit.say("shelter.find_now", language))
    shelters = kit.directory.of_county("shelter", county, language, kit.now).own[:MOST]
    office = kit.directory.of_county("emergency-management", county, language, kit.now).own[:1]
    if shelters:
        oldest = min(s.as_of or kit.now for s in shelters).astimezone(LOCAL_TIME)
        short = kit.say("shelter.open", language, county=county, when=kit.words.hour(oldest, language))
        after = [kit.say("shelter.find", language)]
    else:
        short, after = kit.say("shelter.none_known", language, county=county), []
    if not office:
        after.append(kit.say("shelter.em_unknown", language))
    after.append(kit.say("shelter.site", language))
    return Reply(
        language=language,
        intent="shelter",
        title=kit.say("shelter.title", language, county=county),
        short=short,
        body=f"{short}\n\n{kit.say('shelter.body', language)}",
        contacts=(*shelters, *office),
        after=" ".join(after),
        effects=Effects(waiting_for="shelter"),
    )
