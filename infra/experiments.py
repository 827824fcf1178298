"""What DVC knows of the experiments: each with its parameters and metrics, and its curves.

DVC is asked through its own command, as a user would ask it: offline, in the checkout.
"""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from basics.errors import MissingDataError, UnavailableError
from infra.isolation import PROJECT_ROOT, default_state_dir, isolated_environment

EQUITY = "var/experiment/equity.csv"
WORKSPACE = "workspace"
HEAD_LENGTH = 7
SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRun:
    """One state of parameters and what came of it.

    Attributes
    ----------
    name : str
        Of the experiment, else of the branch; `workspace` for the files as they stand.
    revision : str
        What DVC and git know it by.
    parameters, metrics : mapping of str to value
        Flat, by dotted names such as `price.trees.leaves` and `backtest.sharpe_ratio`.
    """

    name: str
    revision: str
    created_at: datetime | None
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityCurve:
    """What a backtest earned, session by session, in money."""

    sessions: tuple[date, ...]
    equity: tuple[float, ...]
    benchmark: tuple[float, ...]


def list_experiments(root: Path = PROJECT_ROOT) -> list[ExperimentRun]:
    """Return the workspace, the last commit and every experiment made from it, in that order.

    Raises
    ------
    UnavailableError
        If DVC cannot answer, for example outside a git checkout.
    """
    return read_experiments(json.loads(_dvc(["exp", "show", "--json", "--no-pager"], root)))


def read_experiments(shown: Sequence[Mapping[str, Any]]) -> list[ExperimentRun]:
    """Return the runs that `dvc exp show --json` shows."""
    runs = []
    for entry in shown:
        runs.append(_run(entry, _name(entry)))
        runs.extend(
            _run(revision, made.get("name") or _name(revision))
            for made in entry.get("experiments") or ()
            for revision in made["revs"][:1]
        )
    return runs


def find_experiment(runs: Sequence[ExperimentRun], name: str) -> ExperimentRun:
    """Return the run of that name or revision; `HEAD` is the last commit.

    Raises
    ------
    MissingDataError
        If there is none; the message lists what there is.
    """
    for place, run in enumerate(runs):
        if name == run.name or (name == "HEAD" and place == 1):
            return run
        if run.name != WORKSPACE and len(name) >= HEAD_LENGTH and run.revision.startswith(name):
            return run
    raise MissingDataError(
        f"no experiment {name!r}: there are {', '.join(run.name for run in runs)}"
    )


def equity_curve(run: ExperimentRun, root: Path = PROJECT_ROOT) -> EquityCurve:
    """Return the backtest's curve of `run`.

    Raises
    ------
    MissingDataError
        If the run has none, or it left DVC's cache.
    """
    if run.name == WORKSPACE:
        try:
            text = (root / EQUITY).read_text()
        except FileNotFoundError:
            raise MissingDataError(
                f"{EQUITY} is missing: compute it by `.venv/bin/dvc repro`"
            ) from None
    else:
        text = _cached(run, root)
    rows = list(csv.DictReader(io.StringIO(text)))
    return EquityCurve(
        sessions=tuple(date.fromisoformat(row["session"]) for row in rows),
        equity=tuple(float(row["equity"]) for row in rows),
        benchmark=tuple(float(row["benchmark_equity"]) for row in rows),
    )


def _cached(run: ExperimentRun, root: Path) -> str:
    """Read the curve of an earlier run out of DVC's cache, by the lock file of its revision."""
    import dvc.api
    from dvc.exceptions import DvcException

    try:
        text: str = dvc.api.read(EQUITY, repo=str(root), rev=run.revision)
    except (DvcException, OSError) as error:
        raise MissingDataError(
            f"the curve of {run.name} is not in DVC's cache: run it again ({error})"
        ) from error
    return text


def _name(entry: Mapping[str, Any]) -> str:
    """Return the branch of a commit, `workspace`, or the head of a nameless revision."""
    revision: str = entry["rev"]
    return entry.get("name") or (revision if revision == WORKSPACE else revision[:HEAD_LENGTH])


def _run(entry: Mapping[str, Any], name: str) -> ExperimentRun:
    data = entry.get("data") or {}
    when = data.get("timestamp")
    return ExperimentRun(
        name=name,
        revision=entry["rev"],
        created_at=None if when is None else datetime.fromisoformat(when),
        parameters=dict(_flat(_contents(data.get("params")))),
        metrics={
            f"{Path(file).stem}.{key}": float(value)
            for file, content in (data.get("metrics") or {}).items()
            for key, value in _flat(content.get("data") or {})
            if isinstance(value, int | float)
        },
    )


def _contents(files: Mapping[str, Any] | None) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for content in (files or {}).values():
        merged |= content.get("data") or {}
    return merged


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _dvc(arguments: Sequence[str], root: Path) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dvc"), *arguments],
        cwd=root,
        env=os.environ | isolated_environment(default_state_dir()),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise UnavailableError(f"DVC failed: {last}")
    return done.stdout
