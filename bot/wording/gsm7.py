"""SMS segments as carriers count them: the GSM-7 alphabet, folding, encoding and cutting.

Sources: 3GPP TS 23.038; Twilio's segment calculator, whose counts are the oracle in tests/data/sms_segments.jsonl.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import regex

Encoding = Literal["GSM-7", "UCS-2"]

BASIC = frozenset("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
ESCAPED = frozenset("^{}\\[~]|€\f")
GSM7 = BASIC | ESCAPED

# What GSM-7 lacks and what says the same in it. The names are Unicode's.
FOLDED = {
    "á": "a",  # LATIN SMALL LETTER A WITH ACUTE
    "í": "i",  # LATIN SMALL LETTER I WITH ACUTE
    "ó": "o",  # LATIN SMALL LETTER O WITH ACUTE
    "ú": "u",  # LATIN SMALL LETTER U WITH ACUTE
    "Á": "A",  # LATIN CAPITAL LETTER A WITH ACUTE
    "Í": "I",  # LATIN CAPITAL LETTER I WITH ACUTE
    "Ó": "O",  # LATIN CAPITAL LETTER O WITH ACUTE
    "Ú": "U",  # LATIN CAPITAL LETTER U WITH ACUTE
    "‘": "'",  # LEFT SINGLE QUOTATION MARK
    "’": "'",  # RIGHT SINGLE QUOTATION MARK
    "“": '"',  # LEFT DOUBLE QUOTATION MARK
    "”": '"',  # RIGHT DOUBLE QUOTATION MARK
    "«": '"',  # LEFT-POINTING DOUBLE ANGLE QUOTATION MARK
    "»": '"',  # RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK
    "–": "-",  # EN DASH
    "—": "-",  # EM DASH
    "…": "...",  # HORIZONTAL ELLIPSIS
    "•": "-",  # BULLET
    "\N{NO-BREAK SPACE}": " ",
    "\N{NARROW NO-BREAK SPACE}": " ",
    "º": "o",  # MASCULINE ORDINAL INDICATOR
    "ª": "a",  # FEMININE ORDINAL INDICATOR
    "`": "'",  # GRAVE ACCENT
    "\t": " ",  # CHARACTER TABULATION
}
_FOLDING = str.maketrans(FOLDED)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Units (septets or UTF-16 code units) of one message alone, and of each part of a longer one."""

    alone: int
    part: int


LIMITS: dict[Encoding, Limits] = {"GSM-7": Limits(alone=160, part=153), "UCS-2": Limits(alone=70, part=67)}


def encoding(text: str) -> Encoding:
    return "GSM-7" if GSM7.issuperset(text) else "UCS-2"


def fold(text: str) -> str:
    """The text in GSM-7 when folding alone gets it there; else unchanged, so that nothing is lost for nothing."""
    folded = unicodedata.normalize("NFC", text).translate(_FOLDING)
    return folded if encoding(folded) == "GSM-7" else text


def units(text: str, as_: Encoding) -> int:
    """What a text takes of a segment: septets, or UTF-16 code units."""
    if as_ == "GSM-7":
        return len(text) if ESCAPED.isdisjoint(text) else sum(2 if c in ESCAPED else 1 for c in text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _atoms(text: str) -> Sequence[str]:
    """What must never be cut: grapheme clusters (a septet pair is one character, so it is never cut either). Of what GSM-7 knows, only a line's end is two characters."""
    if GSM7.issuperset(text) and "\r\n" not in text:
        return text
    return [str(cluster) for cluster in regex.findall(r"\X", text)]


def segments(text: str) -> tuple[Encoding, int]:
    """Encoding and number of segments that a carrier makes of exactly this text, cutting no cluster and no escape pair."""
    kind = encoding(text)
    if units(text, kind) <= LIMITS[kind].alone:
        return kind, 1
    if kind == "GSM-7" and ESCAPED.isdisjoint(text) and "\r\n" not in text:
        return kind, -(-len(text) // LIMITS[kind].part)
    count, used = 1, 0
    for atom in _atoms(text):
        size = units(atom, kind)
        if used + size > LIMITS[kind].part:
            count, used = count + 1, 0
        used += size
    return kind, count


def first_segment(text: str) -> str:
    """What a phone shows first of a text as it stands, should the rest be late: all of it, or the first part."""
    kind = encoding(text)
    if units(text, kind) <= LIMITS[kind].alone:
        return text
    shown, used = "", 0
    for atom in _atoms(text):
        used += units(atom, kind)
        if used > LIMITS[kind].part:
            break
        shown += atom
    return shown
