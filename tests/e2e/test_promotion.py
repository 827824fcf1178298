"""A promotion is a Prefect transaction: each step made to fail, on a real server."""

import json
import subprocess
import sys

import httpx

# In a process of its own, as a flow of the desk runs; the registry is the fake of the contract.
PROMOTE = """
import json, sys
from dataclasses import replace
from infra.isolation import isolate
isolate()
from prefect import flow
from basics.errors import UnavailableError
from flows.promotion import in_transaction
from services.settlement import Settlement
from services.training import Training
from tests.fakes.model_registry import MemoryRegistry
from tests.small_market import inputs

def fresh():
    registry = MemoryRegistry()
    try:
        Training(registry, code_version="c").train(inputs(skill=0.5), settle=stop)
    except KeyboardInterrupt:
        return registry

def stop(_):
    raise KeyboardInterrupt

def failing_at(name):
    def settle(settlement):
        class Failing(Settlement):
            @property
            def steps(self):
                return tuple(replace(s, do=fail(s)) if s.name == name else s
                             for s in super().steps)
        settlement.__class__ = Failing
        in_transaction(settlement)
    return settle

def fail(step):
    def do():
        step.do()
        raise UnavailableError(f"{step.name} failed")
    return do

@flow(name="promotion-trial")
def promote(registry, settle):
    Training(registry, code_version="c").train(inputs(skill=0.5), settle=settle)

found = {}
for name in ("check the version", "move the alias", "keep the verdict", "tag the version"):
    registry = fresh()
    state = promote(registry, failing_at(name), return_state=True)
    failed = [registry.aliases("price"), registry.resolve("price", 2).tags.get("gate") or ""]
    promote(registry, in_transaction)
    found[name] = [state.name, str(state.message), failed, registry.aliases("price")]
print(json.dumps(found))
"""


def test_a_step_that_fails_rolls_the_promotion_back_and_the_next_run_goes_through(
    desk_environment: dict[str, str],
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROMOTE],
        env=desk_environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

    found = json.loads(done.stdout.strip().splitlines()[-1])

    assert len(found) == 4
    for name, (state, message, failed, after) in found.items():
        assert state == "Failed"
        assert f"{name} failed" in message
        assert failed == [{"champion": 1}, ""], name
        assert after == {"champion": 2}, name
    api = desk_environment["PREFECT_API_URL"]
    runs = httpx.post(f"{api}/task_runs/filter", json={}, timeout=60).json()
    assert {"check the version", "move the alias"} <= {run["name"] for run in runs}
