"""A pasted table compared with the one on disk: what would be added, changed, left alone, and what is wrong."""

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from bot.directory.contact_rules import cleaned, faults
from bot.directory.tables import Record, Table, split_records, unguarded


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What keeps an import from being written: where, and the key of why."""

    record: int
    column: str = ""
    value: str = field(default="", repr=False)
    fault: str


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A row with its cells that would change: column -> (old, new)."""

    record: Record
    values: Mapping[str, str] = field(repr=False)
    cells: Mapping[str, tuple[str, str]] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an import would do to a table."""

    added: tuple[dict[str, str], ...] = ()
    changed: tuple[Changed, ...] = ()
    same: int = 0
    wrong: tuple[Wrong, ...] = ()

    @property
    def ready(self) -> bool:
        return not self.wrong and bool(self.added or self.changed)


def plan_import(text: str, table: Table, *, counties: Collection[str], taken: Collection[str], today: date) -> Plan:
    """Compares by id. Rows that the paste does not name are left alone; nothing is ever taken away."""
    try:
        header, *rest = ([cleaned(unguarded(cell)) for cell in record.cells] for record in split_records(text.strip("\ufeff\r\n"), _delimiter(text)))
    except (csv.Error, ValueError):
        header, rest = [], []
    if wrong := _faults_of_header(header, table):
        return Plan(wrong=tuple(wrong))
    rows = [(number, cells) for number, cells in enumerate(rest, 2) if any(cells)]
    wrong = [Wrong(record=number, value=dict(zip(header, cells, strict=False)).get("id", ""), fault="many_cells") for number, cells in rows if len(cells) > len(header)]
    fitting = ((number, dict(zip(header, cells, strict=False))) for number, cells in rows if len(cells) <= len(header))
    plan = compare(fitting, table, counties=counties, taken=taken, today=today)
    return replace(plan, wrong=tuple(sorted((*wrong, *plan.wrong), key=lambda one: one.record)))


def compare(rows: Iterable[tuple[int, dict[str, str]]], table: Table, *, counties: Collection[str], taken: Collection[str], today: date) -> Plan:
    """What numbered rows would add to a table and change in it."""
    added, changed, wrong, seen = [], [], list[Wrong](), set[str]()
    for number, values in rows:
        id_ = values.get("id", "")
        if id_ in seen:
            wrong.append(Wrong(record=number, value=id_, fault="twice"))
            continue
        seen.add(id_)
        known = table.find(id_) if id_ else None
        old = {column: cleaned(value) for column, value in known[1].items()} if known else {}
        new = values if known else {column: values.get(column, "low" if column == "confidence" else "") for column in table.columns}
        wrong += [Wrong(record=number, column=c, value=new[c], fault=f) for c, f in faults(new, old, counties=counties, taken=taken, today=today).items()]
        if known is None:
            added.append(new)
        elif cells_changed := {column: (old[column], value) for column, value in new.items() if old[column] != value}:
            changed.append(Changed(record=known[0], values=old, cells=cells_changed))
    return Plan(added=tuple(added), changed=tuple(changed), same=len(seen) - len(added) - len(changed), wrong=tuple(wrong))


def _faults_of_header(header: list[str], table: Table) -> list[Wrong]:
    if "id" not in header:
        return [Wrong(record=1, fault="no_header")]
    unknown = [Wrong(record=1, value=column, fault="column") for column in header if column not in table.columns]
    return unknown + [Wrong(record=1, value=column, fault="column_twice") for column in dict.fromkeys(header) if header.count(column) > 1]


def carried_out(plan: Plan, table: Table) -> Table:
    """The table as it is after an import."""
    for change in plan.changed:
        table = table.with_changes(change.record, {column: new for column, (_, new) in change.cells.items()})
    for values in plan.added:
        table = table.with_row(values)
    return table


def _delimiter(text: str) -> str:
    """',' or ';' of a file, or the tab that a spreadsheet puts between copied cells."""
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)
