"""The columns of the contact tables that Faro knows, in the order of its own files. What a volunteer adds for themselves is nobody else's."""

from collections.abc import Mapping
from typing import Final

from bot.directory.rows import KINDS

TABLE_OF: Final = {kind: table for table, kind in KINDS.items()}
_COMMON: Final = "id county name name_es phone text email website address hours hours_es languages notes notes_es source checked confidence".split()
# table -> (after which column, what stands there more)
_MORE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "coalitions": ("name_es", ("type", "organization")),
    "support_groups": ("name_es", ("kind", "organization")),
    "mental_health": ("phone", ("member_phone",)),
    "shelters": ("confidence", ("open_from", "open_until", "as_of")),
}


def columns_of(table: str) -> tuple[str, ...]:
    """The header of a table's file."""
    after, more = _MORE.get(table, ("id", ()))
    here = _COMMON.index(after) + 1
    return (*_COMMON[:here], *more, *_COMMON[here:])


KNOWN: Final = tuple(dict.fromkeys(column for table in ("coalitions", *KINDS) for column in columns_of(table)))
