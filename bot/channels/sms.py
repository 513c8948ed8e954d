"""The SMS and WhatsApp door: Twilio's webhooks in, TwiML out. Only what Twilio signed is read."""

import logging
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from bot.channels.body import bounded_body
from bot.channels.sms_sending import meaning
from bot.conversation import Conversation
from bot.errors import BadRequest, NotGenuine
from bot.messages import Channel, Inbound, Location
from bot.understanding.commands import command

MOST_FIELDS = 200
MESSAGES, STATUS = "/twilio/messages", "/twilio/status"
# What Twilio says that it took a message for, and the order that is to us.
OPT_OUTS = {"STOP": "stop", "START": "start", "HELP": "help"}
MISFITS_TOLD, MISFITS_A_LINE = 5, 100
# What Twilio signs are names and values in one row, without a mark between them: a text with 'From+1919...' in it could be cut into another sender, and the true one would stand in some other field.
NAME, RECUT = re.compile(r"\w+", re.ASCII), re.compile(r"From(?:\+|\d{3}|whatsapp:)")
ACCOUNT, ERROR_CODE = re.compile(r"AC[0-9a-f]{32}"), re.compile(r"[1-9]\d{4}")
KNOWN_STATUSES = frozenset(("accepted", "scheduled", "queued", "sending", "sent", "delivered", "read", "undelivered", "failed", "canceled"))
STATUSES = Counter("faro_twilio_status", "Status callbacks of Twilio, by status and error code", ["status", "error"])

log = logging.getLogger(__name__)


class TwilioDoor:
    """Checks, reads and answers Twilio's requests. `public_url` is the address that Twilio calls, as it was configured there.

    `number` is the one that Faro writes from, where it is known. A number of a subaccount signs with the subaccount's token: `subaccounts` are those, by AccountSid.
    """

    def __init__(self, conversation: Conversation, *, auth_token: str, public_url: str, subaccounts: Mapping[str, str] | None = None, number: str = "") -> None:
        self._conversation = conversation
        self._validator = RequestValidator(auth_token)
        self._of_subaccount = {account: RequestValidator(token) for account, token in (subaccounts or {}).items() if token}
        self._public_url = public_url.rstrip("/")
        self._number = bare(number)
        self._misfits = 0

    def routes(self) -> Sequence[Route]:
        return (Route(MESSAGES, self._messages, methods=["POST"]), Route(STATUS, self._status, methods=["POST"]))

    async def _messages(self, request: Request) -> Response:
        try:
            form = await self._genuine_form(request)
            inbound = read_inbound(form)
        except NotGenuine as error:
            return PlainTextResponse(error.reason, status_code=403)
        except BadRequest as error:
            return PlainTextResponse(error.reason, status_code=400)
        # What Faro itself sent is not answered: it would go on for ever.
        ours = bare(inbound.sender) in (bare(form.get("To", "")), self._number)
        texts = () if ours else (await self._conversation.answer(inbound)).texts
        return Response(twiml(texts), media_type="application/xml")

    async def _status(self, request: Request) -> Response:
        try:
            form = await self._genuine_form(request)
        except NotGenuine as error:
            return PlainTextResponse(error.reason, status_code=403)
        except BadRequest as error:
            return PlainTextResponse(error.reason, status_code=400)
        note_status(form)
        return Response(status_code=204)

    async def _genuine_form(self, request: Request) -> dict[str, str]:
        """The form's fields, when Twilio signed them for this address. Raises NotGenuine or BadRequest."""
        signature = request.headers.get("x-twilio-signature")
        if not signature:
            raise NotGenuine("no signature")
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
            raise BadRequest("not a form")
        form = parse_form(await bounded_body(request))
        url = f"{self._public_url}{request.url.path}" + (f"?{request.url.query}" if request.url.query else "")
        validator = self._of_subaccount.get(form.get("AccountSid", ""), self._validator)
        if not validator.validate(url, form, signature):
            self._tell_misfit(request.url.path, form)
            raise NotGenuine("wrong signature")
        return form

    def _tell_misfit(self, path: str, form: Mapping[str, str]) -> None:
        """What to compare when signatures do not fit: said for the first ones, then now and then, so that a flood of forgeries fills no log."""
        self._misfits += 1
        if self._misfits > MISFITS_TOLD and self._misfits % MISFITS_A_LINE:
            return
        account = form.get("AccountSid", "")
        log.warning(
            "Twilio's signature did not fit (%d so far). Compare, letter for letter, the webhook's address in the Twilio console with %s, and the token of account %s with %s.",
            self._misfits,
            f"{self._public_url}{path}",
            f"...{account[-4:]}" if ACCOUNT.fullmatch(account) else "(none named)",
            "FARO_TWILIO_SUBACCOUNT_TOKENS" if account in self._of_subaccount else "FARO_TWILIO_AUTH_TOKEN",
        )


def note_status(form: Mapping[str, str]) -> None:
    """Counts what became of a message, and names a failure for the operator."""
    status = form.get("MessageStatus", "")
    code = int(form["ErrorCode"]) if ERROR_CODE.fullmatch(form.get("ErrorCode", "")) else None
    STATUSES.labels(status if status in KNOWN_STATUSES else "other", code or "").inc()
    if code:
        log.warning("Twilio could not deliver a message (error %d): %s", code, meaning(code)[1])


def parse_form(body: bytes) -> dict[str, str]:
    """Fields of a URL-encoded form; repeated, unreadable, too many ones or such as Twilio has not are refused, since they could hide behind a signature."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadRequest("not a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise BadRequest("repeated field")
    if not all(NAME.fullmatch(name) for name in form) or any(RECUT.search(value) for name, value in form.items() if name != "Body"):
        raise BadRequest("not Twilio's fields")
    return form


def read_inbound(form: dict[str, str]) -> Inbound:
    """Twilio's fields -> our message. Raises BadRequest without a sender or a message id that a database can keep."""
    sender, message_id = form.get("From", ""), form.get("MessageSid", "")
    if not sender and form.get("ExternalUserId"):
        sender = f"whatsapp:{form['ExternalUserId']}"  # WhatsApp users may hide their number
    if not sender or not message_id or "\0" in sender + message_id:
        raise BadRequest("From or MessageSid is missing")
    whatsapp = sender.startswith("whatsapp:")
    order = OPT_OUTS.get(form.get("OptOutType", ""), "")
    if order == "help" and command(form.get("Body", "")) == "menu":
        order = ""  # the word itself says in which language
    return Inbound(
        channel=Channel.WHATSAPP if whatsapp else Channel.SMS,
        sender=sender,
        message_id=message_id,
        text=order or form.get("ButtonPayload") or form.get("Body", ""),
        carrier_answered=order in ("stop", "start"),
        location=_location(form),
        media=form.get("NumMedia", "0") not in ("", "0"),
    )


def bare(sender: str) -> str:
    """The number alone, by whichever of its ways it writes."""
    return sender.removeprefix("whatsapp:").strip()


def _location(form: dict[str, str]) -> Location | None:
    try:
        latitude, longitude = float(form["Latitude"]), float(form["Longitude"])
    except (KeyError, ValueError):
        return None
    return Location(latitude=latitude, longitude=longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def twiml(texts: Sequence[str]) -> str:
    """Messages as TwiML; silence is an empty <Response/>."""
    response = MessagingResponse()
    for text in texts:
        response.message(text)
    return str(response)
