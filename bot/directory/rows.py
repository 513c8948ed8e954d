"""Reads the contact tables, as volunteers' spreadsheets save them: with BOM or without, ',' or ';', trailing blanks."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.errors import ContentError, Problem, errors_among
from bot.messages import LOCAL_TIME, Contact, Language

STATEWIDE = "STATEWIDE"
LARGEST_TABLE = 10_000_000
NEEDED = frozenset(("id", "county", "name"))
KINDS = {
    "hotlines": "hotline",
    "shelters": "shelter",
    "support_groups": "support-group",
    "coalitions": "coalition",
    "mental_health": "mental-health",
    "emergency_management": "emergency-management",
    "food_banks": "food-bank",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a contact table, as the file has it."""

    kind: str
    county: str
    values: dict[str, str] = field(repr=False)
    path: Path
    line: int

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    @property
    def trusted(self) -> bool:
        """Rows of low confidence are to be confirmed first, and never given to a resident."""
        return self["confidence"].lower() != "low"

    def contact(self, language: Language) -> Contact:
        """The row as a resident of that language reads it."""

        def worded(column: str) -> str:
            return (self[f"{column}_es"] or self[column]) if language == "es" else self[column]

        notes = self["notes_es"] if language == "es" else self["notes"]
        return Contact(
            id=self["id"],
            kind=self.kind,
            county=self.county,
            name=worded("name"),
            phone=self["phone"],
            text=self["text"],
            email=self["email"],
            website=self["website"],
            address=self["address"],
            hours=worded("hours"),
            notes=notes,
            checked=self["checked"],
            as_of=self.moment("as_of"),
        )

    def moment(self, column: str) -> datetime | None:
        """A time of the row; without a zone it is meant in North Carolina's."""
        try:
            moment = datetime.fromisoformat(self[column])
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL_TIME)


def read_rows(folder: Path) -> list[Row]:
    """All rows of content/contacts. Raises ContentError with every problem; a folder without tables gives none."""
    rows, problems = collect_rows(folder)
    if errors := errors_among(problems):
        raise ContentError(errors)
    return rows


def collect_rows(folder: Path) -> tuple[list[Row], list[Problem]]:
    """All rows that can be read, and every problem with the rest."""
    problems: list[Problem] = []
    rows = [row for stem, kind in KINDS.items() for row in _table(folder / f"{stem}.csv", kind, problems)]
    seen: dict[str, Row] = {}
    for row in rows:
        if row["id"] and (other := seen.get(row["id"])):
            problems.append(Problem(path=row.path, line=row.line, code="id-of-another-row", values={"id": row["id"], "file": other.path.name, "line": str(other.line)}))
        seen[row["id"]] = row
    return rows, problems


def _table(path: Path, kind: str, problems: list[Problem]) -> Iterator[Row]:
    if (text := _text(path, problems)) is None:
        return
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    if delimiter == ";":
        problems.append(Problem(path=path, line=1, code="table-semicolons", severity="note"))
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, restkey="extra")
    try:
        columns = [(name or "").strip() for name in reader.fieldnames or ()]
        if missing := NEEDED - {*columns}:
            problems.append(Problem(path=path, line=1, code="columns-missing", values={"columns": ", ".join(sorted(missing))}))
            return
        for values in reader:
            if row := _row(values, kind, path, reader.line_num, problems):
                yield row
    except csv.Error:
        problems.append(Problem(path=path, line=reader.line_num + 1, code="table-unreadable"))


def _text(path: Path, problems: list[Problem]) -> str | None:
    """The text of a table, in the alphabet of Windows when it is no UTF-8; None, with the problem noted, when there is none."""
    if not path.is_file():
        return None
    try:
        raw = path.read_bytes() if path.stat().st_size <= LARGEST_TABLE else None
    except OSError:
        problems.append(Problem(path=path, line=1, code="cannot-open"))
        return None
    if raw is None:
        problems.append(Problem(path=path, line=1, code="too-large"))
        return None
    if raw.startswith(codecs.BOM_UTF8):
        problems.append(Problem(path=path, line=1, code="table-bom", severity="note"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(Problem(path=path, line=raw.count(b"\n", 0, error.start) + 1, code="table-latin1", severity="warning"))
        return raw.decode("cp1252", errors="replace")


def _row(values: dict[str, Any], kind: str, path: Path, line: int, problems: list[Problem]) -> Row | None:
    if "extra" in values:
        problems.append(Problem(path=path, line=line, code="cells-too-many"))
        return None
    clean = {(k or "").strip(): (v or "").strip() for k, v in values.items()}
    if not any(clean.values()):
        return None
    if None in values.values():
        problems.append(Problem(path=path, line=line, code="cells-too-few", severity="warning"))
    problems += [Problem(path=path, line=line, code="cell-empty", values={"column": column}) for column in ("id", "county", "name") if not clean[column]]
    return Row(kind=kind, county=clean["county"], values=clean, path=path, line=line)
