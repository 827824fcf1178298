"""The proof that must pass before a kind of model is trained: its features and its label, tried.

The kinds make features and labels from a panel in their own ways; a proof holds how, so that both
can be made again from a history without its future, with another future, and from a later
beginning (`features.leakage`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from features.definitions import FeatureSet
from features.labels import Labels
from features.leakage import LeakageReport, prove_features, prove_labels, prove_panel
from features.panel import FeaturePanel
from market.panel import Panel

# Where each symbol is computed by itself, more symbols prove nothing new and cost time.
MAX_SYMBOLS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakProof:
    """How the features and the label of a kind are made.

    Attributes
    ----------
    label : callable
        Makes the label of a panel.
    panel : Panel
        What both are made from.
    features : callable, optional
        Makes the kind's own features, each symbol by itself.
    feature_set : tuple of FeatureSet and Panel, optional
        The set of the catalogue that it reads, and the bars that the set is computed from.
    """

    label: Callable[[Panel], Labels]
    panel: Panel
    features: Callable[[Panel], FeaturePanel] | None = None
    feature_set: tuple[FeatureSet, Panel] | None = None

    def run(self, rng: np.random.Generator) -> tuple[LeakageReport, ...]:
        """Try everything; one report for each part."""
        reports = [prove_labels(self.label, self.panel, rng=rng)]
        if self.features is not None:
            reports.append(prove_panel(self.features, _few(self.panel), rng=rng))
        if self.feature_set is not None:
            reports.append(prove_features(*self.feature_set, rng=rng))
        return tuple(reports)

    def require_clean(self, rng: np.random.Generator) -> None:
        """Refuse to go on if anything leaks.

        Raises
        ------
        RefusedError
            With the first leak.
        """
        for report in self.run(rng):
            report.require_clean()


def _few(panel: Panel) -> Panel:
    """Return the panel of the symbols that have the most bars."""
    bars = np.isfinite(next(iter(panel.fields.values()))).sum(axis=1)
    rows = np.sort(np.argsort(-bars, kind="stable")[:MAX_SYMBOLS])
    fields = {name: values[rows] for name, values in panel.fields.items()}
    return replace(panel, symbols=tuple(panel.symbols[i] for i in rows), fields=fields)
