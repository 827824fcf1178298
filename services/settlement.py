"""A verdict carried out in steps that can each be taken back: whole, or as if it never was.

Check the version, move the alias, keep the verdict as a document, tag the version. If a step
fails, those before it are undone in reverse, and the alias stands where it stood. A process that is
killed undoes nothing; the next run carries the same verdict out again and finds what is done
already.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import numpy as np

from basics.errors import ConflictError, QuantDeskError, RefusedError
from models.contest import Verdict
from services import model_documents as documents
from services.ports import ModelRegistry, ModelVersion, ResultStore
from services.predictions import Predictions

CHAMPION, CHALLENGER, SHADOW = "champion", "challenger", "shadow"
GATE_TAG = "gate"
VERDICT_KIND = "models.verdict"
PROMOTED, HELD, STALE = "promoted", "held", "stale"
EXAMPLE_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and how it is taken back."""

    name: str
    do: Callable[[], None]
    undo: Callable[[], None]


class Settlement:
    """One verdict on one version, ready to be carried out.

    Parameters
    ----------
    champion_version : int
        The version that it was judged against.
    results : ResultStore, optional
        Where the verdict is kept as a document; with `desk_date`, the last session judged.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        version: ModelVersion,
        verdict: Verdict,
        *,
        champion_version: int,
        results: ResultStore | None = None,
        desk_date: date | None = None,
    ) -> None:
        self._registry = registry
        self._version = version
        self._verdict = verdict
        self._against = champion_version
        self._results = results
        self._desk_date = desk_date
        self._before = dict(registry.aliases(version.name))
        self.outcome = PROMOTED if verdict.promoted else HELD

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in order; carrying them out twice is as once."""
        return (
            Step("check the version", self._check, _nothing),
            Step("move the alias", self._move, self._move_back),
            Step("keep the verdict", self._keep, self._keep_undone),
            Step("tag the version", self._tag, self._untag),
        )

    def _check(self) -> None:
        """Load the version as a server does, and ask it the example that it was made with."""
        served = Predictions(self._registry).load(self._version)
        if documents.MANIFEST not in self._version.sha256:
            return  # Made before there were examples, or by a kind that keeps none.
        manifest = documents.read_manifest(self._registry.read(self._version, documents.MANIFEST))
        told = float(served.values(np.array([manifest.example]))[0])
        if not np.isclose(told, manifest.example_prediction, rtol=EXAMPLE_TOLERANCE, atol=0.0):
            raise RefusedError(
                f"{self._version.label} says {told!r} of its own example, not "
                f"{manifest.example_prediction!r}: it is not served, train it again"
            )

    def _move(self) -> None:
        name, version = self._version.name, self._version.version
        try:
            self._registry.move_alias(
                name,
                self._alias,
                version,
                expected=self._against
                if self.outcome == PROMOTED
                else self._before.get(CHALLENGER),
                reason=self._verdict.summary,
            )
        except ConflictError:
            # Judged against a champion that no longer reigns: the evidence is stale.
            self.outcome = STALE
            return
        if self._registry.aliases(name).get(self._alias) != version:
            raise RefusedError(f"alias {self._alias} of {name} did not move to {version}")

    def _move_back(self) -> None:
        name, stood = self._version.name, self._before.get(self._alias)
        stands = self._registry.aliases(name).get(self._alias)
        if stands == self._version.version and stands != stood:
            self._registry.move_alias(
                name, self._alias, stood, expected=stands, reason="a step of the promotion failed"
            )

    def _keep(self) -> None:
        self._put(self.outcome)

    def _keep_undone(self) -> None:
        self._put("undone")

    def _put(self, outcome: str) -> None:
        if self._results is None or self._desk_date is None:
            return
        self._results.put(
            VERDICT_KIND,
            scope_of(self._version),
            self._desk_date,
            self.document(outcome),
            {
                key: self._version.tags.get(key, "")
                for key in ("data_version", "feature_hash", "code_version", "input_key")
            },
        )

    def document(self, outcome: str) -> Mapping[str, Any]:
        """Return the verdict with its evidence, and what became of it."""
        return {
            "model": self._version.name,
            "version": self._version.version,
            "estimator": self._version.estimator,
            "outcome": outcome,
            "judged_against": self._against,
            "aliases_before": self._before,
            "aliases_after": dict(self._registry.aliases(self._version.name)),
            "verdict": msgspec.to_builtins(self._verdict),
        }

    def _tag(self) -> None:
        self._registry.annotate(self._version.name, self._version.version, GATE_TAG, self.outcome)

    def _untag(self) -> None:
        """Leave the version as one on which no verdict was carried out: the next run does."""
        name, version = self._version.name, self._version.version
        if self._registry.resolve(name, version).tags.get(GATE_TAG):
            self._registry.annotate(name, version, GATE_TAG, "")

    @property
    def _alias(self) -> str:
        return CHAMPION if self._verdict.promoted else CHALLENGER


CarryOut = Callable[[Settlement], None]


def carry_out(settlement: Settlement) -> None:
    """Carry the steps out in order; if one fails, take it and those before it back."""
    begun: list[Step] = []
    try:
        for step in settlement.steps:
            begun.append(step)
            step.do()
    except BaseException as error:
        for step in reversed(begun):
            try:
                step.undo()
            except QuantDeskError as hindrance:
                # The rest is taken back all the same.
                error.add_note(f"{step.name} could not be taken back: {hindrance}")
        raise


def scope_of(version: ModelVersion) -> str:
    """Return the scope under which a version's verdict is kept, for example `price v3`."""
    return f"{version.name} v{version.version}"


def _nothing() -> None:
    """Take nothing back: the step changes nothing that counts by itself."""
