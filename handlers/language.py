"""Switches the language, for good: ENGLISH, ESPAÑOL, or the other one than now."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Language, Reply
from bot.understanding.normalise import words

INTENTS = ("language",)
NAMED: dict[str, Language] = {
    "english": "en", "ingles": "en", "inglish": "en", "espanol": "es", "spanish": "es", "espaniol": "es", "castellano": "es", "espanish": "es",
}  # fmt: skip


async def answer(turn: Turn, kit: Kit) -> Reply:
    said = [NAMED[w] for w in words(turn.text) if w in NAMED]
    denied = {"no", "not", "dont"} & set(words(turn.text))
    wanted = said[-1] if said else turn.language
    if denied and said:
        wanted = "es" if said[0] == "en" else "en"
    return Reply(language=wanted, intent="language", short=kit.say("language.now", wanted), effects=Effects(language=wanted, keep_place=True))
