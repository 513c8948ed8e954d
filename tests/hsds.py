"""Says what is wrong with an HSDS 3.0 data package, by the transcription in tests/data."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import date, time
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

SPECIFICATION = json.loads((Path(__file__).parent / "data" / "hsds-3.0-datapackage.json").read_text(encoding="utf-8"))
FIELD = re.compile(r"(\w+)(\*?)(?::(\w+))?(?:=([\w|]+))?(?:>([\w.]+))?")
READ: dict[str, Callable[[str], object]] = {"number": float, "date": date.fromisoformat, "time": time.fromisoformat, "": str}


class Rule(NamedTuple):
    required: bool
    type: str
    values: list[str]
    of: str


def rules(table: str) -> dict[str, Rule]:
    return {name: Rule(bool(star), kind, values.replace("_", " ").split("|") if values else [], of) for name, star, kind, values, of in FIELD.findall(SPECIFICATION["tables"][table])}


def read(folder: Path) -> dict[str, list[dict[str, str]]]:
    return {path.name: list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))) for path in sorted(folder.glob("*.csv"))}


def faults(folder: Path) -> Iterator[str]:
    """Of the tables against the standard, and of datapackage.json against both."""
    tables = read(folder)
    ids = {name: [row["id"] for row in rows] for name, rows in tables.items()}
    described = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    paths = {resource["name"]: resource["path"] for resource in described}
    if sorted(paths.values()) != sorted(tables):
        yield f"described: {sorted(paths.values())}, written: {sorted(tables)}"
    for resource in described:
        yield from _faults_of_description(resource, tables[resource["path"]], paths)
    for name, rows in tables.items():
        if len(set(ids[name])) != len(rows):
            yield f"{name}: an id stands twice"
        for row in rows:
            yield from (f"{name} {row['id']}: {fault}" for fault in _faults_of_row(row, rules(name), ids))
    for row in tables["attributes.csv"]:
        if row["link_id"] not in ids[SPECIFICATION["entities"][row["link_entity"]]]:
            yield f"attributes.csv {row['id']}: hangs on nothing"


def _faults_of_row(row: dict[str, str], known: dict[str, Rule], ids: dict[str, list[str]]) -> Iterator[str]:
    UUID(row["id"])
    yield from (f"{name} is no field" for name in row.keys() - known.keys())
    yield from (f"{name} is missing" for name, rule in known.items() if rule.required and not row.get(name))
    for name, rule in known.items():
        if not (value := row.get(name)):
            continue
        try:
            READ[rule.type](value)
        except ValueError:
            yield f"{name}: {value!r} is no {rule.type}"
        if rule.values and value not in rule.values:
            yield f"{name}: {value!r} is none of {rule.values}"
        if rule.of and value not in ids.get(rule.of, ()):
            yield f"{name}: {value} is not in {rule.of}"


def _faults_of_description(resource: dict[str, Any], rows: list[dict[str, str]], paths: dict[str, str]) -> Iterator[str]:
    known, schema = rules(resource["path"]), resource["schema"]
    columns = [one["name"] for one in schema["fields"]]
    if rows and columns != list(rows[0]):
        yield f"{resource['path']}: its columns are not as described"
    for one in schema["fields"]:
        rule = known[one["name"]]
        if (one["constraints"]["required"], one["type"]) != (rule.required, rule.type or "string"):
            yield f"{resource['path']}: {one} is not {rule}"
    links = {(link["fields"], paths[link["reference"]["resource"]]) for link in schema.get("foreignKeys", ())}
    if links != {(name, rule.of) for name, rule in known.items() if rule.of in paths.values() and name in columns}:
        yield f"{resource['path']}: {links}"
