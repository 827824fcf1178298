"""How much was tried to find the models that a portfolio follows.

A fill knows the version that it followed, and the registry every configuration that was ever run
for a model. A trial's Sharpe ratio is per period of the model's horizon; over a horizon of h
sessions it is the square root of h times that of a session, if sessions are independent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from basics.errors import UnavailableError
from basics.trading import Fill
from services.accounting import Accounting
from services.pnl_figures import TrialsBehind
from services.ports import KeptBooks, ModelRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCounts:
    """Counts the trials behind a portfolio.

    Attributes
    ----------
    accounting : callable
        Returns the books of what a dataset of prices lets the desk trade.
    horizons : mapping of str to int
        Sessions that a model's trials look ahead, by its name.
    """

    registry: ModelRegistry
    accounting: Callable[[str], Accounting]
    horizons: Mapping[str, int]

    def behind(self, kept: KeptBooks) -> TrialsBehind | None:
        """Return what was tried; None where no fill followed a model, or nobody can tell now."""
        events = self.accounting(kept.dataset).events(kept.run_id, portfolio=kept.portfolio)
        labels = {
            event.lineage.followed_model
            for _, event in events
            if isinstance(event, Fill) and event.lineage.followed_model
        }
        names = sorted({label.partition(" v")[0] for label in labels})
        try:
            tried = {name: self.registry.trials(name) for name in names}
        except UnavailableError:
            return None
        count = sum(len(trials) for trials in tried.values())
        if not count:
            return None
        # A horizon that is not known tells nothing about a session.
        sessions = [
            sharpe / np.sqrt(self.horizons[name])
            for name, trials in tried.items()
            if name in self.horizons
            for sharpe in trials.values()
            if sharpe is not None
        ]
        return TrialsBehind(
            count=count,
            source=f"the MLflow experiment of {' and '.join(names)}",
            sharpe_variance=float(np.var(sessions, ddof=1)) if len(sessions) > 1 else None,
        )
