"""Every topic that has a page: its short answer, its prose, and the county's contacts that belong under it."""

from dataclasses import replace

from bot.intents import Kit, Turn, ask_county
from bot.messages import Contact, Reply

# Any intent that has a page and no room of its own.
INTENTS = ("*",)
MOST_CONTACTS = 3


async def answer(turn: Turn, kit: Kit) -> Reply:
    page = kit.page(turn.intent, turn.language)
    # A page that is not written yet has a title and no more: nobody is told that.
    if page is None or not (page.sms or page.body):
        return Reply(language=turn.language, intent="none", short=kit.say("none.short", turn.language))
    contacts: list[Contact] = []
    if turn.county:
        for kind in page.directory:
            contacts += kit.directory.of_county(kind, turn.county, turn.language, kit.now).own
    reply = Reply(
        language=turn.language,
        intent=turn.intent,
        title=page.title,
        short=page.sms or page.title,
        body=page.body,
        contacts=tuple(contacts[:MOST_CONTACTS]),
        rateable=True,
    )
    if not (page.directory and turn.found.options):
        return reply
    which = ask_county(turn, kit, waiting_for=turn.intent)
    return replace(reply, after=which.short, choices=which.choices, effects=which.effects, rateable=False)
