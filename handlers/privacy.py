"""What is kept about the person, and how it is erased: DELETE asks once."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Reply
from bot.understanding.commands import DELETE, YES
from bot.understanding.normalise import folded

INTENTS = ("privacy",)
CONFIRM = "privacy"


async def answer(turn: Turn, kit: Kit) -> Reply:
    said = folded(turn.text)
    if turn.waiting_for == CONFIRM and (said in DELETE or said in YES):
        return Reply(language=turn.language, intent="privacy", short=kit.say("privacy.deleted", turn.language), effects=Effects(forget=True))
    if said in DELETE:
        return Reply(language=turn.language, intent="privacy", short=kit.say("privacy.confirm", turn.language), effects=Effects(waiting_for=CONFIRM))
    return Reply(language=turn.language, intent="privacy", short=kit.say("privacy.short", turn.language), body=kit.say("privacy.body", turn.language))
