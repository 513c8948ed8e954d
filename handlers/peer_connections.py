"""The monthly virtual gathering: when the next one is, and a calendar file for it."""

from datetime import date, datetime, time, timedelta

from icalendar import Calendar, Event

from bot.intents import Kit, Turn
from bot.messages import LOCAL_TIME, Attachment, Reply

INTENTS = ("peer-connections",)
WEDNESDAY = 2
BEGINS, ENDS = time(12, 0), time(13, 30)
SITE = "smartstart.org/resilience-intro"


async def answer(turn: Turn, kit: Kit) -> Reply:
    language = turn.language
    day = next_gathering(kit.now)
    short = kit.say("peer.next", language, day=kit.words.day(day, language), site=SITE)
    page = kit.page("peer-connections", language)
    return Reply(
        language=language,
        intent="peer-connections",
        title=page.title if page else "",
        short=short,
        body=f"**{short}**\n\n{page.body}" if page else short,
        attachments=(Attachment(filename="peer-connections.ics", mime="text/calendar", content=calendar(day, kit, turn)),),
    )


def next_gathering(now: datetime) -> date:
    """The third Wednesday of this month, or of the next once this month's is over (North Carolina's time)."""
    local = now.astimezone(LOCAL_TIME)
    this_month = third_wednesday(local.year, local.month)
    if local < datetime.combine(this_month, ENDS, LOCAL_TIME):
        return this_month
    following = (local.date().replace(day=1) + timedelta(days=32)).replace(day=1)
    return third_wednesday(following.year, following.month)


def third_wednesday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(WEDNESDAY - first.weekday()) % 7 + 14)


def calendar(day: date, kit: Kit, turn: Turn) -> str:
    """One event of an .ics file."""
    event = Event()
    event.add("summary", kit.say("peer.event", turn.language))
    event.add("dtstart", datetime.combine(day, BEGINS, LOCAL_TIME))
    event.add("dtend", datetime.combine(day, ENDS, LOCAL_TIME))
    event.add("dtstamp", kit.now)
    event.add("uid", f"peer-connections-{day.isoformat()}@faro")
    event.add("description", kit.say("peer.next", turn.language, day=kit.words.day(day, turn.language), site=SITE))
    file = Calendar()
    file.add("prodid", "-//Faro//EN")
    file.add("version", "2.0")
    file.add_component(event)
    return str(file.to_ical().decode())
