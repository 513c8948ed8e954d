"""Files of content/ as volunteers edit them: found by a page's id, written whole or not at all, never over somebody else's words."""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import unified_diff
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from bot.library.reading import QUESTIONS
from bot.messages import LANGUAGES, Language

Kind = Literal["page", "questions"]
Slot = tuple[Language, Kind]
SLOTS: tuple[Slot, ...] = tuple((language, kind) for language in LANGUAGES for kind in ("page", "questions"))
NEW_FILE = 0o644


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A page's file in each language. Where a twin is missing, the path is where it would be."""

    id: str
    paths: Mapping[Language, Path]

    @property
    def section(self) -> str:
        return self.paths["en"].parent.name

    def path(self, slot: Slot) -> Path:
        language, kind = slot
        page = self.paths[language]
        return page if kind == "page" else page.with_name(f"{self.id}{QUESTIONS}")


def shelf(folder: Path) -> dict[str, Leaf]:
    """Every page that stands in the content folder, also those that do not read. No path ever comes from a browser: it asks for an id of these."""
    found: dict[str, dict[Language, Path]] = {}
    for language in LANGUAGES:
        for path in sorted((folder / language).rglob("*.md")):
            if path.is_file() and not path.is_symlink():
                found.setdefault(path.stem, {}).setdefault(language, path)
    return {id_: _leaf(folder, id_, paths) for id_, paths in sorted(found.items())}


def _leaf(folder: Path, id_: str, paths: dict[Language, Path]) -> Leaf:
    known, path = next(iter(paths.items()))
    inside = path.relative_to(folder / known)
    return Leaf(id=id_, paths={language: paths.get(language, folder / language / inside) for language in LANGUAGES})


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A file as it stands: its text with plain line ends, and how it is written back."""

    path: Path
    text: str = field(repr=False)
    newline: str = "\n"
    encoding: str = "utf-8"

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.text)


def fingerprint(text: str) -> str:
    """What a form carries of a file as it was opened."""
    return blake2b(text.encode(), digest_size=12).hexdigest()


def plain(text: str) -> str:
    """Text with the line ends that forms and files of any system are compared by."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def open_sheet(path: Path) -> Sheet:
    """A file for editing; a missing one is an empty sheet. What is no UTF-8 is shown as signs to be mended."""
    if path.is_symlink() or not path.is_file():
        return Sheet(path=path, text="")
    raw = path.read_bytes()
    encoding = "utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8"
    text = raw.decode(encoding, "replace")
    return Sheet(path=path, text=plain(text), newline="\r\n" if "\r\n" in text else "\n", encoding=encoding)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a volunteer has typed for a file, and the fingerprint of the file as it was opened."""

    path: Path
    text: str = field(repr=False)
    opened: str

    @property
    def changed(self) -> bool:
        return fingerprint(self.text) != self.opened


@dataclass(frozen=True, kw_only=True)
class Clash:
    """Somebody else saved the file since it was opened: their text, and how it differs from what was typed."""

    theirs: Sheet
    difference: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What was written; or the clashes that kept everything from being written."""

    written: tuple[Path, ...] = ()
    clashes: tuple[Clash, ...] = ()


def save(folder: Path, drafts: Sequence[Draft]) -> Saved:
    """Writes every changed draft, or none when somebody else changed one of those files meanwhile."""
    changed = [draft for draft in drafts if draft.changed]
    with _alone(folder):
        sheets = {draft.path: open_sheet(draft.path) for draft in changed}
        clashes = tuple(_clash(draft, sheet) for draft in changed if (sheet := sheets[draft.path]).fingerprint not in (draft.opened, fingerprint(draft.text)))
        if clashes:
            return Saved(clashes=clashes)
        for draft in changed:
            _write(draft.text, sheets[draft.path])
    return Saved(written=tuple(draft.path for draft in changed))


def _clash(draft: Draft, theirs: Sheet) -> Clash:
    return Clash(theirs=theirs, difference=tuple(unified_diff(draft.text.splitlines(), theirs.text.splitlines(), lineterm="", n=1))[2:])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One save at a time, over all processes: nothing comes between looking and writing."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(text: str, sheet: Sheet) -> None:
    """The file as a whole, with the line ends and the rights it had: a reader sees the old or the new one, never a half."""
    path = sheet.path
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = text if text.endswith("\n") or not text else f"{text}\n"
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(whole.replace("\n", sheet.newline).encode(sheet.encoding))
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else NEW_FILE)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def with_translates(text: str, english: str) -> str:
    """A Spanish page's text, noting which English it says the same as."""
    head, separator, body = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n") or not separator:
        return text
    line = f'translates: "{english}"'
    head, count = re.subn(r"^translates:.*$", line, head, count=1, flags=re.MULTILINE)
    if not count:
        head = f"{head}\n{line}"
    return f"---\n{head}{separator}{body}"


def questions_of(text: str) -> list[str]:
    """The questions of a questions file."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
