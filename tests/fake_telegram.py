"""A strict Bot API server on a real socket: it records what the bot asks, and refuses what Telegram refuses."""

import asyncio
import json
import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from html.parser import HTMLParser
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
LONGEST_TEXT, LONGEST_CALLBACK = 4096, 64
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);)")


class Refused(Exception):
    """What the Bot API answers with ok: false."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code


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
        self._updates: list[dict[str, Any]] = []
        self._queries: set[str] = set()
        self._blocked: set[str] = set()
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
            return JSONResponse({"ok": False, "error_code": refused.code, "description": str(refused)}, status_code=refused.code)
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
        return True

    async def _deletewebhook(self, _call: Call) -> bool:
        return True

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
            raise Refused(400, "Bad Request: description is too long")
        return True

    async def _sendmessage(self, call: Call) -> dict[str, Any]:
        text = parsed_html(call.params["text"]) if call.params.get("parse_mode") == "HTML" else call.params["text"]
        if not text.strip():
            raise Refused(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > LONGEST_TEXT:
            raise Refused(400, "Bad Request: message is too long")
        self._check_markup(json.loads(call.params.get("reply_markup", "{}")))
        return self._message(call, text=text)

    @staticmethod
    def _check_markup(markup: dict[str, Any]) -> None:
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
        return True

    def _message(self, call: Call, **parts: object) -> dict[str, Any]:
        if call.params["chat_id"] in self._blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        self._next_message += 1
        chat = {"id": int(call.params["chat_id"]), "type": "private"}
        return {"message_id": self._next_message, "date": 1_800_000_000, "chat": chat, "from": BOT, **parts}
