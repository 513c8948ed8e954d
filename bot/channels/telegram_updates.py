"""What Telegram hands over: updates read one by one, whether they are meant for us, and what they say."""

import logging
import re
from typing import Any

from telegram import Chat, Message, Update
from telegram.constants import ChatType
from telegram.ext import filters
from telegram.request import HTTPXRequest

from bot.messages import Channel, Inbound, Language, Location

log = logging.getLogger(__name__)

# A mistake is mended at once. Later, what was asked has scrolled away, and a new answer to it would come out of the blue.
MENDED_WITHIN = 60


def readable(update: object) -> bool:
    """Whether the library can read an update, and its chat and message have numbers, which it does not look at. What it cannot read is noted by its kind only."""
    try:
        if isinstance(update, dict) and (read := Update.de_json(update)) and _numbered(read):
            return True
    except Exception as error:  # noqa: BLE001  the library raises whatever its parts raise
        log.debug("%s", type(error).__name__)
    kinds = sorted(str(k)[:40] for k in update if k != "update_id") if isinstance(update, dict) else []
    log.warning("an update could not be read: %s", ", ".join(kinds) or "nothing in it")
    return False


def _numbered(update: Update) -> bool:
    chat, message = update.effective_chat, update.effective_message
    return all(isinstance(number, int) for number in (chat.id if chat else 0, message.message_id if message else 0))


class OneByOne(HTTPXRequest):
    """getUpdates, where one update that cannot be read would otherwise come again for ever and hold back all others."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The batch, with an empty update, whose number is confirmed like all others, in the place of each unreadable one."""
        answer = HTTPXRequest.parse_json_payload(payload)
        if isinstance(batch := answer.get("result"), list):
            answer["result"] = [u if readable(u) else {"update_id": u["update_id"]} for u in batch]
        return answer


class Edits:
    """The messages of the last minute, so that one that its writer mends is answered again, once; after that, and without new words, it is not."""

    def __init__(self) -> None:
        self._heard: dict[tuple[int, int], tuple[float, str]] = {}

    def hear(self, message: Message) -> None:
        now = message.date.timestamp()
        self._heard = {k: v for k, v in self._heard.items() if now - v[0] <= MENDED_WITHIN}
        self._heard[message.chat_id, message.message_id] = (now, words_of(message))

    def mended(self, message: Message) -> bool:
        """Whether an edited message is to be answered. Live locations and link previews come as edits, too."""
        heard = self._heard.get((message.chat_id, message.message_id))
        edited = message.edit_date.timestamp() if message.edit_date else 0
        if not heard or words_of(message) in ("", heard[1]) or edited - heard[0] > MENDED_WITHIN:
            return False
        del self._heard[message.chat_id, message.message_id]
        return True


def words_of(message: Message) -> str:
    return message.text or message.caption or ""


def addressed(update: Update, username: str) -> bool:
    """In private always; in a group only when the bot is named, replied to or commanded, or its button is pressed."""
    chat, message = update.effective_chat, update.effective_message
    if chat is None or chat.type == ChatType.CHANNEL:
        return False
    if update.callback_query:
        return True
    if not isinstance(message, Message) or filters.StatusUpdate.ALL.check_update(update):
        return False
    replied = message.reply_to_message.from_user if message.reply_to_message else None
    return chat.type == ChatType.PRIVATE or bool(_named(username).search(words_of(message))) or bool(replied and replied.username == username)


def read_inbound(update: Update, chat: Chat, username: str) -> Inbound:
    """An update -> our message. Whatever has no words (a photo, a sticker) comes as media."""
    query, user = update.callback_query, update.effective_user
    message = update.effective_message if isinstance(update.effective_message, Message) and not query else None
    text = (query.data or "") if query else words_of(message) if message else ""
    location = message.location if message else None
    code = (user.language_code or "")[:2] if user else ""
    hint: Language | None = "es" if code == "es" else "en" if code == "en" else None
    return Inbound(
        channel=Channel.TELEGRAM,
        sender=str(chat.id),
        message_id=str(update.update_id),
        text=_named(username).sub("", text).strip().removeprefix("/"),
        location=Location(latitude=location.latitude, longitude=location.longitude) if location else None,
        language_hint=hint,
        media=not text and location is None,
    )


def _named(username: str) -> re.Pattern[str]:
    return re.compile(rf"@{re.escape(username)}(?!\w)", re.IGNORECASE)
