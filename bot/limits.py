"""How often one person may ask. Counted in memory only, and never for more names than MOST_COUNTED.

Ours and not the library `limits`, as it was: its memory goes by the time of day, starts a thread a hundred times a second to sweep, and has no bound.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from time import monotonic

MINUTE = 60.0


@dataclass(frozen=True)
class Limit:
    """So many in any minute."""

    amount: int


PER_PERSON = Limit(30)
# Somebody who was told so is told again a minute later only.
TOLD = Limit(1)
# What one resident may have passed on to the volunteers' group, which Telegram lets us write to twenty times a minute.
PER_TALK = Limit(6)
# A shelter's Wi-Fi is one address for all of its guests.
PER_ADDRESS = Limit(300)
MOST_COUNTED = 10_000


class Limiter:
    """Moving windows, one for each name that is counted. `clock` in seconds: one that is never set."""

    def __init__(self, most_counted: int = MOST_COUNTED, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._most_counted = most_counted
        self._times: OrderedDict[tuple[Limit, str], deque[float]] = OrderedDict()  # whoever asked longest ago stands first

    def __len__(self) -> int:
        return len(self._times)

    def wait(self, *counted: tuple[Limit, str]) -> int:
        """0 and one more is counted under each name; or, when one of them has had enough, the seconds to wait."""
        now = self._clock()
        for each in counted:
            times = self._times.get(each)
            if times and len(times) == each[0].amount and (left := times[0] + MINUTE - now) > 0:
                self._times.move_to_end(each)
                return ceil(left)
        for each in counted:
            self._times.setdefault(each, deque(maxlen=each[0].amount)).append(now)
            self._times.move_to_end(each)
        # To forget somebody lets them ask a little more; that is better than to fill the memory.
        while len(self._times) > self._most_counted:
            self._times.popitem(last=False)
        return 0
