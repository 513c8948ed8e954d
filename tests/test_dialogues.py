"""Dialogues in plain text, each held in the dress of every channel.

`> text` is what a resident writes. The lines under it must be in what they see (`a | b`: one of them), `! text` must not;
`(silence)` is no answer at all. Case, accents, tags and line breaks do not count. `#` begins a comment.
"""

import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

from bot.app import Faro
from bot.messages import Channel, Inbound, Language
from bot.understanding.normalise import unaccented
from bot.wording.fitting import Fitted

FOLDER = Path(__file__).parent / "conversations"
FILES = sorted(FOLDER.glob("*/*.txt"))
CHANNELS = (Channel.SMS, Channel.TELEGRAM, Channel.WEB, Channel.CONSOLE)
SILENCE = "(silence)"


@dataclass(frozen=True, kw_only=True)
class Step:
    line: int
    says: str
    expected: tuple[str, ...]


def read(path: Path) -> list[Step]:
    steps: list[Step] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith(">"):
            steps.append(Step(line=number, says=line[1:].strip(), expected=()))
        elif line.strip() and not line.startswith("#"):
            last = steps.pop()
            steps.append(Step(line=last.line, says=last.says, expected=(*last.expected, line.strip())))
    return steps


def comparable(text: str) -> str:
    return " ".join(unaccented(unescape(re.sub(r"<[^>]+>", " ", text))).split())


def seen(answer: Fitted) -> str:
    """All that a resident sees of an answer: texts, buttons, files."""
    parts = [*answer.texts, *(choice.label for choice in answer.choices), *(file.filename for file in answer.attachments)]
    # The web page alone says, after STOP, how to come back: nothing is sent there unasked.
    return comparable("\n".join(parts)) if parts and answer.intent != "silence" else SILENCE


def wrong(expected: str, shown: str) -> bool:
    if expected.startswith("!"):
        return comparable(expected[1:]) in shown
    return not any(comparable(one) in shown for one in expected.split(" | "))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_dialogue(faro: Faro, path: Path) -> None:
    language: Language = "es" if path.parent.name == "es" else "en"
    faults = []
    for channel in CHANNELS:
        for step in read(path):
            inbound = Inbound(channel=channel, sender="one", message_id=f"{path.stem}:{step.line}", text=step.says, language_hint=language if channel is Channel.WEB else None)
            shown = seen(await faro.conversation.answer(inbound))
            faults += [f"{path.name}:{step.line} on {channel}: > {step.says}\n  wanted {e!r}\n  shown  {shown}" for e in step.expected if wrong(e, shown)]
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize("language", ["en", "es"])
def test_there_are_a_dozen_dialogues_a_language_and_each_expects_something(language: str) -> None:
    files = [path for path in FILES if path.parent.name == language]
    assert len(files) >= 12
    for path in files:
        assert read(path), path
        assert all(step.expected for step in read(path)), path
