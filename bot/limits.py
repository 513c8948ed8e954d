"""How often one person may ask. Counted in memory only, and never for more names than MOST_COUNTED."""

from collections.abc import Callable
from math import ceil
from time import monotonic, time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PER_PERSON = RateLimitItemPerMinute(30)
# Somebody who was told so is told again a minute later only.
TOLD = RateLimitItemPerMinute(1)
# What one resident may have passed on to the volunteers' group, which Telegram lets us write to twenty times a minute.
PER_TALK = RateLimitItemPerMinute(6)
# A shelter's Wi-Fi is one address for all of its guests.
PER_ADDRESS = RateLimitItemPerMinute(300)
MOST_COUNTED = 10_000
# Seconds between two messages by which clocks are not slowed or hurried, but set.
JUMP = 2.0


class Limiter:
    """Moving windows, one for each name that is counted."""

    def __init__(self, most_counted: int = MOST_COUNTED, wall: Callable[[], float] = time) -> None:
        self._wall = wall
        self._offset = wall() - monotonic()
        self._storage = MemoryStorage()
        self._windows = MovingWindowRateLimiter(self._storage)
        self._most_counted = most_counted

    def wait(self, *counted: tuple[RateLimitItem, str]) -> int:
        """0 and one more is counted under each name; or, when one of them has had enough, the seconds to wait."""
        self._forgive_a_jump()
        for limit, name in counted:
            if not self._windows.test(limit, name):
                return max(1, ceil(self._windows.get_window_stats(limit, name).reset_time - time()))
        # The storage keeps every name it ever saw. To forget all now and then lets somebody ask a little more; that is better than to fill the memory.
        if len(self._storage.events) + len(counted) > self._most_counted:
            self._storage.reset()
        for limit, name in counted:
            self._windows.hit(limit, name)
        return 0

    def _forgive_a_jump(self) -> None:
        """The windows go by the time of day. After the clock was set back an hour, they would keep everybody waiting until it has caught up."""
        offset = self._wall() - monotonic()
        if abs(offset - self._offset) > JUMP:
            self._storage.reset()
        self._offset = offset
