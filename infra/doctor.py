"""What a machine and a checkout need before the desk can run, looked at one by one."""

import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from basics.errors import ConflictError, QuantDeskError, RefusedError
from infra.settings import Settings

# prefect is silent when it meets versions it does not work with: no flow or schedule runs.
PINNED = {"prefect": "3.8.", "fastapi": "0.1", "sqlalchemy": "2.0.", "mlflow": "3.", "polars": "2."}
MIN_FREE_GIB = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    healthy: bool
    detail: str


def examine(settings: Settings) -> list[Finding]:
    """Return every finding; a failed look is itself a finding, never an exception."""
    looks: dict[str, Callable[[Settings], str]] = {
        "python": _python,
        "state folder": _state_folder,
        "free disk": _free_disk,
        "sqlite": _sqlite,
        "policy folder": _policy_folder,
        "database": _database,
        "champions": _champions,
        "P&L attribution": _pnl_attribution,
    }
    findings = [_look(subject, look, settings) for subject, look in looks.items()]
    return findings + [_package(name, prefix) for name, prefix in PINNED.items()]


def _look(subject: str, look: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(subject, healthy=True, detail=look(settings))
    except (OSError, QuantDeskError, sqlite3.Error) as error:
        return Finding(subject, healthy=False, detail=str(error))


def _python(_: Settings) -> str:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise OSError(f"{platform.python_version()} is outside 3.11 to 3.13: use one of these")
    return platform.python_version()


def _state_folder(settings: Settings) -> str:
    folder = settings.state_dir / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".doctor"
    probe.write_bytes(b"x")
    probe.unlink()
    return str(settings.state_dir)


def _free_disk(settings: Settings) -> str:
    place = settings.state_dir if settings.state_dir.exists() else Path.cwd()
    free_gib = shutil.disk_usage(place).free / 2**30
    if free_gib < MIN_FREE_GIB:
        raise OSError(f"{free_gib:.1f} GiB free, {MIN_FREE_GIB} needed: make room")
    return f"{free_gib:.1f} GiB"


def _sqlite(_: Settings) -> str:
    if sqlite3.sqlite_version_info < (3, 35):
        raise OSError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed")
    return sqlite3.sqlite_version


def _policy_folder(settings: Settings) -> str:
    files = sorted(settings.policy_dir.rglob("*.toml"))
    if not files:
        raise OSError(
            f"{settings.policy_dir} holds no policy: restore the folder from the checkout"
        )
    return f"{len(files)} files in {settings.policy_dir}"


def _database(settings: Settings) -> str:
    from infra.database.engine import open_database
    from infra.database.schema import current_revision, revisions

    database = open_database(settings.database, state_dir=settings.state_dir)
    try:
        stands, needed = current_revision(database), revisions()[-1]
    finally:
        database.close()
    return f"{database.address}, schema {stands} (this program needs {needed})"


def _champions(settings: Settings) -> str:
    """Load every champion as a server would: a file that was changed or cut short shows here."""
    from infra.clock import SystemClock
    from infra.registry import open_registry
    from services.predictions import Predictions
    from services.promotion import CHAMPION

    registry = open_registry(settings.mlflow, settings.state_dir / "mlflow", clock=SystemClock())
    served, sound, broken = Predictions(registry), [], []
    for name in registry.names():
        if CHAMPION in registry.aliases(name):
            try:
                sound.append(served.served(name, CHAMPION).version.label)
            except QuantDeskError as error:
                broken.append(str(error))
    if broken:
        raise RefusedError("; ".join(broken))
    return ", ".join(sound) or "no model is registered yet"


def _pnl_attribution(settings: Settings) -> str:
    """Say whether the risk models see the profit that the books see, as last tested."""
    import msgspec

    from infra.clock import SystemClock
    from infra.database.engine import open_database
    from infra.database.results import DatabaseResultStore
    from infra.database.schema import current_revision, revisions
    from pnl.attribution_test import Zone
    from services.pnl_health import HEALTH_KIND, PnlHealth, zones_in_words

    database = open_database(settings.database, state_dir=settings.state_dir)
    try:
        if current_revision(database) != revisions()[-1]:
            return "not read: the schema is not this program's"
        results = DatabaseResultStore(database, SystemClock())
        kept = [results.latest(HEALTH_KIND, scope) for scope in results.scopes(HEALTH_KIND)]
    finally:
        database.close()
    tests = [msgspec.convert(stored.payload, PnlHealth, strict=False) for stored in kept]
    line = "; ".join(map(zones_in_words, tests)) or "not tested yet"
    if any(test.zone is Zone.RED for test in tests):
        raise ConflictError(f"{line}: see `quantdesk pnl health`")
    return line


def _package(name: str, prefix: str) -> Finding:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, healthy=False, detail="not installed: run `make setup`")
    healthy = found.startswith(prefix)
    return Finding(
        name,
        healthy=healthy,
        detail=found if healthy else f"{found}, needs {prefix}*: run `make setup`",
    )
