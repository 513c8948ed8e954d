"""Text made comparable, by small named steps, each str -> str."""

import re
import unicodedata

LONGEST = 2_000

# How people abbreviate in texts, and what they mean. Only what means one thing in both languages.
ABBREVIATIONS = {
    "u": "you", "ur": "your", "r": "are", "pls": "please", "plz": "please", "thx": "thanks", "ty": "thank you", "wat": "what", "wut": "what", "w": "with", "wo": "without",
    "abt": "about", "rn": "right now", "2nite": "tonight", "tonite": "tonight", "2moro": "tomorrow", "tmrw": "tomorrow", "ppl": "people", "bc": "because", "cuz": "because",
    "gonna": "going to", "wanna": "want to", "gotta": "got to", "dont": "don't", "cant": "can't", "im": "i'm", "aint": "is not", "idk": "i do not know", "hlp": "help",
    "q": "que", "k": "que", "ke": "que", "xq": "porque", "pq": "porque", "porq": "porque", "xfa": "por favor", "porfa": "por favor", "x": "por", "tmb": "también", "tb": "también",
    "d": "de", "pa": "para", "toy": "estoy", "ta": "está", "tamos": "estamos", "tan": "están", "stoy": "estoy", "bn": "bien", "dnd": "donde", "ond": "donde", "ondi": "donde", "aki": "aquí",
    "kiero": "quiero", "nesesito": "necesito", "nececito": "necesito", "ayuden": "ayúdenme", "msj": "mensaje", "cel": "celular", "grax": "gracias", "salu2": "saludos",
}  # fmt: skip


def bounded(text: str) -> str:
    """At most LONGEST characters: the beginning and the end, where people say what they want."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 500]} {text[-500:]}"


def composed(text: str) -> str:
    """Letters with their accents in one character, look-alikes (full width and such) made plain."""
    return unicodedata.normalize("NFKC", text)


def printable(text: str) -> str:
    """Control characters, lone surrogates and invisible marks become blanks."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Cf", "Co", "Cn") else c for c in text)


def straight_quotes(text: str) -> str:
    return text.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x00B4: "'", 0x0060: "'"})


def no_stretching(text: str) -> str:
    """'heeeelp' -> 'heelp', '!!!!' -> '!!': three or more of a character become two."""
    return re.sub(r"(\D)\1{2,}", r"\1\1", text)


def single_blanks(text: str) -> str:
    return " ".join(text.split())


def clean(text: str) -> str:
    """What was written, made safe and comparable, still readable: case and accents stay."""
    for step in (bounded, composed, printable, straight_quotes, no_stretching, single_blanks):
        text = step(text)
    return text


def spelled_out(text: str) -> str:
    """Text-message abbreviations written out, lower case."""
    return re.sub(r"[^\W_]+", lambda m: ABBREVIATIONS.get(m[0], m[0]), text.lower())


def unaccented(text: str) -> str:
    """Lower case without accents; ñ becomes n, as many phones write it."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


def words(text: str) -> list[str]:
    """The words of a text, folded: letters and digits only."""
    return re.findall(r"[a-z0-9]+", unaccented(text).replace("'", ""))


def folded(text: str) -> str:
    """Words joined by single blanks: the form in which commands and questions are compared."""
    return " ".join(words(text))
