"""What was sent with a request: never more of it than a door reads, whatever its headers say."""

import json

from starlette.requests import ClientDisconnect, Request

from bot.errors import BadRequest, TooLarge
from bot.understanding.crisis import by_words
from bot.understanding.normalise import clean, printable

LARGEST_BODY = 64 * 1024


async def bounded_body(request: Request, most: int = LARGEST_BODY) -> bytes:
    """The body, at most so many bytes of it, before anybody reads anything in it. Raises BadRequest."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise TooLarge("too large")
    except ClientDisconnect:
        raise BadRequest("cut off") from None
    return bytes(body)


def crisis_in(body: bytes) -> str | None:
    """The text of a JSON body when it sounds like a crisis, whatever is wrong with the rest."""
    try:
        text = json.loads(body)["text"]
        alarming = by_words(clean(text))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, IndexError):
        return None
    return printable(text) if alarming else None
