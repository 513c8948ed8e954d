"""The terminal door: a conversation with colours for people, plain lines for scripts."""

import asyncio
import sys
from uuid import uuid4

from rich.console import Console
from rich.markup import escape

from bot.conversation import Conversation
from bot.messages import Channel, Inbound, Language
from bot.wording.catalog import Words
from bot.wording.fitting import Fitted
from bot.wording.gsm7 import segments

CHANNELS = {"console": Channel.CONSOLE, "sms": Channel.SMS, "whatsapp": Channel.WHATSAPP, "telegram": Channel.TELEGRAM, "web": Channel.WEB}


class ConsoleDoor:
    """Holds one conversation in the dress of any channel."""

    def __init__(self, conversation: Conversation, words: Words, *, style: str, language: Language | None) -> None:
        self._conversation = conversation
        self._words = words
        self._style = style
        self._language = language
        self._sender = f"console-{uuid4()}"
        self._out = Console(highlight=False, soft_wrap=True)

    async def run(self) -> None:
        """Interactive on a terminal; else reads standard input to its end, a message a line."""
        interactive = sys.stdin.isatty()
        language = self._language or "en"
        if interactive:
            self._out.print(f"[dim]{self._words.say('console.welcome', language, style=self._style)}[/dim]")
        while (line := await asyncio.to_thread(self._read, interactive, language)) is not None:
            answer = await self._conversation.answer(Inbound(channel=CHANNELS[self._style], sender=self._sender, message_id=str(uuid4()), text=line, language_hint=self._language))
            language = answer.language
            self._show(answer, interactive)

    def _read(self, interactive: bool, language: Language) -> str | None:
        """The next message, or None at the end."""
        if not interactive:
            line = sys.stdin.readline()
            return line.rstrip("\n") if line else None
        try:
            return input(f"{self._words.say('console.you', language)}> ")
        except EOFError:
            return None

    def _show(self, answer: Fitted, interactive: bool) -> None:
        for text in answer.texts:
            self._out.print(f"[green]{escape(text)}[/green]" if interactive else escape(text), markup=True)
            if interactive and self._style == "sms":
                kind, count = segments(text)
                self._out.print(f"[dim]({kind}, {count})[/dim]")
        if answer.choices and self._style in ("web", "telegram"):
            for n, choice in enumerate(answer.choices, 1):
                self._out.print(f"[cyan]{n} {escape(choice.label)}[/cyan]")
        for file in answer.attachments:
            self._out.print(f"[dim]({self._words.say('console.attachment', answer.language, name=file.filename)})[/dim]")
        self._out.print()
