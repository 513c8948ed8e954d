"""A small content folder of our own, for tests that change content."""

from pathlib import Path

PAGE = """---
id: {id}
title: {title}
sms: >
  {sms}
---
{sms} And more.
"""
CSV = "id,county,name,phone,confidence\nnc211,STATEWIDE,NC 211,{phone},high\n"
THINGS = {"sleep": ("sleep", "bed", "night", "tired", "dream"), "food": ("food", "hungry", "bread", "pantry", "meal")}
TOOLS = ("chainsaw", "generator", "shovel", "wheelbarrow", "tarp")


def questions(words: tuple[str, ...]) -> str:
    return "".join(f"{start} {word}{end}\n" for word in words for start in ("i need help with", "what about", "we have no") for end in ("", " today", " since the storm"))


def write_page(folder: Path, id_: str, sms: str) -> None:
    page = folder / "en" / "topics" / f"{id_}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(PAGE.format(id=id_, title=id_.title(), sms=sms), encoding="utf-8")


def write_content(folder: Path) -> None:
    for id_, words in THINGS.items():
        write_page(folder, id_, f"The first {id_} answer.")
        (folder / "en" / "topics" / f"{id_}.questions.txt").write_text(questions(words), encoding="utf-8")
    (folder / "en" / "none.questions.txt").write_text(questions(("football", "algebra", "guitar", "recipe", "crypto")), encoding="utf-8")
    (folder / "contacts").mkdir()
    (folder / "contacts" / "hotlines.csv").write_text(CSV.format(phone="211"), encoding="utf-8")
