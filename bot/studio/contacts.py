"""Contacts: look them up, mend them, say that a number is right, bring in a table. Everything is written to the CSV files themselves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.directory.contact_import import Plan, carried_out, plan_import
from bot.directory.contact_rules import CONFIDENCE, cleaned, faults
from bot.directory.rows import KINDS, STATEWIDE
from bot.directory.tables import Record, Table, for_spreadsheets, read_tables, save, to_be_confirmed
from bot.geo.tables import fold
from bot.messages import LOCAL_TIME
from bot.studio.door import SECURITY, Desk, Studio, Visit
from bot.studio.history import commit

HOME = "/studio/contacts"
A_PAGE = 100
NOTHING = {"q": "", "table": "", "county": "", "confirm": "", "review": ""}
# Of low confidence: those that nobody has looked at yet, and those that somebody has.
NEW, OLDER, BROUGHT_IN = "1", "older", "hsds-"
CELL = "cell."
LARGEST_IMPORT = 2 * 1024 * 1024
# Columns that have a label in the catalogs; others are shown by the name that they have in the file.
LABELLED = frozenset(
    "id county name name_es type kind organization phone member_phone text email website address hours hours_es languages notes notes_es source checked confidence as_of open_from open_until".split()
)
LONG = frozenset(("notes", "notes_es", "source"))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One contact as the page shows it."""

    table: str
    fingerprint: str
    values: Mapping[str, str] = field(repr=False)
    stale: bool

    @property
    def query(self) -> str:
        return urlencode({"table": self.table, "id": self.values["id"]})


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The form of one contact: what stands in it, what is wrong with it, and what was typed over somebody else's change."""

    table: Table
    fingerprint: str = ""
    values: Mapping[str, str] = field(repr=False)
    faults: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def new(self) -> bool:
        return not self.fingerprint


def routes(studio: Studio) -> Sequence[Route]:
    book = Book(studio)
    return (
        studio.route(HOME, book.overview),
        studio.route(f"{HOME}/row", book.row, methods=("GET", "POST")),
        studio.route(f"{HOME}/called", book.called, methods=("POST",)),
        studio.route(f"{HOME}/new", book.new, methods=("GET", "POST")),
        studio.route(f"{HOME}/import", book.bring_in, methods=("GET", "POST"), most=LARGEST_IMPORT),
        studio.route(f"{HOME}/download", book.download),
    )


