"""Models, the runs that made them, and the aliases by which they are served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One registered version of a model.

    Attributes
    ----------
    name, version
        `price` and 3 are the third version of the price model.
    estimator : str
        What it is, for example `lightgbm` or `zero`.
    format : str
        Native form of the model file, for example `lightgbm-text`.
    input_key : str
        Hash of all that shaped it (data, features, settings, code): the same inputs never
        make a second version.
    sha256 : mapping of str to str
        Digest of the files that serving reads, by name; signed by the registry.
    folder : str
        Where its files lie.
    """

    name: str
    version: int
    estimator: str
    format: str
    feature_set: str
    feature_hash: str
    data_version: str
    input_key: str
    sha256: Mapping[str, str]
    folder: str
    run_id: str
    created_at: datetime
    tags: Mapping[str, str]

    @property
    def label(self) -> str:
        """The version in a word, for example `price v3 lightgbm`."""
        return f"{self.name} v{self.version} {self.estimator}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRun:
    """One thing that was tried, to be kept with all that describes it.

    Attributes
    ----------
    trial_key : str
        Hash of the configuration: the same configuration run twice is one trial.
    series : mapping of str to sequence of (int, float)
        Metrics by step: the year where the name ends in `_by_year`, months since January 1970
        where it ends in `_by_month`; a registry that has a time axis shows them at their time.
    files : mapping of str to bytes
        Artefacts by relative path.
    """

    name: str
    estimator: str
    trial_key: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    series: Mapping[str, Sequence[tuple[int, float]]]
    files: Mapping[str, bytes]
    tags: Mapping[str, str]


# The run that holds a study's trials together: its key begins so, and it is no trial itself.
STUDY_PREFIX = "study:"
STUDY_TAG = "study"
PARENT_TAG = "mlflow.parentRunId"
TUNING_LOSS = "tuning_loss_by_year"


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMove:
    """An alias that was moved: from which version to which (None: it meant none), and why."""

    alias: str
    before: int | None
    after: int | None
    reason: str
    moved_at: datetime


class ModelRegistry(Protocol):
    """Keeps models, the runs that made them, and the aliases by which they are served.

    Every method raises `UnavailableError` when the registry does not answer.
    """

    def record(self, run: ModelRun) -> str:
        """Keep a run that makes no version, and return its id; the same trial is kept once."""
        ...

    def register(self, run: ModelRun, *, format: str, input_key: str) -> ModelVersion:
        """Keep a run and make its version, in one step that is whole or absent.

        A version with this input key that stands already is returned as it is.
        """
        ...

    def find(self, name: str, input_key: str) -> ModelVersion | None:
        """Return the version that these inputs made, if any."""
        ...

    def resolve(self, name: str, alias_or_version: str | int) -> ModelVersion:
        """Return the version that an alias or a number means; `MissingDataError` if none."""
        ...

    def names(self) -> Sequence[str]:
        """Return the names of all models, sorted."""
        ...

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Return every version, oldest first."""
        ...

    def aliases(self, name: str) -> Mapping[str, int]:
        """Return which version each alias means."""
        ...

    def move_alias(
        self, name: str, alias: str, version: int | None, *, expected: int | None, reason: str
    ) -> None:
        """Point `alias` to `version`, or take it away for None.

        `ConflictError` if it does not stand on `expected`.
        """
        ...

    def moves(self, name: str) -> Sequence[AliasMove]:
        """Return every move of an alias, oldest first."""
        ...

    def annotate(self, name: str, version: int, key: str, value: str) -> None:
        """Write a tag on a version; tags that the registry signed are refused."""
        ...

    def read(self, version: ModelVersion, file: str) -> bytes:
        """Return one of the version's files.

        A signed file must match its digest, and the digest its signature: `RefusedError` if
        it was tampered with or cut short, `MissingDataError` if it is gone.
        """
        ...

    def study(self, name: str, key: str) -> Mapping[str, Mapping[int, float]]:
        """Return the trials of a tuning study that ended: by trial key, their losses by step."""
        ...

    def trials(self, name: str) -> Mapping[str, float | None]:
        """Return the Sharpe ratio of every trial ever run, by trial key; None where it has none."""
        ...
