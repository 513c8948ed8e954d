"""Faro is not sure: two or three choices, and a way out. After a number that was not on offer, what was."""

from bot.intents import Kit, Turn
from bot.messages import Choice, Effects, Reply

INTENTS = ("clarify",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    if turn.offered:
        again = kit.say("choice.again", turn.language)
        return Reply(language=turn.language, intent="clarify", short=again, choices=turn.offered, effects=Effects(waiting_for=turn.waiting_for))
    choices = tuple(Choice(label=kit.title(s.intent, turn.language), says=f"#{s.intent}") for s in turn.alternatives)
    return Reply(
        language=turn.language,
        intent="clarify",
        short=kit.say("ask.which_topic", turn.language),
        choices=choices,
        after=kit.say("ask.topic_other", turn.language),
    )
