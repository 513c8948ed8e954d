"""Today: what needs a person, each with the page where it is mended."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from bot.checks.everything import problems_of, read_subject
from bot.checks.subject import Subject
from bot.checks.telling import told
from bot.content import Live
from bot.directory.rows import STATEWIDE, Row
from bot.errors import Problem, errors_among
from bot.library.pages import Library
from bot.messages import LOCAL_TIME, Language
from bot.studio.door import Desk, Studio, Visit
from bot.studio.page_drafts import drifted
from bot.studio.shelters import healths, stopped

# A contact that nobody has looked at for so long is to be asked again; questions of so many days are counted.
LOOK_AGAIN, LATELY = timedelta(days=180), timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that waits: what it is, and where it is mended."""

    text: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What one look over the content found. It holds as long as the content is served unchanged, and for a day."""

    live: Live
    subject: Subject
    faults: Sequence[Problem]


def routes(studio: Studio) -> Sequence[Route]:
    desk, looked = studio.desk, list[Looked]()

    async def today(visit: Visit) -> Response:
        live, day = desk.content.live, desk.clock().astimezone(LOCAL_TIME).date()
        if not looked or looked[0].live is not live or looked[0].subject.today != day:
            looked[:] = [await asyncio.to_thread(look, desk, live, day)]
        return studio.show("today.html", visit, groups=await waiting(desk, looked[0], visit.language))

    return (studio.route("/studio", today), studio.route("/studio/", today))


def look(desk: Desk, live: Live, day: date) -> Looked:
    """Everything read and checked; takes a second or two."""
    subject, problems = read_subject(desk.content.folder, desk.gazetteer.counties, desk.words, day)
    return Looked(live=live, subject=subject, faults=[p for p in (*problems, *problems_of(subject)) if p.severity != "note" and p.code != "twin-stale"])


async def waiting(desk: Desk, looked: Looked, language: Language) -> dict[str, list[Item]]:
    """What waits for a person, by its kind, the gravest kind first; kinds of which nothing waits are left out."""
    library, day = looked.subject.library, looked.subject.today
    groups = {
        "refused": [_item(problem, desk, language) for problem in errors_among(looked.live.problems)],
        "checks": [_item(problem, desk, language) for problem in looked.faults if problem not in looked.live.problems],
        "twins": [Item(text=library.title(id_, language) or id_, where=f"/studio/pages/{id_}") for lang, id_ in library.pages if lang == "en" and drifted(library, id_)],
        "pages": [*_old_pages(desk, library, day, language)],
        "contacts": [*_old_contacts(desk, looked.subject.rows, day, language)],
        "feeds": await _stopped_feeds(desk, language),
        "questions": await _unanswered(desk, language),
    }
    return {kind: items for kind, items in groups.items() if items}


def _item(problem: Problem, desk: Desk, language: Language) -> Item:
    name = problem.path.name
    table = problem.path.suffix == ".csv"
    where = f"/studio/contacts?{urlencode({'table': problem.path.stem})}" if table else f"/studio/pages/{name.partition('.')[0]}"
    place = f"{name}:{problem.line}" if table or not problem.path.parent.parent.name else f"{problem.path.parent.parent.name}/{name}:{problem.line}"
    return Item(text=f"{place}: {told(problem, desk.words, language)}", where=where)


def _old_pages(desk: Desk, library: Library, today: date, language: Language) -> Iterator[Item]:
    """Pages past their day of review, each once."""
    late: dict[str, date] = {}
    for page in library.pages.values():
        if page.front.review_by and page.front.review_by < today:
            late[page.id] = min(page.front.review_by, late.get(page.id, date.max))
    for id_, since in late.items():
        yield Item(text=desk.words.say("studio.today.review", language, title=library.title(id_, language) or id_, date=since), where=f"/studio/pages/{id_}")


def _old_contacts(desk: Desk, rows: Sequence[Row], today: date, language: Language) -> Iterator[Item]:
    """Contacts that are to be confirmed, or were confirmed too long ago."""
    for row in rows:
        if why := reason(row, today):
            county = desk.words.say("studio.contacts.statewide", language) if row.county == STATEWIDE else row.county
            said = desk.words.say(f"studio.today.contact.{why}", language, name=row.contact(language).name, county=county, date=row["checked"])
            yield Item(text=said, where=f"/studio/contacts?{urlencode({'table': row.path.stem, 'q': row['id']})}")


def reason(row: Row, today: date) -> str | None:
    """Why a contact should be looked at again."""
    if not row.trusted:
        return "unsure"
    checked, review = _day(row["checked"]), _day(row["review_by"])
    if review and review < today:
        return "review"
    return "old" if checked and checked < today - LOOK_AGAIN else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


async def _stopped_feeds(desk: Desk, language: Language) -> list[Item]:
    """Feeds without a good list for an hour."""
    late = [health for health in healths((await desk.openings.feeds()).values(), desk.clock()) if stopped(health)]
    return [
        Item(
            text=desk.words.say(
                "studio.today.feed", language, name=desk.words.say(f"studio.shelters.source.{one.name}", language), minutes="-" if one.minutes is None else one.minutes, trouble=one.trouble
            ),
            where="/studio/shelters",
        )
        for one in late
    ]


async def _unanswered(desk: Desk, language: Language) -> list[Item]:
    """How many questions of the last days Faro could not answer."""
    since = desk.clock() - LATELY
    count = sum(one.at >= since for one in await desk.store.unanswered())
    return [Item(text=desk.words.say("studio.today.unanswered", language, count=count), where="/studio/questions")] if count else []
