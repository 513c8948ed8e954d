"""faro preview | new page | explain | eval: for volunteers."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import track
from rich.table import Table
from rich.text import Text

from bot.checks.telling import line_told
from bot.command_help import SpokenCommand, SpokenGroup, Tongue
from bot.costs import BY_COUNTY
from bot.directory.directory import Directory
from bot.directory.rows import collect_rows
from bot.errors import CannotDo, errors_among
from bot.explaining import percent, told
from bot.geo.tables import load_gazetteer
from bot.intents import Kit
from bot.library.pages import NONE, Library
from bot.library.reading import collect_library, read_library
from bot.messages import LANGUAGES, LOCAL_TIME, Language
from bot.preview import preview
from bot.router import ANY_PAGE, discover_rooms
from bot.settings import Settings, load_settings
from bot.terminal import err, learning
from bot.understanding.understander import Explanation, Understander, build_understander
from bot.volunteer.grading import Graded, Verdict, changes, grade, memory_of, read_wanted
from bot.volunteer.names import near
from bot.volunteer.new_page import ID, sections, write_page
from bot.volunteer.showing import show
from bot.wording.catalog import Words, load_words

volunteers = typer.Typer()
new = typer.Typer(cls=SpokenGroup, no_args_is_help=True)
volunteers.add_typer(new, name="new")


@volunteers.command("preview", cls=SpokenCommand)
def preview_command(id_: Annotated[str, typer.Argument(metavar="ID")], county: Annotated[str | None, typer.Option()] = None, *, lang: Tongue) -> None:
    """Show an answer as residents get it: each SMS with what it costs, Telegram, the web page, in both languages."""
    kit = _kit(load_settings(), lang)
    intents = {*kit.library.intents, *BY_COUNTY}
    if id_ not in intents:
        raise unknown("volunteer.preview.unknown", id_, near(id_, intents), kit.words, lang)
    named = kit.gazetteer.county_named(county) if county else None
    if county and named is None:
        raise unknown("volunteer.preview.unknown_county", county, near(county, kit.gazetteer.counties), kit.words, lang)
    rooms = discover_rooms()
    dresses = [asyncio.run(preview(id_, language, kit, rooms, named)) for language in LANGUAGES]
    show(dresses, kit.words, lang, Console(highlight=False))
    if any(page.not_compared for language in LANGUAGES if (page := kit.library.pages.get((language, id_)))):
        err.print(kit.words.say("volunteer.preview.unfinished", lang), style="yellow", markup=False, soft_wrap=True)


def _kit(settings: Settings, lang: Language) -> Kit:
    """What answers are made from, without what understands messages. Files that cannot be read are named and left out."""
    words, gazetteer = load_words(), load_gazetteer()
    library, problems = collect_library(settings.content)
    rows, more = collect_rows(settings.content / "contacts")
    for problem in errors_among((*problems, *more)):
        err.print(line_told(problem, words, lang), style="yellow", markup=False, soft_wrap=True)
    return Kit(library=library, directory=Directory(rows, gazetteer.counties), gazetteer=gazetteer, words=words, now=datetime.now(UTC))


def unknown(key: str, name: str, close: list[str], words: Words, lang: Language) -> CannotDo:
    """The refusal of a name that does not exist, with those that look like it."""
    hint = words.say("volunteer.near", lang, names=", ".join(close)) if close else ""
    return CannotDo(f"{words.say(key, lang, name=name)} {hint}".strip())


@new.command("page", cls=SpokenCommand)
def new_page(
    id_: Annotated[str, typer.Argument(metavar="ID")],
    title_en: Annotated[str | None, typer.Option()] = None,
    title_es: Annotated[str | None, typer.Option()] = None,
    section: Annotated[str | None, typer.Option()] = None,
    *,
    lang: Tongue,
) -> None:
    """Make a page and its twin, with everything filled in that can be, and the files for its questions."""
    settings, words = load_settings(), load_words()
    _require_free(id_, settings.content, words, lang)
    known = sections(settings.content)
    given = {"title_en": title_en, "title_es": title_es, "section": section}
    missing = [name for name, text in given.items() if not (text and text.strip())]
    if missing and not sys.stdin.isatty():
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise CannotDo(words.say("volunteer.new.missing", lang, options=options, id=id_, choices=", ".join(known), section=known[-1] if known else "practical"))
    asked = {name: _asked(text, words.say(f"volunteer.new.ask_{name}", lang, choices=", ".join(known))) for name, text in given.items()}
    if asked["section"] not in known:
        raise CannotDo(words.say("volunteer.new.section", lang, name=asked["section"], choices=", ".join(known)))
    try:
        made = write_page(settings.content, id_, asked["section"], {"en": asked["title_en"], "es": asked["title_es"]}, datetime.now(LOCAL_TIME).date())
    except FileExistsError as error:
        raise CannotDo(words.say("volunteer.new.file_exists", lang, path=error)) from None
    sys.stdout.write("".join(f"{path}\n" for path in made))
    err.print(words.say("volunteer.new.next", lang, id=id_), markup=False, soft_wrap=True)


def _require_free(id_: str, content: Path, words: Words, lang: Language) -> None:
    """Refuses an id that is no id, or that answers something already."""
    if not ID.fullmatch(id_):
        raise CannotDo(words.say("volunteer.new.bad_id", lang, id=id_))
    rooms = discover_rooms()
    if id_ == NONE or id_ in collect_library(content)[0].intents or rooms.of(id_) is not rooms.of(ANY_PAGE):
        raise CannotDo(words.say("volunteer.new.taken", lang, id=id_))


def _asked(given: str | None, question: str) -> str:
    """What was given, else what the volunteer answers."""
    return " ".join((given or "").split()) or " ".join(str(typer.prompt(question, err=True)).split())


@volunteers.command(cls=SpokenCommand)
def explain(text: str, *, lang: Tongue) -> None:
    """Why a text gets its answer: what was read in it, what each model says, the nearest questions, which limits decided."""
    settings, words = load_settings(), load_words()
    library = read_library(settings.content)
    why = build_understander(library, load_gazetteer(), settings.data / "cache", learning()).explain(text)

    def title(intent: str) -> str:
        key = f"intent.{intent}"
        name = words.say(key, lang) if key in words.keys(lang) else library.title(intent, lang)
        return f"{name} ({intent})" if name else intent

    sentences = told(why, words, lang, title)
    console = Console(highlight=False)
    if console.is_terminal:
        _explain_on_terminal(why, sentences, words, lang, title, console)
        return
    sys.stdout.write("\n".join([*_facts(why), *(f"why: {sentence}" for sentence in sentences)]) + "\n")


def _facts(why: Explanation) -> list[str]:
    """The figures, one a line, for programs and for those who know them."""
    u = why.understood
    crisis = f"{u.crisis.kind} ({u.crisis.level})" if u.crisis else "none"
    return [
        f"{u.decision}: {u.intent} ({u.score:.2f}), language {u.language}, crisis {crisis}, county {u.found.county or ', '.join(u.found.counties) or 'none'}",
        f"read as: {why.read_as}",
        *(f"next: {s.intent} ({s.score:.2f})" for s in u.alternatives[1:]),
        *(f"by {view}: {s.intent} ({s.score:.2f})" for view, s in why.layers.items()),
        *(f"near: {question} -> {s.intent} ({s.score:.2f})" for question, s in zip(why.closest_texts, why.closest, strict=True)),
    ]


def _explain_on_terminal(why: Explanation, sentences: list[str], words: Words, lang: Language, title: Callable[[str], str], console: Console) -> None:
    u = why.understood
    heading = words.say(f"volunteer.decision.{u.decision}", lang) + ("" if u.intent == NONE else f": {title(u.intent)}")
    console.print(Panel(Group(*(Text(f"• {sentence}") for sentence in sentences)), title=Text(heading, style="bold"), title_align="left"))
    scores = Table(words.say("volunteer.explain.page", lang), words.say("volunteer.explain.sure", lang), title=words.say("volunteer.explain.scores", lang), title_justify="left")
    for scored in u.alternatives:
        scores.add_row(Text(title(scored.intent)), percent(scored.score))
    phrases = Table(
        words.say("volunteer.explain.phrase", lang),
        words.say("volunteer.explain.page", lang),
        words.say("volunteer.explain.alike", lang),
        title=words.say("volunteer.explain.phrases", lang),
        title_justify="left",
    )
    for phrase, near_one in zip(why.closest_texts, why.closest, strict=True):
        phrases.add_row(Text(phrase), Text(near_one.intent), percent(near_one.score))
    console.print(scores, phrases)


@volunteers.command("eval", cls=SpokenCommand)
def evaluate(file: Annotated[Path | None, typer.Argument(metavar="FILE")] = None, *, lang: Tongue) -> None:
    """Ask Faro the questions of a list, or all of the content's own, and show what changed since the last time."""
    settings = load_settings()
    library = read_library(settings.content)
    words = load_words()
    wanted, faults = read_wanted(file, library.intents) if file else ([], [])
    if faults:
        raise CannotDo("\n".join(f"{file}:{fault.line}: {words.say(f'volunteer.list.{fault.code}', lang, **fault.values)}" for fault in faults))
    understander = build_understander(library, load_gazetteer(), settings.data / "cache", learning())
    if file is None:
        _ask_all_of_ours(library, understander, settings.data / "eval.json", words, lang)
        return
    graded = [grade(one, understander.understand(one.question)) for one in track(wanted, words.say("volunteer.eval.asking", lang), console=err, transient=True)]
    _tell(graded, memory_of(file, settings.data), words, lang)


