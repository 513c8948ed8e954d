"""The contacts of a county as the public API gives them; shelters from every source."""

from collections.abc import Iterator
from typing import Literal

from bot.channels.api_forms import ContactOut
from bot.directory.rows import STATEWIDE
from bot.directory.shelters import Shelter
from bot.intents import Kit
from bot.messages import Contact, Language

MOST_SHELTERS = 100
Serves = Literal["county", "neighbor", "statewide"]


def of_county(kit: Kit, kind: str, county: str, language: Language) -> Iterator[ContactOut]:
    if kind == "shelter":
        yield from _shelters(kit, county, language)
        return
    found = kit.directory.of_county(kind, county, language, kit.now)
    yield from (_contact(one, "county") for one in found.own)
    yield from (_contact(one, "neighbor") for one in found.nearby)
    yield from (_contact(one, "statewide") for one in found.statewide)


def _shelters(kit: Kit, county: str, language: Language) -> Iterator[ContactOut]:
    """What a volunteer typed says more than the list does: notes, hours."""
    found = kit.shelters.find(county, kit.now, most=MOST_SHELTERS)
    for near in (*found.here, *found.elsewhere):
        serves: Serves = "county" if near.shelter.county == county else "neighbor"
        typed = kit.directory.line(near.shelter.id, language)
        yield _contact(typed, serves) if typed else _listed(near.shelter, serves)


def _contact(contact: Contact, serves: Serves) -> ContactOut:
    return ContactOut.model_validate({**vars(contact), "serves": serves, "county": "" if contact.county == STATEWIDE else contact.county})


def _listed(shelter: Shelter, serves: Serves) -> ContactOut:
    address = ", ".join(part for part in (shelter.address, shelter.city, shelter.zip) if part)
    return _contact(Contact(id=shelter.id, kind="shelter", county=shelter.county, name=shelter.name, phone=shelter.phone, address=address, as_of=shelter.as_of), serves)
