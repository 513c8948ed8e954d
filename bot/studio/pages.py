"""Pages: the list of all, and the editor of one, both languages side by side, with what each channel will make of it."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.checks.keys import check_keys, check_links
from bot.checks.prose import check_prose
from bot.checks.sms import check_sms
from bot.checks.subject import Source, Subject
from bot.checks.telling import told
from bot.checks.twins import check_language, check_twin
from bot.content import Live
from bot.errors import Problem, errors_among
from bot.intents import Kit
from bot.library.pages import Library, Page
from bot.library.reading import parse_page
from bot.messages import LANGUAGES, LOCAL_TIME, Language
from bot.preview import Dress, preview, with_page
from bot.studio.door import SECURITY, Answer, Desk, Studio, Visit
from bot.studio.editing import SLOTS, Clash, Draft, Leaf, Saved, Slot, open_sheet, plain, questions_of, save, shelf, with_translates
from bot.studio.history import Kept, commit
from bot.understanding.normalise import folded

# A change is live within a second or so; after so many looks, half a second apart, the page says that it is not.
MOST_LOOKS = 20

# Each of these is quick enough to be asked again at every pause in typing.
CHECKS = (check_keys, check_links, check_twin, check_language, check_prose, check_sms)

Drafts = dict[Slot, Draft]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One page in the list."""

    leaf: Leaf
    titles: Mapping[Language, str]
    questions: Mapping[Language, int]
    marks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One language of the editor: what was typed, what is wrong with it, and what residents would get."""

    language: Language
    page: Draft
    questions: Draft
    there: bool
    stale: bool
    questions_count: int
    problems: Sequence[Problem] = ()
    dress: Dress | None = field(default=None, repr=False)


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
        return RedirectResponse(f"/studio/pages/{leaf.id}" + (f"?saved={kept}" if kept else ""), status_code=303, headers=SECURITY)

    async def shown(self, visit: Visit, leaf: Leaf) -> Response:
        """What one language's texts would make, while they are typed."""
        language: Language = "es" if visit.form.get("side") == "es" else "en"
        half = await side(self._desk, leaf, typed(leaf, visit.form), language, visit.form.get("county", ""))
        return self._studio.show("pages_side.html", visit, told=self._telling(visit), side=half)

    async def live(self, visit: Visit, leaf: Leaf) -> Response:
        """How far what is saved has come; the fragment asks again by itself."""
        looks = visit.request.query_params.get("n", "")
        state = _state(self._desk, leaf, min(int(looks), MOST_LOOKS) if re.fullmatch(r"[0-9]{1,3}", looks) else 0, visit.language)
        return self._studio.show("pages_live.html", visit, told=self._telling(visit), leaf=leaf, live=state)

    def _list(self, visit: Visit, status: int = 200) -> Response:
        sought = visit.request.query_params.get("q", "").strip()
        return self._studio.show("pages.html", visit, status=status, sections=sections(self._desk, sought), sought=sought, unknown=status == 404)

    async def _editor(self, visit: Visit, leaf: Leaf, drafts: Drafts, status: int = 200, *, clashes: Sequence[Clash] = (), refused: bool = False, unwritten: bool = False) -> Response:
        county, saved = visit.form.get("county", ""), visit.request.query_params.get("saved", "")
        return self._studio.show(
            "pages_edit.html",
            visit,
            status=status,
            leaf=leaf,
            title=titles(self._desk.content.live, leaf)[visit.language] or leaf.id,
            sides=[await side(self._desk, leaf, drafts, language, county) for language in LANGUAGES],
            county=county,
            counties=sorted(self._desk.gazetteer.counties),
            saved=saved if saved in [*Kept] else "",
            clashes=clashes,
            refused=refused,
            unwritten=unwritten,
            live=_state(self._desk, leaf, 0, visit.language),
            told=self._telling(visit),
        )

    def _telling(self, visit: Visit) -> Callable[[Problem], str]:
        return lambda problem: str(told(problem, self._desk.words, visit.language))


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
            *(["unread"] if not pages else []),
            *(["stale"] if drifted(library, leaf.id) else []),
            *(["review"] if any(p.front.review_by and p.front.review_by < today for p in pages) else []),
        ]
        found.setdefault(leaf.section, []).append(Line(leaf=leaf, titles=titles(live, leaf), questions=counts, marks=tuple(marks)))
    return dict(sorted(found.items()))


def titles(live: Live, leaf: Leaf) -> dict[Language, str]:
    pages = live.mind.kit(live.read_at).library.pages
    return {language: page.front.title if (page := pages.get((language, leaf.id))) else "" for language in LANGUAGES}


def drifted(library: Library, id_: str) -> bool:
    """Whether the Spanish page was made from another English than the one that stands there."""
    english, spanish = library.pages.get(("en", id_)), library.pages.get(("es", id_))
    return bool(english and spanish and spanish.front.translates != english.fingerprint)


