"""One module for each group of commands."""

from collections.abc import Callable

import typer

from quantdesk.commands.alerts import alerts
from quantdesk.commands.data import data
from quantdesk.commands.db import db
from quantdesk.commands.experiments import experiments
from quantdesk.commands.features import features
from quantdesk.commands.flows import flows
from quantdesk.commands.models import models
from quantdesk.commands.orders import orders
from quantdesk.commands.pnl import pnl
from quantdesk.commands.policy import policy
from quantdesk.commands.predict import predict
from quantdesk.commands.report import report
from quantdesk.commands.risk import risk
from quantdesk.commands.serve import serve
from quantdesk.commands.ui import ui
from quantdesk.commands.up import up

# Commands that stand alone, by their function's name.
COMMANDS: tuple[Callable[..., None], ...] = (serve, up)

COMMAND_GROUPS: dict[str, typer.Typer] = {
    "data": data,
    "models": models,
    "predict": predict,
    "db": db,
    "policy": policy,
    "features": features,
    "risk": risk,
    "pnl": pnl,
    "alerts": alerts,
    "orders": orders,
    "flows": flows,
    "experiments": experiments,
    "report": report,
    "ui": ui,
}
