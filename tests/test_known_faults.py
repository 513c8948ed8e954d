"""Faults found in other systems of this kind: Faro must not have them."""

import asyncio
import random
import re
from html import unescape

import pytest

from bot.app import Faro
from bot.conversation import Mind
from bot.costs import A_DAY, Sent, all_sent
from bot.directory.references import REFERENCE
from bot.directory.rows import read_rows
from bot.intents import Kit
from bot.messages import LANGUAGES, Contact, Language, Reply
from bot.router import discover_rooms
from bot.settings import ROOT
from bot.understanding.normalise import clean
from bot.understanding.topics import Decision
from bot.understanding.understander import Understander
from bot.wording.catalog import Words
from bot.wording.gsm7 import fold, segments
from bot.wording.narrow import cut
from bot.wording.wide import TELEGRAM_LIMIT, telegram_html, telegram_pages
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, open_house, signed, twiml_texts

FOOTER = "Escriba MAS para seguir."
SPANISH = (
    "el río subió anoche y el agua entró hasta la cocina mañana volverá la señora Núñez con cobijas leche pañales medicinas según dicen en la radio habrá reunión "
    "después del almuerzo ¿dónde está mi compañía? ¡cuidado! llámenos también a usted le ayudarán aunque esté lejos corazón únicamente así será qué difícil dígame"
).split()
# Words that a Spanish answer holds only when an English one was left in it; proper names have their own.
ENGLISH = re.compile(r"\b(?:the|your|you|please|call|text|county|miles?|with|from|is|are|less|than|open|now)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def kit(mind: Mind) -> Kit:
    return mind.kit(A_DAY)


@pytest.fixture(scope="module")
def sent(kit: Kit) -> list[Sent]:
    return asyncio.run(all_sent(kit, discover_rooms()))


@pytest.fixture(scope="module")
def understander(mind: Mind) -> Understander:
    return mind.understander


def _spanish(chance: random.Random) -> str:
    """Sentences that mean nothing, of words as long and as accented as Spanish ones; some of them very long."""
    words = [chance.choice(SPANISH) + chance.choice(["", "", "", "", ",", ".", "?", "!"]) for _ in range(chance.randint(40, 100))]
    return "".join(word + chance.choice([" ", " ", " ", "\n"]) for word in words).strip()


def test_fault_1_no_cut_inside_a_word() -> None:
    """A splitter that seeks a blank in the last five bytes only cuts every fourth part inside a word, and jumps over its limit at two-byte letters."""
    chance = random.Random(1)
    for number in range(1_000):
        text, folding = _spanish(chance), number % 2 == 0
        words, rest = [], text
        while rest:
            part, rest = cut(rest, FOOTER, folding=folding)
            assert segments(part)[1] <= 3, text
            words += part.removesuffix(FOOTER if rest else "").split()
        assert words == (fold(text) if folding else text).split()


@pytest.mark.parametrize(
    ("text", "folding", "whole"),
    [
        ("a" * 459, True, True),
        ("á" + "a" * 458, True, True),  # folded
        ("á" + "a" * 458, False, False),  # seven segments, were it sent as it stands
        ("👍 " + "agua " * 91, True, False),
        ("👍 " + "Hay agua. " * 45, True, False),
        ("€ " * 229, True, False),  # 458 characters, 687 septets
        ("á" * 201, False, True),
    ],
)
def test_fault_2_the_limit_counts_segments_not_characters(text: str, folding: bool, whole: bool) -> None:
    assert len(text) <= 459
    part, rest = cut(text, FOOTER, folding=folding)
    assert segments(part)[1] <= 3
    assert (not rest) == whole


def test_fault_3_no_key_and_no_english_is_sent_under_spanish(sent: list[Sent], kit: Kit, words: Words) -> None:
    keys = re.compile("|".join(rf"\b{re.escape(key)}\b" for key in words.keys("en")))
    assert not [(one.intent, found[0]) for one in sent if (found := keys.search(one.text)) or (found := re.search(r"[{}]", one.text))]
    names = re.compile("|".join(re.escape(fold(row.contact("es").name)) for row in read_rows(ROOT / "content" / "contacts")))
    assert not {(one.intent, found[0]) for one in sent if one.language == "es" and (found := ENGLISH.search(names.sub("", one.text)))}


def test_fault_3_both_languages_give_the_same_help_numbers(sent: list[Sent], kit: Kit) -> None:
    """Numbers only: a website may have a Spanish twin."""
    for id_ in {id_ for _, id_ in kit.library.pages}:
        pages = [kit.library.pages[language, id_] for language in LANGUAGES]
        shorts, wholes = ([{m[0] for m in REFERENCE.finditer(text) if m[2] != "website"} for text in texts] for texts in ([p.front.sms for p in pages], [p.front.sms + p.text for p in pages]))
        assert shorts[0] == shorts[1], id_
        assert wholes[0] == wholes[1], id_


def test_fault_4_none_found_costs_two_segments_in_spanish(sent: list[Sent], kit: Kit) -> None:
    """Where nothing of one's own county is known: shelters, coalitions; the groups' sentences, before the State's lines that follow them."""
    for one in sent:
        own = one.county and kit.directory.of_county(one.intent, one.county, "es", A_DAY).own
        if one.language == "es" and one.county and not own and one.intent != "support-group":
            assert one.segments <= 2, one.county
    for county in kit.gazetteer.counties:
        line = kit.directory.line("peer_warmline", "es")
        assert line
        text = kit.say("group.none", "es", county=county, line=f"{line.name} {line.phone}") + kit.say("group.near", "es", neighbour="Transylvania")
        assert segments(fold(text))[1] <= 2
    for key in ("none.short", "none.empty", "none.media", "ask.outside", "more.nothing"):
        assert segments(fold(kit.say(key, "es"))) == ("GSM-7", 1), key


async def test_fault_5_the_inverted_exclamation_mark_survives(faro: Faro) -> None:
    """Rasa's channel made an at sign of each: the answer and what volunteers read must show the text that was written."""
    assert clean("¡Auxilio! ¿Dónde?") == "¡Auxilio! ¿Dónde?"
    async with open_house(faro, twilio_auth_token=TWILIO_TOKEN, public_url=PUBLIC_URL) as house:
        form = {"MessageSid": "SM1", "From": "+19195550142", "To": "+19195550100", "NumMedia": "0", "Body": "¡Quién ganó el partido de anoche!"}
        answer = await house.client.post(SMS_PATH, data=form, headers=signed(form))
        assert twiml_texts(answer)
        assert [kept.text for kept in await house.faro.store.unanswered()] == ["¡Quién ganó el partido de anoche!"]
        form |= {"MessageSid": "SM2", "Body": "¡MENÚ!"}
        assert "Comida" in twiml_texts(await house.client.post(SMS_PATH, data=form, headers=signed(form)))[0]


LOOSE = "snake_case and * a star, 2 < 3 & 4 > 1, _odd, **bold, [x](y `tick` <b>, R&D_unit "


@pytest.mark.parametrize("length", [40, 4_096, 20_000])
def test_fault_7_telegram_takes_every_text(length: int) -> None:
    """Sent as Telegram's Markdown, one odd '_' or 4,097 characters are an error and nothing arrives."""
    body = "\n\n".join(f"{n} {LOOSE}" for n in range(length // len(LOOSE) + 1))
    contact = Contact(id="x", kind="hotline", county="Wake", name="A_b & <c>", phone="919-555-0101")
    pages = telegram_pages(telegram_html(Reply(language="en", intent="x", body=body, contacts=(contact,))))
    for page in pages:
        tags = re.findall(r"<(/?)(\w+)[^>]*>", page)
        assert all(name in ("b", "i", "a", "code", "pre") for _, name in tags)
        assert sum(not closing for closing, _ in tags) == sum(bool(closing) for closing, _ in tags)
        assert not re.search(r"&(?!(?:lt|gt|amp|quot|#\d+);)", page)
        assert len(unescape(re.sub(r"<[^>]+>", "", page)).encode("utf-16-le")) // 2 <= TELEGRAM_LIMIT
    shown = unescape(re.sub(r"</?\w[^>]*>", "", "\n".join(pages)))
    assert all(re.search(rf"(?<!\d){n} snake_case", shown) for n in range(length // len(LOOSE) + 1))
    assert shown.count("2 < 3 & 4 > 1") == length // len(LOOSE) + 1
    assert "A_b & <c>" in shown


# Said without any of the words that a list would hold.
VEILED: list[tuple[Language, str, str]] = [
    ("en", "suicide", "everyone would breathe easier if i just wasnt around anymore"),
    ("en", "suicide", "i gave my dog away and wrote letters to the kids. i wont need anything after tonight"),
    ("en", "suicide", "i just want to fall asleep and not have another morning"),
    ("en", "suicide", "whats the point of going on, the storm took everything i was"),
    ("en", "suicide", "i keep looking at the bridge and thinking how quick it would be"),
    ("en", "suicide", "i have all my pills lined up on the table and im going to swallow every one"),
    ("en", "suicide", "my brother says goodbye to everyone and that we will be fine without him"),
    ("en", "danger", "the water is at my chest and i cant get the window open"),
    ("en", "danger", "grandma wont wake up and her lips are blue"),
    ("en", "danger", "i smell gas and everybody in the house has a headache and is dizzy"),
    ("en", "abuse", "he took my keys and my phone and says if i leave he will find me"),
    ("en", "abuse", "im scared to go home when he has been drinking, last time i had to hide in the bathroom"),
    ("es", "suicide", "todos estarían más tranquilos si yo ya no estuviera"),
    ("es", "suicide", "ya repartí mis cosas y les dejé una carta a mis hijos, después de hoy no voy a necesitar nada"),
    ("es", "suicide", "quisiera dormirme y que ya no amaneciera para mí"),
    ("es", "suicide", "para qué seguir, la tormenta se llevó todo lo que yo era"),
    ("es", "suicide", "paso por el puente y pienso en dejarme caer, sería rápido"),
    ("es", "suicide", "junté todas las pastillas que había en la casa y ya me despedí de los niños"),
    ("es", "suicide", "mi hermano se está despidiendo de todos y dice que estaremos mejor sin él"),
    ("es", "danger", "el agua me llega al pecho y no puedo abrir la ventana"),
    ("es", "danger", "mi abuela no despierta y tiene los labios morados"),
    ("es", "danger", "huele a gas y todos en la casa estamos mareados"),
    ("es", "abuse", "me quitó las llaves y el teléfono y dice que si me voy me va a encontrar"),
    ("es", "abuse", "me da miedo volver a la casa cuando toma, la última vez me encerré en el baño"),
]


@pytest.mark.parametrize(("language", "kind", "text"), VEILED)
def test_fault_8_a_veiled_cry_for_help_gets_the_crisis_answer_or_its_line(language: Language, kind: str, text: str, understander: Understander) -> None:
    understood = understander.understand(text, language)
    assert understood.decision is Decision.CRISIS or understood.crisis is not None
    assert understood.crisis
    assert understood.crisis.kind == kind
