"""The Telegram door: updates in by polling or webhook, HTML with buttons out."""

import asyncio
import hmac
import json
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from typing import Any
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from telegram import (
    BotCommand,
    CallbackQuery,
    Chat,
    InputFile,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
    Update,
)
from telegram.constants import ChatAction, ChatType, ParseMode
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError
from telegram.ext import AIORateLimiter, ExtBot
from telegram.request import HTTPXRequest

from bot.channels.body import bounded_body
from bot.channels.telegram_sending import FIRST_PAUSE, LONGEST_PAUSE, Markup, markup, patiently
from bot.channels.telegram_shelters import ShelterOrders
from bot.channels.telegram_updates import Edits, OneByOne, addressed, read_inbound, readable
from bot.channels.telegram_volunteers import VolunteersDoor
from bot.conversation import Conversation
from bot.errors import BadRequest as Unreadable
from bot.errors import DatabaseAway
from bot.messages import LANGUAGES, Channel, Inbound
from bot.store.inbox import Inbox
from bot.tls import trusted
from bot.wording.catalog import Words
from bot.wording.fitting import Fitted
from bot.wording.narrow import plain
from bot.wording.wide import untagged

log = logging.getLogger(__name__)

WEBHOOK = "/telegram"
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105  the name of the header
LARGEST_UPDATE = 256 * 1024
LONGEST_TOAST = 200
# Telegram shows 'typing' for five seconds.
PATIENCE, TYPING_LASTS = 0.7, 4.5
# Seconds: how long a poll waits, how often the inbox is looked after, how long a stop waits.
POLL, TEND, DRAIN = 25, 5.0, 8.0
# How slow Telegram may be with a message: whoever gives up sooner and sends it again says it twice.
SLOWEST = 45.0
# Updates that came while the database was away, remembered so that none is answered twice.
MOST_UNSTORED = 1000
COMMANDS = ("menu", "shelter", "human", "language", "privacy", "stop")
HEARD = (Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY)


