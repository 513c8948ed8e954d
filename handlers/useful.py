"""'Was this useful?' under a page: yes is counted, no is counted and asked about."""

from bot.intents import Kit, Turn
from bot.messages import Effects, Rated, Reply

INTENTS = ("useful",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    """The button says '#useful:yes:food'; of what is no page of ours nothing is kept."""
    _, said, intent = [*turn.text.split(":", 2), "", ""][:3]
    rated = Rated(intent=intent, useful=said == "yes") if said in ("yes", "no") and kit.page(intent, turn.language) else None
    toast = kit.say("rating.thanks", turn.language)
    if rated and not rated.useful:
        ask = kit.say("feedback.ask", turn.language)
        return Reply(language=turn.language, intent="useful", short=ask, toast=toast, effects=Effects(rated=rated, waiting_for="feedback"))
    return Reply(language=turn.language, intent="useful", toast=toast, effects=Effects(rated=rated, keep_place=True))