class Book:
    """The pages of the contacts."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._desk = studio.desk

    async def overview(self, visit: Visit) -> Response:
        wanted = visit.request.query_params
        tables = read_tables(self._desk.content.folder)
        found = best_first(chosen(tables, wanted, today(self._desk)), wanted.get("q", ""))
        older = len([*chosen(tables, {**wanted, "review": OLDER}, today(self._desk))]) if wanted.get("review") == NEW else 0
        page = min(max(int(p) if (p := wanted.get("page", "")).isascii() and p.isdigit() and len(p) < 6 else 1, 1), max(-(-len(found) // A_PAGE), 1))
        shown = found[(page - 1) * A_PAGE : page * A_PAGE]
        pages = {step: urlencode({**wanted, "page": page + step}) for step in (-1, 1) if 0 < page + step <= -(-len(found) // A_PAGE)}
        return self._studio.show(
            "contacts.html", visit, entries=shown, count=len(found), first=(page - 1) * A_PAGE + 1, wanted={**NOTHING, **wanted}, pages=pages, tables=tables, counties=self._counties(), older=older
        )

    async def row(self, visit: Visit) -> Response:
        wanted = visit.request.query_params
        table = read_tables(self._desk.content.folder).get(wanted.get("table", ""))
        found = table.find(wanted.get("id", "")) if table else None
        if table is None or found is None:
            return self._gone(visit)
        record, values = found
        if visit.request.method == "POST":
            return await self._take(visit, table, record, values)
        if "shown" in wanted:
            return self._entry(visit, table, record)
        return self._sheet(visit, Sheet(table=table, fingerprint=record.fingerprint, values=values))

    async def _take(self, visit: Visit, table: Table, record: Record, values: dict[str, str]) -> Response:
        typed = {column: value for column, value in _typed(visit, table).items() if column != "id"}
        changes = {column: value for column, value in typed.items() if value != cleaned(values[column])}
        if changes and visit.form.get("seen") != record.fingerprint:
            return self._sheet(visit, Sheet(table=table, fingerprint=record.fingerprint, values=values, typed=changes), status=409)
        if wrong := self._faults(changes, values):
            return self._sheet(visit, Sheet(table=table, fingerprint=record.fingerprint, values={**values, **typed}, faults=wrong), status=422)
        changed = table.with_changes(record, changes)
        if changes:
            await self._save(visit, changed, f"contacts: {values['id']}: {', '.join(changes)}")
        return self._done(visit, changed, values["id"])

    async def called(self, visit: Visit) -> Response:
        """'I called, it is right': checked today; a shelter is open as of now. A row of low confidence stays so until somebody edits it: one tap gives nobody a number."""
        table = read_tables(self._desk.content.folder).get(visit.form.get("table", ""))
        found = table.find(visit.form.get("id", "")) if table else None
        if table is None or found is None:
            return self._gone(visit)
        record, values = found
        if visit.form.get("seen") != record.fingerprint:
            if visit.by_htmx:
                return self._entry(visit, table, record, note="changed")
            return self._sheet(visit, Sheet(table=table, fingerprint=record.fingerprint, values=values), status=409, note="changed")
        now = self._desk.clock().astimezone(LOCAL_TIME)
        news = {"checked": now.date().isoformat(), "as_of": now.strftime("%Y-%m-%d %H:%M")}
        changed = table.with_changes(record, {column: value for column, value in news.items() if column in table.columns})
        await self._save(visit, changed, f"contacts: {values['id']}: called, it is right")
        return self._done(visit, changed, values["id"])

    async def new(self, visit: Visit) -> Response:
        tables = read_tables(self._desk.content.folder)
        table = tables.get(visit.form.get("table") or visit.request.query_params.get("table", ""))
        if table is None:
            return self._studio.show("contacts_new.html", visit, tables=tables)
        empty = {column: "low" if column == "confidence" else "" for column in table.columns}
        if visit.request.method == "GET":
            return self._sheet(visit, Sheet(table=table, values=empty))
        values = {**empty, **_typed(visit, table)}
        if wrong := self._faults(values, {}, tables):
            return self._sheet(visit, Sheet(table=table, values=values, faults=wrong), status=422)
        changed = table.with_row(values)
        await self._save(visit, changed, f"contacts: {values['id']}: new")
        return self._done(visit, changed, values["id"])

    async def bring_in(self, visit: Visit) -> Response:
        tables = read_tables(self._desk.content.folder)
        table = tables.get(visit.form.get("table", ""))
        text = visit.form.get("rows", "")
        if table is None or not text.strip():
            wanted = visit.form.get("table") or visit.request.query_params.get("table", "")
            return self._studio.show("contacts_import.html", visit, tables=tables, wanted=wanted, text=text, plan=None, table=None, moved=False, labelled=LABELLED)
        plan = plan_import(text, table, counties=self._desk.gazetteer.counties, taken=_ids(tables), today=today(self._desk))
        if "apply" in visit.form and plan.ready and visit.form.get("seen") == table.fingerprint:
            await self._save(visit, carried_out(plan, table), f"contacts: {table.name}: {len(plan.added)} brought in, {len(plan.changed)} changed")
            return RedirectResponse(f"{HOME}?{urlencode({'table': table.name, 'added': len(plan.added), 'changed': len(plan.changed)})}", status_code=303, headers=SECURITY)
        return self._preview(visit, tables, table, text, plan)

    async def download(self, visit: Visit) -> Response:
        table = read_tables(self._desk.content.folder).get(visit.request.query_params.get("table", ""))
        if table is None:
            return self._gone(visit)
        headers = {**SECURITY, "content-disposition": f'attachment; filename="{table.name}.csv"'}
        return Response(for_spreadsheets(table), media_type="text/csv", headers=headers)

    def _preview(self, visit: Visit, tables: Mapping[str, Table], table: Table, text: str, plan: Plan) -> Response:
        moved = "apply" in visit.form and plan.ready
        status = 422 if plan.wrong else 409 if moved else 200
        return self._studio.show("contacts_import.html", visit, status=status, tables=tables, wanted=table.name, text=text, plan=plan, table=table, moved=moved, labelled=LABELLED)

    def _faults(self, values: Mapping[str, str], before: Mapping[str, str], tables: Mapping[str, Table] | None = None) -> dict[str, str]:
        return faults(values, before, counties=self._desk.gazetteer.counties, taken=_ids(tables or {}), today=today(self._desk))

    async def _save(self, visit: Visit, table: Table, message: str) -> None:
        save(table)
        await commit(self._desk.content.folder, [table.path], visit.volunteer.name, message)

    def _done(self, visit: Visit, table: Table, id_: str) -> Response:
        if visit.by_htmx and (found := table.find(id_)):
            return self._entry(visit, table, found[0], note="saved")
        return RedirectResponse(f"{HOME}?{urlencode({'table': table.name, 'q': id_})}", status_code=303, headers=SECURITY)

    def _entry(self, visit: Visit, table: Table, record: Record, note: str = "") -> Response:
        return self._studio.show("contacts_row.html", visit, entry=_entry(table, record, table.values(record), today(self._desk)), note=note)

    def _sheet(self, visit: Visit, sheet: Sheet, *, status: int = 200, note: str = "") -> Response:
        """The form: a part of the page for htmx, which shows only what comes with 200, else a page of its own."""
        inline = visit.by_htmx and not sheet.new
        template = "contacts_form_row.html" if inline else "contacts_edit.html"
        return self._studio.show(template, visit, status=200 if inline else status, sheet=sheet, counties=self._counties(), confidences=CONFIDENCE, labelled=LABELLED, long=LONG, cell=CELL, note=note)

    def _gone(self, visit: Visit) -> Response:
        return self._studio.show("contacts_gone.html", visit, status=404)

    def _counties(self) -> list[str]:
        return [STATEWIDE, *sorted(self._desk.gazetteer.counties)]


def today(desk: Desk) -> date:
    """The date in North Carolina."""
    return desk.clock().astimezone(LOCAL_TIME).date()


def chosen(tables: Mapping[str, Table], wanted: Mapping[str, str], day: date) -> Iterator[Entry]:
    """The contacts that the filters leave; of those to review the newest first, which stand at a table's end."""
    words = fold(wanted.get("q", "")).split()
    for name in KINDS:
        if name not in tables or wanted.get("table") not in (None, "", name):
            continue
        rows = [*tables[name].rows()]
        for record, values in reversed(rows) if wanted.get("review") else rows:
            entry = _entry(tables[name], record, values, day)
            if wanted.get("county") not in (None, "", values["county"]) or (wanted.get("confirm") and not entry.stale):
                continue
            if (review := wanted.get("review")) and (values.get("confidence", "").lower() != "low" or _new(values) == (review == OLDER)):
                continue
            if words and not all(word in _told(values) for word in words):
                continue
            yield entry


