"""What Faro can do, nine things by number. HELP says who writes, how to end it and whom to call, as carriers ask."""

from bot.intents import Kit, Turn
from bot.messages import Choice, Reply
from bot.understanding.normalise import folded

INTENTS = ("menu",)
HELP = frozenset({"help", "info", "ayuda"})
ITEMS = ("shelter", "food", "power-outage", "fema-aid", "calm-now", "support-group", "find-counselor", "coalition", "human")


async def answer(turn: Turn, kit: Kit) -> Reply:
    choices = tuple(Choice(label=kit.say(f"menu.{item}", turn.language), says=f"#{item}") for item in ITEMS)
    short = kit.say("menu.help" if folded(turn.text) in HELP else "menu.short", turn.language)
    return Reply(language=turn.language, intent="menu", short=short, after=kit.say("menu.after", turn.language), choices=choices)
