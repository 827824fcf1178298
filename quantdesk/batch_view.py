"""The steps of a batch, shown live in the terminal."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from flows.progress import Progress

MARKS = {"done": Text("✓", style="bold green"), "failed": Text("✗", style="bold red")}


class BatchView:
    """Shows each step with its time and summary; a plain line a step where no one watches."""

    def __init__(self, title: str, console: Console | None = None) -> None:
        self._title = title
        self._console = console or Console()
        self._steps: dict[str, Progress] = {}
        self._began: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._live = Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=8,
            transient=False,
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        else:
            self._console.print(self._title)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, error, trace
        if self._console.is_terminal:
            self._live.stop()

    def __call__(self, progress: Progress) -> None:
        """Take the news of one step."""
        self._steps[progress.step] = progress
        if progress.state == "running":
            self._began[progress.step] = time.monotonic()
            if not self._console.is_terminal:
                self._console.print(f"  … {progress.step}", highlight=False)
            return
        self._took[progress.step] = time.monotonic() - self._began[progress.step]
        if not self._console.is_terminal:
            mark = MARKS[progress.state].plain
            self._console.print(
                f"  {mark} {progress.step} ({self._took[progress.step]:.1f} s): {progress.summary}",
                highlight=False,
                soft_wrap=True,
            )

    def _render(self) -> Group:
        table = Table.grid(padding=(0, 1))
        for name, progress in self._steps.items():
            running = progress.state == "running"
            took = time.monotonic() - self._began[name] if running else self._took[name]
            mark = Spinner("dots") if running else MARKS[progress.state]
            table.add_row(mark, Text(name), f"{took:5.1f} s", Text(progress.summary, style="dim"))
        return Group(Text(self._title, style="bold"), table)
