"""The content as it is served: read whole, learnt from in a process of its own, replaced when a volunteer's change is good."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from watchfiles import awatch

from bot.checks.telling import line_told
from bot.conversation import Mind
from bot.directory.directory import Directory
from bot.directory.rows import Row, collect_rows
from bot.errors import ContentError, Problem, errors_among
from bot.geo.tables import Gazetteer
from bot.intents import Kit
from bot.library.pages import Library
from bot.library.reading import collect_library
from bot.settings import ROOT
from bot.understanding.notebook import Progress, no_progress
from bot.understanding.understander import Understander, build_understander, learning_hash, model_path
from bot.wording.catalog import Words

log = logging.getLogger(__name__)

# A change is read once the folder has been quiet for so long: editors write in pieces, git pulls file by file. Milliseconds.
QUIET, LONGEST_UNREST, LOOK_AGAIN = 400, 5_000, 1_000
# A folder that is gone is looked for again. Seconds.
PATIENCE = 1.0
PROBLEMS_LOGGED = 10


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One reading of the whole folder, and what in it could not be read."""

    library: Library
    rows: Sequence[Row] = field(repr=False)
    problems: tuple[Problem, ...] = ()


def read_content(folder: Path) -> Reading:
    """Pages, questions and contacts as residents may be told them; files that cannot be read are left out and named in `problems`."""
    library, problems = collect_library(folder)
    rows, more = collect_rows(folder / "contacts")
    return Reading(library=library.finished, rows=rows, problems=(*problems, *more))


@dataclass(frozen=True, kw_only=True)
class Live:
    """What is served now, and how the last change went."""

    mind: Mind
    read_at: datetime
    problems: tuple[Problem, ...] = ()
    learning: bool = False


class Content:
    """Keeps `live` true to a folder. Everything in it is replaced as a whole or not at all."""

    def __init__(self, folder: Path, cache: Path, words: Words, gazetteer: Gazetteer, clock: Callable[[], datetime], progress: Progress = no_progress) -> None:
        self._folder, self._cache = folder.absolute(), cache.absolute()
        self._words = words
        self._gazetteer = gazetteer
        self._clock = clock
        reading = read_content(self._folder)
        if not reading.library.questions:
            raise ContentError([*reading.problems, Problem(path=self._folder, line=1, code="no-questions")])
        # At the start what is broken is left out: one bad page must not keep Faro from answering.
        self._tell(reading.problems)
        self._learnt = learning_hash(reading.library)
        # Nor to learn anew without it, for as long as that takes: what was learnt last will do until it is mended.
        settling = bool(errors_among(reading.problems))
        self.live = self._lively(reading, build_understander(reading.library, gazetteer, self._cache, progress, settling=settling))

    @property
    def folder(self) -> Path:
        return self._folder

    def _lively(self, reading: Reading, understander: Understander) -> Live:
        directory = Directory(reading.rows, self._gazetteer.counties)

        def kit(now: datetime) -> Kit:
            return Kit(library=reading.library, directory=directory, gazetteer=self._gazetteer, words=self._words, now=now)

        return Live(mind=Mind(kit=kit, understander=understander), read_at=self._clock(), problems=reading.problems)

    async def watch(self) -> None:
        """Reads again whenever something changes, for ever."""
        learner: asyncio.Task[None] | None = None
        try:
            async for _ in self._changes():
                reading = await asyncio.to_thread(read_content, self._folder)
                if errors_among(reading.problems):
                    self._refuse(reading.problems)
                    continue
                self.live = self._lively(reading, self.live.mind.understander)
                log.info("the content was read again: %d pages, %d contacts", len(reading.library.pages), len(reading.rows))
                if learner:
                    await _stopped(learner)
                wanted = await asyncio.to_thread(learning_hash, reading.library)
                learner = asyncio.create_task(self._learn(reading.library, wanted)) if wanted != self._learnt else None
        finally:
            if learner:
                await _stopped(learner)

    async def _changes(self) -> AsyncIterator[None]:
        """One item for each change of the folder, once it is quiet. A folder that goes away is waited for."""
        while True:
            if not self._folder.is_dir():
                self._refuse((Problem(path=self._folder, line=1, code="folder-gone"),))
                while not self._folder.is_dir():  # noqa: ASYNC110  nothing tells of a folder that comes back
                    await asyncio.sleep(PATIENCE)
                yield
            folder = self._folder.stat().st_ino
            with contextlib.suppress(OSError):
                async for changes in awatch(self._folder, step=QUIET, debounce=LONGEST_UNREST, rust_timeout=LOOK_AGAIN, yield_on_timeout=True):
                    if not self._folder.is_dir() or self._folder.stat().st_ino != folder:
                        break
                    if changes:
                        yield

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        self.live = replace(self.live, problems=problems)
        self._tell(problems)

    def _tell(self, problems: Sequence[Problem]) -> None:
        errors = errors_among(problems)
        for problem in errors[:PROBLEMS_LOGGED]:
            log.error("content: %s", line_told(problem, self._words, "en"))
        if len(errors) > PROBLEMS_LOGGED:
            log.error("content: and %d more; run `faro check`", len(errors) - PROBLEMS_LOGGED)

    async def _learn(self, library: Library, wanted: str) -> None:
        """New questions are learnt in a process of its own, while the old model answers."""
        self.live = replace(self.live, learning=True)
        try:
            command = (sys.executable, "-m", "bot", "learn", "--content", str(self._folder), "--cache", str(self._cache))
            process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True)
            try:
                await process.wait()
            except asyncio.CancelledError:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
                raise
            if not model_path(wanted, self._cache).exists():
                log.error("the new questions could not be learnt; the old model goes on answering")
                return
            understander = await asyncio.to_thread(build_understander, library, self._gazetteer, self._cache)
            self._learnt = wanted
            self.live = replace(self.live, mind=replace(self.live.mind, understander=understander))
            log.info("the new questions are learnt")
        finally:
            self.live = replace(self.live, learning=False)


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
