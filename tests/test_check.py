"""`faro check` on copies of the content, each broken in one way."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.check import problems_of
from bot.directory.rows import read_rows
from bot.geo.tables import Gazetteer
from bot.library.reading import read_library
from bot.settings import ROOT


@pytest.fixture
def content(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "content", tmp_path / "content", ignore=shutil.ignore_patterns("*.txt")))


def change(file: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(content: Path) -> None:
        path = content / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return apply


def delete(file: str) -> Callable[[Path], None]:
    return lambda content: (content / file).unlink()


BROKEN = [
    ("reference", change("en/coping/sleep.md", "{ddh}", "{nosuch}"), "{nosuch}"),
    ("contact", change("en/coping/sleep.md", "contacts: [", "contacts: [nosuch, "), "'nosuch'"),
    ("related", change("en/coping/sleep.md", "related: [", "related: [nosuch, "), "no page 'nosuch'"),
    ("typed number", change("en/coping/sleep.md", "\n---\n", "\n---\nCall 336-555-0100.\n"), "336-555-0100"),
    ("twin gone", delete("es/coping/sleep.md"), "no twin"),
    ("English changed", change("en/coping/sleep.md", "\n---\n", "\n---\nOne more thing.\n"), "has changed"),
    ("crisis page gone", delete("es/crisis/crisis-suicide.md"), "no twin"),
    ("county", change("contacts/food_banks.csv", ",Wake,", ",Wakee,"), "'Wakee'"),
    ("confidence", change("contacts/food_banks.csv", ",high", ",hihg"), "'hihg'"),
]


@pytest.mark.parametrize(("name", "spoil", "told"), BROKEN, ids=[b[0] for b in BROKEN])
def test_what_is_broken_is_told_with_its_file(content: Path, gazetteer: Gazetteer, name: str, spoil: Callable[[Path], None], told: str) -> None:
    spoil(content)
    problems = problems_of(read_library(content), read_rows(content / "contacts"), gazetteer)
    assert [p for p in problems if told in str(p) and p.line >= 1], [str(p) for p in problems if "no page" not in str(p)][:5]


def test_our_own_content_has_no_problem(gazetteer: Gazetteer) -> None:
    assert not problems_of(read_library(ROOT / "content"), read_rows(ROOT / "content" / "contacts"), gazetteer)
