"""{contact} references in prose -> the number, from the one place where it stands."""

import re

from bot.directory.directory import Directory
from bot.messages import Language

REFERENCE = re.compile(r"\{([\w-]+)(?:\.(text|website))?\}")


def fill(text: str, directory: Directory, language: Language) -> str:
    """The text with its references put in. A sentence whose contact is unknown, or not to be trusted, is left out: no number is better than a wrong one."""

    def value(match: re.Match[str]) -> str:
        contact = directory.line(match[1], language)
        if contact is None:
            # 911, 988: an id that is the number itself outlives a broken table.
            return match[1] if match[1].isdigit() else "\0"
        if match[2] == "website":
            return contact.site or "\0"
        return (contact.text if match[2] == "text" else contact.phone) or "\0"

    lines = [REFERENCE.sub(value, line) for line in text.split("\n")]
    return "\n".join(_without_gaps(line) for line in lines)


def _without_gaps(line: str) -> str:
    if "\0" not in line:
        return line
    kept = [s for s in re.split(r"(?<=[.!?])\s+", line) if "\0" not in s]
    return " ".join(kept)
