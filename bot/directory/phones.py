"""What is wrong with a number as somebody typed it, and to which numbers Faro writes first."""

import re
from typing import Literal

import phonenumbers

PhoneFault = Literal["short", "shape", "unknown", "made_up"]

# Numbers that cost more than others.
_DEAR = frozenset({phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST})
_LOOKS_RIGHT = re.compile(r"\+?[\d\s().-]+(?:\s*(?:x|ext\.?)\s*\d{1,6})?", re.IGNORECASE)
_SERVICE = re.compile(r"[2-9]11|988")
_TEXT_CODE = re.compile(r"\d{5,6}")
_MADE_UP = re.compile(r"1?\d{3}555\d{4}")


def phone_fault(number: str, *, for_texts: bool = False) -> PhoneFault | None:
    """None when the number can be dialled in the United States (or, `for_texts`, be texted). 555 numbers belong to films and to tests."""
    if _SERVICE.fullmatch(number) or (for_texts and _TEXT_CODE.fullmatch(number)):
        return None
    if not _LOOKS_RIGHT.fullmatch(number):
        return "shape"
    if _MADE_UP.fullmatch(re.sub(r"\D", "", re.split(r"[xXeE]", number)[0])):
        return "made_up"
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return "short"
    if len(str(parsed.national_number)) < 10:
        return "short"
    return None if parsed.country_code == 1 and phonenumbers.is_valid_number(parsed) else "unknown"


def may_be_written_to(number: str) -> bool:
    """Whether this is an ordinary number of the North American plan: no foreign one, no short code, none that costs more."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    return parsed.country_code == 1 and phonenumbers.is_valid_number(parsed) and phonenumbers.number_type(parsed) not in _DEAR
