"""Shelters in words for coordinators: on Telegram and in the terminal."""

from collections.abc import Sequence

from bot.directory.shelters import FRESH_FOR, Shelter, Status
from bot.feeds.openings import number_of
from bot.messages import LOCAL_TIME, Language
from bot.wording.catalog import Words


def told_list(shelters: Sequence[Shelter], words: Words, language: Language) -> str:
    """A line for each, with the number that closes it."""
    return "\n".join(_line(shelter, words, language) for shelter in shelters) or words.say("openings.none", language)


def told_done(shelter: Shelter, words: Words, language: Language) -> str:
    """What was done, and until when an open one is told."""
    given = {"name": shelter.name, "county": shelter.county}
    if shelter.status is not Status.OPEN:
        return words.say("openings.closed", language, **given)
    if shelter.until is None or shelter.until - shelter.as_of >= FRESH_FOR:
        return words.say("openings.opened", language, **given)
    until, now = (moment.astimezone(LOCAL_TIME) for moment in (shelter.until, shelter.as_of))
    return words.say("openings.opened-until", language, **given, until=words.until(until, now, language))


def _line(shelter: Shelter, words: Words, language: Language) -> str:
    source = words.say(f"openings.source.{shelter.source}", language)
    when = words.hour(shelter.as_of.astimezone(LOCAL_TIME), language)
    return words.say("openings.line", language, number=number_of(shelter), name=shelter.name, county=shelter.county, source=source, when=when)
