"""What `--help` says, and what is wrong with a command as it was typed, in the language of whoever typed it."""

import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from bot.messages import Language
from bot.settings import Terminal
from bot.wording.catalog import Words, load_words


def spoken() -> Language:
    return Terminal().language(sys.argv[1:])


# The last of a command's parameters, by keyword only: it has no default of its own.
Tongue = Annotated[Language, typer.Option("--lang", default_factory=spoken, show_default=False)]


def one_of(value: str, choices: Iterable[str]) -> typer.BadParameter:
    """The refusal of a word that is none of those that can be chosen."""
    return typer.BadParameter(load_words().say("help.error.one_of", spoken(), value=value, choices=", ".join(choices)))


class SpokenCommand(TyperCommand):
    """A command for volunteers: its help stands in locale/."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _show(self, ctx)


class SpokenGroup(TyperGroup):
    """All commands: those for volunteers first, in the reader's language."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _show(self, ctx)

    def main(self, *args: Any, **more: Any) -> Any:
        """English is what typer speaks; another language needs the words of ours."""
        if spoken() == "en" or not more.get("standalone_mode", True):
            return super().main(*args, **more)
        try:
            sys.exit(super().main(*args, **more | {"standalone_mode": False}))
        except typer.TyperException as error:
            Console(stderr=True, highlight=False).print(_told(error, load_words(), spoken()), style="red", markup=False)
            sys.exit(error.exit_code)
        except typer.Abort:
            sys.exit(1)


def _path(ctx: Any) -> str:
    """'faro new page' -> 'new-page'"""
    return "-".join(ctx.command_path.removeprefix(ctx.find_root().command_path).split()) or "faro"


def _show(command: TyperCommand | TyperGroup, ctx: Any) -> None:
    words, language, path = load_words(), spoken(), _path(ctx)
    known = words.keys(language)
    screen = Console(highlight=False)
    pieces = " ".join(_shown(param) for param in command.params if param.param_type_name == "argument")
    if isinstance(command, TyperGroup):
        pieces = words.say("help.command", language)
    screen.print(Text(words.say("help.usage", language, command=ctx.command_path, pieces=pieces).rstrip(), style="bold"))
    screen.print(f"\n{words.say(f'help.{path}', language)}\n", markup=False)
    options = _table()
    for param in command.get_params(ctx):
        name = (param.name or "").rstrip("_")
        key = f"help.{path}.{name}" if f"help.{path}.{name}" in known else f"help.option.{name}"
        options.add_row(_shown(param), Text(words.say(key, language)))
    screen.print(options)
    if isinstance(command, TyperGroup):
        _list(command, ctx, words, language, screen)


def _list(group: TyperGroup, ctx: Any, words: Words, language: Language, screen: Console) -> None:
    """The commands of a group: for volunteers those that locale/ describes, then the others."""
    prefix = "" if _path(ctx) == "faro" else f"{_path(ctx)}-"
    ours, others = _table(), _table()
    for name in group.list_commands(ctx):
        command, key = group.get_command(ctx, name), f"help.{prefix}{name}"
        if command and key in words.keys(language):
            ours.add_row(name, Text(words.say(key, language)))
        elif command and not command.hidden:
            others.add_row(name, Text((command.help or "").partition("\n")[0]))
    screen.print("", ours)
    if others.rows:
        screen.print(f"\n{words.say('help.keepers', language)}\n", others)


def _table() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    return table


def _shown(param: Any) -> str:
    """'--lang', or 'ID' for what is typed without a name."""
    return ", ".join(param.opts) if param.param_type_name == "option" else str(param.metavar or (param.name or "").upper())


def _told(error: typer.TyperException, words: Words, language: Language) -> str:
    """What is wrong with a command as it was typed. A refusal of ours is in the right language already."""
    ctx, param = getattr(error, "ctx", None), getattr(error, "param", None)
    if param is None and isinstance(error, typer.BadParameter):
        return error.message
    kind = {"MissingParameter": "missing", "NoSuchOption": "option", "BadParameter": "value"}.get(type(error).__name__, "other")
    name = getattr(error, "option_name", None) or (_shown(param) if param else "")
    return words.say(f"help.error.{kind}", language, name=name, command=ctx.command_path if ctx else "faro")
