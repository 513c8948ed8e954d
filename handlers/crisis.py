"""Someone may die, be hurt or be abused: whom to call, before anything else."""

from bot.intents import Kit, Turn
from bot.library.pages import CRISIS
from bot.messages import Reply

INTENTS = CRISIS


async def answer(turn: Turn, kit: Kit) -> Reply:
    """The crisis page; the catalogs' own words when the library has lost it."""
    page = kit.page(turn.intent, turn.language)
    kind = turn.intent.removeprefix("crisis-")
    if page is None or not page.sms:
        return Reply(language=turn.language, intent=turn.intent, short=kit.words.say(f"crisis.last.{kind}", turn.language))
    return Reply(language=turn.language, intent=turn.intent, title=page.title, short=page.sms, body=page.body)
