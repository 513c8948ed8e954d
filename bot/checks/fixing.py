"""`faro check --fix`: mends what changes no meaning, and shows every line that it changed."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from tempfile import NamedTemporaryFile

import yaml

from bot.checks.files import bytes_of, content_files
from bot.checks.sms import CURLY
from bot.checks.telling import shown
from bot.library.pages import FrontMatter, Library
from bot.library.reading import parse_page

KEYS = tuple(FrontMatter.model_fields)
_TOP_KEY = re.compile(r"^(?=[\w-]+:)", re.MULTILINE)
_STRAIGHT = str.maketrans(CURLY)


@dataclass(frozen=True, kw_only=True)
class Mended:
    """A file that was changed, and how."""

    path: Path
    before: str = field(repr=False)
    after: str = field(repr=False)

    def diff(self) -> list[str]:
        name = shown(self.path)
        return [*unified_diff(self.before.split("\n"), self.after.split("\n"), name, name, lineterm="")]


def mend_files(folder: Path, library: Library, reviewed: Iterable[str]) -> Iterator[Mended]:
    """Every file that needed it, written anew. `reviewed` are pages whose Spanish somebody has compared with the English of today."""
    fingerprints = _fingerprints(library, set(reviewed))
    for path in content_files(folder):
        before = _text(path)
        if before is None:
            continue
        after = mended(path, before)
        if fingerprint := fingerprints.get(path):
            after = _translated(after, fingerprint)
        if after != before:
            _write(path, after)
            yield Mended(path=path, before=before, after=after)


def mended(path: Path, text: str) -> str:
    """A table keeps its cells as they are: a blank at the end of a line may stand inside one."""
    if path.suffix != ".csv":
        text = "\n".join(line.rstrip(" \t") for line in text.replace("\r\n", "\n").split("\n"))
    if path.suffix == ".md":
        text = _page(text)
    return text if not text or text.endswith("\n") else f"{text}\n"


def _page(text: str) -> str:
    begin, head, body = text[:4], *text[4:].partition("\n---\n")[::2]
    if begin != "---\n" or not text[4:].startswith(f"{head}\n---\n"):
        return text
    parts = [part.translate(_STRAIGHT) if part.startswith("sms:") else part for part in _TOP_KEY.split(f"{head}\n")]
    # A comment belongs to the key below it: where there is one, the order stays.
    ordered = parts if "#" in re.findall(r"^.", head, re.MULTILINE) else sorted(parts, key=_rank)
    new = "".join(ordered).removesuffix("\n")
    return f"---\n{new}\n---\n{body}" if _same_keys(head, new) else text


def _rank(part: str) -> int:
    """The usual order; what stands before the first key stays there, unknown keys come last."""
    key = part.partition(":")[0].strip()
    return KEYS.index(key) if key in KEYS else len(KEYS) if key else -1


def _same_keys(before: str, after: str) -> bool:
    """Whether the head still says what it said, but for the quotes: what is no plain list of keys is left alone."""
    try:
        one, two = (yaml.load(head.translate(_STRAIGHT), Loader=yaml.BaseLoader) for head in (before, after))  # noqa: S506  the safest loader
    except (yaml.YAMLError, RecursionError):
        return False
    return isinstance(one, dict) and one == two


def _translated(text: str, fingerprint: str) -> str:
    line = f'translates: "{fingerprint}"'
    changed, count = re.subn(r"^translates:.*$", line, text, count=1, flags=re.MULTILINE)
    return changed if count else text.replace("\n---\n", f"\n{line}\n---\n", 1)


def _fingerprints(library: Library, reviewed: set[str]) -> dict[Path, str]:
    """What each Spanish page is to note of its English one, once that is mended: of those that were reviewed, and of those that were true already."""
    found = {}
    for (language, id_), english in library.pages.items():
        spanish = library.pages.get(("es", id_))
        if language == "en" and spanish and (id_ in reviewed or spanish.front.translates == english.fingerprint):
            text = _text(english.path)
            page = parse_page(mended(english.path, text), english.path, "en", []) if text else None
            if page:
                found[spanish.path] = page.fingerprint
    return found


def _text(path: Path) -> str | None:
    """None for what is no text: nobody can mend that but a person."""
    try:
        return bytes_of(path).decode("utf-8") or None
    except UnicodeDecodeError:
        return None


def _write(path: Path, text: str) -> None:
    """As a whole or not at all: a Faro that runs reads it in the same moment."""
    with NamedTemporaryFile("w", encoding="utf-8", newline="", dir=path.parent, prefix=".", delete=False) as file:
        file.write(text)
    Path(file.name).chmod(path.stat().st_mode)
    Path(file.name).replace(path)
