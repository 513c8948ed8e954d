"""The Telegram door: updates in by polling or webhook, HTML with buttons out."""

import asyncio
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from html import unescape
from io import BytesIO
from random import random
from typing import Any
from weakref import WeakValueDictionary

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from telegram import (
    BotCommand,
    CallbackQuery,
    Chat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    KeyboardButton,
    LinkPreviewOptions,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
    Update,
)
from telegram.constants import ChatAction, ChatType, ParseMode
from telegram.error import BadRequest, Forbidden, NetworkError, TelegramError
from telegram.ext import AIORateLimiter, ExtBot

from bot.channels.telegram_updates import Edits, OneByOne, addressed, read_inbound, readable
from bot.conversation import Conversation
from bot.messages import LANGUAGES, Inbound
from bot.store.inbox import Inbox
from bot.wording.catalog import Words
from bot.wording.fitting import Fitted
from bot.wording.narrow import plain

log = logging.getLogger(__name__)

WEBHOOK = "/telegram"
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105  the name of the header
LARGEST_UPDATE = 256 * 1024
LONGEST_CALLBACK, LONGEST_TOAST = 64, 200
# Telegram shows 'typing' for five seconds.
PATIENCE, TYPING_LASTS = 0.7, 4.5
# Seconds: how long a poll waits, how often the inbox is looked after, how long a stop waits; pauses between tries.
POLL, TEND, DRAIN = 25, 5.0, 8.0
FIRST_PAUSE, LONGEST_PAUSE, TRIES = 1.0, 30.0, 6
CUT = Counter("faro_telegram_cut", "Sends to Telegram that failed on the way: each may have been delivered all the same")
COMMANDS = ("menu", "shelter", "human", "language", "privacy", "stop")
HEARD = (Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY)
Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove


