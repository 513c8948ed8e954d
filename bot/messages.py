"""What crosses the walls: the message that came in, and the reply in no channel's terms."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")
LOCAL_TIME = ZoneInfo("America/New_York")


class Channel(StrEnum):
    CONSOLE = "console"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    WEB = "web"


class CrisisKind(StrEnum):
    SUICIDE = "suicide"
    DANGER = "danger"
    ABUSE = "abuse"


class CrisisLevel(StrEnum):
    NOW = "now"
    MAYBE = "maybe"


@dataclass(frozen=True, kw_only=True)
class Location:
    """A point that the resident chose to share. Degrees, WGS84."""

    latitude: float
    longitude: float


@dataclass(frozen=True, kw_only=True)
class Inbound:
    """One message as a door hands it in, checked and stripped of everything the vendor added.

    `sender` and `text` are left out of repr, so that no log can show them by accident.
    """

    channel: Channel
    sender: str = field(repr=False)
    message_id: str
    text: str = field(default="", repr=False)
    location: Location | None = field(default=None, repr=False)
    language_hint: Language | None = None
    media: bool = False
    carrier_answered: bool = False  # the vendor took it as an opt-out or opt-in and answered it


class Delivery(StrEnum):
    """What became of a message that was handed to a vendor."""

    SENT = "sent"
    GONE = "gone"  # the person opted out or blocked us: never again
    LATER = "later"  # too fast, or away for a moment: certainly not delivered, may be tried again
    REFUSED = "refused"  # something that an operator must mend; trying again changes nothing
    UNCERTAIN = "uncertain"  # perhaps delivered: trying again could say it twice
    WITHHELD = "withheld"  # not handed over: opted out, or outside the hours in which the channel lets us write


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A delivery, what it is called for the operator, and when to try again."""

    delivery: Delivery
    reason: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One row of content/contacts, in the reader's language."""

    id: str
    kind: str
    county: str
    name: str
    phone: str = ""
    text: str = ""
    email: str = ""
    website: str = ""
    address: str = ""
    place: str = ""  # what a map is asked for, where more is known than the address
    hours: str = ""
    notes: str = ""
    checked: str = ""
    as_of: datetime | None = None

    @property
    def site(self) -> str:
        """'https://www.example.org/' -> 'example.org': short enough for SMS, and still a link on phones."""
        return re.sub(r"^https?://(www\.)?", "", self.website).rstrip("/")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Something to tap, or to pick by number: what is shown, and what it says when it is picked."""

    label: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Attachment:
    filename: str
    mime: str
    content: str


@dataclass(frozen=True, kw_only=True)
class Rated:
    """What somebody thought of a page."""

    intent: str
    useful: bool


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What an answer changes in what is remembered of the person. None leaves a thing as it is."""

    language: Language | None = None
    county: str | None = None
    opted_out: bool | None = None
    waiting_for: str | None = None
    forget: bool = False
    feedback: str | None = field(default=None, repr=False)
    rated: Rated | None = None
    unanswered: bool = False
    keep_place: bool = False
    maps: tuple[str, ...] = field(default=(), repr=False)  # what MAP 1, MAP 2, ... show
    alerts: str | None = None  # a county whose alerts are wanted, said twice
    alerts_end: str | None = None  # a county whose alerts are wanted no more; '' means all
    hand_over: bool = False  # to a volunteer


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer in no channel's terms.

    `short` is the whole answer for a narrow channel (SMS); `body` is Markdown for a wide one, and what MORE gives on
    a narrow one. `lead` is a crisis line that stands before everything. `silent` means that nothing is sent.
    `list_first`: on a wide channel the contacts stand after `short`, before the rest of `body`, which begins with it.
    `rateable` asks 'was this useful?' where the channel can. `toast` is a word in passing, no message where the channel has something lighter.
    """

    language: Language
    intent: str
    lead: str = ""
    title: str = ""
    short: str = ""
    body: str = ""
    contacts: tuple[Contact, ...] = ()
    list_first: bool = False
    after: str = ""
    choices: tuple[Choice, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    ask_location: bool = False
    rateable: bool = False
    toast: str = ""
    silent: bool = False
    effects: Effects = Effects()
