"""The floor under an inbound SMS: form, signature, one row in the database, a constant answer. Served as Faro is, by benchmarks/inbound.py."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator

from bot.serving import listen
from bot.store.store import open_store

ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response><Message>Thank you.</Message></Response>'
INSERT = text("insert into handled (channel, message_id, key, answer, at) values ('sms', :id, :key, :answer, current_timestamp)")


def floor(url: str, token: str, public_url: str) -> Starlette:
    validator = RequestValidator(token)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.store = await open_store(url)
        yield
        await app.state.store.close()

    async def messages(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        if not validator.validate(f"{public_url}{request.url.path}", form, request.headers["x-twilio-signature"]):
            return Response(status_code=403)
        async with request.app.state.store.begin() as connection:
            await connection.execute(INSERT, {"id": form["MessageSid"], "key": form["From"], "answer": ANSWER})
        return Response(ANSWER, media_type="application/xml")

    return Starlette(lifespan=lifespan, routes=[Route("/twilio/messages", messages, methods=["POST"])])


if __name__ == "__main__":
    listen(floor(sys.argv[1], sys.argv[2], sys.argv[3]), host="127.0.0.1", port=int(sys.argv[4]))
