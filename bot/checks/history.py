"""What git remembers of a page."""

import subprocess
from pathlib import Path
from shutil import which
from time import monotonic

from bot.errors import Problem
from bot.library.pages import Page
from bot.library.reading import parse_page

PATIENCE = 1.0


def english_as_translated(page: Page, fingerprint: str) -> Page | None:
    """The page as it was when its fingerprint was this one; None when git does not know, or takes longer than a second to say."""
    git = which("git")
    end = monotonic() + PATIENCE
    for commit in _git(git, page.path.parent, "log", "--format=%H", "--", page.path.name).split() if git else ():
        if monotonic() > end:
            return None
        problems: list[Problem] = []
        old = parse_page(_git(git, page.path.parent, "show", f"{commit}:./{page.path.name}"), page.path, page.language, problems)
        if old and old.fingerprint == fingerprint:
            return old
    return None


def _git(git: str | None, folder: Path, *arguments: str) -> str:
    """What git says; nothing when the folder is in no repository."""
    try:
        done = subprocess.run([git or "git", "-C", str(folder), *arguments], capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603  our own arguments
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").replace("\r\n", "\n").removeprefix("\ufeff") if done.returncode == 0 else ""
