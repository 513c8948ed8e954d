"""A reply as plain text for a narrow channel: the first part whole, cut between sentences, the rest kept for MORE."""

import re
from collections.abc import Callable

from bot.messages import Choice, Contact, Reply
from bot.wording.gsm7 import LIMITS, encoding, first_segment, fold, segments, units

MOST_SEGMENTS = 3
# What a resident calls, texts or opens: a phone number, a short code, an address of the web or of e-mail.
REACH = re.compile(
    r"(?<![\w-])(?:(?:1-)?\d{3}-\d{3}-\d{4}|[2-9]11|988|\d{5,6})(?![\w-])"
    r"|(?<![\w@.-])(?:[\w.+-]+@)?[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:/[\w./-]*\w)?",
)
_LONGEST_REACH = 60


def plain(markdown: str) -> str:
    """Markdown as plain text: emphasis and heading signs gone, '-' lists kept, one blank line at most."""
    text = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"\1 (\2)", markdown)
    text = re.sub(r"^#+\s*", "", text, flags=re.MULTILINE)
    text = re.sub(r"(\*\*|__)(.+?)\1", r"\2", text, flags=re.DOTALL)
    text = re.sub(r"(?<!\w)[*_]([^*_\n]+)[*_](?!\w)", r"\1", text)
    paragraphs = [" ".join(p.split("\n")) if not re.search(r"^- ", p, re.MULTILINE) else p for p in re.split(r"\n\s*\n", text.strip())]
    return "\n".join(p.strip() for p in paragraphs if p.strip())


def contact_line(contact: Contact) -> str:
    """'Ashe County Emergency Management 336-555-0100', with the address or the website where there is no number."""
    reach = contact.phone or contact.text or contact.email or contact.site
    parts = [contact.name, contact.address, reach]
    return " ".join(p for p in parts if p)


def compose(reply: Reply, pick: str) -> tuple[str, str]:
    """The text of a reply, and what comes after MORE. `pick` says to reply with a number."""
    lines = [reply.lead, plain(reply.short), *map(contact_line, reply.contacts), plain(reply.after)]
    if reply.choices:
        lines += [numbered(reply.choices), pick]
    return "\n".join(line for line in lines if line), plain(reply.body).removeprefix(plain(reply.short)).strip()


def numbered(choices: tuple[Choice, ...]) -> str:
    return "\n".join(f"{n} {choice.label}" for n, choice in enumerate(choices, 1))


def broken_reach(text: str) -> re.Match[str] | None:
    """The number or address that the end of the first segment cuts in two."""
    end = len(first_segment(text))
    return next((m for m in REACH.finditer(text, 0, end + _LONGEST_REACH) if m.start() < end < m.end()), None)


def _for_sms(text: str) -> str:
    """The text folded; a number that the first border would cut begins a line in the second segment, behind blanks that nobody sees."""
    text = fold(text)
    broken = broken_reach(text)
    before = re.sub(r"\s*\S*$", "", text[: broken.start()]) if broken else ""
    if not before:
        return text
    kind = encoding(text)
    blanks = " " * (LIMITS[kind].part - units(before, kind) - 1)
    return f"{before}{blanks}\n{text[len(before) :].lstrip()}"


def cut(text: str, footer: str, *, folding: bool, most: int = MOST_SEGMENTS) -> tuple[str, str]:
    """As much of a text as `most` segments hold with its footer, and the rest. Cuts between lines, else sentences, else words."""
    fit: Callable[[str], str] = _for_sms if folding else str
    if segments(fit(text))[1] <= most:
        return fit(text), ""
    pieces = _pieces(text)
    taken = ""
    for i, piece in enumerate(pieces):
        candidate = fit(f"{(taken + piece).strip()}\n{footer}")
        if segments(candidate)[1] > most:
            if taken.strip():
                return fit(f"{taken.strip()}\n{footer}"), "".join(pieces[i:]).strip()
            head, tail = _by_words(piece, footer, fit, most)
            return fit(f"{head}\n{footer}"), (tail + "".join(pieces[i + 1 :])).strip()
        taken += piece
    return fit(taken.strip()), ""


def _pieces(text: str) -> list[str]:
    """Sentences and lines, each with the blanks that follow it."""
    return re.findall(r".+?(?:(?<=[.!?])\s+(?=[A-ZÁÉÍÓÚÑ¿¡0-9])|\n+|$)", text, flags=re.DOTALL)


def _by_words(piece: str, footer: str, fit: Callable[[str], str], most: int) -> tuple[str, str]:
    """A sentence longer than a whole message is cut between words; a word longer than that, between its clusters."""
    words = re.findall(r"\S+\s*", piece)
    taken = ""
    for i, word in enumerate(words):
        if segments(fit(f"{taken}{word}\n{footer}"))[1] > most:
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
