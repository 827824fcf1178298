"""What every flow begins with: a desk, and the parameters of the experiment."""

from collections.abc import Iterator
from contextlib import contextmanager

from infra.bootstrap import Desk, open_desk
from infra.experiment import load_experiment
from infra.settings import load_settings
from infra.telemetry import configure_logging
from services.experiment import Experiment


@contextmanager
def desk_and_experiment() -> Iterator[tuple[Desk, Experiment]]:
    """Open the desk that the settings name, with the parameters of `params.yaml`."""
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    with open_desk(settings) as desk:
        yield desk, load_experiment()
