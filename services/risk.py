"""The risk of a book: compute it, keep it, show it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from basics.errors import MissingDataError
from risk.limits import Limit
from risk.profile import RiskProfile
from risk.score import Level
from risk.stress import StressScenario
from services.limit_register import LimitRegister
from services.ports import JsonDocument, ResultStore, StoredResult
from services.risk_inputs import PreviousRisk, RiskInputs

if TYPE_CHECKING:
    from services.multi_asset_valuation import MultiAssetInputs

PROFILE_KIND = "risk.profile"
LOOKBACK = 1000  # Sessions of history behind an estimate.
# The estimate behind the limits, see `services.risk_measures`.
HEADLINE_TAIL = ("historical", 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskService:
    """Profiles books against one policy.

    Attributes
    ----------
    limits, scenarios
        The policy in force, see `policy/`.
    policy_version : str
        Hash of the policy files, part of every result's lineage.
    lookback : int
        Sessions of history behind an estimate.
    seed : int
        Of what is simulated, such as the critical values of the ES tests.
    register : LimitRegister or None
        Where breaches are logged when a profile is stored.
    multi_asset_scenarios : sequence of StressScenario
        Beside `scenarios`, for books that hold curves, currencies and options.
    """

    limits: Sequence[Limit]
    scenarios: Sequence[StressScenario]
    results: ResultStore
    policy_version: str
    lookback: int = LOOKBACK
    seed: int = 0
    register: LimitRegister | None = None
    multi_asset_scenarios: Sequence[StressScenario] = ()

    def multi_asset_profile(self, inputs: "MultiAssetInputs") -> RiskProfile:
        """Compute the profile of a book of every kind of instrument; it has the same form."""
        import numpy as np

        from services.multi_asset_risk import multi_asset_profile

        return multi_asset_profile(
            inputs,
            limits=self.limits,
            scenarios=(*self.scenarios, *self.multi_asset_scenarios),
            lookback=self.lookback,
            rng=np.random.default_rng(self.seed),
        )

    def profile(self, inputs: RiskInputs, *, with_evidence: bool = True) -> RiskProfile:
        """Compute the profile of one book; the same inputs give the same profile.

        Parameters
        ----------
        with_evidence : bool
            Whether the estimators are backtested; a what-if needs the limits alone, at a tenth
            of the time.
        """
        # Numbers are imported when computed, not when shown: `latest` must answer at once.
        import numpy as np

        from services.risk_profile import compute_profile

        return compute_profile(
            inputs,
            limits=self.limits,
            scenarios=self.scenarios,
            lookback=self.lookback,
            rng=np.random.default_rng(self.seed) if with_evidence else None,
        )

    def store(self, profile: RiskProfile, *, lineage: JsonDocument) -> None:
        """Keep the profile as the document of its scope and date, replacing an earlier one.

        Its breaches are logged, each once a day, limit and threshold.
        """
        self.results.put(
            PROFILE_KIND,
            profile.scope,
            profile.as_of,
            profile_document(profile),
            {**lineage, "policy_version": self.policy_version, "lookback": self.lookback},
        )
        if self.register is not None:
            self.register.log(profile.scope, profile.limits, as_of=profile.as_of)

    def latest(self, scope: str) -> StoredResult:
        """Return the stored profile with the latest date.

        Raises
        ------
        MissingDataError
            If none was stored for that scope.
        """
        return self.results.latest(PROFILE_KIND, scope)

    def previous(self, scope: str, *, before: date) -> PreviousRisk | None:
        """Return what was last published for `scope` ahead of `before`, None if nothing was.

        A profile of the same day is passed over, so that computing a day twice gives one answer.
        """
        try:
            last = self.results.latest(PROFILE_KIND, scope, until=before - timedelta(days=1))
        except MissingDataError:
            return None
        headline = (
            tail["value_at_risk"]
            for tail in last.payload["tails"]
            if (tail["method"], tail["confidence"]) == HEADLINE_TAIL
        )
        return PreviousRisk(
            as_of=last.desk_date,
            level=Level(last.payload["level"]),
            lookback=last.lineage.get("lookback"),
            value_at_risk=next(headline, None),
        )


def profile_document(profile: RiskProfile) -> Mapping[str, Any]:
    """Return the profile as plain JSON values."""
    document: Mapping[str, Any] = msgspec.to_builtins(profile)
    return document
