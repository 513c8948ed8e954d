"""Pages: the list of all, and the editor of one, both languages side by side, with what each channel will make of it."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.checks.telling import told
from bot.content import Live
from bot.errors import Problem
from bot.messages import LANGUAGES, LOCAL_TIME, Language
from bot.studio.door import SECURITY, Answer, Desk, Studio, Visit, own_first
from bot.studio.editing import Clash, Leaf, Saved, save, shelf
from bot.studio.history import Kept, commit
from bot.studio.page_drafts import Drafts, after, compared, drifted, on_disk, parsed, reads, typed, unfinished
from bot.studio.page_live import MOST_LOOKS, state_of
from bot.studio.page_side import Side, Sides
from bot.understanding.normalise import folded


@dataclass(frozen=True, kw_only=True)
class Line:
    """One page in the list."""

    leaf: Leaf
    titles: Mapping[Language, str]
    questions: Mapping[Language, int]
    marks: tuple[str, ...]


def routes(studio: Studio) -> Sequence[Route]:
    pages = Pages(studio)
    return (
        studio.route("/studio/pages", pages.listed),
        studio.route("/studio/pages/{id}", pages.of_page(pages.opened)),
        studio.route("/studio/pages/{id}", pages.of_page(pages.posted), methods=("POST",)),
        studio.route("/studio/pages/{id}/preview", pages.of_page(pages.shown), methods=("POST",)),
        studio.route("/studio/pages/{id}/live", pages.of_page(pages.live)),
    )


class Pages:
    """What the paths of the list and of the editor answer."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._desk = studio.desk
        self._sides = Sides(studio.desk)

    async def listed(self, visit: Visit) -> Response:
        return self._list(visit)

    def of_page(self, answer: Callable[[Visit, Leaf], Awaitable[Response]]) -> Answer:
        """An answer about a page that there is; for any other id the list, which says so."""

        async def found(visit: Visit) -> Response:
            leaf = shelf(self._desk.content.folder).get(visit.request.path_params["id"])
            return await answer(visit, leaf) if leaf else self._list(visit, 404)

        return found

    async def opened(self, visit: Visit, leaf: Leaf) -> Response:
        return await self._editor(visit, leaf, on_disk(leaf))

    async def posted(self, visit: Visit, leaf: Leaf) -> Response:
        drafts, do = typed(leaf, visit.form), visit.form.get("do")
        if do == "show":
            return await self._editor(visit, leaf, drafts)
        if do == "compared":
            drafts = compared(leaf, drafts)
        if not all(reads(leaf, drafts, language) for language in LANGUAGES):
            return await self._editor(visit, leaf, drafts, 422, refused=True)
        try:
            saved = await asyncio.to_thread(save, self._desk.content.folder, list(drafts.values()))
        except OSError:
            return await self._editor(visit, leaf, drafts, 500, unwritten=True)
        if saved.clashes:
            return await self._editor(visit, leaf, after(drafts, saved.clashes), 409, clashes=saved.clashes)
        kept = await _remember(self._desk, leaf, saved, visit.volunteer.name)
        said = {"saved": kept, "tongue": visit.form.get("tongue")}
        query = urlencode({key: value for key, value in said.items() if value})
        return RedirectResponse(f"/studio/pages/{leaf.id}" + (f"?{query}" if query else ""), status_code=303, headers=SECURITY)

    async def shown(self, visit: Visit, leaf: Leaf) -> Response:
        """What one language's texts would make, while they are typed."""
        language: Language = "es" if visit.form.get("side") == "es" else "en"
        half = await self._sides.of(leaf, typed(leaf, visit.form), language, visit.form.get("county", ""))
        return self._studio.show("pages_side.html", visit, told=self._telling(visit), side=half)

    async def live(self, visit: Visit, leaf: Leaf) -> Response:
        """How far what is saved has come; the fragment asks again by itself."""
        looks = visit.request.query_params.get("n", "")
        state = await state_of(self._desk, self._sides, leaf, min(int(looks), MOST_LOOKS) if re.fullmatch(r"[0-9]{1,3}", looks) else 0, visit.language)
        answer = self._studio.show("pages_live.html", visit, told=self._telling(visit), leaf=leaf, live=state)
        if state.looks and state.state in ("live", "learning"):
            # What residents get now is another: the previews are to say so.
            answer.headers["hx-trigger"] = "faro-live"
        return answer

    def _list(self, visit: Visit, status: int = 200) -> Response:
        sought = visit.request.query_params.get("q", "").strip()
        return self._studio.show("pages.html", visit, status=status, sections=sections(self._desk, sought), sought=sought, unknown=status == 404)

    async def _editor(self, visit: Visit, leaf: Leaf, drafts: Drafts, status: int = 200, *, clashes: Sequence[Clash] = (), refused: bool = False, unwritten: bool = False) -> Response:
        county, saved = visit.form.get("county", ""), visit.request.query_params.get("saved", "")
        sides = [await self._sides.of(leaf, drafts, language, county) for language in own_first(visit.language)]
        first = first_shown(sides, visit, clashes)
        return self._studio.show(
            "pages_edit.html",
            visit,
            status=status,
            leaf=leaf,
            title=titles(self._desk.content.live, leaf)[visit.language] or leaf.id,
            sides=sides,
            first=first,
            county=county,
            counties=sorted(self._desk.gazetteer.counties),
            saved=saved if saved in [*Kept] else "",
            clashes=clashes,
            refused=refused,
            unwritten=unwritten,
            live=await state_of(self._desk, self._sides, leaf, 0, visit.language),
            told=self._telling(visit),
        )

    def _telling(self, visit: Visit) -> Callable[[Problem], str]:
        return lambda problem: str(told(problem, self._desk.words, visit.language))


