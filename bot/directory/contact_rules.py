"""What may stand in a cell of a contact table: judged when it is typed, one fault per cell."""

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from urllib.parse import urlsplit

from bot.directory.phones import phone_fault
from bot.directory.rows import STATEWIDE
from bot.directory.tables import FORMULA_SIGNS

NEEDED = ("id", "county", "name", "confidence")
CONFIDENCE = ("low", "medium", "high")
LONGEST_CELL = 1_000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_MOMENTS = ("as_of", "open_from", "open_until")


def cleaned(typed: str) -> str:
    """One line without blanks around it and without characters that nobody sees."""
    return "".join(c for c in " ".join(typed.split()) if c.isprintable())


def faults(values: Mapping[str, str], before: Mapping[str, str], *, counties: Collection[str], taken: Collection[str], today: date) -> dict[str, str]:
    """For each cell that may not stand the key of what is wrong. A cell that was like this before is left alone."""
    found = {}
    for column, value in values.items():
        if value == before.get(column):
            continue
        fault = _fault(column, value, counties, taken, today)
        if fault:
            found[column] = fault
    return found


def _fault(column: str, value: str, counties: Collection[str], taken: Collection[str], today: date) -> str | None:
    if not value:
        return "empty" if column in NEEDED else None
    if len(value) > LONGEST_CELL:
        return "long"
    if column == "text" or column.endswith("phone"):
        fault = phone_fault(value, for_texts=column == "text")
        return f"phone_{fault}" if fault else None
    if value.startswith(FORMULA_SIGNS):
        return "formula"
    return _fault_of_form(column, value, counties, taken, today)


def _fault_of_form(column: str, value: str, counties: Collection[str], taken: Collection[str], today: date) -> str | None:
    match column:
        case "id":
            return "id_taken" if value in taken else None if _ID.fullmatch(value) else "id_form"
        case "county":
            return None if value == STATEWIDE or value in counties else "county"
        case "website":
            return None if _is_address(value) else "website"
        case "email":
            return None if _EMAIL.fullmatch(value) else "email"
        case "confidence":
            return None if value in CONFIDENCE else "confidence"
        case "checked":
            return _fault_of_day(value, today)
        case _ if column in _MOMENTS:
            return None if _is_moment(value) else "moment"
    return None


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and "." in host.strip(".") and not re.search(r"[\s<>\"]", value)


def _fault_of_day(value: str, today: date) -> str | None:
    try:
        return "future" if date.fromisoformat(value) > today else None
    except ValueError:
        return "day"


def _is_moment(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
