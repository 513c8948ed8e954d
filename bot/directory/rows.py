"""Reads the contact tables, as volunteers' spreadsheets save them: with BOM or without, ',' or ';', trailing blanks."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot.errors import ContentError, Problem
from bot.messages import LOCAL_TIME, Contact, Language

STATEWIDE = "STATEWIDE"
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
    problems: list[Problem] = []
    rows = [row for stem, kind in KINDS.items() for row in _table(folder / f"{stem}.csv", kind, problems)]
    seen: dict[str, Row] = {}
    for row in rows:
        if other := seen.get(row["id"]):
            what = f"id '{row['id']}' stands already in {other.path.name}, line {other.line}."
            problems.append(Problem(path=row.path, line=row.line, what=what, mend="Give each row its own id."))
        seen[row["id"]] = row
    if problems:
        raise ContentError(problems)
    return rows


def _table(path: Path, kind: str, problems: list[Problem]) -> Iterator[Row]:
    if not path.is_file():
        return
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem(path=path, line=1, what="is not UTF-8 text.", mend="Save it as 'CSV UTF-8'."))
        return
    header = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ",", restkey="extra", restval="")
    missing = {"id", "county", "name"} - {(name or "").strip() for name in reader.fieldnames or ()}
    if missing:
        problems.append(Problem(path=path, line=1, what=f"lacks the column(s) {', '.join(sorted(missing))}.", mend="Put the header row back."))
        return
    for values in reader:
        if "extra" in values:
            what = "has more cells than the header."
            problems.append(Problem(path=path, line=reader.line_num, what=what, mend="Put text that holds a comma in quotes."))
            continue
        clean = {(k or "").strip(): (v or "").strip() for k, v in values.items()}
        if not any(clean.values()):
            continue
        for column in ("id", "county", "name"):
            if not clean[column]:
                problems.append(Problem(path=path, line=reader.line_num, what=f"'{column}' is empty.", mend="Fill it in."))
        yield Row(kind=kind, county=clean["county"], values=clean, path=path, line=reader.line_num)
