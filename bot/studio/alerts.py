"""Alerts: what was told of the Weather Service, and a coordinator's own broadcasts, which a second person releases."""

from collections.abc import Sequence

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.alerts.broadcasts import Broadcasts, same_person
from bot.alerts.choosing import KIND
from bot.errors import NotToBeSent
from bot.messages import LOCAL_TIME
from bot.store.tables_live import Notice
from bot.studio.door import SECURITY, Studio, Visit

NEWEST = 20
USUAL_HOURS = "6"


def routes(studio: Studio) -> Sequence[Route]:
    desk, broadcasts = studio.desk, studio.desk.broadcasts

    async def overview(visit: Visit, form: dict[str, str] | None = None, error: str = "") -> Response:
        told = await broadcasts.told(KIND, NEWEST)
        given = form or {"hours": USUAL_HOURS}
        return studio.show("alerts.html", visit, status=400 if error else 200, broadcasts=await broadcasts.all(), told=told, counties=desk.gazetteer.counties, form=given, error=error, when=_when)

    async def draft(visit: Visit) -> Response:
        form = dict(visit.form)
        chosen = [county for county in desk.gazetteer.counties if form.get(f"county {county}")]
        try:
            notice = await broadcasts.draft(counties=chosen, en=form.get("en", ""), es=form.get("es", ""), by=visit.volunteer.name, hours=_hours(form), life_safety=bool(form.get("life_safety")))
        except NotToBeSent as error:
            return await overview(visit, form, desk.words.say(f"studio.alerts.{error.code}", visit.language, **error.values))
        return RedirectResponse(f"/studio/alerts/{notice.id}", status_code=303, headers=SECURITY)

    async def one(visit: Visit, error: str = "", template: str = "alerts_one.html") -> Response:
        notice = await broadcasts.find(visit.request.path_params["id"])
        if notice is None:
            return await overview(visit, error=desk.words.say("studio.alerts.broadcast-gone", visit.language))
        estimate = await broadcasts.estimate(notice)
        shown = estimate.shares or broadcasts.samples(notice)
        given = {"progress": await broadcasts.progress(notice), "own": same_person(notice.made_by, visit.volunteer.name)}
        return studio.show(template, visit, status=400 if error else 200, notice=notice, estimate=estimate, shares=shown, error=error, when=_when, **given)

    async def moving(visit: Visit) -> Response:
        return await one(visit, template="alerts_progress.html")

    async def act(visit: Visit) -> Response:
        id_, deed = visit.request.path_params["id"], visit.request.path_params["deed"]
        try:
            await _done(broadcasts, id_, deed, visit.volunteer.name)
        except NotToBeSent as error:
            return await one(visit, desk.words.say(f"studio.alerts.{error.code}", visit.language, **error.values))
        return RedirectResponse(f"/studio/alerts/{id_}", status_code=303, headers=SECURITY)

    return (
        studio.route("/studio/alerts", overview, role="coordinator"),
        studio.route("/studio/alerts", draft, methods=("POST",), role="coordinator"),
        studio.route("/studio/alerts/{id}", one, role="coordinator"),
        studio.route("/studio/alerts/{id}/progress", moving, role="coordinator"),
        studio.route("/studio/alerts/{id}/{deed}", act, methods=("POST",), role="coordinator"),
    )


async def _done(broadcasts: Broadcasts, id_: str, deed: str, by: str) -> None:
    """Raises NotToBeSent where it cannot be done."""
    if deed == "release":
        await broadcasts.release(id_, by)
    elif deed not in ("pause", "resume", "cancel") or not await getattr(broadcasts, deed)(id_):
        raise NotToBeSent("broadcast-released")


def _hours(form: dict[str, str]) -> float:
    try:
        return float(form.get("hours", ""))
    except ValueError:
        return 0.0


def _when(notice: Notice, which: str) -> str:
    """A moment of a notice as people here read it: '2026-12-10 14:05'."""
    moment = notice.expires_at if which == "expires" else notice.made_at
    return f"{moment.astimezone(LOCAL_TIME):%Y-%m-%d %H:%M}"