def first_shown(sides: Sequence[Side], visit: Visit, clashes: Sequence[Clash]) -> Language:
    """The language that a phone shows: where something keeps it from being saved, else the one that was chosen, else the volunteer's own."""
    chosen = visit.form.get("tongue") or visit.request.query_params.get("tongue")
    ranked = sorted(sides, key=lambda side: side.language != chosen)
    hurt = [side for side in ranked if side.page.path in (paths := {clash.theirs.path for clash in clashes}) or side.questions.path in paths or side.unreadable]
    return (hurt or ranked)[0].language


def sections(desk: Desk, sought: str) -> dict[str, list[Line]]:
    """The pages by section, those in which the words that are sought stand."""
    live, today = desk.content.live, desk.clock().astimezone(LOCAL_TIME).date()
    library = live.mind.kit(desk.clock()).library
    found: dict[str, list[Line]] = {}
    for leaf in shelf(desk.content.folder).values():
        pages = [page for language in LANGUAGES if (page := library.pages.get((language, leaf.id)))]
        if folded(sought) not in folded(" ".join([leaf.id, *(f"{p.front.title} {p.front.sms} {p.text}" for p in pages)])):
            continue
        counts = {language: sum(q.intent == leaf.id and q.language == language for q in library.questions) for language in LANGUAGES}
        marks = [
            *(f"missing_{language}" for language in LANGUAGES if not leaf.paths[language].is_file()),
            *(["unfinished"] if unfinished(leaf, library) else ["unread"] if not pages else []),
            *(["stale"] if drifted(library, leaf.id) else []),
            *(["review"] if any(p.front.review_by and p.front.review_by < today for p in pages) else []),
        ]
        found.setdefault(leaf.section, []).append(Line(leaf=leaf, titles=titles(live, leaf), questions=counts, marks=tuple(marks)))
    return dict(sorted(found.items()))


def titles(live: Live, leaf: Leaf) -> dict[Language, str]:
    pages = live.mind.kit(live.read_at).library.pages
    return {language: page.front.title if (page := pages.get((language, leaf.id))) else "" for language in LANGUAGES}


async def _remember(desk: Desk, leaf: Leaf, saved: Saved, name: str) -> Kept | None:
    """One commit for each language that was written; the worst that happened. None when nothing was."""
    outcomes = []
    for language in LANGUAGES:
        paths = [path for kind in ("page", "questions") if (path := leaf.path((language, kind))) in saved.written]
        if paths:
            page, _ = parsed(leaf, on_disk(leaf), language)
            title = " ".join((page.front.title if page else leaf.id).split())
            outcomes.append(await commit(desk.content.folder, paths, name, f"Studio: {title} ({language})"))
    return max(outcomes, key=[*Kept].index, default=None)
