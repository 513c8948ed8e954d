"""Praise, complaint, a number that is wrong: kept, scrubbed, for the volunteers."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Reply
from bot.understanding.commands import command
from bot.understanding.normalise import words

INTENTS = ("feedback",)
# 'I want to leave a comment' is not the comment yet.
ANNOUNCES, SHORT = {"feedback", "comment", "comentario", "comentarios", "queja", "sugerencia", "suggestion", "complaint"}, 6


async def answer(turn: Turn, kit: Kit) -> Reply:
    announced = len(words(turn.text)) <= SHORT and ANNOUNCES & set(words(turn.text))
    if turn.waiting_for != "feedback" and (announced or command(turn.text) == "feedback"):
        return Reply(language=turn.language, intent="feedback", short=kit.say("feedback.ask", turn.language), effects=Effects(waiting_for="feedback"))
    return Reply(language=turn.language, intent="feedback", short=kit.say("feedback.thanks", turn.language), effects=Effects(feedback=turn.text))