def on_disk(leaf: Leaf) -> Drafts:
    sheets = {slot: open_sheet(leaf.path(slot)) for slot in SLOTS}
    return {slot: Draft(path=sheet.path, text=sheet.text, opened=sheet.fingerprint) for slot, sheet in sheets.items()}


def typed(leaf: Leaf, form: Mapping[str, str]) -> Drafts:
    """What a form holds; a file that it lacks is as it stands."""
    drafts = on_disk(leaf)
    for language, kind in SLOTS:
        text, opened = form.get(f"{kind}_{language}"), form.get(f"opened_{kind}_{language}")
        if text is not None and opened is not None:
            drafts[language, kind] = Draft(path=leaf.path((language, kind)), text=plain(text), opened=opened)
    return drafts


def parsed(leaf: Leaf, drafts: Drafts, language: Language) -> tuple[Page | None, list[Problem]]:
    problems: list[Problem] = []
    return parse_page(drafts[language, "page"].text, leaf.paths[language], language, problems), problems


def reads(leaf: Leaf, drafts: Drafts, language: Language) -> bool:
    """Whether a language's page may be saved: it reads, or it was not touched."""
    return not drafts[language, "page"].changed or not errors_among(parsed(leaf, drafts, language)[1])


def compared(leaf: Leaf, drafts: Drafts) -> Drafts:
    """The drafts of somebody who has compared them: the Spanish notes that it says what the English says."""
    english, _ = parsed(leaf, drafts, "en")
    spanish = drafts["es", "page"]
    return {**drafts, ("es", "page"): replace(spanish, text=with_translates(spanish.text, english.fingerprint))} if english else drafts


def after(drafts: Drafts, clashes: Sequence[Clash]) -> Drafts:
    """The drafts with what others saved as seen: saved again, they are meant to take its place."""
    seen = {clash.theirs.path: clash.theirs.fingerprint for clash in clashes}
    return {slot: replace(draft, opened=seen.get(draft.path, draft.opened)) for slot, draft in drafts.items()}


async def side(desk: Desk, leaf: Leaf, drafts: Drafts, language: Language, county: str) -> Side:
    """A language as it was typed, with its problems and, when it reads, its dress on each channel."""
    kit = desk.content.live.mind.kit(desk.clock())
    page, problems = parsed(leaf, drafts, language)
    dress = None
    if page and not errors_among(problems):
        for other in LANGUAGES:
            if twin := parsed(leaf, drafts, other)[0]:
                kit = with_page(kit, twin)
        problems += await asyncio.to_thread(faults, page, drafts[language, "page"].text, desk, kit)
        dress = await preview(page.id, language, kit, desk.rooms, county if county in desk.gazetteer.counties else None)
    return Side(
        language=language,
        page=drafts[language, "page"],
        questions=drafts[language, "questions"],
        there=bool(drafts[language, "page"].text) or leaf.paths[language].is_file(),
        stale=language == "es" and drifted(kit.library, leaf.id),
        questions_count=len(questions_of(drafts[language, "questions"].text)),
        problems=problems,
        dress=dress,
    )


def faults(page: Page, text: str, desk: Desk, kit: Kit) -> list[Problem]:
    """What the checks find in a page that reads. That its twin has changed is told elsewhere, and would ask git at every key."""
    english = kit.library.pages.get(("en", page.id))
    fresh = replace(page, front=page.front.model_copy(update={"translates": english.fingerprint})) if english and page.language == "es" and page.front.translates else page
    today = kit.now.astimezone(LOCAL_TIME).date()
    subject = Subject(
        folder=desk.content.folder,
        library=kit.library,
        rows=(),
        counties=frozenset(desk.gazetteer.counties),
        directory=kit.directory,
        words=kit.words,
        today=today,
    )
    source = Source(fresh, text)
    return sorted((problem for check in CHECKS for problem in check(source, subject)), key=lambda p: p.line)


def is_live(leaf: Leaf, library: Library) -> bool:
    """Whether residents get this page as it is saved, in both languages, and its questions."""
    for language in LANGUAGES:
        drafts = on_disk(leaf)
        if drafts[language, "page"].text and library.pages.get((language, leaf.id)) != parsed(leaf, drafts, language)[0]:
            return False
        if questions_of(drafts[language, "questions"].text) != [q.text for q in library.questions if q.intent == leaf.id and q.language == language]:
            return False
    return True


def _state(desk: Desk, leaf: Leaf, looks: int, language: Language) -> dict[str, object]:
    """How far what is saved has come, for the fragment that looks again."""
    live = desk.content.live
    now = is_live(leaf, live.mind.kit(desk.clock()).library)
    state = ("learning" if live.learning else "live") if now else "held" if live.problems else "late" if looks >= MOST_LOOKS else "waiting"
    return {"state": state, "looks": looks, "again": looks < MOST_LOOKS, "held": live.problems, "read_at": desk.words.hour(live.read_at.astimezone(LOCAL_TIME), language)}


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
