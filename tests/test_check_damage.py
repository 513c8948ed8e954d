"""Two hundred files damaged at random: each is told with its line, in both languages, and none stops the reading."""

from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.checks.everything import problems_of, read_subject
from bot.checks.telling import told
from bot.content import read_content
from bot.geo.tables import County, load_gazetteer
from bot.messages import LANGUAGES
from bot.wording.catalog import Words, load_words
from tests.good_content import write_good_content
from tests.test_check import EN, ES, LINES

KEYS = (b"id", b"title", b"sms", b"sources", b"checked", b"review_by")
# What no text holds: bytes that are no UTF-8, and characters that no screen shows.
STRANGE = (b"\xff", b"\xfe", b"\x80", b"\xc3\x28", b"\x00", b"\x01", b"\x7f", b"\xe2\x80\x8b")
BAD_VALUES = (b"[", b"{", b"'", b'"', b"[a, [b]]", b"{a: b}", b"*nobody", b"&a [*a]", b"- " * 900, b"[" * 5_000, b": :", b"@", b"%", b"\t- a")

at = st.floats(0, 1, exclude_max=True)
Damage = tuple[str, str, float, bytes]
damages = st.one_of(
    st.tuples(st.just("cut"), st.sampled_from([EN, LINES]), at, st.just(b"")),
    st.tuples(st.just("insert"), st.sampled_from([EN, ES, LINES]), at, st.sampled_from(STRANGE)),
    st.tuples(st.just("rename"), st.sampled_from([EN, ES]), at, st.sampled_from(KEYS)),
    st.tuples(st.just("value"), st.sampled_from([EN, ES]), st.sampled_from(range(len(KEYS))).map(lambda n: n / len(KEYS) + 0.01), st.sampled_from(BAD_VALUES)),
    st.tuples(st.just("encode"), st.sampled_from([ES, LINES]), at, st.sampled_from([b"latin-1", b"utf-16", b"utf-16-be", b"utf-32", b"cp500"])),
    st.tuples(st.just("noise"), st.sampled_from([EN, ES, LINES]), at, st.binary(min_size=1, max_size=300)),
)


def damaged(raw: bytes, kind: str, where: float, what: bytes) -> bytes:
    place = int(where * (len(raw) - 1))
    if kind == "cut":
        return raw[:place]
    if kind == "insert":
        return raw[:place] + what + raw[place:]
    if kind == "rename":
        return raw.replace(b"\n" + what + b":", b"\n" + what + b"x:")
    if kind == "value":
        key = KEYS[int(where * len(KEYS))]
        begin = raw.index(b"\n" + key + b":") + len(key) + 2
        return raw[:begin] + b" " + what + raw[raw.index(b"\n", begin) :]
    if kind == "encode":
        return raw.decode().encode(what.decode())
    return what.replace(b"\n", b"\xff")


def lines_of(raw: bytes, kind: str, where: float, what: bytes) -> set[int] | None:
    """Where the damage is; None when it is everywhere, or what is missing stood there."""
    if kind == "insert":
        return {raw[: int(where * (len(raw) - 1))].count(b"\n") + 1}
    if kind == "rename":
        return {raw.index(b"\n" + what + b":") and raw[: raw.index(b"\n" + what + b":")].count(b"\n") + 2}
    if kind == "value":
        line = raw[: raw.index(b"\n" + KEYS[int(where * len(KEYS))] + b":")].count(b"\n") + 2
        return {line, line + 1}  # YAML may see it one line later
    return None


@cache
def _house() -> tuple[dict[str, County], Words]:
    """Once, and no argument of the test: Hypothesis would print it."""
    return load_gazetteer().counties, load_words()


@given(damage=damages)
@example(damage=("value", EN, 0.17, b"[" * 5_000))
@example(damage=("cut", LINES, 0.0, b""))
@settings(max_examples=200, deadline=None)
def test_every_damage_is_told_and_none_stops_the_reading(damage: Damage) -> None:
    counties, words = _house()
    kind, name, where, what = damage
    with TemporaryDirectory() as temporary:
        folder = write_good_content(Path(temporary) / "content")
        path = folder / name
        whole = path.read_bytes()
        path.write_bytes(damaged(whole, kind, where, what))
        read_content(folder)
        subject, problems = read_subject(folder, counties, words, date(2026, 12, 10))
        found = [*problems, *problems_of(subject)]
        lines = lines_of(whole, kind, where, what)
        assert [p for p in found if lines is None or (p.path == path and p.line in lines)], "the line that was damaged is named"
        for problem in found:
            assert 1 <= problem.line <= problem.path.read_bytes().count(b"\n") + 1
            assert problem.path.is_relative_to(folder)
            assert all(told(problem, words, language).what for language in LANGUAGES)
