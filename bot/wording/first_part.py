"""Whether the first part of an SMS can stand alone, should the others come late or never."""

import re

from bot.wording.gsm7 import first_segment
from bot.wording.narrow import REACH, broken_reach

SENTENCE = re.compile(r"\w[^.!?]*[.!](?=\s|$)")


def first_part_fault(text: str) -> str | None:
    """Why the first segment of a text, as sent, is of little use should the rest come late; None when it can stand alone."""
    if broken := broken_reach(text):
        return f"the first SMS part cuts {broken[0]} in two"
    shown = first_segment(text)
    if REACH.search(shown) or SENTENCE.search(shown):
        return None
    return "the first SMS part names nobody to call and says no whole sentence"
