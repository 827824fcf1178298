"""Who reigns: aliases move on evidence, once, and can be moved back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from basics.errors import MissingDataError, RefusedError
from basics.identifiers import content_hash
from models.contest import Verdict
from models.predictors import FILE_NAMES, Predictor
from services.ports import (
    AliasMove,
    ModelRegistry,
    ModelRun,
    ModelVersion,
    ResultStore,
    StoredResult,
)
from services.settlement import (
    CHALLENGER,
    CHAMPION,
    GATE_TAG,
    SHADOW,
    VERDICT_KIND,
    CarryOut,
    Settlement,
    carry_out,
    scope_of,
)

__all__ = ["CHALLENGER", "CHAMPION", "GATE_TAG", "SHADOW", "History", "Promotion", "history_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Every move of a model's aliases, and every verdict carried out, oldest first."""

    moves: tuple[AliasMove, ...]
    verdicts: tuple[StoredResult, ...]


def history_of(registry: ModelRegistry, results: ResultStore, name: str) -> History:
    """Return who reigned when and why.

    Raises
    ------
    MissingDataError
        If no version of `name` is registered.
    """
    versions = registry.versions(name)
    if not versions:
        known = ", ".join(registry.names()) or "none"
        raise MissingDataError(f"no model {name!r} is registered: there are {known}")
    scopes = set(results.scopes(VERDICT_KIND))
    return History(
        moves=tuple(registry.moves(name)),
        verdicts=tuple(
            stored
            for version in versions
            if scope_of(version) in scopes
            for stored in results.history(VERDICT_KIND, scope_of(version))
        ),
    )


class Promotion:
    """Moves the aliases of the registry by verdicts.

    Parameters
    ----------
    results : ResultStore, optional
        Where each verdict is kept as a document beside the version's own evaluation.
    """

    def __init__(self, registry: ModelRegistry, results: ResultStore | None = None) -> None:
        self._registry = registry
        self._results = results

    def ensure_baseline(
        self, name: str, *, estimator: str, model: Predictor, tags: Mapping[str, str]
    ) -> ModelVersion:
        """Return the registered naive baseline, which reigns until something beats it."""
        key = content_hash("baseline", name, estimator)
        version = self._registry.find(name, key)
        if version is None:
            run = ModelRun(
                name=name,
                estimator=estimator,
                trial_key=key,
                parameters={},
                metrics={},
                series={},
                files={f"model/{FILE_NAMES[model.format]}": model.to_native()},
                tags={"feature_set": "", "feature_hash": "", "data_version": "", **tags},
            )
            version = self._registry.register(run, format=model.format, input_key=key)
        if CHAMPION not in self._registry.aliases(name):
            self._registry.move_alias(
                name, CHAMPION, version.version, expected=None, reason="the naive baseline"
            )
        return version

    def settle(
        self,
        version: ModelVersion,
        verdict: Verdict,
        *,
        champion_version: int,
        desk_date: date | None = None,
        by: CarryOut = carry_out,
    ) -> str:
        """Carry `verdict` on `version` out once, whole or not at all; return what became of it.

        The version is tagged when that is done, so that a later rollback is not undone by the
        next run. A process killed before the tag does the same again.

        Parameters
        ----------
        champion_version : int
            The version that it was judged against.
        desk_date : date, optional
            The last session judged, under which the verdict is kept as a document.
        by : callable
            Carries the steps out: in plain order, or as a transaction of a flow.

        Returns
        -------
        str
            `promoted`, `held`, or `stale` when another champion reigns by now.
        """
        if version.tags.get(GATE_TAG):
            return version.tags[GATE_TAG]
        settlement = Settlement(
            self._registry,
            version,
            verdict,
            champion_version=champion_version,
            results=self._results,
            desk_date=desk_date,
        )
        by(settlement)
        return settlement.outcome

    def rollback(self, name: str, *, reason: str = "rolled back by hand") -> ModelVersion:
        """Give the champion's place back to the version that had it before, and return that.

        Rolling back twice steps back twice: a move that was undone is passed over.

        Raises
        ------
        RefusedError
            If no earlier champion is on record.
        """
        now = self._registry.resolve(name, CHAMPION)
        earlier: list[int] = []
        for move in self._registry.moves(name):
            if move.alias != CHAMPION:
                continue
            if earlier and move.after == earlier[-1]:
                earlier.pop()
            elif move.before is not None:
                earlier.append(move.before)
        if not earlier:
            raise RefusedError(f"{now.label} is the first champion of {name}: none came before it")
        before = self._registry.resolve(name, earlier[-1])
        self._registry.move_alias(
            name, CHAMPION, before.version, expected=now.version, reason=reason
        )
        return before
