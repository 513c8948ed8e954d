"""The coordinators' chat on Telegram: /shelter list, open and close. In any other chat these are ordinary messages."""

import re
from collections.abc import Callable
from html import escape

from telegram import Update

from bot.channels.telegram_updates import words_of
from bot.errors import NoShelter
from bot.feeds.openings import Opening, Openings
from bot.feeds.telling import told_done, told_list
from bot.messages import Language
from bot.wording.catalog import Words
from bot.wording.fitting import Fitted

ORDER = re.compile(r"/shelter(?:@\w+)?(?:\s+(?:(?P<list>list|lista)|(?P<close>close|cerrar)\b(?P<number>.*)|(?P<open>open|abrir)\b(?P<facts>.*)))?\s*", re.IGNORECASE | re.DOTALL)


class ShelterOrders:
    """Reads the orders of one chat. `key` makes a hash of a user's id, which is kept beside the first name."""

    def __init__(self, openings: Openings, words: Words, chat: int, key: Callable[[str], str]) -> None:
        self._openings = openings
        self._words = words
        self._chat = chat
        self._key = key

    def owns(self, update: Update) -> bool:
        """An order, newly written in the coordinators' chat by somebody. What is mended or forwarded orders nothing."""
        message = update.message
        return bool(message and message.chat_id == self._chat and message.from_user and not message.forward_origin and ORDER.fullmatch(words_of(message)))

    async def answer(self, update: Update) -> Fitted:
        message = update.message
        order = ORDER.fullmatch(words_of(message)) if message else None
        user = message.from_user if message else None
        assert order, user  # owns() asks for both
        language: Language = "es" if user and (user.language_code or "").startswith("es") else "en"
        by = f"{user.first_name[:40]} ({self._key(str(user.id))[:6]})" if user else ""
        try:
            text = await self._done(order, by, language)
        except NoShelter as error:
            text = f"{self._words.say(f'openings.cannot.{error.code}', language, **error.values)}\n{self._words.say('openings.how', language)}"
        return Fitted(language=language, intent="openings", texts=(escape(text, quote=False),))

    async def _done(self, order: re.Match[str], by: str, language: Language) -> str:
        if order["list"]:
            return told_list(await self._openings.told_now(), self._words, language)
        if order["close"]:
            number = order["number"].strip(" #\n")
            return told_done(await self._openings.close(int(number) if number.isdecimal() else 0, by), self._words, language)
        if not order["open"]:
            return f"{self._words.say('openings.how', language)}\n\n{told_list(await self._openings.told_now(), self._words, language)}"
        facts = [part.strip() for part in order["facts"].split(";")]
        name, address, zip_code, phone = (*facts, "", "", "", "")[:4]
        return told_done(await self._openings.open(Opening(name=name, county="", address=address, zip=zip_code, phone=phone), by), self._words, language)
