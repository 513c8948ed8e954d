"""Praise, complaint, a number that is wrong: kept, scrubbed, for the volunteers."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Reply
from bot.understanding.commands import command

INTENTS = ("feedback",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    if command(turn.text) == "feedback":
        return Reply(language=turn.language, intent="feedback", short=kit.say("feedback.ask", turn.language), effects=Effects(waiting_for="feedback"))
    return Reply(language=turn.language, intent="feedback", short=kit.say("feedback.thanks", turn.language), effects=Effects(feedback=turn.text))
