"""Tests of `services.risk`: one book, complete, with its evidence; and books gone wrong."""

from dataclasses import replace
from datetime import date

import msgspec
import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from market.panel import Panel
from risk.book import Holding
from risk.limits import Limit, Scope
from risk.profile import RiskProfile
from risk.score import Level
from risk.shocks import Shock
from risk.stress import Basis, StressScenario
from services.ports import StoredResult
from services.risk import RiskService, profile_document
from services.risk_advice import advised_profile
from services.risk_inputs import History, PreviousRisk, RiskInputs

N_SESSIONS, N_LIFE = 1100, 300
SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
SECTORS = {"AAA": "tech", "BBB": "tech", "CCC": "energy"}
SESSIONS = np.arange("2018-01-01", N_SESSIONS, dtype="datetime64[D]")
LIMITS = (
    Limit(metric="weight", scope=Scope.SYMBOL, warn=0.1, soft=0.2, hard=0.3, owner="risk"),
    Limit(metric="drawdown", scope=Scope.PORTFOLIO, warn=0.1, soft=0.15, hard=0.2, owner="risk"),
    Limit(
        metric="value_at_risk_99", scope=Scope.PORTFOLIO, warn=0.1, soft=0.2, hard=0.3, owner="risk"
    ),
)
SCENARIOS = (
    StressScenario(
        name="market_crash",
        title="Crash",
        description="d",
        basis=Basis.REVALUATION,
        shock=Shock(market_return=-0.2),
    ),
    StressScenario(
        name="interest_rate_shock",
        title="Rates",
        description="d",
        basis=Basis.REVALUATION,
        shock=Shock(rate_change=0.01),
    ),
)


