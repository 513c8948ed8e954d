"""What the models say of a text. Texts that wait at the same moment are weighed together: memory brings the models' numbers once for all of them."""

import asyncio
from dataclasses import dataclass
from time import thread_time

from bot.metrics import ENCODER_SECONDS
from bot.understanding.encoder import Encoder
from bot.understanding.features import Rows
from bot.understanding.model import Models

# So many are weighed at once, and then the others have their turn: about 30 ms.
MOST_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """The probability of each intent, and of each kind of crisis (None without such a model)."""

    topics: dict[str, float]
    crisis: dict[str, float] | None


class Scales:
    """The models behind one understander."""

    def __init__(self, models: Models, encoder: Encoder) -> None:
        self._models = models
        self._encoder = encoder
        self._waiting: list[tuple[str, asyncio.Future[Weighed]]] = []

    def rows(self, texts: list[str]) -> Rows:
        began = thread_time()
        meaning = self._encoder.encode(texts)
        ENCODER_SECONDS.inc(thread_time() - began)
        return Rows(letters=self._models.ngrams.of(texts), meaning=meaning)

    def weigh(self, texts: list[str]) -> list[Weighed]:
        return self.weigh_rows(self.rows(texts))

    def weigh_rows(self, rows: Rows) -> list[Weighed]:
        topics, crisis = self._models.topics.probabilities(rows), self._models.crisis
        alarms = crisis.probabilities(rows) if crisis else [None] * len(topics)
        return [Weighed(topics=topic, crisis=alarm) for topic, alarm in zip(topics, alarms, strict=True)]

    async def weigh_soon(self, text: str) -> Weighed:
        """The same, with whatever else comes in at this moment."""
        loop = asyncio.get_running_loop()
        weighed: asyncio.Future[Weighed] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._weigh_waiting, loop)
        self._waiting.append((text, weighed))
        return await weighed

    def _weigh_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        now, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        if self._waiting:
            loop.call_soon(self._weigh_waiting, loop)
        try:
            results: list[Weighed | Exception] = [*self.weigh([text for text, _ in now])]
        except Exception:  # noqa: BLE001  one text that cannot be weighed must not cost the others their answers
            results = [self._alone(text) for text, _ in now]
        for (_, weighed), result in zip(now, results, strict=True):
            if weighed.done():  # whoever asked has gone
                continue
            if isinstance(result, Exception):
                weighed.set_exception(result)
            else:
                weighed.set_result(result)

    def _alone(self, text: str) -> Weighed | Exception:
        try:
            return self.weigh([text])[0]
        except Exception as error:  # noqa: BLE001  it is raised where it was asked
            return error
