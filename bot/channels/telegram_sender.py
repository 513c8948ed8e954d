"""Writing first on Telegram: alerts, broadcasts, a volunteer's words. Sent once; whether and when to try again is the caller's."""

import logging
from datetime import datetime
from typing import Any

from telegram import InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from bot.channels.telegram_sending import buttons
from bot.messages import Delivery, Outcome
from bot.tls import trusted
from bot.wording.catalog import Words
from bot.wording.fitting import Fitted
from bot.wording.narrow import plain
from bot.wording.wide import untagged

log = logging.getLogger(__name__)


class TelegramSender:
    """One bot that writes. The door that listens has a connection of its own, so that a broadcast holds up no answer."""

    def __init__(self, *, token: str, api_url: str, words: Words) -> None:
        self._request = HTTPXRequest(httpx_kwargs={"verify": trusted()})
        self._bot: ExtBot[Any] = ExtBot(token, request=self._request, get_updates_request=self._request, base_url=f"{api_url}/bot", base_file_url=f"{api_url}/file/bot")
        self._words = words

    async def send(self, address: str, answer: Fitted) -> Outcome:
        """All texts of an answer, in order; the first that does not arrive ends it."""
        for n, text in enumerate(answer.texts):
            keys = buttons(answer, self._words) if n == len(answer.texts) - 1 else []
            outcome = await self._one(address, text, InlineKeyboardMarkup(keys) if keys else None)
            if outcome.delivery is not Delivery.SENT:
                return outcome
        return Outcome(delivery=Delivery.SENT)

    async def known_of(self, address: str, answer: Fitted, since: datetime) -> Outcome | None:
        """None: Telegram never tells a bot what it sent. What a cut line left in doubt is sent again."""
        return None

    async def post(self, address: str, text: str, reply_to: int | None = None) -> int | None:
        """A plain text, if need be as a reply; the number of the message, None when it was not sent for certain."""
        thread = ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None
        try:
            return (await self._bot.send_message(chat_id=address, text=text, reply_parameters=thread, link_preview_options=LinkPreviewOptions(is_disabled=True))).message_id
        except TelegramError as error:
            log.warning("the volunteers' group was not written to: %s", type(error).__name__)
            return None

    async def close(self) -> None:
        await self._request.shutdown()  # a bot that never asked who it is, as ours, would leave it open

    async def _one(self, address: str, text: str, keys: InlineKeyboardMarkup | None) -> Outcome:
        quiet = LinkPreviewOptions(is_disabled=True)
        try:
            try:
                await self._bot.send_message(chat_id=address, text=text, parse_mode=ParseMode.HTML, reply_markup=keys, link_preview_options=quiet)
            except BadRequest as error:
                if "parse" not in error.message.lower():
                    raise
                await self._bot.send_message(chat_id=address, text=plain(untagged(text)), reply_markup=keys, link_preview_options=quiet)
        except TelegramError as error:
            return _outcome(error)
        return Outcome(delivery=Delivery.SENT)


def _outcome(error: TelegramError) -> Outcome:
    """What an error means to us. Of the network's, only a refused connection is certain not to have delivered; the library does not tell it apart."""
    if isinstance(error, Forbidden):
        return Outcome(delivery=Delivery.GONE, reason="the bot is blocked")
    if isinstance(error, RetryAfter):
        wait = error.retry_after
        return Outcome(delivery=Delivery.LATER, reason="faster than Telegram allows", retry_after=float(wait if isinstance(wait, int) else wait.total_seconds()))
    if isinstance(error, BadRequest | InvalidToken):
        return Outcome(delivery=Delivery.REFUSED, reason=f"Telegram refused it ({type(error).__name__})")
    if isinstance(error, NetworkError):
        return Outcome(delivery=Delivery.UNCERTAIN, reason="the line was cut")
    return Outcome(delivery=Delivery.REFUSED, reason=f"Telegram refused it ({type(error).__name__})")
