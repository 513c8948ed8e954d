"""Questions: what residents asked and Faro could not answer, and what becomes of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from starlette.responses import Response
from starlette.routing import Route

from bot.library.pages import CRISIS, NONE
from bot.messages import Language
from bot.report import LEAST, Alike, Count, alike, day_of, figures
from bot.store.store import KEEP_WORDS
from bot.store.tables import Rating, Unanswered
from bot.studio.door import Desk, Studio, Visit
from bot.studio.history import commit
from bot.studio.phrases import LONGEST_PHRASE, add_phrase, still_scrubbed, tidy_phrase

# So many groups are shown at once; the next ones come when these are dealt with.
MOST_SHOWN = 25


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which questions are looked at; an empty one lets all pass. A week is named by its Monday."""

    language: str = ""
    county: str = ""
    week: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filters":
        return cls(language=given.get("language", ""), county=given.get("county", ""), week=given.get("week", ""))

    def take(self, one: Unanswered) -> bool:
        return self.language in ("", one.language) and self.county in ("", one.county) and self.week in ("", _monday(one))


@dataclass(frozen=True, kw_only=True)
class Card:
    """One group as it is shown: its texts, the phrase to add, and (id, title) of the pages to add it to, the likely ones first."""

    ids: str
    language: Language
    phrase: str = field(repr=False)
    texts: Sequence[str] = field(repr=False)
    likely: Sequence[tuple[str, str]]
    others: Sequence[tuple[str, str]]
    chosen: str = ""
    fault: str = ""

    def offers(self, intent: str) -> bool:
        return any(intent == one for one, _ in (*self.likely, *self.others))


@dataclass(frozen=True, kw_only=True)
class Done:
    """What became of a group: a sentence of the catalogs, and the page it names."""

    key: str
    title: str = ""


def routes(studio: Studio) -> Sequence[Route]:
    desk = studio.desk

    async def look(visit: Visit) -> Response:
        return await _page(studio, visit)

    async def decide(visit: Visit) -> Response:
        asked = {str(one.id): one for one in await desk.store.unanswered()}
        wanted = [asked[n] for n in visit.form.get("ids", "").split(",") if n in asked]
        if not wanted:
            return await _answer(studio, visit, done=Done(key="gone"))
        card = _card(desk, visit, Alike(asked=wanted), visit.form)
        done = Done(key="dropped")
        if visit.form.get("act") != "done":
            if card.fault:
                return await _answer(studio, visit, mended=card)
            added = await asyncio.to_thread(add_phrase, desk.content.folder, card.language, card.chosen, card.phrase)
            if added.path:
                await commit(desk.content.folder, [added.path], visit.volunteer.name, f"Studio: what residents asked, in {added.path.name}")
            done = _done(desk, visit, added.intent, new=added.path is not None)
        await desk.store.drop_unanswered([one.id for one in wanted if one.id is not None])
        return await _answer(studio, visit, done=done)

    return (studio.route("/studio/questions", look), studio.route("/studio/questions", decide, methods=["POST"]))


async def _answer(studio: Studio, visit: Visit, *, done: Done | None = None, mended: Card | None = None) -> Response:
    """htmx gets the card alone, a browser without JavaScript the whole page."""
    if visit.by_htmx:
        return studio.show("questions_card.html", visit, card=mended, done=done, longest=LONGEST_PHRASE)
    return await _page(studio, visit, done=done, mended=mended)


async def _page(studio: Studio, visit: Visit, *, done: Done | None = None, mended: Card | None = None) -> Response:
    desk, given = studio.desk, Filters.of(visit.request.query_params)
    asked = await desk.store.unanswered()
    groups = alike(one for one in asked if given.take(one))
    cards = []
    for group in groups[:MOST_SHOWN]:
        card = _card(desk, visit, group)
        cards.append(mended if mended and mended.ids == card.ids else card)
        # Residents are answered in between.
        await asyncio.sleep(0)
    return studio.show(
        "questions.html",
        visit,
        cards=cards,
        more=len(groups) - len(cards),
        given=given,
        counties=sorted({one.county for one in asked if one.county}),
        weeks=[(week, desk.words.day(date.fromisoformat(week), visit.language)) for week in sorted({_monday(one) for one in asked}, reverse=True)],
        disliked=await _disliked(desk, visit, given),
        done=done,
        longest=LONGEST_PHRASE,
    )


def _card(desk: Desk, visit: Visit, group: Alike, form: Mapping[str, str] | None = None) -> Card:
    """A group and, when a form came with it, what the volunteer made of it."""
    mind = desk.content.live.mind
    kit = mind.kit(desk.clock())
    first = group.asked[0]
    language: Language = "es" if first.language == "es" else "en"
    # What teaches Faro a crisis is for those who coordinate: such words need a reader who knows the field.
    titles = {i: kit.title(i, visit.language) for i in kit.library.intents if i not in CRISIS or visit.volunteer.may("coordinator")}
    guessed = [s.intent for s in mind.understander.understand(group.text, language).alternatives if s.intent in titles]
    card = Card(
        ids=",".join(str(one.id) for one in group.asked),
        language=language,
        phrase=tidy_phrase(group.text if form is None else form.get("phrase", "")),
        texts=[one.text for one in group.asked],
        likely=[(i, titles[i]) for i in guessed],
        others=sorted(((i, title) for i, title in titles.items() if i not in guessed), key=lambda one: one[1].casefold()),
        chosen="" if form is None else NONE if form.get("act") == "none" else form.get("intent", ""),
    )
    return card if form is None else replace(card, fault=_fault(card))


def _fault(card: Card) -> str:
    """Why a phrase cannot be added, as a key of the catalogs; '' when it can."""
    if not card.phrase:
        return "empty"
    if still_scrubbed(card.phrase):
        return "marks"
    return "" if card.chosen == NONE or card.offers(card.chosen) else "page"


def _done(desk: Desk, visit: Visit, intent: str, *, new: bool) -> Done:
    if intent == NONE:
        return Done(key="added_none" if new else "stands_none")
    return Done(key="added" if new else "stands", title=desk.content.live.mind.kit(desk.clock()).title(intent, visit.language))


async def _disliked(desk: Desk, visit: Visit, given: Filters) -> list[tuple[str, str | Count, str | Count]]:
    """(title, not useful, useful) of the pages that somebody found not useful, the most often first."""
    kit = desk.content.live.mind.kit(desk.clock())
    ratings = [r for r in await desk.store.ratings() if given.language in ("", r.language) and given.week in ("", _monday(r))]
    today = day_of(desk.clock())
    f = figures((), ratings, since=today - KEEP_WORDS, until=today, county=given.county or None)
    few = desk.words.say("studio.numbers.few", visit.language, least=LEAST)
    return [(kit.title(i, visit.language), few if n is None else n, few if f.useful[i] is None else f.useful[i]) for i, n in f.not_useful.items() if n != 0]


def _monday(one: Unanswered | Rating) -> str:
    day = day_of(one.at)
    return str(day - timedelta(days=day.weekday()))
