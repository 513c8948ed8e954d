"""'Mon-Fri 8 am-5 pm' as a schedule that programs can reckon with, and schedules as a line to read."""

import re
from collections.abc import Iterable
from typing import Any

DAYS = {"MO": "Mon", "TU": "Tue", "WE": "Wed", "TH": "Thu", "FR": "Fri", "SA": "Sat", "SU": "Sun"}
ALWAYS = "24/7"
_CODES = tuple(DAYS)
_DAY = "|".join(DAYS.values())
_REGULAR = re.compile(rf"(?P<first>{_DAY})-(?P<last>{_DAY}) (?P<h1>\d\d?)(?::(?P<m1>\d\d))?(?: (?P<half1>am|pm))?-(?P<h2>\d\d?)(?::(?P<m2>\d\d))? (?P<half2>am|pm)")


def schedule(hours: str) -> dict[str, Any]:
    """The words always, and the days and times when they say nothing else."""
    words = {"description": hours}
    if hours == ALWAYS:
        return words | {"freq": "WEEKLY", "interval": 1, "byday": ",".join(_CODES), "opens_at": "00:00:00", "closes_at": "23:59:59"}
    if (m := _REGULAR.fullmatch(hours)) is None:
        return words
    first, last = (list(DAYS.values()).index(m[day]) for day in ("first", "last"))
    opens, closes = _time(m["h1"], m["m1"], m["half1"] or m["half2"]), _time(m["h2"], m["m2"], m["half2"])
    if first > last or not opens or not closes or opens >= closes:
        return words
    return words | {"freq": "WEEKLY", "interval": 1, "byday": ",".join(_CODES[first : last + 1]), "opens_at": opens, "closes_at": closes}


def in_words(schedules: Iterable[dict[str, str]]) -> str:
    """What a service says of its hours; where it only has times, those of each schedule."""
    return "; ".join(dict.fromkeys(line for one in schedules if (line := one.get("description") or _line(one))))


def _line(one: dict[str, str]) -> str:
    opens, closes = (one.get(name, "")[:5] for name in ("opens_at", "closes_at"))
    days = ", ".join(DAYS.get(day.strip(), day.strip()) for day in one.get("byday", "").split(",") if day.strip())
    monthly = "monthly" if one.get("freq") == "MONTHLY" else ""
    return " ".join(part for part in (monthly, days, f"{opens}-{closes}" if opens and closes else opens) if part)


def _time(hour: str, minute: str | None, half: str) -> str:
    number = int(hour)
    return f"{number % 12 + (12 if half == 'pm' else 0):02}:{minute or '00'}:00" if 1 <= number <= 12 and int(minute or 0) < 60 else ""
