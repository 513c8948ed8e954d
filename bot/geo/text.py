"""Places in what people write: ZIPs, counties, towns, short forms and misspellings, in English and Spanish."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from rapidfuzz import fuzz, process

from bot.geo.elsewhere import OTHER_STATES, abbreviated, elsewhere
from bot.geo.tables import Gazetteer, Meaning, fold

LONGEST_NAME = 4
SHORT_FIRST_WORDS = {"mt": "mount", "ft": "fort", "st": "saint", "pt": "point"}
MOST_REMEMBERED = 20_000
FUZZY_CUTOFF = 82
_WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*")

# Words before a name that make it a place. The stronger says where the person is, the weaker where they come from.
HERE = {"in", "near", "at", "around", "outside", "en", "cerca", "here", "aqui", "live", "vivo", "vivimos", "aca", "inside", "by", "condado", "sou", "meant", "decir"}
TOWARDS = {"to", "for", "of", "de", "para", "a", "hacia", "por", "rumbo", "del", "x", "n"}
FROM = {"from", "desde"}
CUES = HERE | TOWARDS | FROM
NOT_THERE = {"not", "no", "isnt", "wasnt", "never", "ni"}
LIVING = {"in", "en", "live", "living", "vivo", "vivimos", "estoy", "estamos", "im", "from", "de", "soy"}
COUNTY_WORDS = {"county", "co", "cnty", "condado", "countys", "conty", "coutny", "conti", "caunti"}
PAUSES = (",", ".", ";", "?", "!")
TOWN_WORDS = {"city", "town", "ciudad", "pueblo", "village"}
STATE_WORDS = {"nc", "northcarolina"}
# What follows a name and makes it a road, a school, a person's trade: not where the resident is.
NOT_A_PLACE_AFTER = frozenset(("st street rd road ave avenue blvd boulevard hwy highway ln lane dr drive hospital elementary middle academy insurance energy progress power bank mutual").split())
JOINING = {"and", "or", "y", "e", "o", "u"}


@dataclass(frozen=True, kw_only=True)
class Mention:
    """One place in a text: where it stands, what it may mean, how strongly the text says that the person is there."""

    start: int
    end: int
    name: str
    meanings: tuple[Meaning, ...]
    strength: int = 0


@dataclass(frozen=True, kw_only=True)
class Found:
    """The county of a text, or the meanings to choose from; and the spans that named places, or the one that puts the writer in another State."""

    county: str | None = None
    options: tuple[Meaning, ...] = ()
    place: str | None = None
    zip: str | None = None
    mentions: tuple[Mention, ...] = field(default=(), repr=False)
    away: tuple[int, int] | None = field(default=None, repr=False)

    @property
    def outside(self) -> bool:
        return self.away is not None

    @property
    def counties(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(m.county for m in self.options))

    def without(self, text: str) -> str:
        """The text with its places taken out, for judging what it asks."""
        for start, end in sorted([*((m.start, m.end) for m in self.mentions), *([self.away] if self.away else [])], reverse=True):
            text = f"{text[:start]} {text[end:]}"
        return re.sub(r"\s+", " ", text).strip()


class _Token(NamedTuple):
    text: str
    folded: str
    start: int
    end: int
    pause: bool = False  # a comma or a full stop follows

    @property
    def capital(self) -> bool:
        return self.text[:1].isupper()


def _explained(tokens: list[_Token], at: int) -> str:
    """What a name is said to be right after it: 'town' of 'Henderson the town', 'condado' of 'Henderson el condado'."""
    after = [t.folded for t in tokens[at : at + 2]]
    return after[1] if len(after) == 2 and after[0] in ("the", "el", "la") else ""


def _since_pause(tokens: list[_Token], i: int) -> list[str]:
    """The four words before token i; a 'no' with a comma behind it ('no, in Hickory') answers what was said before."""
    start = max(0, i - 4)
    paused = [n for n in range(start, i) if tokens[n].pause]
    return [t.folded for t in tokens[paused[-1] + 1 if paused else start : i]]


class PlaceFinder:
    """Finds the places of a text. `is_word` says whether a folded word is an everyday word that is never a misspelt name."""

    def __init__(self, gazetteer: Gazetteer, is_word: Callable[[str], bool]) -> None:
        self._gazetteer = gazetteer
        self._is_word = is_word
        settled = {n: m for n, m in gazetteer.names.items() if len(n) >= 5 and any(x.kind in ("city", "town", "village", "cdp", "county") for x in m)}
        self._fuzzy_names = list(settled)
        self._by_sound = {sound(n): n for n in reversed(settled)}
        self._joined = {n.replace(" ", ""): n for n in gazetteer.names if " " in n and len(n) > 7}
        self._first_words = {n.split()[0] for n in gazetteer.names} | set(self._joined) | set(SHORT_FIRST_WORDS)
        self._nearest: dict[str, list[tuple[str, float, int]]] = {}
        self._heard: dict[str, tuple[Meaning, ...] | None] = {}

    def find(self, text: str) -> Found:
        """What places a text of any length names. Names win over nothing, the person's own place over others."""
        tokens = [_Token(text=m[0], folded=fold(m[0]).replace(" ", ""), start=m.start(), end=m.end(), pause=text[m.end() : m.end() + 1] in PAUSES) for m in _WORD.finditer(text[:2000])]
        mentions = _in_one_breath(text, self._mentions(tokens))
        if not mentions:
            return Found(away=elsewhere(text))
        strongest = max(m.strength for m in mentions)
        best = [m for m in mentions if m.strength == strongest] if strongest >= 0 else []
        if not best:
            return Found(mentions=mentions, away=elsewhere(text))
        options = best[0].meanings
        for other in best[1:]:
            options = self._agree(options, other.meanings)
        zip_code = next((m.name for m in mentions if m.name.isdigit()), None)
        counties = tuple(dict.fromkeys(o.county for o in options))
        if len(counties) == 1:
            return Found(county=counties[0], place=best[0].name, zip=zip_code, mentions=mentions)
        return Found(options=options, place=" / ".join(dict.fromkeys(m.name for m in best)), zip=zip_code, mentions=mentions)

    @staticmethod
    def _agree(one: tuple[Meaning, ...], other: tuple[Meaning, ...]) -> tuple[Meaning, ...]:
        """Two mentions together: the counties that both may mean, else all of them to choose from."""
        shared = {m.county for m in one} & {m.county for m in other}
        if shared:
            return tuple(m for m in one if m.county in shared)
        return (*one, *other)

    def _mentions(self, tokens: list[_Token]) -> Iterator[Mention]:
        i = 0
        while i < len(tokens):
            mention, used = self._at(tokens, i)
            if mention:
                yield mention
            i += used

    def _at(self, tokens: list[_Token], i: int) -> tuple[Mention | None, int]:
        """The longest place that begins at token i, and how many tokens were read."""
        first = tokens[i]
        if zip_code := self._zip(first, tokens, i):
            return self._mention(tokens, i, 1, first.folded, zip_code, 3), 1
        longest = min(LONGEST_NAME, len(tokens) - i) if first.folded in self._first_words else 0
        for size in range(longest, 0, -1):
            words = [t.folded for t in tokens[i : i + size]]
            name = " ".join(words)
            meanings = self._gazetteer.names.get(name) or self._gazetteer.names.get(self._joined.get(name, ""))
            if meanings is None and size > 1 and words[0] in SHORT_FIRST_WORDS:
                meanings = self._gazetteer.names.get(" ".join([SHORT_FIRST_WORDS[words[0]], *words[1:]]))
            if meanings and (strength := self._strength(tokens, i, size, name)) is not None:
                if self._county_said(tokens, i, size):
                    named = [m for m in meanings if m.kind == "county"] or [m for m in meanings if fold(m.county) == name]
                    county = next((c for c in self._gazetteer.counties if fold(c) == name), None)
                    meanings = tuple(named) or ((Meaning(name=county, kind="county", county=county),) if county else meanings)
                elif self._town_said(tokens, i, size):
                    meanings = tuple(m for m in meanings if m.kind != "county") or meanings
                return self._mention(tokens, i, size, name, meanings, strength), size
        if self._state_at(tokens, i + 1):
            return None, 1
        if i and i + 1 < len(tokens) and tokens[i - 1].folded in CUES and first.folded not in CUES and (pair := self._sounds_like(first.folded + tokens[i + 1].folded)):
            return self._mention(tokens, i, 2, pair[0].name, pair, self._strength(tokens, i, 2, "") or 0), 2
        if guess := self._misspelt(tokens, i):
            return self._mention(tokens, i, 1, guess[0].name, guess, self._strength(tokens, i, 1, "") or 0), 1
        return None, 1

    def _zip(self, token: _Token, tokens: list[_Token], i: int) -> tuple[Meaning, ...] | None:
        return self._gazetteer.zips.get(token.folded) if len(token.folded) == 5 and token.folded.isdigit() else None

    @staticmethod
    def _mention(tokens: list[_Token], i: int, size: int, name: str, meanings: tuple[Meaning, ...], strength: int) -> Mention:
        shown = name if name.isdigit() else meanings[0].name
        return Mention(start=tokens[i].start, end=tokens[i + size - 1].end, name=shown, meanings=meanings, strength=strength)

    @staticmethod
    def _county_said(tokens: list[_Token], i: int, size: int) -> bool:
        after = tokens[i + size].folded if i + size < len(tokens) else ""
        before = [t.folded for t in tokens[max(0, i - 2) : i]]
        return after in COUNTY_WORDS or "condado" in before or before[-2:] == ["county", "of"] or _explained(tokens, i + size) in COUNTY_WORDS

    @staticmethod
    def _town_said(tokens: list[_Token], i: int, size: int) -> bool:
        before = [t.folded for t in tokens[max(0, i - 2) : i]]
        return _explained(tokens, i + size) in TOWN_WORDS or (bool(before) and before[-1] in ("of", "de") and before[0] in TOWN_WORDS)

    def _strength(self, tokens: list[_Token], i: int, size: int, name: str) -> int | None:
        """How strongly the text says that the person is there (-1: only masks the name); None when the words are no place here."""
        before = [t.folded for t in tokens[max(0, i - 4) : i]]
        after = [t.folded for t in tokens[i + size : i + size + 2]]
        following = after[0] if after else ""
        if self._state_at(tokens, i + size) or following in NOT_A_PLACE_AFTER or after in (["south", "carolina"], ["new", "york"]):
            return None
        said = self._county_said(tokens, i, size) or self._town_said(tokens, i, size) or following in STATE_WORDS or after == ["north", "carolina"] or after == ["carolina", "del"]
        cued = bool(before) and before[-1] in CUES
        alone = len(tokens) - size <= 2 and len(tokens) <= 4
        need = self._gazetteer.needs.get(name)
        if not said and not self._meets(need, tokens, i, size, cued=cued, alone=alone):
            return None
        if self._denied(_since_pause(tokens, i)):
            return -1
        if cued and before[-1] in FROM:
            return 1
        if (cued and before[-1] in HERE) or {"live", "vivo", "vivimos", "estoy", "estamos", "im", "meant"} & set(before[-3:]):
            return 3
        return 2

    @staticmethod
    def _state_at(tokens: list[_Token], at: int) -> bool:
        """Whether another State stands there: then the name before it is none of ours."""
        return at < len(tokens) and (tokens[at].folded in OTHER_STATES or abbreviated(tokens[at].text, ends=tokens[at].pause or at + 1 == len(tokens)))

    @staticmethod
    def _denied(before: list[str]) -> bool:
        """'not Wake', 'not in Wake', 'ya no vivo en Wake', 'used to live in Wake'; but 'no power in Wake' is there."""
        while before and before[-1] in LIVING:
            before = before[:-1]
        return bool(before) and (before[-1] in NOT_THERE or before[-2:] == ["used", "to"])

    def _meets(self, need: str | None, tokens: list[_Token], i: int, size: int, *, cued: bool, alone: bool) -> bool:
        """Whether an everyday word is used as a place: by the words around it and its capital letter."""
        if need is None:
            return True
        if need == "county":
            return False
        shouting = sum(t.text.isupper() for t in tokens) * 2 > len(tokens)
        capital = tokens[i].capital and not shouting and not (i == 0 and size < len(tokens))
        if need == "cue":
            return cued or alone or (tokens[i].capital and not shouting and i + size == len(tokens))
        strictly = i > 0 and tokens[i - 1].folded in ("in", "near", "en", "from", "outside", "condado", "live", "county", "vivo", "around")
        ends = i + size == len(tokens) or tokens[i + size].folded in ("and", "y", "pero", "but", "we", "my", "mi", "me", "i", "se", "what", "que", "donde", "where", "nos", "area", "with", "con")
        return (strictly and (capital or ends)) or (cued and capital) or (alone and i + size == len(tokens) and len(tokens) <= 3)

    def _misspelt(self, tokens: list[_Token], i: int) -> tuple[Meaning, ...] | None:
        """A name with letters wrong: only after a word that announces a place, and only for what is no word of either language."""
        token = tokens[i]
        if len(token.folded) < 5 or not token.folded.isalpha() or self._is_word(token.folded):
            return None
        said = self._county_said(tokens, i, 1)
        if not (said or len(tokens) <= 3 or (i > 0 and tokens[i - 1].folded in CUES)):
            return None
        hits = self._near(token.folded)
        hits = [h for h in hits if h[0][0] == token.folded[0] or h[1] >= 88]
        if not hits:
            return self._sounds_like(token.folded)
        top = [name for name, score, _ in hits if score >= hits[0][1] - 2]
        if said:
            top = [n for n in top if n in {fold(c) for c in self._gazetteer.counties}] or top
        best: dict[str, Meaning] = {}
        for name in top:
            for meaning in self._gazetteer.names[name]:
                best.setdefault(meaning.county, meaning)
        return tuple(best.values())

    def _near(self, word: str) -> list[tuple[str, float, int]]:
        if word not in self._nearest:
            if len(self._nearest) > MOST_REMEMBERED:
                self._nearest.clear()
            self._nearest[word] = process.extract(word, self._fuzzy_names, scorer=fuzz.ratio, score_cutoff=FUZZY_CUTOFF, limit=4)
        return self._nearest[word]

    def _sounds_like(self, word: str) -> tuple[Meaning, ...] | None:
        """Names written as a Spanish speaker hears them: 'Guilmington', 'White Bill'."""
        if len(word) < 7:
            return None
        if word not in self._heard:
            if len(self._heard) > MOST_REMEMBERED:
                self._heard.clear()
            hit = process.extractOne(sound(word), self._by_sound.keys(), scorer=fuzz.ratio, score_cutoff=90)
            self._heard[word] = self._gazetteer.names[self._by_sound[hit[0]]] if hit else None
        return self._heard[word]


def _in_one_breath(text: str, mentions: Iterable[Mention]) -> tuple[Mention, ...]:
    """'in Wake and Durham': what is said of the first is said of the second."""
    result: list[Mention] = []
    for mention in mentions:
        if result and fold(text[result[-1].end : mention.start]) in JOINING:
            mention = replace(mention, strength=result[-1].strength)
        result.append(mention)
    return tuple(result)


_SOUNDS = (
    (r"ville?s?$", "bil"),
    (r"gui|güi|hui|wi", "wi"),
    (r"ph", "f"),
    (r"sh|ch", "s"),
    (r"qu|ck|q|c(?=[aorlut])", "k"),
    (r"z|c(?=[eiy])", "s"),
    (r"v", "b"),
    (r"j(?=[aeiou])|y(?=[aeiou])", "y"),
    (r"h", ""),
    (r"(.)\1", r"\1"),
)


def sound(name: str) -> str:
    """A rough key of how a name sounds to a Spanish speaker, for comparing."""
    key = name.replace(" ", "")
    for pattern, by in _SOUNDS:
        key = re.sub(pattern, by, key)
    return key
