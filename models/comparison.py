"""A comparison is a verdict with its evidence.

A candidate is promoted only if it beats the reigning champion and the naive baseline out of
sample, and its profit survives the number of trials that were run. Every figure that decided
stands in the verdict, and so does every rule that failed.
"""

from collections.abc import Sequence

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from measures.evidence import diebold_mariano
from measures.evidence_bootstrap import superior_predictive_ability
from measures.evidence_selection import (
    deflated_sharpe,
    expected_maximum_sharpe,
    minimum_track_record,
    probability_of_overfitting,
    sharpe_moments,
)
from models.contest import (
    Contender,
    Contest,
    GateRules,
    RivalEvidence,
    Rule,
    Trials,
    Verdict,
)


def judge(
    contest: Contest, *, trials: Trials, rules: GateRules, generator: np.random.Generator
) -> Verdict:
    """Hold the candidate against champion, baseline and every other model that was tried.

    Raises
    ------
    MissingDataError
        If there are too few sessions to tell.
    """
    candidate, champion, baseline = contest.candidate, contest.champion, contest.baseline
    evidence = tuple(_against(contest, rival, rules) for rival in contest.field[1:])
    by_name = {row.rival: row for row in evidence}
    checks = [
        _beats(role, by_name[rival.name])
        for role, rival in (("baseline", baseline), ("champion", champion))
    ]
    if contest.renews is not None:
        checks.append(_keeps_up(by_name[contest.renews.name], rules))
    search, figures = _search(contest, rules, generator)
    checks.append(search)
    if candidate.returns is not None:
        profit, profit_figures = _profit(contest, candidate.returns, trials=trials, rules=rules)
        checks += profit
        figures |= profit_figures
    if contest.simulated:
        rests = f"the features read {', '.join(sorted(contest.simulated))}, which are simulated"
        checks.append(Rule(name="rests on observed data", passed=False, detail=rests))
    promoted = all(rule.passed for rule in checks)
    return Verdict(
        candidate=candidate.name,
        champion=champion.name,
        baseline=baseline.name,
        promoted=promoted,
        baseline_wins=not by_name[baseline.name].candidate_wins,
        summary=_in_words(candidate, champion, promoted=promoted, checks=checks),
        rules=tuple(checks),
        evidence=evidence,
        trials=trials.count,
        figures=figures,
    )


def _beats(role: str, row: RivalEvidence) -> Rule:
    return Rule(
        name=f"beats the {role}",
        passed=row.candidate_wins,
        detail=f"DM {row.statistic:+.2f}, p {row.p_value:.4f} against {row.rival} on {row.metric}",
    )


def _keeps_up(row: RivalEvidence, rules: GateRules) -> Rule:
    """Return the rule on a method renewed on newer data: it may not lose more than it did."""
    return Rule(
        name="keeps up with the version it renews",
        passed=row.p_value <= 1.0 - rules.significance,
        detail=f"DM {row.statistic:+.2f}, p {row.p_value:.4f} against {row.rival} on {row.metric}",
    )


def _search(
    contest: Contest, rules: GateRules, generator: np.random.Generator
) -> tuple[Rule, dict[str, float]]:
    """Return the rule on data snooping: the best of all models must beat the champion."""
    rivals = [c for c in contest.field if c.name != contest.champion.name]
    spa = superior_predictive_ability(
        contest.champion.losses,
        np.stack([c.losses for c in rivals]),
        block=max(2.0, 2.0 * contest.horizon),
        generator=generator,
        resamples=rules.bootstrap_resamples,
    )
    rule = Rule(
        name="survives the search",
        passed=spa.p_value <= rules.significance,
        detail=f"SPA p {spa.p_value:.4f} over {len(rivals)} models against {contest.champion.name}",
    )
    return rule, {"spa_p_value": spa.p_value}


def _against(contest: Contest, rival: Contender, rules: GateRules) -> RivalEvidence:
    candidate = contest.candidate
    test = diebold_mariano(candidate.losses, rival.losses, horizon=contest.horizon)
    return RivalEvidence(
        rival=rival.name,
        metric=contest.metric,
        candidate_loss=float(candidate.losses.mean()),
        rival_loss=float(rival.losses.mean()),
        statistic=test.statistic,
        p_value=test.p_value,
        p_value_two_sided=test.p_value_two_sided,
        sessions=test.observations,
        candidate_wins=test.mean_difference < 0 and test.p_value <= rules.significance,
    )


def _profit(
    contest: Contest, returns: FloatArray, *, trials: Trials, rules: GateRules
) -> tuple[list[Rule], dict[str, float]]:
    """Return the rules on profit: deflated Sharpe ratio and probability of overfitting."""
    try:
        moments = sharpe_moments(returns)
    except MissingDataError as error:
        return [Rule(name="profit beyond luck", passed=False, detail=str(error))], {}
    hurdle = expected_maximum_sharpe(trials=trials.count, variance=trials.sharpe_variance)
    deflated = deflated_sharpe(moments, trials=trials.count, variance=trials.sharpe_variance)
    overfitting, among = _overfitting(contest)
    checks = [
        Rule(
            name="profit beyond luck",
            passed=deflated >= rules.min_deflated_sharpe,
            detail=f"deflated Sharpe {deflated:.3f} over {trials.count} trials: "
            f"{moments.sharpe:.3f} a period against {hurdle:.3f} by luck",
        ),
        Rule(
            name="not overfitted",
            passed=overfitting <= rules.max_overfitting,
            detail=f"probability of overfitting {overfitting:.2f} among {among}",
        ),
    ]
    track_record = minimum_track_record(moments)
    # A loss has no track record long enough; JSON has no infinity.
    lasting = {"minimum_track_record_periods": track_record} if track_record < np.inf else {}
    return checks, lasting | {
        "sharpe_per_period": moments.sharpe,
        "skewness": moments.skewness,
        "kurtosis": moments.kurtosis,
        "sharpe_by_luck": hurdle,
        "deflated_sharpe": deflated,
        "periods": float(moments.observations),
        "overfitting_probability": overfitting,
    } | _along_paths(contest)


def _overfitting(contest: Contest) -> tuple[float, str]:
    """Return the probability that selection made the record, and among what it was measured.

    Along every combinatorial path where there are some; else on the one walk forward.
    """
    if not contest.paths:
        family = np.stack([c.returns for c in contest.field if c.returns is not None])
        return probability_of_overfitting(family).probability, f"{len(family)} models"
    models = np.stack(list(contest.paths.values()))
    count = models.shape[1]
    found = [probability_of_overfitting(models[:, p]).probability for p in range(count)]
    return float(np.mean(found)), f"{len(models)} models along {count} combinatorial purged paths"


def _along_paths(contest: Contest) -> dict[str, float]:
    """Return the candidate's Sharpe ratio a period along its paths: the least and the middle."""
    own = contest.paths.get(contest.candidate.name)
    if own is None:
        return {}
    spread = own.std(axis=1, ddof=1)
    sharpe = np.divide(own.mean(axis=1), spread, out=np.zeros(len(own)), where=spread > 0)
    return {
        "path_sharpe_least": float(sharpe.min()),
        "path_sharpe_median": float(np.median(sharpe)),
    }


def _in_words(
    candidate: Contender, champion: Contender, *, promoted: bool, checks: Sequence[Rule]
) -> str:
    if promoted:
        return f"{candidate.name} takes over from {champion.name}: every rule of the gate held"
    failed = "; ".join(f"{rule.name}: no ({rule.detail})" for rule in checks if not rule.passed)
    return f"{champion.name} stays champion; {candidate.name} failed: {failed}"
