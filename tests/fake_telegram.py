"""A strict Bot API server on a real socket: it records what the bot asks, and refuses what Telegram refuses."""

import asyncio
import json
import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from html.parser import HTMLParser
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
USERNAME = "faro_test_bot"
BOT = {"id": 110201543, "is_bot": True, "first_name": "Faro", "username": USERNAME}
TAGS = frozenset(["b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "tg-spoiler", "blockquote", "span"])
LONGEST_TEXT, LONGEST_CALLBACK, LONGEST_TOAST = 4096, 64, 200
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);)")


class Refused(Exception):
    """What the Bot API answers with ok: false."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.retry_after = retry_after

    def answer(self) -> Response:
        parameters = {"parameters": {"retry_after": self.retry_after}} if self.retry_after else {}
        return JSONResponse({"ok": False, "error_code": self.code, "description": str(self), **parameters}, status_code=self.code)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request of the bot."""

    method: str
    params: dict[str, str]
    files: dict[str, bytes] = field(default_factory=dict)


class _Strict(HTMLParser):
    """Telegram's HTML: few tags, closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise Refused(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Refused(400, f'Bad Request: can\'t parse entities: Unexpected end tag "{tag}"')

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed_html(html: str) -> str:
    """The text without its tags. Raises Refused as Telegram does."""
    if re.search(r"<(?!/?[a-zA-Z])", html) or _ENTITY.search(html):
        raise Refused(400, "Bad Request: can't parse entities: a character must be escaped")
    parser = _Strict()
    parser.feed(html)
    parser.close()
    if parser.open:
        raise Refused(400, f"Bad Request: can't parse entities: Can't find end tag corresponding to start tag {parser.open[-1]}")
    return parser.text


class FakeTelegram:
    """One bot's server. `push` hands it an update; `calls` is what it was asked."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.sent_at: list[tuple[str, float]] = []  # chats, and when each was sent a message
        self._updates: list[dict[str, Any]] = []
        self._queries: set[str] = set()
        self._blocked: set[str] = set()
        self._held: set[str] = set()
        self._flooded: dict[str, float] = {}
        self.waiting: set[str] = set()  # chats whose message is held back just now
        self.too_early = 0  # messages sent before the time that a 429 told
        self.understands_entities = True
        self.webhook: dict[str, Any] = {}  # what getWebhookInfo tells, beside what is usual
        self._next_message = 1000
        self.app = Starlette(routes=[Route("/bot{token}/{method}", self._serve, methods=["GET", "POST"])])

    def push(self, update: dict[str, Any]) -> None:
        self.know(update)
        self._updates.append(update)

    def know(self, update: dict[str, Any]) -> None:
        """A button press that may be answered, once."""
        if query := update.get("callback_query"):
            self._queries.add(query["id"])

    def block(self, chat: int) -> None:
        self._blocked.add(str(chat))

    def unblock(self, chat: int) -> None:
        self._blocked.discard(str(chat))

    def hold(self, chat: int) -> None:
        """The next message to this chat, and only that one, waits until it is let go."""
        self._held.add(str(chat))

    def let_go(self, chat: int) -> None:
        self.waiting.discard(str(chat))

    def flood(self, chat: int) -> None:
        """The next message to this chat is refused, and so is every other of the following second."""
        self._flooded[str(chat)] = 0

    @property
    def unconfirmed(self) -> list[int]:
        """Updates that the bot has not confirmed yet."""
        return [u["update_id"] for u in self._updates]

    def named(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def texts(self, chat: int) -> list[str]:
        """What a chat was sent, oldest first."""
        return [c.params["text"] for c in self.named("sendMessage") if c.params["chat_id"] == str(chat)]

    async def _serve(self, request: Request) -> Response:
        method = request.path_params["method"]
        try:
            if request.path_params["token"] != TOKEN:
                raise Refused(401, "Unauthorized")
            call = await self._read(method, request)
            handler = getattr(self, f"_{method.lower()}", None)
            if handler is None:
                raise Refused(404, f"Not Found: method {method}")
            result = await handler(call)
        except Refused as refused:
            return refused.answer()
        if method != "getUpdates":
            self.calls.append(call)
        return JSONResponse({"ok": True, "result": result})

    @staticmethod
    async def _read(method: str, request: Request) -> Call:
        kind, body = request.headers.get("content-type", ""), await request.body()
        params = {**request.query_params}
        if not kind.startswith("multipart/"):
            return Call(method=method, params={**params, **dict(parse_qsl(body.decode(), keep_blank_values=True))})
        files: dict[str, bytes] = {}
        for part in message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body).get_payload():
            assert isinstance(part, Message)
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            if name := part.get_filename():
                files[name] = content
            else:
                params[str(part.get_param("name", header="content-disposition"))] = content.decode()
        return Call(method=method, params=params, files=files)

    async def _getme(self, _call: Call) -> dict[str, Any]:
        return {**BOT, "can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}

    async def _getupdates(self, call: Call) -> list[dict[str, Any]]:
        """Long polling: everything before the offset is confirmed and forgotten."""
        offset, patience = int(call.params.get("offset", 0)), float(call.params.get("timeout", 0))
        while True:
            self._updates = [u for u in self._updates if u["update_id"] >= offset]
            if self._updates or patience <= 0:
                return self._updates[:100]
            await asyncio.sleep(0.02)
            patience -= 0.02

    async def _setwebhook(self, call: Call) -> bool:
        if not call.params.get("url", "").startswith("https://"):
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", call.params.get("secret_token", "")):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = {"url": call.params["url"]}
        return True

    async def _deletewebhook(self, _call: Call) -> bool:
        self.webhook = {}
        return True

    async def _getwebhookinfo(self, _call: Call) -> dict[str, Any]:
        return {"url": "", "has_custom_certificate": False, "pending_update_count": len(self._updates), **self.webhook}

    async def _setmycommands(self, call: Call) -> bool:
        for command in json.loads(call.params["commands"]):
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]) or not 1 <= len(command["description"]) <= 256:
                raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
        return True

    async def _setmydescription(self, call: Call) -> bool:
        return self._short_enough(call.params.get("description", ""), 512)

    async def _setmyshortdescription(self, call: Call) -> bool:
        return self._short_enough(call.params.get("short_description", ""), 120)

    @staticmethod
    def _short_enough(text: str, most: int) -> bool:
        if len(text) > most:
            raise Refused(400, "Bad Request: text is too long")
        return True

    async def _sendmessage(self, call: Call) -> dict[str, Any]:
        chat = call.params["chat_id"]
        await self._delayed(chat)
        if call.params.get("parse_mode") and not self.understands_entities:
            raise Refused(400, "Bad Request: can't parse entities: Can't find end of the entity starting at byte offset 7")
        text = parsed_html(call.params["text"]) if call.params.get("parse_mode") == "HTML" else call.params["text"]
        if not text.strip():
            raise Refused(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > LONGEST_TEXT:
            raise Refused(400, "Bad Request: message is too long")
        self._check_markup(json.loads(call.params.get("reply_markup", "{}")), in_group=chat.startswith("-"))
        return self._message(call, text=text)

    async def _delayed(self, chat: str) -> None:
        """What hold() and flood() ask for."""
        if chat in self._held:
            self._held.discard(chat)
            self.waiting.add(chat)
            while chat in self.waiting:  # noqa: ASYNC110  the test lets go from another thread
                await asyncio.sleep(0.02)
        if chat in self._flooded:
            until, now = self._flooded[chat], monotonic()
            if not until or now < until:
                self.too_early += bool(until)
                self._flooded[chat] = until or now + 1
                raise Refused(429, "Too Many Requests: retry after 1", retry_after=1)

    @staticmethod
    def _check_markup(markup: dict[str, Any], *, in_group: bool) -> None:
        assert len(markup.keys() & {"inline_keyboard", "keyboard", "remove_keyboard"}) == bool(markup)
        if in_group and any(button.get("request_location") for row in markup.get("keyboard", []) for button in row):
            raise Refused(400, "Bad Request: location can be requested in private chats only")
        for row in markup.get("inline_keyboard", []):
            for button in row:
                if not button["text"] or not 1 <= len(button["callback_data"].encode()) <= LONGEST_CALLBACK:
                    raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")

    async def _senddocument(self, call: Call) -> dict[str, Any]:
        if not any(call.files.values()):
            raise Refused(400, "Bad Request: file must be non-empty")
        return self._message(call, document={"file_id": "F1", "file_unique_id": "U1"})

    async def _answercallbackquery(self, call: Call) -> bool:
        query = call.params["callback_query_id"]
        if query not in self._queries:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self._queries.discard(query)
        return self._short_enough(call.params.get("text", ""), LONGEST_TOAST)

    async def _sendchataction(self, call: Call) -> bool:
        if call.params["action"] != "typing":
            raise Refused(400, "Bad Request: wrong parameter action in request")
        return True

    def _message(self, call: Call, **parts: object) -> dict[str, Any]:
        if call.params["chat_id"] in self._blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        self._next_message += 1
        self.sent_at.append((call.params["chat_id"], monotonic()))
        chat = {"id": int(call.params["chat_id"]), "type": "group" if call.params["chat_id"].startswith("-") else "private"}
        return {"message_id": self._next_message, "date": 1_800_000_000, "chat": chat, "from": BOT, **parts}
