"""One contact as one service of HSDS, and one service as a contact. What HSDS has no place for travels as attributes, so that our own contacts come back as they were."""

import html
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid5

from bot.directory.contact_rules import cleaned
from bot.directory.rows import STATEWIDE, Row
from bot.geo.tables import County
from bot.standards.columns import KNOWN
from bot.standards.hours import in_words, schedule
from bot.standards.package import Entity

# Every id of ours is made from this and the row's own id: the same contact has the same id in every export, of every Faro.
NAMESPACE: Final = UUID("5f2a6c1e-8d0b-4b7e-9a43-6c1f0e2d7b90")
LONGEST_NOTES: Final = 300
LANGUAGES: Final = {"en": "English", "es": "Spanish"}
_CODES: Final = {"eng": "en", "spa": "es", "english": "en", "spanish": "es", "espanol": "es", "español": "es"}
_ADDRESS = re.compile(r"(?P<street>.+), (?P<city>[^,]+), NC (?P<zip>\d{5}(?:-\d{4})?)")
_MARKUP = re.compile(r"<[^<>]*>")
_SITE = re.compile(r"^[\w-]+(?:\.[\w-]+)+(?:/\S*)?$")
_UNSAID: Final = frozenset(("county", "confidence", "source", "id"))


def uuid(*parts: str) -> str:
    return str(uuid5(NAMESPACE, "/".join(parts)))


TAXONOMY: Final[Entity] = {
    "id": uuid("taxonomy"),
    "name": "Faro contact tables",
    "description": "What Faro's contact tables hold that HSDS has no field for: the kind of a contact, and columns by their name.",
}


def service_of(row: Row, counties: Mapping[str, County]) -> Entity:
    """A row as a nested service."""
    id_ = uuid("service", row["id"])
    giver = row["organization"] or row["name"]
    service: Entity = {
        "id": id_,
        "name": row["name"],
        "alternate_name": row["name_es"],
        "description": row["notes"],
        "url": row["website"],
        "email": row["email"],
        "status": "active",
        "assured_date": row["checked"] if _is_day(row["checked"]) else "",
        "organization": {"id": uuid("organization", giver), "name": giver, "description": f"{giver}, as Faro's contact tables name it."},
        "phones": [
            {"id": uuid("phone", row["id"], column), **_number(row[column]), "type": "text" if column == "text" else "voice", "description": _MEANT.get(column, "")}
            for column in ("phone", "text", "member_phone")
            if row[column]
        ],
        "languages": [{"id": uuid("language", row["id"], code), "name": LANGUAGES.get(code, code), "code": code} for code in row["languages"].split(";") if code],
        "schedules": [{"id": uuid("schedule", row["id"]), **schedule(row["hours"])}] if row["hours"] else [],
        "service_areas": [_area(row, counties)],
        "service_at_locations": [_place(row)] if row["address"] else [],
    }
    service = {name: value for name, value in service.items() if value}
    plain = plain_values(service)
    told = {column: row[column] for column in KNOWN if column in _UNSAID - {"county"} or row[column] != plain.get(column, "")}
    kind = _attribute(id_, "kind", f"kind.{row.kind}", row.kind)
    return service | {"attributes": [kind, *(_attribute(id_, "column", f"column.{column}", value) for column, value in told.items() if column != "county")]}


_MEANT: Final = {"member_phone": "For members of the health plan."}


def _attribute(of: str, type_: str, code: str, value: str) -> Entity:
    term = {"id": uuid("term", code), "code": code, "name": code.partition(".")[2] or code, "description": f"Faro: {code.replace('.', ' ')}", "taxonomy_detail": TAXONOMY}
    return {"id": uuid("attribute", of, code), "link_type": type_, "value": value, "taxonomy_term": term}


def _area(row: Row, counties: Mapping[str, County]) -> Entity:
    id_ = uuid("area", row["id"])
    if row.county == STATEWIDE or row.county not in counties:
        name, fips = "North Carolina", "37"
    else:
        name, fips = f"{row.county} County, North Carolina", counties[row.county].fips
    return {"id": id_, "name": name, "extent": f"FIPS {fips}", "extent_type": "text", "attributes": [_attribute(id_, "fips", "fips", fips)]}


def _place(row: Row) -> Entity:
    """Where it is. An address without its ZIP code is no address of HSDS: it stands in the description."""
    location: Entity = {"id": uuid("location", row["id"]), "location_type": "physical", "name": row["name"], "description": row["address"]}
    if m := _ADDRESS.fullmatch(row["address"]):
        where = {"address_1": m["street"], "city": m["city"], "state_province": "NC", "postal_code": m["zip"], "country": "US", "address_type": "physical"}
        location |= {"addresses": [{"id": uuid("address", row["id"]), **where}]}
    return {"id": uuid("at", row["id"]), "location": location}


