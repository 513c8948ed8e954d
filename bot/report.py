"""What residents asked, in figures: for the studio's numbers and for `faro report`."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from rapidfuzz import fuzz
from rich.console import Group as Blocks
from rich.markup import escape
from rich.table import Table

from bot.messages import LOCAL_TIME, Language
from bot.store.tables import Handling, Rating, Tally, Unanswered
from bot.understanding.normalise import folded
from bot.wording.catalog import Words

# Fewer than this in one county may point at somebody: they are not told.
LEAST = 5
FEW = f"fewer than {LEAST}"
ALIKE = 80
# What a spreadsheet would run instead of showing.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Count = int | None  # None: too few to be told
Counts = Mapping[str, Count]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was counted in some days, everywhere or in one county."""

    since: date
    until: date
    county: str | None
    messages: Count
    days: Counts
    languages: Counts
    channels: Counts
    handlings: Counts
    topics: Counts
    counties: Counts
    useful: Counts
    not_useful: Counts


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Questions that say much the same, in one language; the newest first."""

    asked: Sequence[Unanswered] = field(repr=False)

    @property
    def text(self) -> str:
        """The one that stands for all: the shortest is the plainest."""
        return min((one.text for one in self.asked), key=len)


def day_of(moment: datetime) -> date:
    """The day in North Carolina; SQLite forgets time zones, and all of ours are UTC."""
    return moment.astimezone(LOCAL_TIME).date()


def figures(tallies: Iterable[Tally], ratings: Iterable[Rating], *, since: date, until: date, county: str | None = None) -> Figures:
    """The sums; those of a county leave out what is too few to be told."""
    counted = [t for t in tallies if since <= t.day <= until and county in (None, t.county)]
    rated = [r for r in ratings if since <= day_of(r.at) <= until and county in (None, r.county)]

    def summed(parts: Iterable[tuple[str, int]], least: int = LEAST if county else 0) -> Counts:
        sums: Counter[str] = Counter()
        for name, count in parts:
            sums[name] += count
        return {name: told(count, least) for name, count in sums.most_common()}

    days = {str(since + timedelta(days=n)): 0 for n in range((until - since).days + 1)}
    return Figures(
        since=since,
        until=until,
        county=county,
        messages=told(sum(t.count for t in counted), LEAST if county else 0),
        days=days | dict(summed((str(t.day), t.count) for t in counted)),
        languages=summed((t.language, t.count) for t in counted),
        channels=summed((t.channel, t.count) for t in counted),
        handlings={str(h): 0 for h in Handling} | dict(summed((t.decision, t.count) for t in counted)),
        topics=summed((t.intent, t.count) for t in counted if t.decision == Handling.ANSWERED),
        counties=summed(((t.county, t.count) for t in counted if t.county), LEAST),
        useful=summed((r.intent, int(r.useful)) for r in rated),
        not_useful=summed((r.intent, int(not r.useful)) for r in rated),
    )


def told(count: int, least: int = LEAST) -> Count:
    """A count that may be told; None when it is too small. None at all points at nobody."""
    return count if count >= least or count == 0 else None


def alike(asked: Iterable[Unanswered]) -> list[Alike]:
    """Questions grouped by likeness within a language, the biggest group first."""
    groups: list[tuple[str, str, list[Unanswered]]] = []
    for one in asked:
        said = folded(one.text)
        for language, first, group in groups:
            if language == one.language and fuzz.token_set_ratio(said, first, score_cutoff=ALIKE):
                group.append(one)
                break
        else:
            groups.append((one.language, said, [one]))
    return sorted((Alike(asked=group) for _, _, group in groups), key=lambda group: -len(group.asked))


def _parts(f: Figures) -> Iterator[tuple[str, Counts]]:
    yield from (("day", f.days), ("language", f.languages), ("channel", f.channels), ("handling", f.handlings), ("topic", f.topics))
    yield from (("county", f.counties), ("useful", f.useful), ("not useful", f.not_useful))


def _asked(f: Figures, groups: Sequence[Alike]) -> Iterator[tuple[str, str, Count]]:
    """(language, text, how many asked)."""
    for group in groups:
        yield group.asked[0].language, group.text, told(len(group.asked), LEAST if f.county else 0)


def as_csv(f: Figures, groups: Sequence[Alike]) -> str:
    """One line a figure: what kind, of what, how many."""
    out = io.StringIO()
    sheet = csv.writer(out)
    sheet.writerow(["kind", "name", "count"])
    rows = [("messages", f"{f.since} - {f.until}{f' {f.county}' if f.county else ''}", f.messages)]
    rows += [(kind, name, count) for kind, counts in _parts(f) for name, count in counts.items()]
    rows += [(f"unanswered {language}", text, count) for language, text, count in _asked(f, groups)]
    for row in rows:
        sheet.writerow([_inert(_shown(cell)) for cell in row])
    return out.getvalue()


def as_json(f: Figures, groups: Sequence[Alike]) -> str:
    """The same for programs; null is 'too few to be told'."""
    head = {"since": str(f.since), "until": str(f.until), "county": f.county, "messages": f.messages}
    unanswered = [{"language": language, "text": text, "count": count} for language, text, count in _asked(f, groups)]
    return json.dumps({**head, "by": {kind.replace(" ", "_"): counts for kind, counts in _parts(f)}, "unanswered": unanswered}, ensure_ascii=False, indent=2)


def as_text(f: Figures, groups: Sequence[Alike], words: Words, language: Language) -> Blocks:
    """Tables for a terminal or a printer, in the words of the studio's numbers."""

    def shown(count: Count) -> str:
        return words.say("studio.numbers.few", language, least=LEAST) if count is None else str(count)

    def name(kind: str, one: str) -> str:
        return words.say(f"studio.numbers.{kind}.{one}", language) if kind in ("handling", "language", "channel") else escape(one)

    tables = []
    for kind, counts in _parts(f):
        key, rated = {"day": "days", "not useful": "useful"}.get(kind, kind), "useful" in kind
        title = words.say(f"volunteer.report.{kind.replace(' ', '_')}" if rated else f"studio.numbers.chart.{key}", language)
        table = Table(words.say(f"studio.numbers.column.{key}", language), words.say("volunteer.report.residents" if rated else "studio.numbers.count", language), title=title, title_justify="left")
        for one, count in counts.items():
            table.add_row(name(kind, one), shown(count))
        tables += [table] if any(count != 0 for count in counts.values()) else []
    columns = (words.say("studio.numbers.column.language", language), words.say("volunteer.report.question", language), words.say("volunteer.report.times", language))
    questions = Table(*columns, title=words.say("volunteer.report.unanswered", language), title_justify="left")
    for asked_in, text, count in _asked(f, groups):
        questions.add_row(name("language", asked_in), escape(text), shown(count))
    where = words.say("volunteer.report.where", language, county=f.county) if f.county else ""
    head = words.say("volunteer.report.head", language, count=shown(f.messages), where=where, since=f.since, until=f.until)
    return Blocks(f"[bold]{head}[/bold]", *tables, *([questions] if groups else []))


def _shown(cell: str | Count) -> str:
    return FEW if cell is None else str(cell)


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP)."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
