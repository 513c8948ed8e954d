"""Active alerts of the National Weather Service for North Carolina, as its API gives them (GeoJSON over CAP). Not asked from here: the tests serve documents of its form."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx
from pydantic import TypeAdapter

from bot.errors import FeedTrouble
from bot.feeds.asking import Answer, Request, ask
from bot.geo.tables import County

EVERY: Final = 60.0
MOST_UNREAD: Final = 0.5
SEVERITIES: Final = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")
# /O.NEW.KGSP.FF.W.0012.261210T1700Z-261210T2300Z/ : office, phenomenon, significance and number name one event over all its messages.
_VTEC: Final = re.compile(r"/[OTEX]\.(?P<action>[A-Z]{3})\.(?P<event>[A-Z]{4}\.[A-Z]{2}\.[A-Z]\.\d{4})\.(?P<from>\d{6})")
_SAME, _UGC = re.compile(r"037(\d{3})"), re.compile(r"NCC(\d{3})")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One CAP message. `until`: when the event ends, or else when the message does. `vtec` names the event over all its messages, where there is one."""

    id: str
    event: str
    status: str
    type: str
    severity: str
    urgency: str
    sent: datetime
    until: datetime
    counties: tuple[str, ...]
    references: tuple[str, ...] = ()
    vtec: str = ""
    cancelled: bool = False


ALERTS: Final = TypeAdapter(list[Alert])


class NwsSource:
    """The feed, to be polled."""

    name = "nws"
    every = EVERY

    def __init__(self, url: str, who: str, client: httpx.AsyncClient, counties: Mapping[str, County]) -> None:
        self._request = Request(url=url, params={"area": "NC"}, headers={"User-Agent": who, "Accept": "application/geo+json"})
        self._client = client
        self._by_fips = {county.fips: name for name, county in counties.items()}

    async def ask(self, etag: str, modified: str) -> Answer:
        return await ask(self._client, self._request, etag=etag, modified=modified)

    def read(self, document: Any, now: datetime, before: Sequence[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        features = document.get("features") if isinstance(document, Mapping) else None
        if not isinstance(features, list):
            raise FeedTrouble("the answer has another form")
        read = [read_alert(feature, self._by_fips) for feature in features]
        alerts = [alert for alert in read if alert]
        if len(read) - len(alerts) > MOST_UNREAD * len(read):
            raise FeedTrouble(f"{len(read) - len(alerts)} of {len(read)} alerts make no sense")
        items: list[dict[str, Any]] = ALERTS.dump_python(alerts, mode="json")
        return items


def read_alert(feature: Any, by_fips: Mapping[str, str]) -> Alert | None:
    """A feature as an Alert; None when what is needed is missing. Fields that we do not know are left alone."""
    said = feature.get("properties") if isinstance(feature, Mapping) else None
    if not isinstance(said, Mapping):
        return None
    try:
        sent, until = (datetime.fromisoformat(str(said[name])) for name in ("sent", "expires"))
        until = datetime.fromisoformat(str(said["ends"])) if said.get("ends") else until
        vtec = _vtec(said.get("parameters"))
        return Alert(
            id=str(said["id"]),
            event=str(said["event"]),
            status=str(said["status"]),
            type=str(said["messageType"]),
            severity=str(said.get("severity")),
            urgency=str(said.get("urgency")),
            sent=sent,
            until=until,
            counties=tuple(_counties(said.get("geocode"), by_fips)),
            references=tuple(_references(said.get("references"))),
            vtec=f"{vtec['event']}.{sent.year}" if vtec else "",
            cancelled=said["messageType"] == "Cancel" or bool(vtec and vtec["action"] in ("CAN", "EXP", "UPG")),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _vtec(parameters: Any) -> re.Match[str] | None:
    lines = parameters.get("VTEC") if isinstance(parameters, Mapping) else None
    return next((match for line in lines if (match := _VTEC.search(str(line)))), None) if isinstance(lines, list) else None


def _counties(geocode: Any, by_fips: Mapping[str, str]) -> list[str]:
    """Counties by SAME code (0 and the FIPS code), or by UGC where it names counties; each once."""
    codes = geocode if isinstance(geocode, Mapping) else {}
    found = [m[1] for name, form in (("SAME", _SAME), ("UGC", _UGC)) for code in codes.get(name) or () if (m := form.fullmatch(str(code)))]
    return list(dict.fromkeys(by_fips[f"37{code}"] for code in found if f"37{code}" in by_fips))


def _references(references: Any) -> list[str]:
    """The ids that a message refers to: given as objects, or as CAP writes them, 'sender,id,sent sender,id,sent'."""
    if isinstance(references, str):
        return [parts[1] for one in references.split() if len(parts := one.split(",")) == 3]
    if not isinstance(references, list):
        return []
    return [str(one["identifier"]) for one in references if isinstance(one, Mapping) and one.get("identifier")]
