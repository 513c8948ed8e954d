"""One reading of content/: library, contacts and what was learnt from them, made together and used together."""

from datetime import datetime
from pathlib import Path

from bot.conversation import Mind
from bot.directory.directory import Directory
from bot.directory.rows import read_rows
from bot.geo.tables import Gazetteer
from bot.intents import Kit
from bot.library.reading import read_library
from bot.understanding.notebook import Progress, no_progress
from bot.understanding.understander import build_understander
from bot.wording.catalog import Words


def read_mind(content: Path, cache: Path, words: Words, gazetteer: Gazetteer, progress: Progress = no_progress) -> Mind:
    """Reads a content folder whole. Raises ContentError with every problem."""
    library = read_library(content)
    directory = Directory(read_rows(content / "contacts"), gazetteer.counties)

    def kit(now: datetime) -> Kit:
        return Kit(library=library, directory=directory, gazetteer=gazetteer, words=words, now=now)

    return Mind(kit=kit, understander=build_understander(library, gazetteer, cache, progress))
