"""Owed Data Docs drawn by a process of their own, on another core, while the day goes on.

python -m infra.data_quality.drawing
"""

import atexit
import sys
from dataclasses import dataclass, field
from pathlib import Path

from infra.data_quality.expectations import ExpectationsReporter
from infra.data_quality.owed import OwedDocuments
from infra.servers.process import GuardedProcess
from infra.settings import Settings, load_settings


def reporter_of(settings: Settings) -> ExpectationsReporter:
    """Return what draws the Data Docs at once, in the state folder."""
    state = settings.state_dir
    return ExpectationsReporter(state / "data-docs", state / "quarantine")


@dataclass(slots=True)
class DrawingProcess:
    """Draws what is owed until nothing is, and ends; never outlives this process."""

    settings: Settings
    _process: GuardedProcess | None = field(default=None, init=False)

    def start(self) -> None:
        """Start drawing, unless it goes on already."""
        if self._process is not None and self._process.running:
            return
        state = self.settings.state_dir
        (state / "logs").mkdir(parents=True, exist_ok=True)
        self._process = GuardedProcess(
            (sys.executable, "-m", "infra.data_quality.drawing", str(state)),
            log=state / "logs" / "data-docs.log",
        )
        atexit.register(self._process.close)


def main() -> None:
    """Draw what is owed in the state folder that is named."""
    reporter = reporter_of(load_settings(state_dir=Path(sys.argv[1])))
    OwedDocuments(reporter.docs_dir).draw(reporter)


if __name__ == "__main__":
    main()
