"""`faro check`: what reads well and still would mislead a resident. Every problem with file, line and how to mend it."""

import re
from collections.abc import Iterator
from pathlib import Path

from bot.directory.directory import Directory
from bot.directory.references import REFERENCE
from bot.directory.rows import KINDS, STATEWIDE, Row
from bot.errors import Problem
from bot.geo.tables import Gazetteer
from bot.library.pages import CRISIS, Library, Page
from bot.messages import LANGUAGES

CONFIDENCE = ("high", "medium", "low")
TYPED_PHONE = re.compile(r"(?<![\w-])(?:1[-. ])?\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}(?!\w)")


def problems_of(library: Library, rows: list[Row], gazetteer: Gazetteer) -> list[Problem]:
    """Problems that reading alone does not find, in the order of the files."""
    directory = Directory(rows, gazetteer.counties)
    found = [problem for page in library.pages.values() for problem in _of_page(page, library, directory)]
    found += _missing(library)
    found += [problem for row in rows for problem in _of_row(row, gazetteer)]
    return sorted(found, key=lambda p: (str(p.path), p.line))


def _of_page(page: Page, library: Library, directory: Directory) -> Iterator[Problem]:
    lines = page.path.read_text(encoding="utf-8-sig").splitlines()

    def line_of(text: str) -> int:
        return next((n for n, line in enumerate(lines, 1) if text in line), 1)

    for match in REFERENCE.finditer(f"{page.front.sms}\n{page.text}"):
        if directory.line(match[1], page.language) is None:
            what = f"{match[0]} is no contact that may be told (unknown, or of low confidence)."
            yield Problem(path=page.path, line=line_of(match[0]), what=what, mend="Use an id of contacts/hotlines.csv; until then its sentence is left out.")
    for match in TYPED_PHONE.finditer(f"{page.front.sms}\n{page.text}"):
        yield Problem(path=page.path, line=line_of(match[0]), what=f"the number {match[0]} is typed into the text.", mend="Write {id} of its row in contacts/.")
    for id_ in page.front.contacts:
        if directory.line(id_, page.language) is None:
            yield Problem(path=page.path, line=line_of("contacts:"), what=f"contacts: '{id_}' is unknown or of low confidence.", mend="Use ids of contacts/hotlines.csv.")
    for kind in page.front.directory:
        if kind not in KINDS.values():
            yield Problem(path=page.path, line=line_of("directory:"), what=f"directory: '{kind}' is no table.", mend=f"One of {', '.join(KINDS.values())}.")
    for id_ in page.front.related:
        if id_ not in library.intents:
            yield Problem(path=page.path, line=line_of("related:"), what=f"related: there is no page '{id_}'.", mend="Use the id of a page or intent.")
    twin = next((library.pages.get((other, page.id)) for other in LANGUAGES if other != page.language), None)
    if twin is None:
        yield Problem(path=page.path, line=1, what="has no twin in the other language.", mend="Write it: residents of that language get this one instead.")
    elif page.language == "es" and page.front.translates != twin.fingerprint:
        what = "the English page has changed since this one was translated."
        yield Problem(path=page.path, line=line_of("translates:"), what=what, mend=f'Compare them, then write translates: "{twin.fingerprint}".')


def _missing(library: Library) -> Iterator[Problem]:
    """Crisis pages must never be lost."""
    for id_ in CRISIS:
        if not any((language, id_) in library.pages for language in LANGUAGES):
            yield Problem(path=Path(f"crisis/{id_}.md"), line=1, what="is missing.", mend="Put it back: residents in danger get a bare number without it.")


def _of_row(row: Row, gazetteer: Gazetteer) -> Iterator[Problem]:
    def problem(what: str, mend: str) -> Problem:
        return Problem(path=row.path, line=row.line, what=what, mend=mend)

    if row.county != STATEWIDE and row.county not in gazetteer.counties:
        yield problem(f"there is no county '{row.county}'.", f"Write it as in 'New Hanover', or {STATEWIDE}.")
    if row["confidence"] not in CONFIDENCE:
        yield problem(f"confidence '{row['confidence']}' is unknown.", f"One of {', '.join(CONFIDENCE)}.")
    for column in ("as_of", "open_from", "open_until"):
        if row[column] and row.moment(column) is None:
            yield problem(f"{column}: '{row[column]}' is no time.", "Write it as in 2026-11-22 14:30.")
