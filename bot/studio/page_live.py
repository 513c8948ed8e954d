"""How far what is saved of a page has come: read, in use, and whether residents get all of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.errors import Problem, errors_among
from bot.library.pages import Library
from bot.messages import LANGUAGES, LOCAL_TIME, Language
from bot.studio.door import Desk
from bot.studio.editing import Leaf, questions_of
from bot.studio.page_drafts import on_disk, parsed, unfinished
from bot.studio.page_side import Remaining, Sides

# A change is live within a second or so; after so many looks, half a second apart, the page says that it is not.
MOST_LOOKS = 20
# What keeps a sentence from residents though the page is in use.
LEFT_OUT = ("reference-unknown", "sentence-unwritten", "sentence-left-out")
Stage = Literal["live", "learning", "unfinished", "held", "late", "waiting"]


@dataclass(frozen=True, kw_only=True)
class State:
    """Where a saved page stands. `verdict` is the sentence that says it: the state's own, or that something in it is still to be mended."""

    state: Stage
    looks: int
    read_at: str
    held: Sequence[Problem] = field(default=(), repr=False)
    remaining: Sequence[Remaining] = field(default=(), repr=False)

    @property
    def verdict(self) -> str:
        if not self.remaining:
            return self.state
        return "cut" if any(one.problem and one.problem.code in LEFT_OUT for one in self.remaining) else "mend"

    @property
    def again(self) -> bool:
        return self.looks < MOST_LOOKS


async def state_of(desk: Desk, sides: Sides, leaf: Leaf, looks: int, language: Language) -> State:
    """Told to a volunteer of that language, who has looked so many times since saving."""
    live = desk.content.live
    library, held = live.mind.kit(desk.clock()).library, errors_among(live.problems)
    now = is_live(leaf, library)
    state: Stage = ("learning" if live.learning else "live") if now else "held" if held else "unfinished" if unfinished(leaf, library) else "late" if looks >= MOST_LOOKS else "waiting"
    return State(
        state=state,
        looks=looks,
        read_at=desk.words.hour(live.read_at.astimezone(LOCAL_TIME), language),
        held=held,
        remaining=await sides.remaining(leaf) if now else (),
    )


def is_live(leaf: Leaf, library: Library) -> bool:
    """Whether residents get this page as it is saved, in both languages, and its questions."""
    drafts = on_disk(leaf)
    for language in LANGUAGES:
        page, _ = parsed(leaf, drafts, language)
        if leaf.paths[language].is_file() and (page is None or library.pages.get((language, leaf.id)) != page):
            return False
        if questions_of(drafts[language, "questions"].text) != [q.text for q in library.questions if q.intent == leaf.id and q.language == language]:
            return False
    return True