class TelegramDoor:
    """One bot. An update is stored before Telegram is told that it came; those of one chat are answered in order, those of different chats at the same time."""

    def __init__(
        self,
        conversation: Conversation,
        words: Words,
        inbox: Inbox,
        *,
        token: str,
        secret: str,
        api_url: str,
        public_url: str | None,
        volunteers: VolunteersDoor | None = None,
        shelters: ShelterOrders | None = None,
    ) -> None:
        self._conversation = conversation
        self._volunteers = volunteers
        self._shelters = shelters
        self._words = words
        self._inbox = inbox
        self._secret = secret
        self._public_url = public_url
        self._edits = Edits()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._doorstep: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._working: dict[str, asyncio.Task[None]] = {}
        self._unstored: deque[str] = deque(maxlen=MOST_UNSTORED)
        self._unsettled: set[str] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._asking: asyncio.Task[tuple[Update, ...]] | None = None
        self._stopping = asyncio.Event()
        self._bot: ExtBot[Any] = ExtBot(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            request=HTTPXRequest(read_timeout=SLOWEST, pool_timeout=SLOWEST, httpx_kwargs={"verify": trusted()}),
            get_updates_request=OneByOne(httpx_kwargs={"verify": trusted()}),
            rate_limiter=AIORateLimiter(max_retries=3),
        )

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
                await self._inbox.done(*(settled := frozenset(self._unsettled)))
                self._unsettled -= settled
                await self._inbox.renew(self._working)
                for debt in await self._inbox.orphans(but=self._working):
                    if update := Update.de_json(json.loads(debt.payload), self._bot):
                        self._begin(update, debt.sent)
            except Exception as error:  # noqa: BLE001  while the database is away there is nothing to take over
                log.warning("the inbox did not answer: %s", type(error).__name__)
            await self._pause(TEND)

    async def _pause(self, seconds: float) -> None:
        """Sleeps, but not through a stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _take(self, update: Update) -> bool:
        """Stores an update that is meant for us, and begins to answer it. False when it could be neither stored nor answered."""
        if not self._meant_for_us(update) or update.effective_chat is None:
            return True
        name = str(update.update_id)
        async with self._doorstep.setdefault(update.effective_chat.id, asyncio.Lock()):
            if name not in self._unstored:
                try:
                    if await self._inbox.put(name, update.to_json(), self._conversation.key(Channel.TELEGRAM, str(update.effective_chat.id))):
                        self._begin(update, 0)
                    return True
                except DatabaseAway:  # then it is answered before it is confirmed, and once, however often it comes
                    self._unstored.append(name)
                    self._begin(update, 0)
        if working := self._working.get(name):
            await asyncio.wait((working,))
        return name in self._unstored

    def _meant_for_us(self, update: Update) -> bool:
        if self._shelters and self._shelters.owns(update):
            return True
        if self._volunteers and self._volunteers.owns(update):
            return self._volunteers.meant(update)
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
        chat, message, name = update.effective_chat, update.effective_message, str(update.update_id)
        assert chat is not None  # addressed() asks for one
        async with self._turns.setdefault(chat.id, asyncio.Lock()):
            try:
                if self._shelters and self._shelters.owns(update):
                    await self._send(chat, update.message, await self._shelters.answer(update), name, sent)
                elif self._volunteers and self._volunteers.owns(update):
                    await self._volunteers.hear(update)
                else:
                    inbound = read_inbound(update, chat, self._bot.username)
                    answer = await (self._pressed(update.callback_query, inbound) if update.callback_query else self._answer(inbound))
                    await self._send(chat, message if isinstance(message, Message) else None, answer, name, sent)
            except Exception as error:  # noqa: BLE001  one update must not stop the others; it stays in the inbox and is tried again
                log.error("an update was not answered: %s", type(error).__name__)
                with suppress(ValueError):
                    self._unstored.remove(name)
                if isinstance(error, (NetworkError, RetryAfter)) and not isinstance(error, BadRequest):
                    with suppress(DatabaseAway):
                        await self._inbox.blameless(name)
                return
            try:
                await self._inbox.done(name)
            except DatabaseAway:
                self._unsettled.add(name)

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
        try:
            sent = json.loads(await bounded_body(request, LARGEST_UPDATE))
        except (Unreadable, ValueError, RecursionError):
            sent = None
        if not isinstance(sent, dict) or not isinstance(sent.get("update_id"), int):
            return PlainTextResponse("not an update", status_code=400)
        # What cannot be read is taken all the same: refused, Telegram would send it for a day, and nothing else of that chat.
        if readable(sent) and (update := Update.de_json(sent, self._bot)):
            return Response(status_code=200 if await self._take(update) else 503)
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
                    keyboard = markup(answer, self._words, private=chat.type == ChatType.PRIVATE, last=n == last)
                    await patiently(partial(self._say, text, keyboard, to))
                    if n < last:
                        with suppress(DatabaseAway):  # nothing is noted, and the rest goes out all the same
                            await self._inbox.went_out(message_id, n + 1)
            for file in answer.attachments:
                await patiently(partial(self._bot.send_document, document=InputFile(BytesIO(file.content.encode()), filename=file.filename), **to))
        except Forbidden:
            log.info("an answer was not delivered: the bot is blocked")

    async def _say(self, text: str, keyboard: Markup | None, to: dict[str, Any]) -> None:
        quiet = LinkPreviewOptions(is_disabled=True)
        try:
            await self._bot.send_message(text=text, parse_mode=ParseMode.HTML, reply_markup=keyboard, link_preview_options=quiet, **to)
        except BadRequest as error:
            if "parse" not in error.message.lower():
                raise
            await self._bot.send_message(text=plain(untagged(text)), reply_markup=keyboard, link_preview_options=quiet, **to)
