"""python -m bot"""

import gc
import sys
from importlib import import_module


def run() -> None:
    """`faro check` without what understands messages, which takes seconds to load; every other command by bot/cli.py."""
    gc.disable()  # what is imported stays: to look it through again and again, to the end, is a fifth of a start
    commands = import_module("bot.cli_check" if sys.argv[1:2] == ["check"] else "bot.cli")
    gc.freeze()
    gc.enable()
    commands.run()


if __name__ == "__main__":
    run()
