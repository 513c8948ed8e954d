"""Documents of the form that the National Weather Service's API gives, made by hand: the fields of docs/live.md, and some that we do not know."""

from datetime import datetime, timedelta
from typing import Any

MINUTES = timedelta(minutes=60)


def alert(
    id_: str,
    sent: datetime,
    *,
    event: str = "Flash Flood Warning",
    fips: tuple[str, ...] = ("021",),
    vtec: str = "",
    lasts: timedelta = MINUTES,
    **changes: Any,
) -> dict[str, Any]:
    """One feature. `fips`: the last three digits of the counties' codes, 021 is Buncombe; `vtec` such as 'NEW.KGSP.FF.W.0012'."""
    until = (sent + lasts).isoformat()
    properties: dict[str, Any] = {
        "@id": f"https://api.example.org/alerts/{id_}",
        "id": id_,
        "areaDesc": "Example",
        "geocode": {"SAME": [f"037{code}" for code in fips], "UGC": [f"NCC{code}" for code in fips]},
        "affectedZones": [],
        "references": [],
        "sent": sent.isoformat(),
        "effective": sent.isoformat(),
        "onset": sent.isoformat(),
        "expires": until,
        "ends": until,
        "status": "Actual",
        "messageType": "Alert",
        "category": "Met",
        "severity": "Severe",
        "certainty": "Likely",
        "urgency": "Immediate",
        "event": event,
        "sender": "w-nws.webmaster@example.org",
        "senderName": "NWS Example",
        "headline": None,
        "description": "made by hand",
        "instruction": None,
        "response": "Avoid",
        "parameters": {"VTEC": [f"/O.{vtec}.261210T1700Z-261210T1800Z/"]} if vtec else {"NWSheadline": ["made by hand"]},
        "a field of tomorrow": {"unknown": [1]},
    }
    return {"id": properties["@id"], "type": "Feature", "geometry": None, "properties": {**properties, **changes}}


def follows(earlier: dict[str, Any]) -> list[dict[str, str]]:
    """What a later message's `references` hold of an earlier one."""
    said = earlier["properties"]
    return [{"@id": said["@id"], "identifier": said["id"], "sender": said["sender"], "sent": said["sent"]}]


def document(*features: Any) -> dict[str, Any]:
    return {"@context": [], "type": "FeatureCollection", "features": list(features), "title": "made by hand", "updated": "2026-12-10T17:00:00+00:00"}