class TelegramDoor:
    """One bot. An update is stored before Telegram is told that it came; those of one chat are answered in order, those of different chats at the same time."""

    def __init__(self, conversation: Conversation, words: Words, inbox: Inbox, *, token: str, secret: str, api_url: str, public_url: str | None) -> None:
        self._conversation = conversation
        self._words = words
        self._inbox = inbox
        self._secret = secret
        self._public_url = public_url
        self._edits = Edits()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._doorstep: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._working: dict[str, asyncio.Task[None]] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._asking: asyncio.Task[tuple[Update, ...]] | None = None
        self._stopping = asyncio.Event()
        self._bot: ExtBot[Any] = ExtBot(token, base_url=f"{api_url}/bot", base_file_url=f"{api_url}/file/bot", get_updates_request=OneByOne(), rate_limiter=AIORateLimiter(max_retries=3))

    def routes(self) -> Sequence[Route]:
        return (Route(WEBHOOK, self._webhook, methods=["POST"]),) if self._public_url else ()

    async def start(self) -> None:
        """Introduces the bot, then listens: by asking Telegram, or by asking Telegram to call the webhook."""
        await self._bot.initialize()
        await self._introduce()
        if self._public_url:
            await self._bot.set_webhook(f"{self._public_url.rstrip('/')}{WEBHOOK}", secret_token=self._secret, allowed_updates=HEARD)
        else:
            await self._bot.delete_webhook()
            self._loops.append(asyncio.create_task(self._poll()))
        self._loops.append(asyncio.create_task(self._tend()))

    async def stop(self) -> None:
        """Takes nothing new, and gives what is being answered a few seconds. What is left is answered after the next start."""
        self._stopping.set()
        if self._asking:
            self._asking.cancel()
        if self._loops:
            await asyncio.wait(self._loops)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.finished(), DRAIN)
        for task in self._working.values():
            task.cancel()
        await self._bot.shutdown()

    async def finished(self) -> None:
        """Waits until everything that came is answered."""
        while self._working:
            await asyncio.wait(self._working.values())

    async def _poll(self) -> None:
        """Asks for updates for ever. Asking for the next ones confirms the last, so that they are stored by then."""
        offset, pause = None, FIRST_PAUSE
        while not self._stopping.is_set():
            self._asking = asyncio.create_task(self._bot.get_updates(offset=offset, timeout=POLL, allowed_updates=HEARD))
            try:
                updates = await self._asking
                pause = FIRST_PAUSE
            except asyncio.CancelledError:
                return
            except TelegramError as error:
                log.warning("Telegram gave no updates (%s); asking again in %.0f s", type(error).__name__, pause)
                await self._pause(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
                continue
            for update in updates:
                await self._take(update)
                offset = update.update_id + 1

    async def _tend(self) -> None:
        """Keeps what is being answered ours, and takes over what another Faro, or we before a crash, left unanswered."""
        while not self._stopping.is_set():
            try:
                await self._inbox.renew(self._working)
                for debt in await self._inbox.orphans():
                    if debt.message_id not in self._working and (update := Update.de_json(json.loads(debt.payload), self._bot)):
                        self._begin(update, debt.sent)
            except Exception as error:  # noqa: BLE001  while the database is away there is nothing to take over
                log.warning("the inbox did not answer: %s", type(error).__name__)
            await self._pause(TEND)

    async def _pause(self, seconds: float) -> None:
        """Sleeps, but not through a stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _take(self, update: Update) -> None:
        """Stores an update that is meant for us, and begins to answer it."""
        if not self._meant_for_us(update) or update.effective_chat is None:
            return
        async with self._doorstep.setdefault(update.effective_chat.id, asyncio.Lock()):
            try:
                if await self._inbox.put(str(update.update_id), update.to_json()):
                    self._begin(update, 0)
                return
            except Exception as error:  # noqa: BLE001  without the database it is answered before it is confirmed
                log.error("an update could not be stored (%s); it is answered at once", type(error).__name__)
        await self._work(update, 0)

    def _meant_for_us(self, update: Update) -> bool:
        message = update.effective_message
        if not addressed(update, self._bot.username) or not (update.callback_query or isinstance(message, Message)):
            return False
        if update.edited_message:
            return self._edits.mended(update.edited_message)
        if update.message:
            self._edits.hear(update.message)
        return True

    def _begin(self, update: Update, sent: int) -> None:
        name = str(update.update_id)
        task = self._working[name] = asyncio.create_task(self._work(update, sent))
        task.add_done_callback(lambda _: self._working.pop(name, None))

    async def _work(self, update: Update, sent: int) -> None:
        """Answers one update, from the text on that has not been sent."""
        chat, message = update.effective_chat, update.effective_message
        assert chat is not None  # addressed() asks for one
        async with self._turns.setdefault(chat.id, asyncio.Lock()):
            try:
                inbound = read_inbound(update, chat, self._bot.username)
                answer = await (self._pressed(update.callback_query, inbound) if update.callback_query else self._answer(inbound))
                await self._send(chat, message if isinstance(message, Message) else None, answer, str(update.update_id), sent)
            except Exception as error:  # noqa: BLE001  one update must not stop the others; it stays in the inbox and is tried again
                log.error("an update was not answered: %s", type(error).__name__)
                return
            with suppress(Exception):
                await self._inbox.done(str(update.update_id))

    async def _introduce(self) -> None:
        """Commands and descriptions in both languages; English is what all other languages see."""
        for language in LANGUAGES:
            code = None if language == "en" else language
            commands = [BotCommand(name, self._words.say(f"telegram.commands.{name}", language)) for name in COMMANDS]
            try:
                await self._bot.set_my_commands(commands, language_code=code)
                await self._bot.set_my_description(self._words.say("telegram.description", language), language_code=code)
                await self._bot.set_my_short_description(self._words.say("telegram.short_description", language), language_code=code)
            except TelegramError as error:
                log.warning("Telegram did not take the bot's description: %s", type(error).__name__)

    async def _webhook(self, request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
        if not self._secret or not hmac.compare_digest(given, self._secret.encode()):
            return PlainTextResponse("wrong secret", status_code=403)
        if int(request.headers.get("content-length") or 0) > LARGEST_UPDATE:
            return PlainTextResponse("too large", status_code=400)
        try:
            sent = await request.json()
        except (ValueError, RecursionError):
            sent = None
        if not isinstance(sent, dict) or not isinstance(sent.get("update_id"), int):
            return PlainTextResponse("not an update", status_code=400)
        # What cannot be read is taken all the same: refused, Telegram would send it for a day, and nothing else of that chat.
        if readable(sent) and (update := Update.de_json(sent, self._bot)):
            await self._take(update)
        return Response(status_code=200)

    async def _pressed(self, query: CallbackQuery, inbound: Inbound) -> Fitted:
        """A press on a button is always confirmed, with a word in passing if the answer has one."""
        toast = ""
        try:
            answer = await self._answer(inbound)
            toast = answer.toast
            return answer
        finally:
            try:
                await query.answer(toast[:LONGEST_TOAST] or None)
            except TelegramError:
                log.info("a button press was too old to confirm")

    async def _answer(self, inbound: Inbound) -> Fitted:
        """The answer; while it takes long, the person sees that Faro is typing."""
        typing = asyncio.create_task(self._typing(int(inbound.sender)))
        try:
            return await self._conversation.answer(inbound)
        finally:
            typing.cancel()

    async def _typing(self, chat: int) -> None:
        await asyncio.sleep(PATIENCE)
        try:
            while True:
                await self._bot.send_chat_action(chat, ChatAction.TYPING)
                await asyncio.sleep(TYPING_LASTS)
        except TelegramError:
            log.info("Telegram did not show that Faro is typing")

    async def _send(self, chat: Chat, asked: Message | None, answer: Fitted, message_id: str, sent: int) -> None:
        """All of an answer, in a group as a reply. Who blocked the bot gets no more of it; Faro never writes to them unasked, and /start finds it as it was."""
        in_group = chat.type != ChatType.PRIVATE and asked
        to: dict[str, Any] = {
            "chat_id": chat.id,
            "message_thread_id": asked.message_thread_id if asked and asked.is_topic_message else None,
            "reply_parameters": ReplyParameters(asked.message_id, allow_sending_without_reply=True) if in_group and asked else None,
        }
        last = len(answer.texts) - 1
        try:
            for n, text in enumerate(answer.texts):
                if n >= sent:
                    markup = self._markup(answer, private=chat.type == ChatType.PRIVATE, last=n == last)
                    await _patiently(partial(self._say, text, markup, to))
                    if n < last:
                        with suppress(Exception):  # without the database nothing is noted, and the rest goes out all the same
                            await self._inbox.went_out(message_id, n + 1)
            for file in answer.attachments:
                await _patiently(partial(self._bot.send_document, document=InputFile(BytesIO(file.content.encode()), filename=file.filename), **to))
        except Forbidden:
            log.info("an answer was not delivered: the bot is blocked")

    async def _say(self, text: str, markup: Markup | None, to: dict[str, Any]) -> None:
        quiet = LinkPreviewOptions(is_disabled=True)
        try:
            await self._bot.send_message(text=text, parse_mode=ParseMode.HTML, reply_markup=markup, link_preview_options=quiet, **to)
        except BadRequest as error:
            if "parse" not in error.message.lower():
                raise
            await self._bot.send_message(text=plain(_untagged(text)), reply_markup=markup, link_preview_options=quiet, **to)

    def _markup(self, answer: Fitted, *, private: bool, last: bool) -> Markup | None:
        """What may be pressed under a text. A message carries one keyboard only, so the one that asked for a place is taken away with the next text that has no buttons."""
        if last and (buttons := self._buttons(answer)):
            return InlineKeyboardMarkup(buttons)
        if not private:
            return None
        if last and answer.ask_location:
            label = self._words.say("telegram.share_location", answer.language)
            return ReplyKeyboardMarkup([[KeyboardButton(label, request_location=True)]], resize_keyboard=True, one_time_keyboard=True)
        return ReplyKeyboardRemove()

    def _buttons(self, answer: Fitted) -> list[list[InlineKeyboardButton]]:
        """One below the other what may be chosen; last, side by side, whether it was useful. Each says all that is needed, so old ones work."""
        buttons = [[InlineKeyboardButton(c.label, callback_data=c.says[:LONGEST_CALLBACK])] for c in answer.choices]
        if answer.rateable:
            yes, no = (self._words.say(key, answer.language) for key in ("rating.yes", "rating.no"))
            buttons.append([InlineKeyboardButton(label, callback_data=f"#useful:{said}:{answer.intent}") for label, said in ((yes, "yes"), (no, "no"))])
        return buttons


def _untagged(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


async def _patiently(send: Callable[[], Awaitable[object]]) -> None:
    """Sends, and tries again when the network failed. When the line was cut after Telegram had it, that says it twice: those are counted."""
    for n in range(TRIES):
        try:
            await send()
            return
        except (BadRequest, Forbidden):
            raise
        except NetworkError:
            CUT.inc()
            if n == TRIES - 1:
                raise
            await asyncio.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2**n) * (0.5 + random()))  # noqa: S311  jitter, no secret