def best_first(entries: Iterable[Entry], sought: str) -> list[Entry]:
    """What begins with the words that are sought, then what is called so somewhere, then the county of that name, then any that has them; else as the files have it."""
    sought = fold(sought)

    def rank(entry: Entry) -> int:
        names = [fold(entry.values.get(column, "")) for column in ("id", "name", "name_es")]
        county = fold(entry.values["county"])
        found = (any(name.startswith(sought) for name in names), any(sought in name for name in names), sought in county or (county and county in sought))
        return next((place for place, is_so in enumerate(found) if is_so), len(found))

    return sorted(entries, key=rank)


def _new(values: Mapping[str, str]) -> bool:
    """Nobody here has looked at it yet; what others' packages say of a day was their day."""
    return not values.get("checked") or values["id"].startswith(BROUGHT_IN)


def _told(values: Mapping[str, str]) -> str:
    """Everything a row says, to be searched; its number also as digits alone."""
    return f"{fold(' '.join(values.values()))} {''.join(filter(str.isdigit, values.get('phone', '')))}"


def _entry(table: Table, record: Record, values: Mapping[str, str], day: date) -> Entry:
    return Entry(table=table.name, fingerprint=record.fingerprint, values=values, stale=to_be_confirmed(values, day))


def _typed(visit: Visit, table: Table) -> dict[str, str]:
    return {column: cleaned(visit.form[CELL + column]) for column in table.columns if CELL + column in visit.form}


def _ids(tables: Mapping[str, Table]) -> frozenset[str]:
    return frozenset(values["id"] for table in tables.values() for _, values in table.rows())
