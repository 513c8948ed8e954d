"""Shelters: what residents are told now, how the feeds are, and a coordinator's own word."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import nan

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.directory.shelters import Pets
from bot.errors import NoShelter
from bot.feeds.openings import Opening, name_of, number_of
from bot.messages import LOCAL_TIME
from bot.store.feeds import Kept
from bot.studio.door import SECURITY, Studio, Visit

PAGE = "/studio/shelters"
# FEMA's list is asked every ten minutes: after an hour somebody should know.
STOPPED = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Health:
    """A feed as a coordinator sees it. `minutes` since its last good list, None when there never was one."""

    name: str
    minutes: int | None
    trouble: str


def routes(studio: Studio) -> Sequence[Route]:
    desk, openings = studio.desk, studio.desk.openings

    async def overview(visit: Visit, error: str = "") -> Response:
        told = [(number_of(s), s) for s in await openings.told_now()]
        feeds = [*healths((await openings.feeds()).values(), desk.clock())]
        return studio.show(
            "shelters.html",
            visit,
            status=400 if error else 200,
            told=told,
            feeds=feeds,
            log=await openings.log(),
            counties=desk.gazetteer.counties,
            pets=list(Pets),
            form=visit.form if error else {},
            error=error,
            name_of=name_of,
            when=lambda moment: moment.astimezone(LOCAL_TIME).strftime("%Y-%m-%d %H:%M"),
        )

    async def act(visit: Visit) -> Response:
        try:
            if visit.request.path_params["deed"] == "close":
                await openings.close(_number(visit.form.get("number", "")), visit.volunteer.name)
            else:
                await openings.open(_opening(visit), visit.volunteer.name)
        except NoShelter as error:
            return await overview(visit, desk.words.say(f"openings.cannot.{error.code}", visit.language, **error.values))
        return RedirectResponse(PAGE, status_code=303, headers=SECURITY)

    return (studio.route(PAGE, overview, role="coordinator"), studio.route(f"{PAGE}/{{deed}}", act, methods=("POST",), role="coordinator"))


def healths(feeds: Iterable[Kept], now: datetime) -> Iterator[Health]:
    for kept in feeds:
        yield Health(name=kept.name, minutes=round((now - kept.good_at).total_seconds() / 60) if kept.good_at else None, trouble=kept.trouble)


def stopped(health: Health) -> bool:
    return health.minutes is None or health.minutes > STOPPED.total_seconds() / 60


def _opening(visit: Visit) -> Opening:
    form = visit.form
    pets, wheelchair, hours = form.get("pets", ""), form.get("wheelchair", ""), form.get("hours", "")
    return Opening(
        name=form.get("name", ""),
        county=form.get("county", ""),
        address=form.get("address", ""),
        zip=form.get("zip", ""),
        phone=form.get("phone", ""),
        pets=Pets(pets) if pets in list(Pets) else None,
        wheelchair={"yes": True, "no": False}.get(wheelchair),
        hours=_hours(hours) if hours.strip() else None,
    )


def _hours(text: str) -> float:
    """Not a number (nan) is refused as too few are."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return nan


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
