"""The command line run in this process, as a user would type it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner

from quantdesk.main import build_app

Run = Callable[..., str]


@contextmanager
def terminal(state: Path, *first: str) -> Iterator[Run]:
    """Give a function that runs `quantdesk FIRST... WORDS...` on `state` and returns its output.

    An error of the command is raised as it is; the variables that it set are taken back at the end.
    """
    before = dict(os.environ)
    app = build_app()

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, [*first, *words], env={"QUANTDESK_STATE_DIR": str(state)})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    try:
        yield run
    finally:
        os.environ.clear()
        os.environ.update(before)
