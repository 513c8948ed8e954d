"""The gazetteer: what each ZIP and each place name may mean, from the CSV files in data/."""

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

# A name or ZIP of which at least this share lies in one county means that county; below it Faro asks.
DOMINANT = 0.9
MUNICIPAL = ("city", "town", "village")
_MEANING = re.compile(r"^(?P<name>.+) \((?P<kind>[^)]+)\), (?P<county>.+) County$")


@dataclass(frozen=True, kw_only=True)
class County:
    fips: str
    name: str
    seat: str
    region: str
    latitude: float
    longitude: float
    neighbors: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """One thing that a name can mean. `weight` orders meanings and says how much of the name lies in the county."""

    name: str
    kind: str
    county: str
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Gazetteer:
    """Every name, folded, with its meanings. `needs` says which names are everyday words and what makes them places."""

    counties: dict[str, County]
    names: dict[str, tuple[Meaning, ...]] = field(repr=False)
    zips: dict[str, tuple[Meaning, ...]] = field(repr=False)
    zip_points: dict[str, tuple[float, float]] = field(repr=False)
    needs: dict[str, str] = field(repr=False)
    place_points: dict[tuple[str, str], tuple[float, float]] = field(repr=False)
    zip_counties: dict[str, frozenset[str]] = field(repr=False)  # every county that a ZIP code reaches into, however little

    def county_named(self, name: str) -> str | None:
        """The county of exactly this name ('wake', 'McDowell', 'New Hanover County'), or None."""
        folded = fold(name).removesuffix(" county").removeprefix("condado de ").strip()
        return next((c for c in self.counties if fold(c) == folded), None)

    def point_of(self, zip_code: str | None, place: str | None, county: str | None) -> tuple[float, float] | None:
        """The middle of a ZIP code or of a place in a county, where it is known."""
        return self.zip_points.get(zip_code or "") or self.place_points.get((fold(place or ""), county or ""))


def fold(text: str) -> str:
    """Lower case, no accents, only letters, digits and single blanks: the form in which names are compared."""
    plain = text.lower()
    if plain.isascii() and plain.isalnum():
        return plain
    plain = "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", plain.replace("'", "").replace("’", "")))


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of one of our own data files."""
    text = (files("bot.geo") / "data" / name).read_text(encoding="utf-8-sig")
    yield from csv.DictReader(text.splitlines())


@cache
def load_gazetteer() -> Gazetteer:
    """All places of North Carolina, read once in a process."""
    counties = {row["name"]: _county(row) for row in rows("counties.csv")}
    # A county's name means the county, never some township that is called like it.
    own_names = {fold(name): (Meaning(name=name, kind="county", county=name),) for name in counties}
    names = {**_townships(), **own_names, **_places(), **_ambiguous()}
    names |= _aliases(names)
    zips: dict[str, list[Meaning]] = defaultdict(list)
    points = {}
    for row in rows("zips.csv"):
        zips[row["zip"]].append(Meaning(name=row["zip"], kind="zip", county=row["county"], weight=float(row["share"])))
        if row["latitude"]:
            points[row["zip"]] = (float(row["latitude"]), float(row["longitude"]))
    return Gazetteer(
        counties=counties,
        names=names,
        zips={z: _settle(m) for z, m in zips.items()},
        zip_counties={z: frozenset(one.county for one in m) for z, m in zips.items()},
        zip_points=points,
        place_points={(fold(row["place"]), row["county"]): (float(row["latitude"]), float(row["longitude"])) for row in reversed([*rows("places.csv")]) if row["latitude"]},
        needs={row["name"]: row["needs"] for row in rows("everyday_words.csv")},
    )


def _county(row: dict[str, str]) -> County:
    return County(
        fips=row["fips"],
        name=row["name"],
        seat=row["seat"],
        region=row["region"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        neighbors=tuple(row["neighbors"].split(";")),
    )


def _settle(meanings: list[Meaning]) -> tuple[Meaning, ...]:
    """Only the dominant meaning when there is one, else all, the heaviest first, one for each county."""
    ordered = sorted(meanings, key=lambda m: -m.weight)
    total = sum(m.weight for m in ordered) or 1.0
    if ordered[0].weight / total >= DOMINANT:
        return (ordered[0],)
    best: dict[str, Meaning] = {}
    for meaning in ordered:
        if meaning.weight > 0:
            best.setdefault(meaning.county, meaning)
    return tuple(best.values()) or (ordered[0],)


def _places() -> dict[str, tuple[Meaning, ...]]:
    """Places by name: the municipality or CDP decides, else the postal name, else the community."""
    tiers = {**dict.fromkeys((*MUNICIPAL, "cdp"), 0), "postal": 1, "community": 2}
    found: dict[str, dict[int, list[Meaning]]] = defaultdict(lambda: defaultdict(list))
    for row in rows("places.csv"):
        weight = float(row["share_or_rank"] or 0)
        found[fold(row["place"])][tiers[row["kind"]]].append(Meaning(name=row["place"], kind=row["kind"], county=row["county"], weight=weight))
    return {name: _settle(by_tier[min(by_tier)]) for name, by_tier in found.items()}


def _townships() -> dict[str, tuple[Meaning, ...]]:
    found: dict[str, list[Meaning]] = defaultdict(list)
    for row in rows("townships.csv"):
        found[fold(row["township"])].append(Meaning(name=row["township"], kind="township", county=row["county"]))
    return {name: _settle(meanings) for name, meanings in found.items()}


def _ambiguous() -> dict[str, tuple[Meaning, ...]]:
    """Names that lead to a question: a county and a town elsewhere, namesakes of the same rank, regions."""
    settled = _places()
    result = {}
    for row in rows("ambiguous.csv"):
        meanings = [_meaning(text) for key, text in row.items() if key.startswith("meaning") and text and not text.startswith("near:")]
        kinds = {m.kind for m in meanings}
        name = fold(row["name"])
        if "county" in kinds or row["reason"].startswith("short-form"):
            wanted = [m for m in meanings if m.kind not in ("community", "postal", "township")] or meanings
        elif name in settled and any(m.kind in (*MUNICIPAL, "cdp") for m in settled[name]):
            wanted = list(settled[name])
        else:
            wanted = [m for m in meanings if m.kind != "township"] or meanings
        best: dict[str, Meaning] = {}
        for meaning in wanted:
            best.setdefault(meaning.county, meaning)
        result[name] = tuple(best.values())
    return result


def _meaning(text: str) -> Meaning:
    match = _MEANING.match(text)
    if match is None:
        raise ValueError(f"ambiguous.csv: cannot read {text!r}")
    return Meaning(name=match["name"], kind=match["kind"], county=match["county"])


def _aliases(names: dict[str, tuple[Meaning, ...]]) -> dict[str, tuple[Meaning, ...]]:
    result: dict[str, tuple[Meaning, ...]] = {}
    for row in rows("aliases.csv"):
        alias = fold(row["alias"])
        if alias not in names:
            result[alias] = (Meaning(name=row["name"], kind=row["kind"], county=row["county"]),)
    return result
