"""HSDS 3.0 as a tabular data package: the tables that Faro fills, and the way from the API's nested services to them and back."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Entity = dict[str, Any]
Tables = dict[str, list[Entity]]

# resource -> its file and its fields: 'name', then '*' when it is required, then ':type' when it is no string.
TABLES: Final[Mapping[str, tuple[str, str]]] = {
    "organization": ("organizations.csv", "id* name* description*"),
    "service": ("services.csv", "id* organization_id* name* alternate_name description url email status* assured_date:date"),
    "location": ("locations.csv", "id* location_type* organization_id name description latitude:number longitude:number"),
    "service_at_location": ("service_at_location.csv", "id* service_id* location_id* description"),
    "phone": ("phones.csv", "id* service_id location_id organization_id service_at_location_id number* extension:number type description"),
    "address": ("addresses.csv", "id* location_id address_1* address_2 city* region state_province* postal_code* country* address_type*"),
    "schedule": ("schedules.csv", "id* service_id location_id service_at_location_id freq interval:number byday description opens_at:time closes_at:time"),
    "service_area": ("service_areas.csv", "id* service_id name description extent extent_type uri"),
    "language": ("languages.csv", "id* service_id location_id phone_id name code note"),
    "taxonomy": ("taxonomies.csv", "id* name* description*"),
    "taxonomy_term": ("taxonomy_terms.csv", "id* code name* description* taxonomy_id"),
    "attribute": ("attributes.csv", "id* link_id* taxonomy_term_id* link_type link_entity* value"),
}
# Where a nested entity has lists of others: entity -> name of the list -> what is in it. 'attributes' may hang on any of them.
LISTS: Final[Mapping[str, Mapping[str, str]]] = {
    "service": {
        "phones": "phone",
        "schedules": "schedule",
        "service_areas": "service_area",
        "languages": "language",
        "service_at_locations": "service_at_location",
    },
    "service_at_location": {"phones": "phone", "schedules": "schedule"},
    "location": {"addresses": "address", "phones": "phone", "schedules": "schedule", "languages": "language"},
    "organization": {"phones": "phone"},
}
# Entities that a nested one holds, and a table only names.
SINGLE: Final[Mapping[str, Mapping[str, str]]] = {
    "service": {"organization": "organization"},
    "service_at_location": {"location": "location"},
    "attribute": {"taxonomy_term": "taxonomy_term"},
    "taxonomy_term": {"taxonomy_detail": "taxonomy"},
}
KEYS: Final[Mapping[str, str]] = {"taxonomy_detail": "taxonomy_id"}
# Phones of one place, places of one service: a package that has more of them is built to keep us busy.
MOST_OF_ONE: Final = 60
_FIELD = re.compile(r"(\w+)(\*?)(?::(\w+))?")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of a table."""

    name: str
    required: bool
    type: str


def fields(resource: str) -> list[Field]:
    return [Field(name=name, required=bool(star), type=kind or "string") for name, star, kind in _FIELD.findall(TABLES[resource][1])]


def flat(services: Iterable[Entity]) -> Tables:
    """The tables of nested services; what several of them share stands there once."""
    taken: dict[str, dict[str, Entity]] = {resource: {} for resource in TABLES}
    for service in services:
        _take(service, "service", {}, taken)
    return {resource: list(rows.values()) for resource, rows in taken.items() if rows}


def _take(entity: Entity, resource: str, parents: Entity, taken: dict[str, dict[str, Entity]]) -> None:
    row = {name: value for name, value in entity.items() if not isinstance(value, list | dict)} | parents
    taken[resource].setdefault(entity["id"], row)
    for name, kind in SINGLE.get(resource, {}).items():
        if held := entity.get(name):
            row[KEYS.get(name, f"{name}_id")] = held["id"]
            _take(held, kind, {}, taken)
    for name, kind in LISTS.get(resource, {}).items():
        for one in entity.get(name, ()):
            _take(one, kind, {f"{resource}_id": entity["id"]}, taken)
    for one in entity.get("attributes", ()):
        _take(one, "attribute", {"link_id": entity["id"], "link_entity": resource}, taken)


@dataclass(kw_only=True)
class _Shelf:
    """Tables looked up by id, and by what their rows belong to."""

    tables: Tables
    by_id: dict[tuple[str, str], Entity] = field(default_factory=dict)
    by_parent: dict[tuple[str, str, str], list[Entity]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for resource, rows in self.tables.items():
            for row in rows:
                self.by_id.setdefault((resource, row.get("id", "")), row)
                for parent in (*LISTS, "link"):
                    if key := row.get(f"{parent}_id"):
                        self.by_parent.setdefault((resource, parent, key), []).append(row)


def nested(tables: Tables) -> list[Entity]:
    """The services of some tables, each with everything that belongs to it, as the API has them."""
    shelf = _Shelf(tables=tables)
    return [_gathered(row, "service", shelf) for row in tables.get("service", ())]


def _gathered(row: Entity, resource: str, shelf: _Shelf) -> Entity:
    """LISTS and SINGLE lead down only, never round: this ends."""
    id_ = row.get("id", "")
    entity = dict(row)
    for name, kind in SINGLE.get(resource, {}).items():
        if held := shelf.by_id.get((kind, row.get(KEYS.get(name, f"{name}_id"), ""))):
            entity[name] = _gathered(held, kind, shelf)
    for name, kind in LISTS.get(resource, {}).items():
        if found := shelf.by_parent.get((kind, resource, id_)):
            entity[name] = [_gathered(one, kind, shelf) for one in found[:MOST_OF_ONE]]
    if resource != "attribute" and (found := shelf.by_parent.get(("attribute", "link", id_))):
        entity["attributes"] = [_gathered(one, "attribute", shelf) for one in found[:MOST_OF_ONE]]
    return entity


def description(tables: Sequence[str]) -> Entity:
    """datapackage.json: what stands in which file, and what refers to what."""
    return {
        "name": "faro_contacts",
        "title": "Contacts of Faro, in the Human Services Data Specification 3.0",
        "profile": "tabular-data-package",
        "resources": [_resource(name, tables) for name in tables],
    }


def _resource(resource: str, tables: Sequence[str]) -> Entity:
    described = [
        {"name": one.name, "type": one.type, **({"format": "uuid"} if one.name == "id" else {}), "constraints": {"required": one.required, "unique": one.name == "id"}} for one in fields(resource)
    ]
    links = [{"fields": one.name, "reference": {"resource": parent, "fields": "id"}} for one in fields(resource) if (parent := one.name.removesuffix("_id")) != one.name and parent in tables]
    return {
        "name": resource,
        "path": TABLES[resource][0],
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": described, "primaryKey": "id", **({"foreignKeys": links} if links else {})},
    }
