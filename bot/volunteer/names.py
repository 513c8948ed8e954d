"""What somebody may have meant by a name that does not exist."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process

MOST, ALIKE = 3, 75


def near(name: str, known: Iterable[str]) -> list[str]:
    """The known names that look most like it, best first."""
    return [found for found, _, _ in process.extract(name.lower(), sorted(known), scorer=fuzz.WRatio, processor=str.lower, limit=MOST, score_cutoff=ALIKE)]
