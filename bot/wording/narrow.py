"""A reply as plain text for a narrow channel: the first part whole, cut between sentences, the rest kept for MORE."""

import re
from collections.abc import Callable
from functools import lru_cache

from bot.messages import Choice, Contact, Reply
from bot.wording.gsm7 import LIMITS, encoding, first_segment, fold, segments, units

MOST_SEGMENTS = 3
# What a resident calls, texts or opens: a phone number, a short code, an address of the web or of e-mail.
REACH = re.compile(
    r"(?<![\w-])(?:(?:1-)?\d{3}-\d{3}-\d{4}|[2-9]11|988|\d{5,6})(?![\w-])"
    r"|(?<![\w@.-])(?:[\w.+-]+@)?[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:/[\w./-]*\w)?",
)
_LONGEST_REACH = 60
_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def unturned(text: str) -> str:
    """Without the marks that turn the order of letters: with them a number or an address reads other than it is."""
    return text.translate(_TURNING)


@lru_cache(maxsize=2_000)
def plain(markdown: str) -> str:
    """Markdown as plain text: emphasis and heading signs gone, '-' lists kept, one blank line at most."""
    text = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"\1 (\2)", markdown)
    text = re.sub(r"^#+\s*", "", text, flags=re.MULTILINE)
    text = re.sub(r"(\*\*|__)(.+?)\1", r"\2", text, flags=re.DOTALL)
    text = re.sub(r"(?<!\w)[*_]([^*_\n]+)[*_](?!\w)", r"\1", text)
    paragraphs = [" ".join(p.split("\n")) if not re.search(r"^- ", p, re.MULTILINE) else p for p in re.split(r"\n\s*\n", text.strip())]
    return "\n".join(p.strip() for p in paragraphs if p.strip())


def contact_line(contact: Contact, *, turned: bool = False) -> str:
    """'Ashe County Emergency Management 336-555-0100', with the address or the website where there is no number; `turned`: that first."""
    reach = contact.phone or contact.text or contact.email or contact.site
    parts = [reach, contact.name, contact.address] if turned else [contact.name, contact.address, reach]
    said = " ".join(p for p in parts if p)
    # Of a shelter one must know before setting out; other notes are for who has room to read them.
    return f"{said}. {contact.notes}" if contact.kind == "shelter" and contact.notes else said


def compose(reply: Reply, pick: str) -> tuple[str, str]:
    """The text of a reply, and what comes after MORE. `pick` says to reply with a number."""
    lines = [reply.lead, plain(reply.short), *map(contact_line, reply.contacts), plain(reply.after)]
    if reply.choices:
        lines += [numbered(reply.choices), pick]
    return _kept_whole("\n".join(line for line in lines if line), reply.contacts), plain(reply.body).removeprefix(plain(reply.short)).strip()


def _kept_whole(text: str, contacts: tuple[Contact, ...]) -> str:
    """A contact whose number the border of the first segment would cut is told number first, which brings it before the border."""
    for contact in contacts:
        line = contact_line(contact)
        if (broken := broken_reach(fold(text))) and broken[0] in fold(line):
            text = text.replace(line, contact_line(contact, turned=True), 1)
    return text


def numbered(choices: tuple[Choice, ...]) -> str:
    return "\n".join(f"{n} {choice.label}" for n, choice in enumerate(choices, 1))


def broken_reach(text: str) -> re.Match[str] | None:
    """The number or address that the end of the first segment cuts in two."""
    end = len(first_segment(text))
    return next((m for m in REACH.finditer(text, 0, end + _LONGEST_REACH) if m.start() < end < m.end()), None)


def cut(text: str, footer: str, *, folding: bool, most: int = MOST_SEGMENTS) -> tuple[str, str]:
    """As much of a text as `most` segments hold with its footer, and the rest. Cuts between lines, else sentences, else words.

    Of an SMS only so much that the border of its first segment cuts no number: the segments after it may come late.
    """
    fit: Callable[[str], str] = fold if folding else str

    def fits(candidate: str) -> bool:
        return segments(candidate)[1] <= most and not (folding and broken_reach(candidate))

    if fits(fit(text)):
        return fit(text), ""
    pieces = _pieces(text)
    taken = ""
    for i, piece in enumerate(pieces):
        candidate = fit(f"{(taken + piece).strip()}\n{footer}")
        if not fits(candidate):
            if taken.strip():
                return fit(f"{taken.strip()}\n{footer}"), "".join(pieces[i:]).strip()
            head, tail = _by_words(piece, lambda words: fits(fit(f"{words}\n{footer}")))
            return fit(f"{head}\n{footer}"), (tail + "".join(pieces[i + 1 :])).strip()
        taken += piece
    return fit(taken.strip()), ""


def _pieces(text: str) -> list[str]:
    """Sentences and lines, each with the blanks that follow it; the number of an item ('3.') stays with it."""
    return re.findall(r".+?(?:(?<=[.!?])(?<!\b\d\.)\s+(?=[A-ZÁÉÍÓÚÑ¿¡0-9])|\n+|$)", text, flags=re.DOTALL)


def _by_words(piece: str, fits: Callable[[str], bool]) -> tuple[str, str]:
    """A sentence longer than a whole message is cut between words; a word longer than that, between its clusters."""
    words = re.findall(r"\S+\s*", piece)
    taken = ""
    for i, word in enumerate(words):
        if not fits(f"{taken}{word}"):
            if taken:
                return taken.strip(), "".join(words[i:])
            break
        taken += word
    head = first_segment(piece) or piece[:20]
    return head, piece[len(head) :]


def cost(text: str) -> str:
    """'GSM-7, 2 segments, 212 septets' of a text as it stands."""
    kind, count = segments(text)
    unit = "septets" if kind == "GSM-7" else "code units"
    return f"{kind}, {count} segment{'s' if count != 1 else ''}, {units(text, kind)} {unit} (part: {LIMITS[encoding(text)].part})"
