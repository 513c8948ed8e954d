"""ALERTS / ALERTAS and a place: to be told of dangers there. Asked for once, confirmed once; a list; an end; a place that is none."""

from dataclasses import replace

from bot.intents import Kit, Turn, ask_county
from bot.messages import Choice, Effects, Reply

INTENTS = ("alerts", "alerts-end", "alerts-where")
END = "#alerts-end:"
# So many counties for one person: a warning for the whole State would else be told to them a hundred times.
MOST = 3


async def answer(turn: Turn, kit: Kit) -> Reply:
    language = turn.language
    if turn.can_be_told is False:
        return Reply(language=language, intent="alerts", short=kit.say("alerts.not_here", language))
    if turn.can_be_told is None and turn.intent != "alerts-end":
        return Reply(language=language, intent="alerts", short=kit.say("alerts.not_number", language))
    if confirmed := turn.text.removeprefix("#alerts:") if turn.text.startswith("#alerts:") else None:
        return _confirmed(confirmed, turn, kit)
    if turn.intent == "alerts-end":
        return _ended(turn, kit)
    reply = _asked(turn, kit)
    # After STOP only 'start alerts' comes here, and is a START.
    return replace(reply, effects=replace(reply.effects, opted_out=False))


def _asked(turn: Turn, kit: Kit) -> Reply:
    if turn.found.options:
        return ask_county(turn, kit, waiting_for="alerts")
    if turn.found.county:
        return _confirm(turn.found.county, turn, kit)
    if turn.intent == "alerts-where":
        return ask_county(turn, kit, waiting_for="alerts", lead=kit.say("alerts.no_county", turn.language))
    return _listed(turn, kit)


def _listing(turn: Turn, kit: Kit) -> str:
    return kit.words.listing(turn.alerts, turn.language, "standard")


def _confirm(county: str, turn: Turn, kit: Kit) -> Reply:
    """Nothing is kept before the second word: a number may have been given by somebody else."""
    if county in turn.alerts:
        return Reply(language=turn.language, intent="alerts", short=kit.say("alerts.already", turn.language, county=county))
    if len(turn.alerts) >= MOST:
        return Reply(language=turn.language, intent="alerts", short=kit.say("alerts.enough", turn.language, counties=_listing(turn, kit), most=MOST))
    yes = Choice(label=kit.say("alerts.yes", turn.language), says=f"#alerts:{county}")
    return Reply(language=turn.language, intent="alerts", short=kit.say("alerts.confirm", turn.language, county=county), choices=(yes,))


def _confirmed(county: str, turn: Turn, kit: Kit) -> Reply:
    known = kit.gazetteer.county_named(county)
    if known is None:
        return _listed(turn, kit)
    if known in turn.alerts or len(turn.alerts) >= MOST:  # an old button, pressed late
        return _confirm(known, turn, kit)
    return Reply(language=turn.language, intent="alerts", short=kit.say("alerts.on", turn.language, county=known), effects=Effects(alerts=known))


def _ended(turn: Turn, kit: Kit) -> Reply:
    """Of one county when it is named, else of all; of which, when a name may mean several that are on."""
    meant = [c for c in turn.found.counties if c in turn.alerts] or turn.found.counties
    if len(meant) > 1:
        choices = tuple(Choice(label=kit.say("choice.county", turn.language, county=c), says=f"{END}{c}") for c in meant[:5])
        return Reply(language=turn.language, intent="alerts", short=kit.say("alerts.end_which", turn.language), choices=choices)
    county = kit.gazetteer.county_named(turn.text.removeprefix(END)) if turn.text.startswith(END) else turn.found.county or next(iter(meant), None)
    said = kit.say("alerts.off_county", turn.language, county=county) if county else kit.say("alerts.off", turn.language)
    return Reply(language=turn.language, intent="alerts", short=said, effects=Effects(alerts_end=county or ""))


def _listed(turn: Turn, kit: Kit) -> Reply:
    """What is on; when nothing is, how to begin: with the county that is remembered, or by naming one."""
    if turn.alerts:
        return Reply(language=turn.language, intent="alerts", short=kit.say("alerts.list", turn.language, counties=_listing(turn, kit)))
    if turn.county:
        return _confirm(turn.county, turn, kit)
    return ask_county(turn, kit, waiting_for="alerts", lead=kit.say("alerts.what", turn.language))
