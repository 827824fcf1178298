"""The command line: one verb for each thing a user does.

Exit codes: 0 done; 2 the call is wrong; 3 data is missing; 4 a rule refused; 5 someone else
changed it first; 6 a dependency is down; 1 anything unforeseen. Commands import what they need
when they run, so that `--help` answers at once.
"""

import sys

import typer

from basics.errors import (
    ConflictError,
    InvalidInputError,
    MissingDataError,
    QuantDeskError,
    RefusedError,
    UnavailableError,
)
from infra.isolation import isolate
from quantdesk.commands import COMMAND_GROUPS, COMMANDS
from quantdesk.commands.basic import basic

EXIT_CODES: dict[type[QuantDeskError], int] = {
    InvalidInputError: 2,
    MissingDataError: 3,
    RefusedError: 4,
    ConflictError: 5,
    UnavailableError: 6,
}


def build_app() -> typer.Typer:
    """Return the command line with every command group mounted."""
    app = typer.Typer(
        name="quantdesk",
        help="A trading desk's analytics and machine-learning platform.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        rich_markup_mode=None,  # Plain help answers in half the time.
    )
    basic(app)
    for command in COMMANDS:
        app.command()(command)
    for name, group in COMMAND_GROUPS.items():
        app.add_typer(group, name=name)
    return app


def main() -> None:
    """Run one command; a user's mistake ends in one line that says what to do."""
    isolate()
    try:
        build_app()()
    except QuantDeskError as error:
        code = next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))
        print(f"quantdesk: {error}", file=sys.stderr)  # noqa: T201 - the command line's own output
        sys.exit(code)
