"""How a flow ends: with news, or with the word that there was nothing to process."""

from datetime import date
from typing import TypeAlias

from prefect.client.schemas.objects import State
from prefect.states import Completed

Outcome: TypeAlias = State[None]


def done(summary: str) -> Outcome:
    """Return a completed state that says what was found."""
    return Completed(message=summary)


def no_new_data(desk_date: date) -> Outcome:
    """Return a completed state named NoNewData: the desk date was processed before."""
    return Completed(name="NoNewData", message=f"{desk_date} is processed already")
