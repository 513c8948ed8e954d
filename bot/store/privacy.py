"""Who wrote, as a keyed hash; what was written, without what points at a person."""

import hmac
import re
from hashlib import sha256

import phonenumbers

from bot.messages import Channel

_MAIL = re.compile(r"\S+@\S+\.\S+")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<!\w)@\w{3,}")
_STREET = re.compile(
    r"\b\d{1,6}\s+(?:[NSEW]\.?\s+)?(?:[\w'.]+\s+){1,3}(?:st|street|rd|road|ave|avenue|dr|drive|ln|lane|ct|court|blvd|hwy|highway|way|cir|circle|trl|trail|pl|place|calle|avenida|camino)\b\.?"
    r"|\b(?:calle|avenida|apt|apartment|apartamento|unit|lot|lote)\s*#?\s*\d+\w?",
    re.IGNORECASE,
)  # fmt: skip
_NAMED = re.compile(r"\b((?i:my name is|i am called|this is|me llamo|mi nombre es|se llama|his name is|her name is|soy)\s+)(?:[A-ZÁÉÍÓÚÑ][\w'-]+\s?){1,3}")
# Six digits or more, however they are set apart: numbers of phones, claims, accounts, cards; five are a ZIP, which says where help is missing.
_DIGITS = re.compile(r"(?<!\d)\d(?:[\s().-]{0,2}\d){5,}")
LONGEST_KEPT = 500


def person_key(secret: bytes, channel: Channel, sender: str) -> str:
    """HMAC-SHA256 of channel and address: the same person gets the same key, and nobody without the secret can turn it back."""
    return hmac.new(secret, f"{channel}:{sender}".encode("utf-8", "replace"), sha256).hexdigest()


def scrubbed(text: str, longest: int = LONGEST_KEPT) -> str:
    """The text without phone numbers, e-mail and street addresses, links, account numbers and names that announce themselves."""
    text = text[: 4 * longest]
    for pattern, mark in ((_MAIL, "[email]"), (_LINK, "[link]"), (_HANDLE, "[name]")):
        text = pattern.sub(mark, text)
    for match in reversed(list(phonenumbers.PhoneNumberMatcher(text, "US", leniency=phonenumbers.Leniency.POSSIBLE))):
        if match.end - match.start > 6:
            text = f"{text[: match.start]}[number]{text[match.end :]}"
    text = _STREET.sub("[address]", text)
    text = _DIGITS.sub("[number]", text)
    return _NAMED.sub(r"\1[name] ", text)[:longest].strip()
