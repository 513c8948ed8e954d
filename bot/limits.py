"""How often one person may ask. Counted in memory only, and never for more names than MOST_COUNTED."""

from math import ceil
from time import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PER_PERSON = RateLimitItemPerMinute(30)
# Somebody who was told so is told again a minute later only.
TOLD = RateLimitItemPerMinute(1)
# A shelter's Wi-Fi is one address for all of its guests.
PER_ADDRESS = RateLimitItemPerMinute(300)
MOST_COUNTED = 10_000


class Limiter:
    """Moving windows, one for each name that is counted."""

    def __init__(self, most_counted: int = MOST_COUNTED) -> None:
        self._storage = MemoryStorage()
        self._windows = MovingWindowRateLimiter(self._storage)
        self._most_counted = most_counted

    def wait(self, *counted: tuple[RateLimitItem, str]) -> int:
        """0 and one more is counted under each name; or, when one of them has had enough, the seconds to wait."""
        for limit, name in counted:
            if not self._windows.test(limit, name):
                return max(1, ceil(self._windows.get_window_stats(limit, name).reset_time - time()))
        # The storage keeps every name it ever saw. To forget all now and then lets somebody ask a little more; that is better than to fill the memory.
        if len(self._storage.events) + len(counted) > self._most_counted:
            self._storage.reset()
        for limit, name in counted:
            self._windows.hit(limit, name)
        return 0
