"""ALERTS / ALERTAS and a place: to be told of dangers there. Asked for once, confirmed once; a list; an end."""

from bot.intents import Kit, Turn, ask_county
from bot.messages import Choice, Effects, Reply
from bot.understanding.commands import ALERTS_END
from bot.understanding.normalise import folded

INTENTS = ("alerts",)


async def answer(turn: Turn, kit: Kit) -> Reply:
    language = turn.language
    if not turn.can_be_told:
        return Reply(language=language, intent="alerts", short=kit.say("alerts.not_here", language))
    if confirmed := turn.text.removeprefix("#alerts:") if turn.text.startswith("#alerts:") else None:
        return _confirmed(confirmed, turn, kit)
    if ALERTS_END.intersection(folded(turn.text).split()):
        return _ended(turn, kit)
    if turn.found.options:
        return ask_county(turn, kit, waiting_for="alerts")
    if turn.found.county:
        return _confirm(turn.found.county, turn, kit)
    return _listed(turn, kit)


def _confirm(county: str, turn: Turn, kit: Kit) -> Reply:
    """Nothing is kept before the second word: a number may have been given by somebody else."""
    if county in turn.alerts:
        return Reply(language=turn.language, intent="alerts", short=kit.say("alerts.already", turn.language, county=county))
    yes = Choice(label=kit.say("alerts.yes", turn.language), says=f"#alerts:{county}")
    return Reply(language=turn.language, intent="alerts", short=kit.say("alerts.confirm", turn.language, county=county), choices=(yes,))


def _confirmed(county: str, turn: Turn, kit: Kit) -> Reply:
    known = kit.gazetteer.county_named(county)
    if known is None:
        return _listed(turn, kit)
    return Reply(language=turn.language, intent="alerts", short=kit.say("alerts.on", turn.language, county=known), effects=Effects(alerts=known))


def _ended(turn: Turn, kit: Kit) -> Reply:
    """Of one county when it is named, else of all."""
    county = turn.found.county
    said = kit.say("alerts.off_county", turn.language, county=county) if county else kit.say("alerts.off", turn.language)
    return Reply(language=turn.language, intent="alerts", short=said, effects=Effects(alerts_end=county or ""))


def _listed(turn: Turn, kit: Kit) -> Reply:
    """What is on; when nothing is, how to begin: with the county that is remembered, or by naming one."""
    if turn.alerts:
        return Reply(language=turn.language, intent="alerts", short=kit.say("alerts.list", turn.language, counties=kit.words.listing(turn.alerts, turn.language, "standard")))
    if turn.county:
        return _confirm(turn.county, turn, kit)
    return ask_county(turn, kit, waiting_for="alerts", lead=kit.say("alerts.what", turn.language))
