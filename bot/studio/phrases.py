"""Adds what a resident said to the questions of a page, so that Faro learns it."""

import re
from dataclasses import dataclass
from pathlib import Path

from bot.library.pages import NONE
from bot.library.reading import QUESTIONS, collect_library
from bot.messages import LANGUAGES, Language
from bot.studio.editing import Draft, open_sheet, save
from bot.understanding.normalise import folded, printable

LONGEST_PHRASE = 200
# What stands where something that points at a person was taken out: it would teach Faro nothing.
SCRUBBED = re.compile(r"\[(?:number|email|address|link|name)\]")


@dataclass(frozen=True, kw_only=True)
class Added:
    """Where a phrase stands now: of which intent, and in which file when it is new there."""

    intent: str
    path: Path | None = None


def tidy_phrase(text: str) -> str:
    """One line of a questions file: no comment, not too long."""
    return " ".join(printable(text).split()).lstrip("# ")[:LONGEST_PHRASE].strip()


def still_scrubbed(phrase: str) -> bool:
    return bool(SCRUBBED.search(phrase))


def add_phrase(folder: Path, language: Language, intent: str, phrase: str) -> Added:
    """Writes a phrase to the questions of an intent, unless one of that language's files has it already."""
    library, _ = collect_library(folder)
    said = folded(phrase) or phrase
    for question in library.questions:
        if question.language == language and (folded(question.text) or question.text) == said:
            return Added(intent=question.intent)
    path = questions_file(folder, language, intent)
    while True:
        sheet = open_sheet(path)
        before = f"{sheet.text}\n" if sheet.text and not sheet.text.endswith("\n") else sheet.text
        # A clash: somebody saved the file just now, so it is read again.
        if save(folder, [Draft(path=path, text=f"{before}{phrase}\n", opened=sheet.fingerprint)]).written:
            return Added(intent=intent, path=path)


def questions_file(folder: Path, language: Language, intent: str) -> Path:
    """The file of an intent's questions: the one that is there, else beside its page, else where the other language has it."""
    if intent == NONE:
        return folder / language / f"{NONE}{QUESTIONS}"
    for there in (language, *LANGUAGES):
        for ending in (QUESTIONS, ".md"):
            if found := next((folder / there).rglob(f"{intent}{ending}"), None):
                return (folder / language / found.relative_to(folder / there)).with_name(f"{intent}{QUESTIONS}")
    return folder / language / "intents" / f"{intent}{QUESTIONS}"
