"""python -m bot"""

import sys
from importlib import import_module


def run() -> None:
    """`faro check` without what understands messages, which takes seconds to load; every other command by bot/cli.py."""
    import_module("bot.cli_check" if sys.argv[1:2] == ["check"] else "bot.cli").run()


if __name__ == "__main__":
    run()
