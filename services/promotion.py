"""Who reigns: aliases move on evidence, once, and can be moved back."""

from collections.abc import Mapping

from basics.errors import ConflictError, RefusedError
from basics.identifiers import content_hash
from models.comparison import Verdict
from models.predictors import FILE_NAMES, Predictor
from services.ports import ModelRegistry, ModelRun, ModelVersion

CHAMPION, CHALLENGER, SHADOW = "champion", "challenger", "shadow"
GATE_TAG = "gate"


class Promotion:
    """Moves the aliases of the registry by verdicts."""

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry

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

    def settle(self, version: ModelVersion, verdict: Verdict, *, champion_version: int) -> str:
        """Carry `verdict` on `version` out once, and return what became of it.

        The version is tagged when that is done, so that a later rollback is not undone by the
        next run. A process killed before the tag does the same again.

        Parameters
        ----------
        champion_version : int
            The version that it was judged against.

        Returns
        -------
        str
            `promoted`, `held`, or `stale` when another champion reigns by now.
        """
        if GATE_TAG in version.tags:
            return version.tags[GATE_TAG]
        name = version.name
        if verdict.promoted:
            outcome = "promoted"
            try:
                self._registry.move_alias(
                    name,
                    CHAMPION,
                    version.version,
                    expected=champion_version,
                    reason=verdict.summary,
                )
            except ConflictError:
                # Judged against a champion that no longer reigns: the evidence is stale.
                outcome = "stale"
        else:
            outcome = "held"
            before = self._registry.aliases(name).get(CHALLENGER)
            self._registry.move_alias(
                name, CHALLENGER, version.version, expected=before, reason=verdict.summary
            )
        self._registry.annotate(name, version.version, GATE_TAG, outcome)
        return outcome

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
