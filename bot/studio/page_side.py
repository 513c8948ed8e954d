"""One language of the page editor: what was typed, what is wrong with it, how it reads, and what residents would get and get now."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bot.checks.keys import check_keys, check_links
from bot.checks.prose import check_prose
from bot.checks.reading_level import FEWEST_WORDS, HARDEST_GRADE, LEAST_EASE, ReadingLevel, sentences
from bot.checks.sms import check_sms
from bot.checks.subject import Source, Subject
from bot.checks.twins import check_language, check_twin
from bot.directory.directory import Directory
from bot.directory.references import REFERENCE, fill
from bot.errors import Problem, errors_among
from bot.intents import Kit
from bot.library.pages import Page
from bot.messages import LANGUAGES, LOCAL_TIME, Language
from bot.preview import Dress, preview, with_page
from bot.studio.door import Desk
from bot.studio.editing import Draft, Leaf, questions_of
from bot.studio.page_drafts import Drafts, drifted, on_disk, parsed

# Each of these is quick enough to be asked again at every pause in typing.
CHECKS = (check_keys, check_links, check_twin, check_language, check_prose, check_sms)


@dataclass(frozen=True, kw_only=True)
class Level:
    """How easily a page reads, and the aim. No value: it is too short to tell."""

    value: str = ""
    aim: str
    good: bool = True


@dataclass(frozen=True, kw_only=True)
class Side:
    """One language of the editor. `now` is what residents get as long as it is not saved."""

    language: Language
    page: Draft
    questions: Draft
    there: bool
    stale: bool
    questions_count: int
    problems: Sequence[Problem] = ()
    level: Level | None = None
    dress: Dress | None = field(default=None, repr=False)
    now: Dress | None = field(default=None, repr=False)

    @property
    def in_use(self) -> bool:
        """Whether residents get just this."""
        return self.dress is not None and self.dress == self.now

    @property
    def unreadable(self) -> bool:
        """Typed so that it could not be saved."""
        return self.page.changed and self.dress is None


@dataclass(frozen=True, kw_only=True)
class Remaining:
    """Something in a saved page that somebody should still mend. Without a problem: its twin has changed since."""

    language: Language
    problem: Problem | None = None


class Sides:
    """Looks at pages as they are typed, and as they are saved."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._reading = ReadingLevel()

    async def of(self, leaf: Leaf, drafts: Drafts, language: Language, county: str) -> Side:
        """A language as it was typed, with its problems and, when it reads, its dress on each channel."""
        live = kit = self._desk.content.live.mind.kit(self._desk.clock())
        where = county if county in self._desk.gazetteer.counties else None
        page, problems = parsed(leaf, drafts, language)
        dress = level = None
        if page and not errors_among(problems):
            kit = with_drafts(kit, leaf, drafts)
            found, level = await asyncio.to_thread(self._judged, page, drafts[language, "page"].text, kit)
            problems += found
            dress = await preview(page.id, language, kit, self._desk.rooms, where)
        now = await preview(leaf.id, language, live, self._desk.rooms, where) if (language, leaf.id) in live.library.pages else None
        return Side(
            language=language,
            page=drafts[language, "page"],
            questions=drafts[language, "questions"],
            there=bool(drafts[language, "page"].text) or leaf.paths[language].is_file(),
            stale=language == "es" and drifted(kit.library, leaf.id),
            questions_count=len(questions_of(drafts[language, "questions"].text)),
            problems=problems,
            level=level,
            dress=dress,
            now=now,
        )

    async def remaining(self, leaf: Leaf) -> list[Remaining]:
        """What the checks still find in a page as it is saved; mere notes are left out."""
        drafts = on_disk(leaf)
        kit = with_drafts(self._desk.content.live.mind.kit(self._desk.clock()), leaf, drafts)
        found = []
        for language in LANGUAGES:
            page, _ = parsed(leaf, drafts, language)
            problems = (await asyncio.to_thread(self._judged, page, drafts[language, "page"].text, kit))[0] if page else []
            found += [Remaining(language=language, problem=problem) for problem in problems if problem.severity != "note"]
        return [*found, Remaining(language="es")] if drifted(kit.library, leaf.id) else found

    def _judged(self, page: Page, text: str, kit: Kit) -> tuple[list[Problem], Level]:
        """What the checks find in a page that reads, and how easily. That its twin has changed is told elsewhere, and would ask git at every key."""
        english = kit.library.pages.get(("en", page.id))
        if english and page.language == "es" and page.front.translates:
            page = replace(page, front=page.front.model_copy(update={"translates": english.fingerprint}))
        subject = Subject(
            folder=self._desk.content.folder,
            library=kit.library,
            rows=(),
            counties=frozenset(self._desk.gazetteer.counties),
            directory=kit.directory,
            words=kit.words,
            today=kit.now.astimezone(LOCAL_TIME).date(),
        )
        source = Source(page, text)
        problems = [problem for check in (*CHECKS, self._reading.check) for problem in check(source, subject)]
        named = {(problem.line, problem.values.get("reference")) for problem in problems}
        problems += [problem for problem in left_out(source, kit.directory) if (problem.line, problem.values["reference"]) not in named]
        return sorted(without_echoes(problems), key=lambda p: p.line), self._level(sentences(source), page.language)

    def _level(self, text: str, language: Language) -> Level:
        """The figure that the check judges by, told also while it is good."""
        aim = f"{HARDEST_GRADE if language == 'en' else LEAST_EASE:g}"
        if len(text.split()) < FEWEST_WORDS:
            return Level(aim=aim)
        if language == "en":
            grade = self._reading.grade(text)
            return Level(value=f"{grade:.1f}", aim=aim, good=grade <= HARDEST_GRADE)
        ease = self._reading.ease(text)
        return Level(value=f"{ease:.0f}", aim=aim, good=ease >= LEAST_EASE)


def without_echoes(problems: Sequence[Problem]) -> Iterator[Problem]:
    """The problems, without those that only say that the other language lacks a piece of what is named as wrong in that line anyhow."""
    wrong = {(problem.line, value) for problem in problems if "fact" not in problem.values for value in problem.values.values()}
    for problem in problems:
        if not any(line == problem.line and problem.values.get("fact", "\0") in value for line, value in wrong):
            yield problem


def left_out(source: Source, directory: Directory) -> Iterator[Problem]:
    """Every reference that has nothing to put in its place, whatever the reason: its sentence reaches nobody."""
    for match, line in source.found(REFERENCE, source.told):
        if not fill(match[0], directory, source.page.language):
            yield source.problem("sentence-left-out", line.number, column=match.start() + 1, reference=match[0])


def with_drafts(kit: Kit, leaf: Leaf, drafts: Drafts) -> Kit:
    """The kit as it would be with both languages as they were typed, those that read."""
    for language in LANGUAGES:
        page, problems = parsed(leaf, drafts, language)
        kit = with_page(kit, page) if page and not errors_among(problems) else kit
    return kit