def _tell(graded: list[Graded], memory: Path, words: Words, lang: Language) -> None:
    """Each line with how it went, what went otherwise the last time, and the totals."""

    def name(verdict: Verdict) -> str:
        return words.say(f"volunteer.verdict.{verdict}", lang)

    width = max(len(name(verdict)) for verdict in Verdict)
    for one in graded:
        got = "" if one.verdict is Verdict.RIGHT else f" ({words.say('volunteer.eval.got', lang, got=one.got)})"
        sys.stdout.write(f"{name(one.verdict):{width}}  {one.wanted.line}: {one.wanted.question} -> {one.wanted.expected}{got}\n")
    changed = changes(graded, memory)
    for one, verdict, got in changed:
        was, is_ = f"{name(verdict)} ({got})", f"{name(one.verdict)} ({one.got})"
        sys.stdout.write(words.say("volunteer.eval.changed", lang, was=was, now=is_, line=one.wanted.line, question=one.wanted.question) + "\n")
    count = {verdict.value: sum(one.verdict is verdict for one in graded) for verdict in Verdict}
    sys.stdout.write(words.say("volunteer.eval.totals", lang, all=len(graded), changed=len(changed), **count) + "\n")


def _ask_all_of_ours(library: Library, understander: Understander, path: Path, words: Words, lang: Language) -> None:
    before: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    after: dict[str, str] = {}
    for question in track(library.questions, words.say("volunteer.eval.asking", lang), console=err, transient=True):
        understood = understander.understand(question.text, question.language)
        after[f"{question.language} {question.text}"] = understood.intent if understood.decision != "clarify" else f"clarify ({understood.intent})"
    right = sum(after[f"{q.language} {q.text}"] == q.intent for q in library.questions)
    changed = [(text, answer) for text, answer in after.items() if before.get(text, answer) != answer]
    for text, answer in changed:
        sys.stdout.write(words.say("volunteer.eval.was", lang, question=text, was=before[text], now=answer) + "\n")
    err.print(words.say("volunteer.eval.ours", lang, right=right, all=len(library.questions), changed=len(changed)))
    path.write_text(json.dumps(after, ensure_ascii=False), encoding="utf-8")
