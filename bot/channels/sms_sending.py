"""Sending through Twilio's REST API, for what is not an answer to a webhook. Sent once: Twilio has no key against repeats.

Over httpx and not Twilio's own client, whose asynchronous form ignores its timeout and lets its HTTP library's errors through.
Error codes: https://www.twilio.com/docs/api/errors
"""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from bot.messages import Delivery, Outcome
from bot.tls import trusted
from bot.wording.fitting import Fitted

# How long a message may wait at the carrier: what it says of a shelter is not true for ever. Seconds.
VALIDITY: Final = 4 * 3600
PATIENCE: Final = 20.0
SHORT_PAUSE, LONGEST_PAUSE = 1.0, 3600.0
# The newest messages to one number that are looked at for one that may have been sent.
MOST_LOOKED_AT: Final = 50

# What Twilio's codes mean to us, and what they are called for the operator.
MEANINGS: Final[dict[int, tuple[Delivery, str]]] = {
    20003: (Delivery.REFUSED, "Twilio does not know the account or its token"),
    20429: (Delivery.LATER, "too many requests at once"),
    21211: (Delivery.REFUSED, "the number is not valid"),
    21610: (Delivery.GONE, "the person opted out with the carrier"),
    21611: (Delivery.LATER, "Twilio's queue for this number is full"),
    21617: (Delivery.REFUSED, "the text is longer than 1,600 characters"),
    30001: (Delivery.LATER, "the queue overflowed"),
    30003: (Delivery.REFUSED, "the phone is switched off or out of reach"),
    30005: (Delivery.GONE, "the number is not in use"),
    30006: (Delivery.REFUSED, "a landline, or a carrier that takes no texts"),
    30007: (Delivery.REFUSED, "a carrier filtered the text as spam"),
    30022: (Delivery.LATER, "faster than the campaign allows"),
    30034: (Delivery.REFUSED, "the number is not registered for A2P 10DLC"),
    63016: (Delivery.REFUSED, "WhatsApp: more than 24 hours since the person wrote; only a template may be sent"),
    63018: (Delivery.LATER, "WhatsApp: faster than it allows"),
}


def meaning(code: int | None, status: int = 200) -> tuple[Delivery, str]:
    """What an error code, or else an HTTP status, means to us."""
    if code in MEANINGS:
        return MEANINGS[code]
    if status == 429:
        return MEANINGS[20429]
    if status >= 500:
        return Delivery.UNCERTAIN, f"Twilio failed (HTTP {status})"
    return Delivery.REFUSED, f"Twilio refused it (error {code})" if code else f"Twilio refused it (HTTP {status})"


class TwilioSender:
    """One account that writes from one number or Messaging Service. `status_url` is told what became of each message."""

    def __init__(self, *, account: str, token: str, sender: str, service: str, api_url: str, status_url: str, patience: float = PATIENCE) -> None:
        self._origin = {"MessagingServiceSid": service} if service else {"From": sender}
        self._status_url = status_url
        self._client = httpx.AsyncClient(base_url=f"{api_url.rstrip('/')}/2010-04-01/Accounts/{account}", auth=(account, token), timeout=patience, verify=trusted())
        self._patience = patience

    async def send(self, address: str, answer: Fitted) -> Outcome:
        """All texts of an answer, in order; the first that does not arrive ends it."""
        outcome = Outcome(delivery=Delivery.SENT)
        for text in answer.texts:
            outcome = await self._one(address, text)
            if outcome.delivery is not Delivery.SENT:
                break
        return outcome

    async def known_of(self, address: str, answer: Fitted, since: datetime) -> Outcome | None:
        """Whether Twilio has the last text of an answer among what it sent to this number since: it has no key against repeats, but it can be asked."""
        try:
            async with asyncio.timeout(self._patience):
                found = await self._client.get("/Messages.json", params={"To": address, "DateSent>": f"{since.astimezone(UTC):%Y-%m-%d}", "PageSize": MOST_LOOKED_AT})
            found.raise_for_status()
            bodies = [message["body"] for message in found.json()["messages"] if message["direction"] != "inbound"]
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError, TypeError):
            return Outcome(delivery=Delivery.LATER, reason="Twilio could not be asked what it sent", retry_after=SHORT_PAUSE)
        return Outcome(delivery=Delivery.SENT) if answer.texts[-1] in bodies else None

    async def close(self) -> None:
        await self._client.aclose()

    async def _one(self, address: str, text: str) -> Outcome:
        fields = {"To": address, "Body": text, "StatusCallback": self._status_url, "ValidityPeriod": str(VALIDITY), **self._origin}
        if address.startswith("whatsapp:") and "From" in self._origin:
            fields["From"] = f"whatsapp:{self._origin['From'].removeprefix('whatsapp:')}"
        try:
            async with asyncio.timeout(self._patience):
                answer = await self._client.post("/Messages.json", data=fields)
        except httpx.ConnectError:
            return Outcome(delivery=Delivery.LATER, reason="Twilio could not be reached", retry_after=SHORT_PAUSE)
        except (httpx.HTTPError, TimeoutError):
            return Outcome(delivery=Delivery.UNCERTAIN, reason="Twilio did not answer in time")
        return _outcome(answer)


def _outcome(answer: httpx.Response) -> Outcome:
    if answer.is_success:
        return Outcome(delivery=Delivery.SENT)
    delivery, reason = meaning(_code(answer), answer.status_code)
    return Outcome(delivery=delivery, reason=reason, retry_after=_pause(answer) if delivery is Delivery.LATER else None)


def _code(answer: httpx.Response) -> int | None:
    try:
        code = answer.json()["code"]
    except (ValueError, KeyError, TypeError):
        return None
    return code if isinstance(code, int) else None


def _pause(answer: httpx.Response) -> float:
    """Seconds to wait, as Retry-After says in seconds or as a date."""
    asked = answer.headers.get("retry-after", "")
    try:
        seconds = float(asked) if asked.replace(".", "", 1).isdigit() else parsedate_to_datetime(asked).timestamp() - parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (ValueError, KeyError):
        seconds = SHORT_PAUSE
    return min(max(seconds, SHORT_PAUSE), LONGEST_PAUSE)
