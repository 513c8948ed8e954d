"""The rows of the contact tables: counties, numbers, addresses of the web, dates, and what is to be confirmed."""

import re
from collections.abc import Iterator
from datetime import date

from bot.checks.keys import URL
from bot.checks.subject import Subject
from bot.directory.phones import phone_fault
from bot.directory.rows import STATEWIDE, Row
from bot.errors import Problem, Severity

CONFIDENCE = ("high", "medium", "low")
PHONES, MOMENTS = ("phone", "member_phone", "text"), ("as_of", "open_from", "open_until")
CURLY = re.compile("[“”‘’]")


def check_rows(subject: Subject) -> Iterator[Problem]:
    seen: dict[tuple[str, ...], Row] = {}
    for row in subject.rows:
        yield from _place_and_trust(row, subject)
        yield from _reach(row)
        yield from _days(row)
        yield from _cells(row)
        same = (row.kind, row.county, row["name"].casefold(), row["phone"], row["address"], row["website"])
        if other := seen.get(same):
            yield _problem(row, "row-twice", "warning", id=other["id"], line=str(other.line))
        seen[same] = row


def _problem(row: Row, code: str, severity: Severity = "error", **values: str) -> Problem:
    return Problem(path=row.path, line=row.line, code=code, severity=severity, values=values)


def _place_and_trust(row: Row, subject: Subject) -> Iterator[Problem]:
    if row.county and row.county != STATEWIDE and row.county not in subject.counties:
        yield _problem(row, "county-unknown", county=row.county)
    if row["confidence"] not in CONFIDENCE:
        yield _problem(row, "confidence-unknown", confidence=row["confidence"])
    if not row.trusted:
        yield _problem(row, "confidence-low", "note", name=row["name"])


def _reach(row: Row) -> Iterator[Problem]:
    for column in PHONES:
        if row[column] and (fault := phone_fault(row[column], for_texts=column == "text")):
            yield _problem(row, "phone-made-up" if fault == "made_up" else "phone-bad", column=column, phone=row[column])
    for column in ("website", "source"):
        for url in re.split(r"\s+;\s+", row[column]) if row[column] else ():
            if not URL.fullmatch(url):
                yield _problem(row, "cell-url-form", column=column, url=url)


def _days(row: Row) -> Iterator[Problem]:
    for column in ("source", "checked"):
        if not row[column]:
            yield _problem(row, "cell-wanted", "warning", column=column)
    if row["checked"] and not _is_day(row["checked"]):
        yield _problem(row, "cell-date-bad", column="checked", text=row["checked"])
    for column in MOMENTS:
        if row[column] and row.moment(column) is None:
            yield _problem(row, "cell-time-bad", column=column, text=row[column])


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _cells(row: Row) -> Iterator[Problem]:
    for column, text in row.values.items():
        if "\n" in text:
            yield _problem(row, "cell-lines", "warning", column=column)
        if match := CURLY.search(text):
            yield _problem(row, "cell-quotes", "note", column=column, quote=match[0])