class KeptResults:
    """A result store that keeps documents in a dictionary."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], StoredResult] = {}

    def put(self, kind, scope, desk_date, payload, lineage) -> None:
        stored_at = None
        self.documents[kind, scope] = StoredResult(
            kind, scope, desk_date, payload, lineage, stored_at
        )

    def latest(self, kind, scope, *, until=None) -> StoredResult:
        found = self.documents.get((kind, scope))
        if found is None or (until is not None and found.desk_date > until):
            raise MissingDataError("nothing is stored")
        return found

    def history(self, kind, scope):
        return [d for key, d in self.documents.items() if key == (kind, scope)]

    def scopes(self, kind):
        return sorted(scope for k, scope in self.documents if k == kind)


def make_inputs(**changes) -> RiskInputs:
    rng = np.random.default_rng(12)
    market = rng.standard_t(5, size=N_SESSIONS) * 0.006
    returns = market + rng.normal(scale=0.008, size=(4, N_SESSIONS))
    close = 100 * np.cumprod(1 + returns, axis=1)
    prices = Panel(SYMBOLS, SESSIONS, {"close": close})
    quantities = np.array([2000.0, 1500.0, -500.0, 100.0])
    values = quantities * close[:, -1]
    exposures = quantities[:, None] * close[:, -N_LIFE:]
    pnl = (exposures[:, :-1] * returns[:, -N_LIFE + 1 :]).sum(axis=0)
    equity = 400_000 + np.concatenate([[0.0], np.cumsum(pnl)])
    months = np.arange("2017-12", "2021-12", dtype="datetime64[M]")
    given = {
        "scope": "main",
        "as_of": SESSIONS[-1].astype(date),
        "holdings": {
            s: Holding(float(q), float(v))
            for s, q, v in zip(SYMBOLS, quantities, values, strict=True)
        },
        "prices": prices,
        "equity": History(SESSIONS[-N_LIFE:], equity),
        "sectors": SECTORS,
        "exposures": Panel(SYMBOLS, SESSIONS[-N_LIFE:], {"exposure": exposures}),
        "yields": {
            "AAA": History(
                months.astype("datetime64[D]"), 0.03 + 0.001 * rng.normal(size=len(months))
            )
        },
        "daily_notional": {"AAA": 1e7, "BBB": 2e7},
        "volume_simulated": True,
    }
    return RiskInputs(**(given | changes))


SERVICE = RiskService(
    limits=LIMITS, scenarios=SCENARIOS, results=KeptResults(), policy_version="v1", lookback=500
)


@pytest.fixture(scope="module")
def profile() -> RiskProfile:
    return SERVICE.profile(make_inputs())


def test_every_method_has_every_confidence_and_its_rule(profile: RiskProfile) -> None:
    one_day = [t for t in profile.tails if t.horizon_days == 1]
    assert len(one_day) == 3 * len({t.method for t in one_day})
    for tail in profile.tails:
        assert tail.expected_shortfall >= tail.value_at_risk > 0
        assert tail.var_fraction == pytest.approx(tail.value_at_risk / profile.equity)
        assert tail.quantile_rule in {"acerbi_tasche", "closed_form"}
    assert sum(t.best for t in profile.tails) == 3


def test_evidence_covers_the_books_own_life(profile: RiskProfile) -> None:
    assert profile.backtest_basis.startswith("the book's own history: 299 sessions")
    assert {b.n_days for b in profile.backtests} == {299}
    forecast = profile.forecast
    assert forecast is not None
    assert len(forecast.sessions) == len(forecast.realised) == len(forecast.value_at_risk) == 299
    beyond = sum(-r > v for r, v in zip(forecast.realised, forecast.value_at_risk, strict=True))
    (test,) = [
        b for b in profile.backtests if b.estimator == forecast.method and b.confidence == 0.99
    ]
    assert test.exceedances == beyond
    assert test.kupiec_p == forecast.kupiec_p


def test_components_sum_to_their_totals(profile: RiskProfile) -> None:
    by_position = sum(p.component_var for p in profile.positions)
    assert sum(profile.components_by_sector.values()) == pytest.approx(by_position, rel=1e-9)
    historical = next(t for t in profile.tails if t.method == "historical" and t.confidence == 0.99)
    assert sum(p.component_es for p in profile.positions) == pytest.approx(
        historical.expected_shortfall, rel=1e-9
    )


def test_every_split_of_the_risk_sums_to_the_book() -> None:
    inputs = make_inputs()
    rng = np.random.default_rng(1)
    market = inputs.prices["close"].mean(axis=0)
    inputs = replace(
        inputs,
        strategies={
            "one": {"AAA": inputs.holdings["AAA"].market_value / 2},
            "two": {"AAA": inputs.holdings["AAA"].market_value / 2},
        },
        factors={
            "market": History(SESSIONS[1:], market[1:] / market[:-1] - 1),
            "noise": History(SESSIONS[1:], rng.normal(scale=0.01, size=N_SESSIONS - 1)),
        },
    )

    profile = SERVICE.profile(inputs, with_evidence=False)

    by_position = sum(p.component_var for p in profile.positions)
    for split in ("strategy", "sector", "factor"):
        rows = [row for row in profile.decomposition if row.by == split]
        assert sum(row.component_var for row in rows) == pytest.approx(by_position)
        assert sum(row.component_es for row in rows) == pytest.approx(
            sum(p.component_es for p in profile.positions)
        )
    names = {row.name for row in profile.decomposition if row.by == "strategy"}
    assert names == {"one", "two", "unassigned"}


def test_movement_ends_at_the_published_number_and_its_parts_sum(profile: RiskProfile) -> None:
    moved = profile.movement
    headline = next(t for t in profile.tails if (t.method, t.confidence) == ("historical", 0.99))
    assert moved.after == pytest.approx(headline.value_at_risk)
    assert moved.positions + moved.market_data + moved.model == pytest.approx(
        moved.after - moved.before
    )
    assert moved.positions == pytest.approx(0.0, abs=1e-6)  # Nothing was traded.
    assert moved.since == SESSIONS[-2].astype(date)
    assert moved.restated is None


def test_a_changed_lookback_is_told_as_the_model_and_a_correction_as_restated() -> None:
    previous = PreviousRisk(
        as_of=SESSIONS[-2].astype(date), level=Level.LOW, lookback=400, value_at_risk=100.0
    )
    moved = SERVICE.profile(make_inputs(previous=previous), with_evidence=False).movement
    assert moved.model != 0.0
    assert moved.restated == pytest.approx(moved.before - 100.0)


def test_joint_laws_have_rows_with_evidence_and_a_sampling_error(profile: RiskProfile) -> None:
    rows = [t for t in profile.tails if t.sampling_error is not None]
    assert {t.method for t in rows} == {
        "monte_carlo_normal", "monte_carlo_factor", "monte_carlo_quasi", "monte_carlo_t_copula",
    }  # fmt: skip
    normal = {(t.method, t.confidence): t.value_at_risk for t in profile.tails}
    assert normal["monte_carlo_normal", 0.99] == pytest.approx(normal["normal", 0.99], rel=0.08)
    tested = {b.estimator: b for b in profile.backtests if b.confidence == 0.975}
    assert all(tested[t.method].z3 is not None for t in rows)


def test_the_rest_of_the_measures_is_in_the_profile(profile: RiskProfile) -> None:
    measures = profile.measures
    assert 0 < measures.drawdown_at_risk <= measures.conditional_drawdown_at_risk
    assert measures.conditional_drawdown_at_risk <= measures.max_drawdown
    assert all(n is not None for n in (measures.sharpe, measures.sortino, measures.calmar))
    assert 0 < measures.spread_cost <= measures.liquidation_cost
    assert profile.tail_shape.average_tail_dependence > 0.05
    assert [v.estimate for v in profile.covariances] == [
        "sample", "ewma", "ledoit_wolf", "factor",
    ]  # fmt: skip


def test_stress_contributions_sum_and_the_rate_note_states_the_last_month(
    profile: RiskProfile,
) -> None:
    for stress in profile.stresses:
        assert sum(stress.contributions.values()) == pytest.approx(stress.loss)
    assert "2018-01 to 2021-01" in profile.stresses[1].note


def test_found_scenarios_are_replayed_or_left_out() -> None:
    def found(**changes) -> StressScenario:
        return StressScenario(title="t", description="d", basis=Basis.REVALUATION, **changes)

    scenarios = (
        found(name="then", window=(date(2019, 1, 10), date(2019, 2, 10))),
        found(name="never", window=(date(1990, 1, 10), date(1990, 2, 10))),
        found(name="reverse", reverse_loss=0.1),
        found(name="worst", worst_sessions=10),
        found(name="too long", worst_sessions=10_000),
    )
    inputs = make_inputs()

    profile = replace(SERVICE, scenarios=scenarios).profile(inputs)

    then, reverse, worst = profile.stresses
    at = [
        int(np.flatnonzero(np.datetime64(d) == SESSIONS)[0]) for d in ("2019-01-09", "2019-02-10")
    ]
    close = inputs.prices["close"]
    lost = sum(
        -inputs.holdings[s].market_value * (close[i, at[1]] / close[i, at[0]] - 1)
        for i, s in enumerate(SYMBOLS)
    )
    assert then.loss == pytest.approx(lost)
    assert then.note == "Closes of 2019-01-09 to 2019-02-10, replayed."
    assert reverse.loss_fraction == pytest.approx(0.1)
    assert "daily standard deviations away" in reverse.note
    start, end = worst.note.removeprefix("Sessions ").removesuffix(", replayed.").split(" to ")
    part = np.searchsorted(SESSIONS, [np.datetime64(start) - 1, np.datetime64(end)])
    close = inputs.prices["close"][:, [max(part[0], 0), part[1]]]
    moved = close[:, 1] / close[:, 0] - 1
    assert worst.loss == pytest.approx(
        sum(-inputs.holdings[s].market_value * moved[i] for i, s in enumerate(SYMBOLS)), rel=1e-6
    )
    assert worst.found


def test_policy_says_which_stresses_the_limit_counts() -> None:
    crash, rates = SCENARIOS
    replay = StressScenario(
        name="then",
        title="t",
        description="d",
        basis=Basis.REVALUATION,
        window=(date(2019, 1, 10), date(2019, 8, 10)),
    )
    limit = Limit(
        metric="worst_stress_loss", scope=Scope.PORTFOLIO, warn=0.01, soft=0.02, hard=0.03,
        owner="risk",
    )  # fmt: skip

    def worst(*scenarios: StressScenario) -> float:
        service = replace(SERVICE, scenarios=scenarios, limits=(limit,))
        profile = service.profile(make_inputs(), with_evidence=False)
        (check,) = profile.limits
        counted = [s.loss_fraction for s in profile.stresses if s.limited]
        assert check.value == pytest.approx(max(0.0, *counted))
        return check.value

    written = worst(crash, rates, replay)
    assert written > 0
    assert worst(replace(crash, limited=False), rates, replay) < written
    counted = worst(replace(crash, limited=False), rates, replace(replay, limited=True))
    ignored = worst(replace(crash, limited=False), rates, replace(replay, limited=False))
    assert counted >= ignored


def test_a_reverse_stress_cannot_be_held_against_the_limit() -> None:
    with pytest.raises(InvalidInputError, match="reverse: a reverse stress loses what it is told"):
        StressScenario(
            name="reverse", title="t", description="d", basis=Basis.REVALUATION,
            reverse_loss=0.1, limited=True,
        )  # fmt: skip


def test_breached_limit_raises_the_level_and_says_what_to_sell(profile: RiskProfile) -> None:
    worst = profile.limits[0]
    assert (worst.metric, worst.name, worst.state) == ("weight", "BBB", "hard")
    assert profile.level in (Level.HIGH, Level.CRITICAL)
    assert any("of BBB to return to the warning level" in r for r in profile.recommendations)


def test_selling_what_is_recommended_returns_to_the_warning_level(profile: RiskProfile) -> None:
    words = next(r for r in profile.recommendations if r.startswith("Sell")).split()
    sold = float(words[1].replace(",", ""))
    inputs = make_inputs()
    held = inputs.holdings["BBB"]
    price = held.market_value / held.quantity
    fewer = Holding(held.quantity - sold, held.market_value - sold * price)

    after = SERVICE.profile(make_inputs(holdings={**inputs.holdings, "BBB": fewer}))

    check = next(c for c in after.limits if c.metric == "weight" and c.name == "BBB")
    assert check.value == pytest.approx(check.warn, rel=1e-3)


def test_a_what_if_judges_the_same_limits_without_evidence(profile: RiskProfile) -> None:
    quick = SERVICE.profile(make_inputs(), with_evidence=False)
    assert quick.limits == profile.limits
    assert quick.backtests == ()


def test_advice_is_solved_and_applying_it_reduces_the_breaches() -> None:
    volumes = dict.fromkeys(SYMBOLS, 2e7)
    inputs = make_inputs(daily_notional=volumes)

    profile = advised_profile(inputs, risk=SERVICE)

    advice = profile.advice
    assert advice is not None
    assert profile.recommendations[0].startswith("Solved together, ")
    traded = {t.symbol: t for t in advice.trades}
    held = {
        s: Holding(h.quantity + traded[s].quantity, h.market_value + traded[s].value)
        if s in traded
        else h
        for s, h in inputs.holdings.items()
    }
    after = SERVICE.profile(make_inputs(daily_notional=volumes, holdings=held), with_evidence=False)
    assert sum(c.breached for c in profile.limits) > 0
    assert sum(c.breached for c in after.limits) == 0
    assert advice.after == after.limits
    assert advice.expected_cost > 0


def test_without_volumes_the_note_says_why_no_remedy_was_solved() -> None:
    profile = advised_profile(make_inputs(), risk=SERVICE)
    assert profile.advice is None
    assert any("No remedy was solved: no traded volume" in note for note in profile.notes)


def test_simulated_volume_is_called_simulated(profile: RiskProfile) -> None:
    assert any("simulated volume" in note for note in profile.notes)


def test_same_inputs_give_the_same_bytes(profile: RiskProfile) -> None:
    again = SERVICE.profile(make_inputs())
    assert msgspec.json.encode(profile) == msgspec.json.encode(again)


def test_document_survives_the_store(profile: RiskProfile) -> None:
    results = KeptResults()
    service = RiskService(limits=LIMITS, scenarios=SCENARIOS, results=results, policy_version="v1")
    assert service.previous("main", before=date(2030, 1, 1)) is None

    service.store(profile, lineage={"run": "r1"})

    stored = service.latest("main")
    assert stored.lineage == {"run": "r1", "policy_version": "v1", "lookback": 1000}
    assert msgspec.json.encode(stored.payload) == msgspec.json.encode(profile)
    assert stored.payload == profile_document(profile)
    previous = service.previous("main", before=date(2030, 1, 1))
    headline = next(t for t in profile.tails if (t.method, t.confidence) == ("historical", 0.99))
    assert previous == PreviousRisk(
        as_of=profile.as_of,
        level=profile.level,
        lookback=1000,
        value_at_risk=headline.value_at_risk,
    )
    # The day itself is passed over: computing it twice gives one answer.
    assert service.previous("main", before=profile.as_of) is None


def test_one_bad_position_never_hides_the_rest(profile: RiskProfile) -> None:
    held = {
        **make_inputs().holdings,
        "GONE": Holding(10.0, 1000.0),
        "NOPRICE": Holding(5.0, float("nan")),
        "CLOSED": Holding(0.0, 0.0),
    }

    odd = SERVICE.profile(make_inputs(holdings=held))

    assert [(row.symbol, row.reason.split(":")[0]) for row in odd.left_out] == [
        ("GONE", "it has no price history"),
        ("NOPRICE", "its market value is nan"),
    ]
    assert [t.value_at_risk for t in odd.tails] == [t.value_at_risk for t in profile.tails]
    assert odd.exposure.gross == pytest.approx(profile.exposure.gross + 1000.0)
    assert {p.symbol for p in odd.positions} == {*SYMBOLS, "GONE", "NOPRICE"}


def test_symbol_with_gaps_is_filled_or_left_out() -> None:
    inputs = make_inputs()
    close = inputs.prices["close"].copy()
    close[0, -20] = np.nan
    close[1, -200:-100] = np.nan
    gappy = Panel(SYMBOLS, SESSIONS, {"close": close})

    profile = SERVICE.profile(make_inputs(prices=gappy, exposures=None))

    assert [row.symbol for row in profile.left_out] == ["BBB"]
    assert "2 missing returns were taken as zero." in profile.notes
    assert profile.backtest_basis.startswith("today's book held constant")


def test_empty_book_has_a_profile() -> None:
    profile = SERVICE.profile(make_inputs(holdings={}, exposures=None))
    assert profile.tails == profile.stresses == profile.positions == profile.backtests == ()
    assert profile.exposure.gross == 0.0
    assert profile.measures.beta is None
    assert any("Nothing held can be measured" in note for note in profile.notes)


def test_book_without_enough_history_has_no_tail() -> None:
    inputs = make_inputs()
    profile = SERVICE.profile(make_inputs(prices=inputs.prices.window(1050, 1100), exposures=None))
    assert profile.tails == ()
    assert profile.exposure.gross > 0


def test_bad_inputs_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="equity must be known and positive today"):
        make_inputs(equity=History(SESSIONS[:1], np.array([0.0])))
    with pytest.raises(InvalidInputError, match="prices run to 2021-01-04, after 2020-01-01"):
        make_inputs(as_of=date(2020, 1, 1))
    with pytest.raises(InvalidInputError, match="must be finite"):
        History(SESSIONS[:2], np.array([1.0, np.nan]))
    with pytest.raises(MissingDataError, match="no field 'close'"):
        SERVICE.profile(
            make_inputs(prices=Panel(SYMBOLS, SESSIONS, {"open": make_inputs().prices["close"]}))
        )
