"""The SMS and WhatsApp door: Twilio's webhooks in, TwiML out. Only what Twilio signed is read."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from bot.conversation import Conversation
from bot.errors import BadRequest, NotGenuine
from bot.messages import Channel, Inbound, Location
from bot.wording.fitting import Fitted

LARGEST_BODY = 64 * 1024
MOST_FIELDS = 200
MESSAGES, STATUS = "/twilio/messages", "/twilio/status"


class TwilioDoor:
    """Checks, reads and answers Twilio's requests. `public_url` is the address that Twilio calls, as it was configured there."""

    def __init__(self, conversation: Conversation, *, auth_token: str, public_url: str) -> None:
        self._conversation = conversation
        self._validator = RequestValidator(auth_token)
        self._public_url = public_url.rstrip("/")

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
        return Response(twiml(await self._conversation.answer(inbound)), media_type="application/xml")

    async def _status(self, request: Request) -> Response:
        try:
            await self._genuine_form(request)
        except NotGenuine as error:
            return PlainTextResponse(error.reason, status_code=403)
        except BadRequest as error:
            return PlainTextResponse(error.reason, status_code=400)
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
        if not self._validator.validate(url, form, signature):
            raise NotGenuine("wrong signature")
        return form


async def bounded_body(request: Request) -> bytes:
    """The body, never more than LARGEST_BODY of it. Raises BadRequest."""
    if int(request.headers.get("content-length") or 0) > LARGEST_BODY:
        raise BadRequest("too large")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise BadRequest("too large")
    return body


def parse_form(body: bytes) -> dict[str, str]:
    """Fields of a URL-encoded form; repeated, unreadable or too many ones are refused, since they could hide behind a signature."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadRequest("not a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise BadRequest("repeated field")
    return form


def read_inbound(form: dict[str, str]) -> Inbound:
    """Twilio's fields -> our message. Raises BadRequest without a sender or a message id."""
    sender, message_id = form.get("From", ""), form.get("MessageSid", "")
    if not sender or not message_id:
        raise BadRequest("From or MessageSid is missing")
    whatsapp = sender.startswith("whatsapp:")
    return Inbound(
        channel=Channel.WHATSAPP if whatsapp else Channel.SMS,
        sender=sender,
        message_id=message_id,
        text=form.get("ButtonPayload") or form.get("Body", ""),
        location=_location(form),
        media=form.get("NumMedia", "0") not in ("", "0"),
    )


def _location(form: dict[str, str]) -> Location | None:
    try:
        latitude, longitude = float(form["Latitude"]), float(form["Longitude"])
    except (KeyError, ValueError):
        return None
    return Location(latitude=latitude, longitude=longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def twiml(answer: Fitted) -> str:
    """The answer as TwiML; silence is an empty <Response/>."""
    response = MessagingResponse()
    for text in answer.texts:
        response.message(text)
    return str(response)
