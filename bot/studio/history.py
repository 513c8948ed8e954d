"""Keeps what volunteers save in the history of the content folder's git, in their name, where there is one."""

import asyncio
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from bot.understanding.normalise import unaccented

PATIENCE = 10.0


class Kept(StrEnum):
    """What became of a change in the history."""

    COMMITTED = "committed"
    NO_HISTORY = "no_history"
    FAILED = "failed"


async def commit(folder: Path, paths: Sequence[Path], name: str, message: str) -> Kept:
    """One commit of just these files. Whatever git says, the files are saved."""
    try:
        if await _git(folder, "rev-parse", "--is-inside-work-tree") != 0:
            return Kept.NO_HISTORY
        files = [str(path) for path in paths]
        who = ("-c", f"user.name={' '.join(name.split()) or 'Faro'}", "-c", f"user.email={slug(name)}@studio.invalid", "-c", "commit.gpgsign=false")
        done = await _git(folder, "add", "--intent-to-add", "--", *files) == 0 and await _git(folder, *who, "commit", "--quiet", "--message", message, "--only", "--", *files) == 0
    except FileNotFoundError:
        return Kept.NO_HISTORY
    except (OSError, TimeoutError):
        return Kept.FAILED
    return Kept.COMMITTED if done else Kept.FAILED


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", unaccented(name).lower()).strip("-") or "volunteer"


async def _git(folder: Path, *arguments: str) -> int:
    """What git ends with; nothing of what it says is kept."""
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec("git", "-C", str(folder), "--literal-pathspecs", *arguments, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    try:
        return await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
