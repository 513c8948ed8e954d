"""The Telegram door: updates in by polling or webhook, HTML with buttons out."""

import hmac
import logging
import re
from collections.abc import Sequence
from html import unescape
from io import BytesIO
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from telegram import BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, KeyboardButton, LinkPreviewOptions, Message, ReplyKeyboardMarkup, ReplyKeyboardRemove, Update
from telegram.constants import ChatType, ParseMode
from telegram.error import BadRequest, Forbidden, TelegramError
from telegram.ext import AIORateLimiter, Application, ApplicationBuilder, ContextTypes, TypeHandler

from bot.conversation import Conversation
from bot.messages import LANGUAGES, Channel, Inbound, Language, Location
from bot.wording.catalog import Words
from bot.wording.fitting import Fitted
from bot.wording.narrow import plain

log = logging.getLogger(__name__)

WEBHOOK = "/telegram"
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105  the name of the header
LARGEST_UPDATE = 256 * 1024
LONGEST_CALLBACK = 64
COMMANDS = ("menu", "shelter", "human", "language", "privacy", "stop")


class TelegramDoor:
    """One bot. The same function answers an update, whichever way it came."""

    def __init__(self, conversation: Conversation, words: Words, *, token: str, secret: str, api_url: str, public_url: str | None) -> None:
        self._conversation = conversation
        self._words = words
        self._secret = secret
        self._public_url = public_url
        builder = ApplicationBuilder().token(token).base_url(f"{api_url}/bot").base_file_url(f"{api_url}/file/bot")
        limited = builder.rate_limiter(AIORateLimiter(max_retries=3)).concurrent_updates(True)
        self._app: Application[Any, Any, Any, Any, Any, Any] = (limited.updater(None) if public_url else limited).build()
        self._app.add_handler(TypeHandler(Update, self._update))
        self._app.add_error_handler(_note_error)

    def routes(self) -> Sequence[Route]:
        return (Route(WEBHOOK, self._webhook, methods=["POST"]),) if self._public_url else ()

    async def start(self) -> None:
        """Introduces the bot, then listens: by polling, or by asking Telegram to call the webhook."""
        await self._app.initialize()
        await self._introduce()
        await self._app.start()
        if self._public_url:
            await self._app.bot.set_webhook(f"{self._public_url.rstrip('/')}{WEBHOOK}", secret_token=self._secret, allowed_updates=Update.ALL_TYPES)
        elif self._app.updater:
            await self._app.updater.start_polling(allowed_updates=Update.ALL_TYPES, bootstrap_retries=-1)

    async def stop(self) -> None:
        if self._app.updater and self._app.updater.running:
            await self._app.updater.stop()
        if self._app.running:
            await self._app.stop()
        await self._app.shutdown()

    async def _introduce(self) -> None:
        """Commands and descriptions in both languages; English is what all other languages see."""
        for language in LANGUAGES:
            code = None if language == "en" else language
            commands = [BotCommand(name, self._words.say(f"telegram.commands.{name}", language)) for name in COMMANDS]
            try:
                await self._app.bot.set_my_commands(commands, language_code=code)
                await self._app.bot.set_my_description(self._words.say("telegram.description", language), language_code=code)
                await self._app.bot.set_my_short_description(self._words.say("telegram.short_description", language), language_code=code)
            except TelegramError as error:
                log.warning("Telegram did not take the bot's description: %s", type(error).__name__)

    async def _webhook(self, request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
        if not self._secret or not hmac.compare_digest(given, self._secret.encode()):
            return PlainTextResponse("wrong secret", status_code=403)
        if int(request.headers.get("content-length") or 0) > LARGEST_UPDATE:
            return PlainTextResponse("too large", status_code=400)
        try:
            update = Update.de_json(await request.json(), self._app.bot)
        except Exception:  # noqa: BLE001  whatever is wrong with it, Telegram must not send it for ever
            log.warning("an update could not be read")
            return PlainTextResponse("not an update", status_code=400)
        await self._app.process_update(update)
        return Response(status_code=200)

    async def _update(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        message = update.effective_message
        if update.callback_query:
            await _quietly(update.callback_query.answer())
        if message is None or not isinstance(message, Message) or not _addressed(update, context.bot.username):
            return
        answer = await self._conversation.answer(read_inbound(update, context.bot.username))
        await self._send(message, answer)

    async def _send(self, message: Message, answer: Fitted) -> None:
        last = len(answer.texts) - 1
        for n, text in enumerate(answer.texts):
            markup = self._markup(answer) if n == last else None
            try:
                await message.reply_text(text, parse_mode=ParseMode.HTML, reply_markup=markup, link_preview_options=LinkPreviewOptions(is_disabled=True))
            except Forbidden:
                return
            except BadRequest as error:
                if "parse" not in error.message.lower():
                    raise
                await message.reply_text(plain(_untagged(text)), reply_markup=markup)
        for file in answer.attachments:
            await message.reply_document(InputFile(BytesIO(file.content.encode()), filename=file.filename))

    def _markup(self, answer: Fitted) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | None:
        if answer.choices:
            return InlineKeyboardMarkup([[InlineKeyboardButton(c.label, callback_data=c.says[:LONGEST_CALLBACK])] for c in answer.choices])
        if answer.ask_location:
            label = self._words.say("telegram.share_location", answer.language)
            return ReplyKeyboardMarkup([[KeyboardButton(label, request_location=True)]], resize_keyboard=True, one_time_keyboard=True)
        return None


def _addressed(update: Update, username: str) -> bool:
    """In private always; in a group only when the bot is named, replied to or commanded."""
    chat, message = update.effective_chat, update.effective_message
    if chat is None or chat.type == ChatType.PRIVATE or update.callback_query:
        return True
    if chat.type == ChatType.CHANNEL or not isinstance(message, Message):
        return False
    text = message.text or message.caption or ""
    replied = message.reply_to_message is not None and message.reply_to_message.from_user is not None and message.reply_to_message.from_user.username == username
    return replied or f"@{username}".lower() in text.lower()


def read_inbound(update: Update, username: str) -> Inbound:
    """An update -> our message. Whatever has no words (a photo, a sticker) comes as media."""
    message, user = update.effective_message, update.effective_user
    text = message.text or message.caption or "" if isinstance(message, Message) else ""
    if update.callback_query:
        text = update.callback_query.data or ""
    location = message.location if isinstance(message, Message) and not update.callback_query else None
    code = (user.language_code or "")[:2] if user else ""
    hint: Language | None = "es" if code == "es" else "en" if code == "en" else None
    chat = update.effective_chat
    return Inbound(
        channel=Channel.TELEGRAM,
        sender=str(chat.id if chat else user.id if user else update.update_id),
        message_id=str(update.update_id),
        text=_command_words(text.replace(f"@{username}", "").strip()),
        location=Location(latitude=location.latitude, longitude=location.longitude) if location else None,
        language_hint=hint,
        media=not text and location is None,
    )


def _command_words(text: str) -> str:
    """'/shelter Boone' -> 'shelter Boone'."""
    return text.removeprefix("/")


def _untagged(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


async def _quietly(call: object) -> None:
    """An old button cannot be answered any more; its message still is."""
    try:
        await call  # type: ignore[misc]
    except TelegramError:
        log.info("a button press was too old to confirm")


async def _note_error(_update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
    log.error("Telegram: %s", type(context.error).__name__)
