"""Places outside North Carolina: other States, cities that everybody knows, ZIP codes that are none of ours."""

import re
from typing import NamedTuple

from bot.geo.tables import fold

STATES = frozenset(
    (
        "ohio alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii idaho illinois indiana iowa kansas kentucky "
        "louisiana maine maryland massachusetts michigan minnesota mississippi missouri montana nebraska nevada oklahoma oregon pennsylvania tennessee texas "
        "utah vermont virginia wisconsin wyoming"
    ).split()
)
COUNTRIES = frozenset("mexico honduras guatemala salvador england ireland canada spain".split())
OTHER_STATES = STATES | COUNTRIES
LONG_NAMES = frozenset(
    (
        "south carolina|carolina del sur|west virginia|new york|nueva york|new jersey|new mexico|new hampshire|rhode island|north dakota|south dakota|puerto rico|washington state|"
        "johnson city|myrtle beach|hilton head|rock hill|virginia beach|pigeon forge|new orleans|las vegas|los angeles|san antonio|san francisco"
    ).split("|")
)
# None of these is a name in North Carolina, but for a township that nobody goes by.
CITIES = frozenset(
    "atlanta knoxville chattanooga memphis gatlinburg sevierville kingsport spartanburg norfolk savannah houston miami orlando tampa chicago philadelphia boston baltimore seattle".split()
)
STATE_ABBREVIATIONS = frozenset("SC VA TN GA FL KY WV AL MS TX NY NJ PA MD OH CA AZ LA DC".split())
# Those that are no word in capitals either; in small letters only at an end ('greenville sc'), since they may be short for a word.
_SURE = frozenset("SC VA TN GA FL KY WV TX NY NJ DC".split())
_HERE = frozenset("in en live vivo vivimos inside here aqui".split())
_BEFORE_ZIP = _HERE | frozenset("near cerca zip code codigo postal at".split())
_ZIP_SAID = frozenset("zip codigo postal".split())
_NO_NAME = frozenset("the a an my our el la mi un una de del to at and y or o i is for no our this from desde hacia".split())
# Who or what is there, when it is not the person who writes.
_OTHERS = frozenset(
    (
        "is was lives lived vive viven vivia vivio esta estan estaba born naci nacio died murio happened work works working trabajo trabaja school family familia friend friends amigo "
        "amiga sister hermana brother hermano mom mother mama dad father papa son daughter hijo hija cousin primo prima wife husband esposa esposo parents padres relatives parientes "
        "aunt uncle tia tio grandma grandpa grandmother grandfather abuela abuelo kids hijos people gente house casa"
    ).split()
)
_NOT_THERE = frozenset("not no isnt dont doesnt didnt never ni".split())
# 'near the Virginia line', 'the Tennessee border', 'Virginia Avenue', 'the VA hospital'.
_NO_STATE_AFTER = frozenset("line border side street st ave avenue road rd drive dr river hospital clinic medical center benefits office".split())
# Where the Department of Veterans Affairs has hospitals that people call by town: 'Asheville VA'.
_VETERANS = frozenset("asheville durham fayetteville salisbury".split())
_NO_ZIP_AFTER = frozenset("claim case caso number numero fema policy poliza account cuenta code text".split())
_WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*")
A_ZIP = re.compile(r"\d{5}(-\d{4})?")


class _Word(NamedTuple):
    text: str
    folded: str
    ends: bool  # nothing follows, or a pause
    start: int
    end: int


def abbreviated(text: str, *, ends: bool) -> bool:
    """Whether a word after a name is another State's abbreviation."""
    return text in STATE_ABBREVIATIONS or (ends and text.islower() and text.upper() in _SURE - {"VA"})


def elsewhere(text: str) -> tuple[int, int] | None:
    """From where to where a text, that names no place of ours, says that its writer is in another State or wants something there."""
    if A_ZIP.fullmatch(text.strip()):
        return 0, len(text)
    words = [_Word(m[0], fold(m[0]).replace(" ", ""), not text[m.end() :].lstrip() or text[m.end()] in ",.;?!", m.start(), m.end()) for m in _WORD.finditer(text[:2000])]
    return next(((words[i].start, words[i + size - 1].end) for i in range(len(words)) if (size := _there(words, i))), None)


def _there(words: list[_Word], i: int) -> int:
    """How many words from i on name a place outside, when the words around them put the writer there; else 0."""
    before, word = [w.folded for w in words[max(0, i - 4) : i]], words[i]
    if len(word.folded) == 5 and word.folded.isdigit():
        return int(bool(before) and (before[-1] in _BEFORE_ZIP or not _ZIP_SAID.isdisjoint(before) or (len(words) == 2 and before[-1] not in _NO_ZIP_AFTER)))
    size, sure = _size(words, i)
    after = words[i + size].folded if i + size < len(words) else ""
    if not size or after in _NO_STATE_AFTER:
        return 0
    if not before or before[-1] not in _HERE:
        return size * (sure and (size == len(words) or (size > 1 and len(words) - size <= 2 and _NO_NAME.isdisjoint(before))))
    who = before[:-1]
    while who and who[-1] in _HERE | {"and", "y"}:
        who = who[:-1]
    return size * (not who or not (who[-1] in _OTHERS | _NOT_THERE or who[-2:] == ["used", "to"] or (who[-1] == "are" and who[-2:-1] != ["we"])))


def _size(words: list[_Word], i: int) -> tuple[int, bool]:
    """How many words from i on name a place outside, 0 for none; and whether they do so without any word before: 'sister Virginia' does not."""
    if size := _state(words, i):
        further = size + (i + size < len(words) and _is_abbreviation(words, i + size))
        return further, True
    for n in (1, 2, 3):
        if i + n < len(words) and (size := _state(words, i + n)) and _a_name(words[i : i + n]):
            return n + size, size > 1 or not (words[i + n].folded in STATES or (words[i + n].folded == "va" and not words[i + n - 1].ends))
    return 0, False


def _state(words: list[_Word], i: int) -> int:
    """How many words from i on name a State or a city that everybody knows."""
    names = [w.folded for w in words[i : i + 3]]
    long = next((size for size in (3, 2) if len(names) >= size and " ".join(names[:size]) in LONG_NAMES), 0)
    if long or names[0] in STATES or names[0] in CITIES:
        return long or 1
    return int(_is_abbreviation(words, i) and bool(i))


def _is_abbreviation(words: list[_Word], i: int) -> bool:
    word = words[i]
    if word.folded == "va" and i and (words[i - 1].folded in _VETERANS or (word.text.islower() and not words[i - 1].ends and words[i - 1].folded not in _HERE)):
        return False  # 'Asheville VA' is a hospital; small, after a name, it is Spanish
    return word.text in _SURE or (word.ends and word.text.islower() and word.text.upper() in _SURE)


def _a_name(words: list[_Word]) -> bool:
    """Whether words may be a town's name before its State: 'north charleston', not 'in the'."""
    return not any(w.folded in _NO_NAME | _HERE or w.folded.isdigit() for w in words)
