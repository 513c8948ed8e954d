"""All checks, in the order of the files."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

from bot.checks.contacts import check_rows
from bot.checks.files import check_files
from bot.checks.keys import check_keys, check_links
from bot.checks.prose import check_prose
from bot.checks.questions import QuestionCheck
from bot.checks.reach import check_reach
from bot.checks.reading_level import ReadingLevel
from bot.checks.sms import check_sms
from bot.checks.subject import Source, Subject
from bot.checks.twins import check_language, check_twin
from bot.directory.directory import Directory
from bot.directory.rows import collect_rows
from bot.errors import Problem, Severity, errors_among
from bot.geo.tables import County
from bot.library.pages import CRISIS, Page
from bot.library.reading import collect_library
from bot.messages import LANGUAGES
from bot.wording.catalog import Words

PageCheck = Callable[[Source, Subject], Iterable[Problem]]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


def read_subject(folder: Path, counties: dict[str, County], words: Words, today: date) -> tuple[Subject, list[Problem]]:
    """A content folder as far as it can be read, and what is wrong with the rest."""
    library, problems = collect_library(folder)
    rows, more = collect_rows(folder / "contacts")
    subject = Subject(
        folder=folder,
        library=library,
        rows=rows,
        counties=frozenset(counties),
        directory=Directory(rows, counties),
        words=words,
        today=today,
        broken=frozenset(problem.path for problem in errors_among((*problems, *more))),
    )
    return subject, [*problems, *more]


def problems_of(subject: Subject, *, deep: bool = False) -> list[Problem]:
    """What reading alone does not find. `deep` also asks every question of all the others, which takes some seconds."""
    checks: list[PageCheck] = [check_keys, check_links, check_twin, check_language, check_prose, check_sms, ReadingLevel().check]
    found = [problem for page in subject.library.pages.values() for problem in page_problems(page, subject, checks)]
    found += [*_missing(subject), *check_rows(subject), *check_files(subject.folder), *QuestionCheck(subject).check()]
    found += check_reach(subject) if deep else ()
    return in_order(found)


def page_problems(page: Page, subject: Subject, checks: Iterable[PageCheck]) -> Iterator[Problem]:
    source = Source(page)
    for check in checks:
        yield from check(source, subject)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda p: (str(p.path), p.line, SEVERITIES.index(p.severity), p.code))


def _missing(subject: Subject) -> Iterator[Problem]:
    """Crisis pages must never be lost."""
    for id_ in CRISIS:
        if not any((language, id_) in subject.library.pages or subject.stands(language, f"{id_}.md") for language in LANGUAGES):
            yield Problem(path=subject.folder / "en" / "crisis" / f"{id_}.md", line=1, code="crisis-page-missing", values={"id": id_})
