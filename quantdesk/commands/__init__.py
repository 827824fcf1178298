"""One module for each group of commands."""

import typer

COMMAND_GROUPS: dict[str, typer.Typer] = {}
