"""Tests of `infra.desk_lock`."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from basics.errors import UnavailableError
from infra.desk_lock import desk_lock
from infra.isolation import PROJECT_ROOT

HOLD = """
import asyncio, sys
from pathlib import Path
from infra.desk_lock import desk_lock
async def hold():
    async with desk_lock(Path(sys.argv[1]), timeout_seconds=1):
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(hold())
"""


def test_two_tasks_of_one_process_take_turns(tmp_path: Path) -> None:
    story: list[str] = []

    async def work(name: str) -> None:
        async with desk_lock(tmp_path / "lock", timeout_seconds=10):
            story.append(f"{name} in")
            await asyncio.sleep(0.02)
            story.append(f"{name} out")

    async def both() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(both())

    assert story in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])


def test_lock_held_by_another_process_is_refused_and_falls_with_it(tmp_path: Path) -> None:
    async def take(timeout_seconds: float) -> None:
        async with desk_lock(tmp_path / "lock", timeout_seconds=timeout_seconds):
            pass

    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UnavailableError, match="another process has been entering orders"):
            asyncio.run(take(0.05))
        holder.kill()
        holder.wait()

    asyncio.run(take(5.0))
