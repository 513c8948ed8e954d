"""Where to sleep tonight: open shelters of the county, else the nearest elsewhere; how to find one now; the county's emergency office; and MAP 1."""

from bot.directory.shelters import Found, Near, Shelter
from bot.intents import Kit, Turn, ask_county
from bot.messages import LOCAL_TIME, Contact, Effects, Language, Reply
from bot.wording.maps import map_link

INTENTS = ("shelter", "map")
MAP = "#map:"


async def answer(turn: Turn, kit: Kit) -> Reply:
    language, county = turn.language, turn.county
    if turn.intent == "map":
        return _map(turn, kit)
    if county is None or turn.found.options:
        return ask_county(turn, kit, waiting_for="shelter", lead=kit.say("shelter.find_now", language))
    found = kit.shelters.find(county, kit.now, point=turn.point)
    near = found.here or found.elsewhere
    office = kit.directory.of_county("emergency-management", county, language, kit.now).own[:1]
    short = kit.say(f"shelter.{_state(found)}", language, county=county)
    maps = tuple(_place(n.shelter) for n in near)
    after = [kit.say("shelter.map", language)] if any(maps) else []
    if near:
        after.append(kit.say("shelter.find", language))
    if not office:
        after.append(kit.say("shelter.em_unknown", language))
    after.append(kit.say("shelter.site", language))
    return Reply(
        language=language,
        intent="shelter",
        title=kit.say("shelter.title", language, county=county),
        short=short,
        body=f"{short}\n\n{kit.say('shelter.body', language)}",
        list_first=True,
        contacts=(*(_contact(number, n, county, kit, language) for number, n in enumerate(near, 1)), *office),
        after=" ".join(after),
        effects=Effects(waiting_for="shelter", maps=maps),
    )


def _state(found: Found) -> str:
    if found.here:
        return "open"
    if found.elsewhere:
        return "old_elsewhere" if found.old else "elsewhere"
    return "old" if found.old else "none_known"


def _contact(number: int, near: Near, county: str, kit: Kit, language: Language) -> Contact:
    """A shelter as it is told; what volunteers wrote of theirs comes with it."""
    shelter = near.shelter
    typed = kit.directory.line(shelter.id, language) if shelter.source == "volunteers" else None
    facts = ". ".join(_facts(near, county, kit, language))
    return Contact(
        id=shelter.id,
        kind="shelter",
        county=shelter.county,
        name=f"{number}. {typed.name if typed else shelter.name}",
        phone=shelter.phone,
        website=typed.website if typed else "",
        address=_address(shelter),
        place=_place(shelter),
        hours=typed.hours if typed else "",
        notes=f"{facts}. {typed.notes}".strip() if typed else f"{facts}.",
        as_of=shelter.as_of,
    )


def _facts(near: Near, county: str, kit: Kit, language: Language) -> list[str]:
    """Where it lies, whom it takes, and when that was known."""
    shelter, said = near.shelter, list[str]()
    where = [kit.say("shelter.in_county", language, county=shelter.county)] if shelter.county != county else []
    if near.distance is not None and near.direction:
        miles, direction = round(near.distance), kit.say(f"shelter.direction.{near.direction}", language)
        where.append(kit.say("shelter.miles" if miles > 1 else "shelter.mile", language, miles=miles, direction=direction))
    if where:
        said.append(", ".join(where))
    if shelter.pets:
        said.append(kit.say(f"shelter.pets.{shelter.pets}", language))
    if shelter.wheelchair is not None:
        said.append(kit.say(f"shelter.wheelchair.{'yes' if shelter.wheelchair else 'no'}", language))
    when = kit.words.until(shelter.as_of.astimezone(LOCAL_TIME), kit.now.astimezone(LOCAL_TIME), language)
    return [*said, kit.say("shelter.as_of", language, when=when.removesuffix("."))]


def _address(shelter: Shelter) -> str:
    return f"{shelter.address}, {shelter.city}" if shelter.address and shelter.city else shelter.address or shelter.city


def _place(shelter: Shelter) -> str:
    """What the map is asked for: the point, else the address."""
    if shelter.point:
        return f"{shelter.point[0]:.5f},{shelter.point[1]:.5f}"
    return f"{_address(shelter)}, {shelter.zip} NC" if shelter.address else ""


def _map(turn: Turn, kit: Kit) -> Reply:
    """A map of the list; of a number that it does not have, which it has."""
    if place := turn.text.removeprefix(MAP) if turn.text.startswith(MAP) else "":
        return Reply(language=turn.language, intent="map", short=kit.say("map.short", turn.language, link=map_link(place)), effects=Effects(waiting_for="shelter"))
    numbers = ", ".join(str(n) for n, choice in enumerate(turn.offered, 1) if choice.says != MAP)
    short = kit.say("map.which", turn.language, numbers=numbers) if numbers else kit.say("map.none", turn.language)
    return Reply(language=turn.language, intent="map", short=short, effects=Effects(keep_place=True))
