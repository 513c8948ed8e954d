"""What Faro can do, nine things by number."""

from bot.intents import Kit, Turn
from bot.messages import Choice, Reply

INTENTS = ("menu",)
ITEMS = ("shelter", "food", "power-outage", "fema-aid", "calm-now", "support-group", "find-counselor", "coalition", "human")


async def answer(turn: Turn, kit: Kit) -> Reply:
    choices = tuple(Choice(label=kit.say(f"menu.{item}", turn.language), says=f"#{item}") for item in ITEMS)
    return Reply(language=turn.language, intent="menu", short=kit.say("menu.short", turn.language), after=kit.say("menu.after", turn.language), choices=choices)
