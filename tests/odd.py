"""What nobody should send, for tests/test_fuzz.py: odd texts, JSON of every shape, broken forms, headers of all kinds."""

from typing import Any

from hypothesis import strategies as st

ODD = (
    "",
    "\x00",
    "\ud800",
    "%",
    "+",
    "=&",
    "é",
    "¡",
    "\u202e",
    "\U0001f469\u200d\U0001f680",
    "9" * 400,
    "<b>",
    "{x}",
    "{{7*7}}",
    "../../etc/passwd",
    "-1",
    "1e999",
    "NaN",
    "nan",
    "None",
    "true",
    "+19195550142",
)
SAID = (
    "MENU",
    "STOP",
    "START",
    "DELETE",
    "MORE",
    "si",
    "1",
    "9",
    "99",
    "LANGUAGE",
    "food",
    "no puedo dormir",
    "i want to die",
    "shelter in boone",
    "28607",
    "#food",
    "#useful:yes:food",
    "#useful::",
    "#",
    "/start",
)
TEXT = st.sampled_from(ODD + SAID) | st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.text(alphabet=st.characters(categories=("Cc", "Cf", "Cs", "Mn")), max_size=30)
SIGNABLE = TEXT.filter(lambda text: text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text))
LEAF = st.none() | st.booleans() | st.integers() | st.integers(min_value=2**63) | st.floats() | TEXT
ANYTHING = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12)
RAW = st.binary(max_size=400) | st.sampled_from(
    [b"[" * 5000, b'{"a":' * 5000, b"a=1&" * 3000, b"%41" * 30_000, b"x" * 300_000, b"9" * 5000, b"\xef\xbb\xbf{}", b"=", b"&&&", b"%ff=%fe", b"%ED%A0%80=%ED%A0%80"]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        "accept-language content-type content-length x-twilio-signature x-telegram-bot-api-secret-token x-forwarded-for x-forwarded-host x-forwarded-proto cookie host hx-request x-faro-mark accept-encoding origin range if-none-match if-modified-since".split()
    ),
    st.sampled_from(
        (
            b"",
            b"es",
            b"gzip",
            b"bytes=0-1",
            b"bytes=-",
            b"text/plain",
            b"application/json; charset=utf-99",
            b"multipart/form-data",
            b"-1",
            b"9" * 30,
            b"\xff\xfe",
            b"faro_studio=x; faro_studio_language=\xff",
        )
    )
    | st.binary(max_size=40).map(lambda value: bytes(b for b in value if b >= 32 and b != 127)),
    max_size=3,
)
NAMES = st.sampled_from("MessageSid From To Body NumMedia MediaUrl0 Latitude Longitude ButtonPayload ExternalUserId OptOutType AccountSid MessageStatus ErrorCode SmsSid Surprise".split())
KEYS = st.sampled_from(
    "update_id message edited_message callback_query channel_post inline_query my_chat_member poll message_id date chat from id type text caption location latitude longitude photo sticker entities offset length data first_name language_code is_bot edit_date reply_to_message message_thread_id is_topic_message".split()
)
SHAPE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=20)
CHAT = st.dictionaries(st.sampled_from(["session", "id", "text", "language", "location", "latitude", "longitude"]), ANYTHING)
FIELDS = st.dictionaries(st.sampled_from(["text", "says", "session", "transcript", "message_id", "lang"]), TEXT)
METHODS = st.sampled_from("GET GET GET POST POST HEAD PUT PATCH DELETE OPTIONS TRACE".split())
STUDIO_FIELDS = st.sampled_from(
    "text says talk channel language side county do act ids phrase intent table id seen rows apply q cell.id cell.name cell.county cell.phone cell.website page_en page_es questions_en questions_es opened_page_en opened_questions_en reviewed".split()
)
TABLES = st.sampled_from(
    ("id,name\nx,y", "id;county;name\n=1+1;Wake;@x", '"', "id\tid\n1\t1", "id,name\n" + "x,y\n" * 300, "hotlines", "id,county,name,phone,confidence\nnc211,STATEWIDE,NC 211,211,high\n")
)


@st.composite
def updates(draw: st.DrawFn) -> dict[str, Any]:
    """An update that is well formed, save for one or two of its parts."""
    number, chat = draw(st.integers(0, 2**40)), draw(st.integers(-(2**40), 2**40))
    person = {"id": 7, "is_bot": False, "first_name": "Ana", "language_code": draw(st.sampled_from(("en", "es", "", "pt-br")))}
    message: dict[str, Any] = {"message_id": 1, "date": 1_800_000_000, "chat": {"id": chat, "type": draw(st.sampled_from(("private", "group", "channel")))}, "from": person, "text": draw(TEXT)}
    press = {"id": "q", "from": person, "message": message, "chat_instance": "1", "data": draw(TEXT)}
    kind = draw(st.sampled_from(("message", "edited_message", "callback_query")))
    update: dict[str, Any] = {"update_id": number, kind: press if kind == "callback_query" else message}
    for part in draw(st.lists(st.sampled_from((update, message, person, message["chat"], press)), max_size=2)):
        part[draw(KEYS)] = draw(SHAPE)
    return update
