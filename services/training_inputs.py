"""What a model is made from, and the names that follow from it."""

from dataclasses import dataclass, field
from datetime import date

from basics.identifiers import content_hash
from features.labels import Labels
from features.panel import FeaturePanel
from models.estimators import Estimator
from models.kinds import KindSpec
from models.price import PriceSpec
from services.leak_proof import LeakProof


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingInputs:
    """What a model is made from.

    Attributes
    ----------
    outcome : Labels
        Forward returns; the target is made from them.
    data_version : str
        Content hash of the dataset that both were computed from.
    lake_version : str
        Content hash of the lake's dataset, where `data_version` rests on more than it.
    sound : FeaturePanel or None
        The features without what was planted into them, where errors were.
    gate_until : date or None
        The gate looks at sessions before this day alone, so that what is traded from it on
        has decided nothing; all of them when None.
    proof : LeakProof or None
        How features and outcome are made: tried before anything is trained. None where the
        caller has tried them, or holds features that nobody can make again.
    """

    features: FeaturePanel
    outcome: Labels
    data_version: str
    spec: KindSpec = field(default_factory=PriceSpec)
    gate_until: date | None = None
    sound: FeaturePanel | None = None
    proof: LeakProof | None = None
    lake_version: str = ""

    @property
    def asked(self) -> FeaturePanel:
        """The features that a version is asked on: never those with planted errors."""
        return self.features if self.sound is None else self.sound

    def trial_key(self, estimator: Estimator, *, code_version: str) -> str:
        """Name a configuration: what was tried, whatever the data."""
        return content_hash(
            self.spec.setting(),
            estimator.name,
            dict(estimator.parameters()),
            self.features.content_hash,
            self.outcome.name,
            code_version,
        )

    def input_key(self, *, code_version: str) -> str:
        """Name all that shapes the candidate's version."""
        return content_hash(
            self.trial_key(self.spec.candidate(), code_version=code_version),
            self.data_version,
            self.gate_until,
            list(self.features.symbols),
        )
