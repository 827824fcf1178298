"""One module for each group of commands."""

import typer

from quantdesk.commands.ui import ui

COMMAND_GROUPS: dict[str, typer.Typer] = {
    "ui": ui,
}
