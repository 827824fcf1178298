"""Time a claim beside its reference, print the table, write it down."""

import gc
import json
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.isolation import PROJECT_ROOT

PEER_PYTHON = PROJECT_ROOT / ".venv-peers" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Row:
    """One claim as measured.

    Attributes
    ----------
    unit : str
        One of s, ms, us, GiB, 1/s, 1.
    reference : str
        The peer or the limit that the value is held against.
    """

    id: str
    claim: str
    value: float
    unit: str
    reference: str
    reference_value: float

    @property
    def ratio(self) -> float:
        """How many times better than the reference; bigger is better."""
        if self.unit in {"1/s", "1"}:
            return self.value / self.reference_value
        return self.reference_value / self.value


def best_seconds(run: Callable[[], object], *, repeat: int = 5) -> float:
    """Return the shortest wall time of `repeat` runs, garbage collection held off."""
    times = []
    for _ in range(repeat):
        gc.collect()
        gc.disable()
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
        gc.enable()
    return min(times)


def cpu_seconds(run: Callable[[], object], *, repeat: int = 3) -> float:
    """Return the least processor time of `repeat` runs, all threads together."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def run_peer(script: str, *arguments: str, timeout_seconds: int = 900) -> Any:  # noqa: ANN401 - JSON
    """Run Python source in the peers' environment and return the JSON of its last line."""
    if not PEER_PYTHON.exists():
        raise SystemExit("the peers are not installed: run `make bench NAME=...`")
    done = subprocess.run(
        [str(PEER_PYTHON), "-c", script, *arguments],
        capture_output=True, text=True, timeout=timeout_seconds, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"the peer failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def publish(name: str, rows: Sequence[Row]) -> Path:
    """Print the rows as a table and write them to `var/bench/<name>.json`."""
    print(f"\n{name}: Python {platform.python_version()}, {platform.machine()}")
    print(f"{'id':32} {'value':>12} {'unit':5} {'reference':>12} {'ratio':>9}  claim (reference)")
    for row in rows:
        print(
            f"{row.id:32} {row.value:12.4g} {row.unit:5} {row.reference_value:12.4g} "
            f"{row.ratio:9.2f}  {row.claim} ({row.reference})"
        )
    path = PROJECT_ROOT / "var" / "bench" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) | {"ratio": row.ratio} for row in rows], indent=2))
    return path
