"""What a volunteer has typed for a page's files, and what it would read as."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.errors import Problem, errors_among
from bot.library.pages import Library, Page
from bot.library.reading import parse_page
from bot.messages import LANGUAGES, Language
from bot.studio.editing import SLOTS, Clash, Draft, Leaf, Slot, open_sheet, plain, with_translates

Drafts = dict[Slot, Draft]


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


def drifted(library: Library, id_: str) -> bool:
    """Whether the Spanish page was made from another English than the one that stands there."""
    english, spanish = library.pages.get(("en", id_)), library.pages.get(("es", id_))
    return bool(english and spanish and spanish.front.translates != english.fingerprint)


def unfinished(leaf: Leaf, library: Library) -> bool:
    """Whether a language's page reads and is told to nobody, because no person has compared it yet."""
    drafts = on_disk(leaf)
    return any((language, leaf.id) not in library.pages and (page := parsed(leaf, drafts, language)[0]) and page.not_compared for language in LANGUAGES)
