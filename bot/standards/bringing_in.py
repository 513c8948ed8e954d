"""Services of HSDS as rows of the contact tables: to be reviewed, told to nobody before, never over what a person has reviewed here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

from bot.directory.contact_import import Changed, Plan, Wrong, carried_out, compare
from bot.directory.rows import KINDS
from bot.directory.tables import Record, Table, read_table
from bot.errors import NotStandard
from bot.geo.tables import fold
from bot.standards.columns import TABLE_OF, columns_of
from bot.standards.counties import Counties
from bot.standards.package import Entity
from bot.standards.services import own_values, plain_values, text, uuid

TO_REVIEW: Final = "low"
Values = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A service, or a row of one, that is not brought in: its name, and why (a key, and what it is about)."""

    name: str
    why: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What an import does to each table, and what it leaves out."""

    plans: Mapping[str, Plan]
    tables: Mapping[str, Table] = field(repr=False)
    skipped: Sequence[Skipped]

    def carried_out(self) -> list[Table]:
        """The tables as they are to be written: those that something was added to or changed in."""
        return [carried_out(plan, self.tables[name]) for name, plan in self.plans.items() if plan.added or plan.changed]


@dataclass(frozen=True, kw_only=True)
class Bringing:
    """How services become rows: where they come from, and what kind those are that are not ours."""

    counties: Counties
    names: frozenset[str]  # of all counties
    kind: str | None
    source: str
    today: date

    def plan(self, services: Sequence[Entity], folder: Path) -> Brought:
        """Nothing is written yet."""
        skipped: list[Skipped] = []
        wanted: dict[str, list[Values]] = {table: [] for table in KINDS}
        for service in services:
            table, rows, why = self._rows(service)
            wanted[table] += rows
            skipped += [Skipped(name=_called(service), why=why)] if why else []
        tables = {name: _opened(folder / "contacts" / f"{name}.csv") for name in KINDS}
        plans = {}
        homes = {values["id"]: name for name, table in tables.items() for _, values in table.rows()}
        for name, rows in wanted.items():
            here = [row for row in rows if homes.setdefault(row["id"], name) == name]
            skipped += [Skipped(name=row["name"], why="other-table", values={"table": homes[row["id"]]}) for row in rows if homes[row["id"]] != name]
            plans[name], more = self._plan(here, tables[name])
            skipped += more
        return Brought(plans=plans, tables=tables, skipped=skipped)

    def _rows(self, service: Entity) -> tuple[str, list[Values], str]:
        """The table, the rows, and why there are none. A service of several counties is a row in each."""
        own = own_values(service)
        kind = own.get("kind.") or self.kind or ""
        values = {**plain_values(service), **own}
        values["source"] = values.get("source") or self.source or values.get("website", "")
        counties = self.counties.of(service)
        lacks = {"no-kind": kind in TABLE_OF, "no-name": values.get("name"), "no-county": counties, "no-source": values["source"], "not-active": _active(service)}
        if missing := next((why for why, there in lacks.items() if not there), ""):
            return next(iter(KINDS)), [], missing
        table = TABLE_OF[kind]
        columns = columns_of(table)
        if "organization" not in columns and (giver := values.get("organization", "")) and not own and fold(giver) not in fold(values["name"]):
            values["name"] = f"{giver}: {values['name']}"
        values = {column: value for column, value in values.items() if column in columns} | {"confidence": TO_REVIEW}
        if "id" in own and len(counties) == 1:
            return table, [values | {"county": counties[0]}], ""
        stem = text(service, "id")
        stem = stem if len(stem) == 36 and stem.replace("-", "").isalnum() and stem.isascii() else uuid("foreign", stem or values["name"])
        return table, [values | {"id": f"hsds-{stem}-{fold(county).replace(' ', '-')}", "county": county} for county in counties], ""

    def _plan(self, rows: Sequence[Values], table: Table) -> tuple[Plan, list[Skipped]]:
        """Rows with a fault are left out, and those that would change what somebody has reviewed."""
        rows = [{column: value for column, value in row.items() if column in table.columns} for row in rows]
        first = self._compared(rows, table, frozenset())
        bad = {wrong.record: wrong for wrong in reversed(first.wrong)}
        plan = self._compared(rows, table, frozenset(bad))
        to_review = tuple(change for change in plan.changed if change.values.get("confidence", "").lower() == TO_REVIEW)
        reviewed = [change for change in plan.changed if change not in to_review]
        differing = [change for change in reviewed if set(change.cells) - {"confidence", "checked"}]
        skipped = [_faulty(rows[number], wrong) for number, wrong in sorted(bad.items())] + [_differs(change) for change in differing]
        return replace(plan, changed=to_review, same=plan.same + len(reviewed) - len(differing)), skipped

    def _compared(self, rows: Sequence[Values], table: Table, without: frozenset[int]) -> Plan:
        return compare(((number, row) for number, row in enumerate(rows) if number not in without), table, counties=self.names, taken=(), today=self.today)


def _active(service: Entity) -> bool:
    return text(service, "status").lower() in ("", "active")


def _called(service: Entity) -> str:
    return text(service, "name")[:100] or text(service, "id")[:100] or "?"


def _faulty(row: Values, wrong: Wrong) -> Skipped:
    return Skipped(name=row.get("name", ""), why="fault", values={"column": wrong.column, "value": wrong.value[:80], "fault": wrong.fault})


def _differs(change: Changed) -> Skipped:
    columns = ", ".join(f"{column}: {old or '-'} -> {new or '-'}" for column, (old, new) in change.cells.items() if column not in ("confidence", "checked"))
    return Skipped(name=change.values["name"], why="reviewed", values={"id": change.values["id"], "columns": columns})


def _opened(path: Path) -> Table:
    """The table as it stands, or a new one. One that cannot be read is never written over."""
    if table := read_table(path):
        return table
    if path.exists():
        raise NotStandard("own-table", {"file": str(path)})
    columns = columns_of(path.stem)
    return Table(path=path, bom="", delimiter=",", header=Record(raw=",".join(columns) + "\n", cells=columns), records=())
