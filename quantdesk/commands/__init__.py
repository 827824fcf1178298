"""One module for each group of commands."""

import typer

from quantdesk.commands.db import db
from quantdesk.commands.ui import ui

COMMAND_GROUPS: dict[str, typer.Typer] = {
    "db": db,
    "ui": ui,
}
