"""A promotion as one Prefect transaction: each step a task, taken back if a later one fails."""

from collections.abc import Callable
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.transactions import transaction

from services.settlement import Settlement, Step


def in_transaction(settlement: Settlement) -> None:
    """Carry the steps out within one transaction of the running flow.

    Prefect rolls the steps back in reverse when one of them fails, so the alias stands where it
    stood; the flow fails with that step's error, and the run shows which it was.
    """
    with transaction():
        for step in settlement.steps:
            with transaction() as own:
                # Registered before it runs: a step that fails half-way is taken back too.
                own.stage(step.name, on_rollback_hooks=[_taking_back(step)])
                _carry_out.with_options(task_run_name=step.name)(step.do)


@task(name="promotion-step", cache_policy=NO_CACHE, persist_result=False)
def _carry_out(do: Callable[[], None]) -> None:
    do()


def _taking_back(step: Step) -> Callable[[Any], None]:
    def take_back(_: object) -> None:
        step.undo()

    take_back.__name__ = f"take back: {step.name}"
    return take_back
