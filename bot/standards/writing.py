"""Contacts as files for others: an HSDS data package with its JSON, one CSV, one JSON."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bot.directory.rows import Row
from bot.directory.tables import guarded
from bot.geo.tables import County
from bot.standards.columns import KNOWN
from bot.standards.package import TABLES, Entity, description, fields, flat
from bot.standards.services import service_of

DESCRIPTION, NESTED = "datapackage.json", "services.json"


def told(rows: Iterable[Row], *, all_: bool) -> list[Row]:
    """The rows that go out: what residents are not told, others are not, unless somebody asks for all."""
    return [row for row in rows if all_ or row.trusted]


def hsds_files(rows: Sequence[Row], counties: Mapping[str, County]) -> dict[str, str]:
    """File name -> its text: the tables, their description, and the services as the API has them."""
    services = [service_of(row, counties) for row in rows]
    tables = flat(services)
    files = {TABLES[resource][0]: _table([one.name for one in fields(resource)], entities) for resource, entities in tables.items()}
    return files | {DESCRIPTION: _json(description(list(tables))), NESTED: _json(page(services))}


def page(services: Sequence[Entity]) -> Entity:
    """All services as the API's one page."""
    count = len(services)
    return {"total_items": count, "total_pages": 1, "page_number": 1, "size": count, "first_page": True, "last_page": True, "empty": not count, "contents": list(services)}


def write(files: Mapping[str, str], folder: Path) -> None:
    """Into a folder, which is made when it is not there. Tables of an older export that would not fit any more go."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {name for name, _ in TABLES.values()} - set(files):
        (folder / stale).unlink(missing_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")


def as_csv(rows: Iterable[Row]) -> str:
    """One line a contact, no cell of which a spreadsheet takes for a formula."""
    out = io.StringIO(newline="")
    sheet = csv.writer(out)
    sheet.writerow(["table_kind", *KNOWN])
    sheet.writerows([guarded(cell) for cell in (row.kind, *(row[column] for column in KNOWN))] for row in rows)
    return out.getvalue()


def as_json(rows: Iterable[Row]) -> str:
    """The same for programs."""
    return _json([{"table_kind": row.kind, **{column: row[column] for column in KNOWN if row[column]}} for row in rows])


def _table(columns: Sequence[str], entities: Iterable[Entity]) -> str:
    out = io.StringIO(newline="")
    sheet = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    sheet.writeheader()
    sheet.writerows(entities)
    return out.getvalue()


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
