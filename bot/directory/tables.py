"""The contact tables as they stand on disk. What is not edited stays as it is, byte for byte."""

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from bot.directory.rows import KINDS

STALE = timedelta(days=180)
NEW_FILE = 0o644
_BOM = "\ufeff"
_NEEDED = {"id", "county", "name"}
# What a spreadsheet takes for a formula (OWASP, 'CSV injection').
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record of a file: its very characters with the line's end, and its cells."""

    raw: str = field(repr=False)
    cells: tuple[str, ...] = field(repr=False)

    @property
    def fingerprint(self) -> str:
        return sha256(self.raw.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Table:
    """One file: its header, its records, its dialect."""

    path: Path
    bom: str
    delimiter: str
    header: Record
    records: tuple[Record, ...] = field(repr=False)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(cell.strip() for cell in self.header.cells)

    @property
    def text(self) -> str:
        return self.bom + self.header.raw + "".join(record.raw for record in self.records)

    @property
    def fingerprint(self) -> str:
        return sha256(self.text.encode()).hexdigest()[:16]

    def values(self, record: Record) -> dict[str, str]:
        """The cells by column, without blanks around them; those that the file leaves out are empty."""
        cells = (*record.cells, *[""] * len(self.columns))
        return {column: cell.strip() for column, cell in zip(self.columns, cells, strict=False)}

    def rows(self) -> Iterator[tuple[Record, dict[str, str]]]:
        """The records that are contacts: not empty, not longer than the header, with an id."""
        for record in self.records:
            values = self.values(record)
            if values["id"] and len(record.cells) <= len(self.columns):
                yield record, values

    def find(self, id_: str) -> tuple[Record, dict[str, str]] | None:
        return next(((record, values) for record, values in self.rows() if values["id"] == id_), None)

    def with_changes(self, record: Record, changes: Mapping[str, str]) -> "Table":
        """The table with some cells of one record replaced."""
        cells = [*record.cells, *[""] * (len(self.columns) - len(record.cells))]
        for column, value in changes.items():
            cells[self.columns.index(column)] = value
        changed = self._record(cells, _ending(record.raw))
        return replace(self, records=tuple(changed if one is record else one for one in self.records))

    def with_row(self, values: Mapping[str, str]) -> "Table":
        """The table with one more record at its end."""
        ending = _ending(self.header.raw) or "\n"
        before = [self.header, *self.records]
        if not _ending(before[-1].raw):
            before[-1] = replace(before[-1], raw=before[-1].raw + ending)
        return replace(self, header=before[0], records=(*before[1:], self._record([values.get(c, "") for c in self.columns], ending)))

    def _record(self, cells: Sequence[str], ending: str) -> Record:
        """A record in the file's own dialect."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=self.delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL if self.header.raw.startswith('"') else csv.QUOTE_MINIMAL)
        writer.writerow(cells)
        return Record(raw=out.getvalue(), cells=tuple(cells))


def read_tables(folder: Path) -> dict[str, Table]:
    """The tables of a content folder by name, those that can be read; what is wrong with the others is told by content's own reading."""
    found = (read_table(folder / "contacts" / f"{name}.csv") for name in KINDS)
    return {table.name: table for table in found if table}


def read_table(path: Path) -> Table | None:
    try:
        text = path.read_bytes().decode("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    bom = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(_BOM)
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    try:
        first, *rest = split_records(text, delimiter)
    except (csv.Error, ValueError):
        return None
    table = Table(path=path, bom=bom, delimiter=delimiter, header=first, records=tuple(rest))
    return table if set(table.columns) >= _NEEDED else None


def split_records(text: str, delimiter: str) -> Iterator[Record]:
    """The records of a CSV text, each with the characters that it was read from."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    for cells in csv.reader(lines(), delimiter=delimiter):
        yield Record(raw="".join(taken), cells=tuple(cells))
        taken.clear()


def save(table: Table) -> None:
    """Writes a table whole or not at all: nobody ever reads half a file."""
    with NamedTemporaryFile(dir=table.path.parent, prefix=".", suffix=".tmp", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(table.text.encode())
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(table.path.stat().st_mode & 0o777 if table.path.exists() else NEW_FILE)
            temporary.replace(table.path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def to_be_confirmed(values: Mapping[str, str], today: date) -> bool:
    """Whether somebody should call: low or no confidence, never checked, or half a year ago."""
    try:
        checked = date.fromisoformat(values.get("checked", ""))
    except ValueError:
        return True
    return values.get("confidence", "").lower() in ("", "low") or today - checked > STALE


def for_spreadsheets(table: Table) -> str:
    """The table to open in a spreadsheet: with a BOM, and no cell that one would take for a formula, a number '+1...' included."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(map(guarded, table.columns))
    writer.writerows([guarded(cell) for cell in values.values()] for _, values in table.rows())
    return _BOM + out.getvalue()


def guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell


def unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_SIGNS) else cell


def _ending(raw: str) -> str:
    return raw[len(raw.rstrip("\r\n")) :]