def _number(number: str) -> Entity:
    main, _, extension = number.partition(" x")
    return {"number": main, "extension": int(extension)} if extension.isascii() and extension.isdigit() and not extension.startswith("0") else {"number": number}


def text(entity: Entity, name: str) -> str:
    """A value as one line, whatever type it came in; nothing of a list or an object."""
    value = entity.get(name)
    return cleaned(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def held(entity: Entity, name: str) -> Entity:
    value = entity.get(name)
    return value if isinstance(value, dict) else {}


def listed(entity: Entity, name: str) -> list[Entity]:
    value = entity.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def places(service: Entity) -> list[Entity]:
    return [location for at in listed(service, "service_at_locations") if (location := held(at, "location"))]


def own_values(service: Entity) -> dict[str, str]:
    """What our own attributes say: the kind under 'kind.', and columns by name. Empty for a service that is not ours."""
    found = {}
    for one in listed(service, "attributes"):
        term = held(one, "taxonomy_term")
        code = text(term, "code")
        ours = TAXONOMY["id"] in (text(term, "taxonomy_id"), text(held(term, "taxonomy_detail"), "id"))
        if ours and code.startswith("kind."):
            found["kind."] = code.removeprefix("kind.")
        elif ours and (column := code.removeprefix("column.")) in KNOWN:
            found[column] = text(one, "value")
    return found if found.get("kind.") else {}


def plain_values(service: Entity) -> dict[str, str]:
    """What the fields of HSDS say, by our columns: all but the id, the county and the source."""
    giver = held(service, "organization")
    name, organization = text(service, "name"), text(giver, "name")
    at = listed(service, "service_at_locations")
    numbers = [*listed(service, "phones"), *(one for entity in (*at, *places(service), giver) for one in listed(entity, "phones"))]
    schedules = [*listed(service, "schedules"), *(one for entity in (*at, *places(service)) for one in listed(entity, "schedules"))]
    spoken = [text(one, "code").lower() or text(one, "name").lower() for one in listed(service, "languages")]
    checked = text(service, "assured_date")[:10]
    values = {
        "name": name or organization,
        "organization": organization if organization != name else "",
        "phone": _first(numbers, lambda kind: kind not in ("text", "sms", "fax", "pager", "textphone")),
        "text": _first(numbers, lambda kind: kind in ("text", "sms")),
        "email": text(service, "email") or text(giver, "email"),
        "website": _SITE.sub(r"https://\g<0>", text(service, "url") or text(giver, "website") or text(giver, "url")),
        "address": next((line for place in places(service) for one in listed(place, "addresses") if (line := _line(one))), ""),
        "hours": in_words([{name: text(one, name) for name in one} for one in schedules]),
        "languages": ";".join(dict.fromkeys(code for one in spoken if len(code := _CODES.get(one, one)) == 2)),
        "notes": _shortened(_prose(text(service, "description"))),
        "checked": checked if _is_day(checked) else "",
    }
    return {column: value for column, value in values.items() if value}


def _first(numbers: list[Entity], wanted: Any) -> str:
    for one in numbers:
        if wanted(text(one, "type").lower()) and (number := text(one, "number").strip('"')):
            extension = text(one, "extension").removesuffix(".0")
            return f"{_usual(number)} x{extension}" if extension else _usual(number)
    return ""


def _usual(number: str) -> str:
    """'(919) 000 0000' as our tables write it; what is no number of North America stays as it is."""
    digits = re.sub(r"[\s().+-]", "", number)
    match = re.fullmatch(r"(1?)(\d{3})(\d{3})(\d{4})", digits)
    return "-".join(part for part in match.groups() if part) if match else number


def _line(address: Entity) -> str:
    street = ", ".join(part for name in ("address_1", "address_2") if (part := text(address, name)))
    state = f"{text(address, 'state_province')} {text(address, 'postal_code')}".strip()
    return ", ".join(part for part in (street, text(address, "city"), state) if part)


def _prose(description: str) -> str:
    """HSDS lets descriptions hold HTML."""
    return cleaned(html.unescape(_MARKUP.sub(" ", description)))


def _shortened(notes: str) -> str:
    """A resident reads this on a phone: whole sentences, as many as fit."""
    if len(notes) <= LONGEST_NOTES:
        return notes
    cut = notes[:LONGEST_NOTES]
    whole = re.match(r".*[.!?](?=\s)", cut)
    return whole[0] if whole else cut.rsplit(" ", 1)[0]


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
