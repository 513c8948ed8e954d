"""SMS parts: counted as carriers count, folded only where that helps, cut so that nothing is lost."""

import json
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.messages import LANGUAGES
from bot.settings import ROOT
from bot.wording.catalog import load_words
from bot.wording.gsm7 import FOLDED, encoding, first_segment, fold, segments, units
from bot.wording.narrow import cut

FOOTER = "Text MORE for the rest."
FAMILY = "👨‍👩‍👧‍👦"


def test_every_line_of_the_oracle() -> None:
    lines = [json.loads(line) for line in (Path(__file__).parent / "data" / "sms_segments.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 431
    wrong = [(line, got) for line in lines if (got := segments(line["text"])) != (line["encoding"], line["segments"])]
    assert not wrong


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("ñ" * 160, "GSM-7", 1),
        ("ó" * 70, "UCS-2", 1),
        ("ó" * 71, "UCS-2", 2),
        ("ó" * 134, "UCS-2", 2),
        ("ó" * 135, "UCS-2", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("a" * 159 + "{", "GSM-7", 2),
        ("€" * 152, "GSM-7", 2),  # 304 septets; 76 pairs a part, since 153 is odd
        ("€" * 153, "GSM-7", 3),  # 306 septets would fit two parts, were a pair ever cut
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
        ("😀" * 66, "UCS-2", 2),
        ("😀" * 67, "UCS-2", 3),  # 134 units would fit two parts, were a surrogate pair ever cut
        ("á" * 60 + FAMILY, "UCS-2", 2),
    ],
)
def test_the_edges(text: str, kind: str, count: int) -> None:
    assert segments(text) == (kind, count)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Línea, teléfono, corazón, único", "Linea, teléfono, corazon, unico"),
        ("ÁÍÓÚ áíóú", "AIOU aiou"),
        ("¿Dónde está el niño? ¡Agüita!", "¿Donde esta el niño? ¡Agüita!"),
        ("“Sí” – dijo… •", '"Si" - dijo... -'),
        ("e\N{COMBINING ACUTE ACCENT}l", "él"),
        ("Línea 👍", "Línea 👍"),
        ("Línea 日本", "Línea 日本"),
        ("plain", "plain"),
    ],
)
def test_accents_are_folded_only_when_that_avoids_ucs2(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("a" * 160, "a" * 160),
        ("a" * 161, "a" * 153),
        ("a" * 152 + "€" * 10, "a" * 152),
        ("😀" * 40, "😀" * 33),
        ("á" * 60 + FAMILY + "á" * 9, "á" * 60),
    ],
)
def test_the_first_segment_ends_at_whole_characters(text: str, first: str) -> None:
    assert first_segment(text) == first


def _parts(text: str, *, folding: bool = True) -> list[str]:
    """Everything that MORE gives, one after the other, without the footers."""
    parts, rest = [], text
    while rest:
        part, rest = cut(rest, FOOTER, folding=folding)
        assert segments(part)[1] <= 3
        assert part.endswith(f"\n{FOOTER}") == bool(rest)
        parts.append(part.removesuffix(FOOTER))
    return parts


def _alike(text: str) -> str:
    """Every text in the same form, folded or not."""
    return unicodedata.normalize("NFC", text).translate({ord(letter): plain for letter, plain in FOLDED.items()})


WORD = st.text(st.sampled_from("abcXYZáéíóúñü¿¡€{^0189😀…–" + FAMILY[:2]), min_size=1, max_size=40)
PROSE = st.lists(st.tuples(WORD, st.sampled_from([" ", ". ", "? ", "\n", "  ", "\n- "])), min_size=1, max_size=120).map(lambda words: "".join(w + gap for w, gap in words))


@given(text=PROSE, folding=st.booleans())
@example(text="palabra " * 200, folding=True)
@example(text="El río subió. " * 60, folding=True)
@example(text="ok 👍 " * 150, folding=True)
@settings(deadline=None, max_examples=150)
def test_cutting_loses_no_word_and_doubles_none(text: str, folding: bool) -> None:
    assert _alike(" ".join(_parts(text, folding=folding))).split() == _alike(text).split()


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=900).map(str.strip))
@example(text="a" * 1000)
@example(text="…" * 1000)
@example(text=FAMILY * 120)
@example(text="z" + "\N{COMBINING ACUTE ACCENT}" * 400)
@settings(deadline=None, max_examples=100)
def test_a_word_longer_than_a_message_is_cut_and_kept_whole(text: str) -> None:
    assert "".join(_alike("".join(_parts(text))).split()) == "".join(_alike(text).split())


def test_a_part_ends_with_a_sentence_when_it_can() -> None:
    first, rest = cut("Call your county office first, they know. " * 20, FOOTER, folding=True)
    assert first.removesuffix(FOOTER).strip().endswith("they know.")
    assert rest.startswith("Call your")


def test_what_fits_has_no_footer() -> None:
    assert cut("a" * 459, FOOTER, folding=True) == ("a" * 459, "")
    assert units("a€", encoding("a€")) == 3


SECOND_OPINION = """
const { SegmentedMessage } = require('sms-segments-calculator');
for (const text of JSON.parse(require('fs').readFileSync(0))) {
  const message = new SegmentedMessage(text, 'auto', false);
  console.log(JSON.stringify([message.encodingName, message.segments.length]));
}
"""


def test_an_npm_package_that_nobody_here_wrote_counts_the_same() -> None:
    """npm sms-segments-calculator (Twilio, MIT), installed by this test, over every sentence that Faro sends and the oracle's lines."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("no node and npm here: the second opinion on segments is not asked")
    folder = ROOT / ".pytest_cache" / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    if subprocess.run([npm, "install", "--silent", "--prefix", str(folder), "sms-segments-calculator@1.3.0"], capture_output=True, check=False, timeout=120).returncode:
        pytest.skip("npm could not install sms-segments-calculator: the second opinion on segments is not asked")
    words = load_words()
    texts = [fold(words.say(key, language)) for language in LANGUAGES for key in sorted(words.keys(language))]
    texts += [json.loads(line)["text"] for line in (Path(__file__).parent / "data" / "sms_segments.jsonl").read_text(encoding="utf-8").splitlines()]
    done = subprocess.run([node, "-e", SECOND_OPINION], input=json.dumps(texts), capture_output=True, text=True, check=True, cwd=folder)
    counted = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(counted) == len(texts)
    assert [(c, t) for c, t in zip(counted, texts, strict=True) if c != list(segments(t))] == []
