"""An answer as it looks on each channel, for a terminal: panels, both languages side by side where there is room; else plain lines."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot.messages import Language
from bot.preview import Dress
from bot.wording.catalog import Words

SIDE_BY_SIDE = 100
BULLET = "- "
BLOCKS = frozenset(("p", "h1", "h2", "h3", "h4", "ul", "ol", "li", "div", "br", "blockquote", "hr"))


@dataclass(frozen=True, kw_only=True)
class Part:
    """One piece of an answer: where it is seen, what it costs, and its text."""

    heading: str
    cost: str = ""
    text: str


def show(dresses: Sequence[Dress], words: Words, language: Language, console: Console) -> None:
    """Prints the dresses; `language` is that of the headings."""
    parts = [list(_parts(dress, words, language)) for dress in dresses]
    if not console.is_terminal:
        for part in (part for one in parts for part in one):
            console.out(f"== {' · '.join(filter(None, (part.heading, part.cost)))}\n{part.text}\n", highlight=False)
        return
    columns = [Group(*map(_panel, one)) for one in parts]
    if console.width < SIDE_BY_SIDE:
        console.print(*columns, sep="\n")
        return
    table = Table.grid(expand=True, padding=(0, 1))
    for _ in columns:
        table.add_column(ratio=1)
    table.add_row(*columns)
    console.print(table)


def _panel(part: Part) -> Panel:
    return Panel(Text(part.text), title=Text(part.heading, style="bold"), subtitle=Text(part.cost) if part.cost else None, title_align="left", subtitle_align="right")


def _parts(dress: Dress, words: Words, language: Language) -> Iterator[Part]:
    """What is to be shown, in order."""
    tongue = words.say(f"volunteer.tongue.{dress.language}", language)
    for number, bubble in enumerate(dress.sms, 1):
        segments = words.say("volunteer.preview.cost_one" if bubble.segments == 1 else "volunteer.preview.cost", language, segments=bubble.segments)
        cost = f"{bubble.encoding} · {segments} · {words.say('volunteer.preview.units', language, units=bubble.units)}"
        more = "" if number == 1 else " (MORE)" if dress.language == "en" else " (MAS)"
        yield Part(heading=f"{tongue} · SMS {number}/{len(dress.sms)}{more}", cost=cost, text=bubble.text)
    if len(dress.sms) > 1:
        total = words.say("volunteer.preview.total", language, first=dress.sms[0].segments, total=sum(bubble.segments for bubble in dress.sms))
        yield Part(heading=f"{tongue} · SMS", text=total)
    for text in dress.telegram:
        yield Part(heading=f"{tongue} · Telegram", text=plain_text(text, lines_count=True))
    yield Part(heading=f"{tongue} · {words.say('volunteer.preview.web', language)}", text=plain_text(dress.web))
    if dress.choices:
        yield Part(heading=f"{tongue} · {words.say('volunteer.preview.choices', language)}", text="\n".join(f"[{choice}]" for choice in dress.choices))


def plain_text(html: str, *, lines_count: bool = False) -> str:
    """What a reader of that HTML sees. `lines_count`: line breaks of the source are shown, as Telegram does."""
    reader = _Reader(lines_count=lines_count)
    reader.feed(html)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" *\n *", "\n", "".join(reader.pieces))).strip()


class _Reader(HTMLParser):
    """Text with its blocks on lines of their own, bullets before items."""

    def __init__(self, *, lines_count: bool) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._lines_count = lines_count

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS and self.pieces[-1:] != [BULLET]:
            self.pieces.append("\n")
        if tag == "li":
            self.pieces.append(BULLET)

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data if self._lines_count else re.sub(r"\s+", " ", data))
