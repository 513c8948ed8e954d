"""What every command shows on standard error: messages, and a bar while Faro learns."""

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from bot.understanding.notebook import Progress

err = Console(stderr=True, highlight=False)


def learning() -> Progress:
    """A bar on standard error while Faro learns from content that it has not seen, which takes the better part of a minute."""
    bar = Bar(TextColumn("Learning from the content (once)"), BarColumn(), TextColumn("{task.completed}/{task.total} questions"), console=err, transient=True)
    task = bar.add_task("learn", total=None)

    def show(done: int, total: int) -> None:
        if err.is_terminal and not bar.finished:
            bar.start()
        bar.update(task, completed=done, total=total)
        if done >= total:
            bar.stop()
            err.print("[dim]Learning from the content: almost ready.[/dim]")

    return show
