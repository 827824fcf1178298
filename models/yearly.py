"""What the declared kinds share: walk-forward by calendar year, one candidate, one baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from basics.arrays import IntArray
from features.labels import Labels
from features.panel import FeaturePanel
from models.assurance import Contract
from models.contest import GateRules
from models.dataset import Dataset, build_dataset
from models.intervals import IntervalMethod
from models.splits import Fold, thinned, walk_forward, year_boundaries


@dataclass(frozen=True, slots=True, kw_only=True)
class YearlyKind:
    """Terms of training and judgement, declared once and not tuned.

    Attributes
    ----------
    horizon : int
        Sessions that the label spans.
    first_test_year, refit_years : int
        The walk-forward test starts with this calendar year and refits every so many years.
    train_every : int
        Train on every so many sessions, so that labels of one series do not overlap.
    coverage : float
        Share of outcomes that the intervals shall hold.
    """

    name: str
    horizon: int = 5
    first_test_year: int = 1998
    refit_years: int = 1
    train_every: int = 5
    embargo_sessions: int = 5
    seed: int = 1
    coverage: float = 0.90
    rules: GateRules = field(default_factory=GateRules)

    @property
    def cost_rate(self) -> float | None:
        """Return None: what is foretold is not traded by itself."""
        return None

    @property
    def contract(self) -> Contract:
        """Return what interval, confidence and abstention of a prediction mean."""
        return Contract()

    def dataset(self, features: FeaturePanel, outcome: Labels) -> Dataset:
        """Return the rows."""
        return build_dataset(features, outcome)

    def folds(self, dataset: Dataset) -> list[Fold]:
        """Return the walk-forward folds over `dataset`."""
        edges = year_boundaries(dataset, first_year=self.first_test_year, every=self.refit_years)
        return list(
            walk_forward(
                dataset,
                boundaries=edges,
                embargo_sessions=self.embargo_sessions,
                train_every=self.train_every,
            )
        )

    def final_rows(self, dataset: Dataset) -> IntArray:
        """Return the rows that the version to be served is fitted on: the whole history."""
        return thinned(dataset, dataset.labelled.nonzero()[0], every=self.train_every)

    def diagnose(self, dataset: Dataset, folds: Sequence[Fold]) -> Mapping[str, float]:
        """Return nothing: the predictions show all that there is."""
        del dataset, folds
        return {}

    def intervals(self) -> IntervalMethod:
        """Return how the intervals follow the coverage that was reached."""
        return IntervalMethod(coverage=self.coverage, delay=self.horizon)

    def scale(self) -> tuple[str, float]:
        """Return no scale: all rows are equally uncertain."""
        return "", 1.0

    def setting(self) -> dict[str, object]:
        """Return all that shapes training and judgement, the estimators apart."""
        return asdict(self)
