"""A small day, made up and seeded, in the exact form of a real one."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import TypeVar

import numpy as np

from market.quality import Finding as QualityFinding
from market.quality import Severity
from models.breaches import breaches, declared_limits
from models.contest import RivalEvidence, Rule, Verdict
from models.evaluation import YearScore
from models.monitoring import (
    MonitoringPolicy,
    feature_drift,
    points_over_time,
    prediction_drift,
)
from models.track import Track, calibration_bins
from models.training import FoldRecord
from pnl.attribution import Attribution, AttributionPart
from risk.backtests import Backtest
from risk.exposure import Exposure
from risk.limits import LimitCheck, LimitState
from risk.profile import BookMeasures, ForecastChart, PositionRisk, RiskProfile, TailEstimate
from risk.score import Calibration, Level, ReliabilityBin
from risk.stress import Basis, StressResult
from services.model_monitoring import VersionMonitor
from services.pnl_figures import Figure, sureness_of
from services.pnl_performance import DrawdownSpell, MonthFigure, Performance
from services.replay_hours import ReplayHour, ReplayPoint
from services.report import (
    DatasetRow,
    DayReport,
    Finding,
    IntradaySection,
    Lineage,
    ModelSection,
    Reality,
    ServiceSection,
    Tone,
    TrialReplay,
)
from services.report_trading import (
    CostPart,
    FillRow,
    LayerRefusals,
    RefusalReason,
    StrategyTrading,
    TradingSection,
)

SYMBOLS = ("AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO", "LLY", "MRK", "MSFT")
SECTORS = ("Technology", "Financials", "Energy", "Health care", "Consumer staples")
CAPITAL = 10_000_000
T = TypeVar("T")


def sample_report(*, n_sessions: int = 500) -> DayReport:
    rng = np.random.default_rng(7)
    sessions = _weekdays(date(2021, 1, 4), n_sessions)
    performance = sample_performance(rng, sessions)
    return DayReport(
        desk_date=sessions[-1],
        fund="FUND",
        portfolio="EQUITY",
        findings=(
            Finding(tone=Tone.BAD, text="The portfolio ended behind its benchmark."),
            Finding(tone=Tone.WARN, text="The baseline wins (p = 0.41)."),
            Finding(tone=Tone.GOOD, text="No limit is breached."),
        ),
        reality=(
            Reality(subject="equities: close", simulated=False, text="Adjusted closes."),
            Reality(subject="equities: volume", simulated=True, text="Drawn from a seed."),
        ),
        datasets=_datasets(sessions),
        model=_model(rng, sessions),
        trading=_trading(sessions),
        performance=performance,
        attributions=_attributions(rng, performance),
        risk=sample_risk(sessions, performance),
        lineage=Lineage(
            run_id="run-0123456789abcdef",
            seed=7,
            code_commit="0123456789ab",
            data_versions={"equities": "f" * 64, "indices": "e" * 64},
            feature_hash="a" * 64,
            model_version="price v2 lightgbm",
            policy_version="b" * 64,
        ),
        intraday=_intraday(sessions[-1]),
        service=_service(sessions),
    )


def _intraday(day: date) -> IntradaySection:
    """Half an hour, then six hours, of two strategies."""
    moments = [datetime.combine(day, time(14, 30), tzinfo=UTC)]
    moments += [datetime.combine(day, time(hour), tzinfo=UTC) for hour in range(15, 22)]
    earned = {"model": (10, -25, 5, 40, -8, 0, 3), "momentum": (-4, 12, 9, -30, 2, 1, 1)}
    gains = [sum(pnl) for pnl in zip(*earned.values(), strict=True)]
    so_far = [0, *accumulate(gains)]
    return IntradaySection(
        simulated=True,
        ticks=9000,
        fills=2,
        points=tuple(
            ReplayPoint(at=at, pnl=float(pnl)) for at, pnl in zip(moments, so_far, strict=True)
        ),
        hours=tuple(
            ReplayHour(
                end=end,
                pnl=float(gain),
                strategies={name: float(pnl[i]) for name, pnl in earned.items()},
                symbols={"AAPL": float(gain)},
            )
            for i, (end, gain) in enumerate(zip(moments[1:], gains, strict=True))
        ),
        total=float(so_far[-1]),
        booked=Decimal("16.00"),
    )


def _service(sessions: tuple[date, ...]) -> ServiceSection:
    """A version whose predictions turned round half-way, so that it breaches."""
    rng = np.random.default_rng(3)
    prediction = rng.normal(size=(8, len(sessions)))
    sign = np.where(np.arange(len(sessions)) < len(sessions) // 2, 1.0, -1.0)
    track = Track(
        sessions=np.array(sessions, dtype="datetime64[D]"),
        prediction=prediction,
        outcome=sign * prediction + rng.normal(size=prediction.shape),
        below=np.full(prediction.shape, 1.645),
        above=np.full(prediction.shape, 1.645),
        horizon=5,
    )
    policy = MonitoringPolicy(score_sessions=120, history_sessions=300)
    points = points_over_time(track, prediction[None], policy)
    drift = prediction_drift(track, sessions=63)
    limits = replace(declared_limits(policy), chosen_from=sessions[0], chosen_to=sessions[100])
    version = VersionMonitor(
        model="price", version=2, label="price v2 lightgbm", aliases=("challenger",),
        as_of=sessions[-1], policy=policy, served=0, stale=False,
        features=feature_drift(("signal",), prediction[None], sessions=63), prediction=drift,
        bins=calibration_bins(track), points=points,
        breaches=breaches(points[-1], limits, prediction=drift), limits=limits,
    )  # fmt: skip
    replay = TrialReplay(
        mode="shadow", control="price v1 zero", treatment="price v2 lightgbm",
        loss="net return a period", days=sessions[:4], low=(None, -0.02, -0.01, -0.01),
        high=(None, 0.03, 0.02, 0.01), p_value=0.4, verdict="undecided after 4 observations",
    )  # fmt: skip
    return ServiceSection(replays=(replay,), versions=(version,))


def _weekdays(start: date, count: int) -> tuple[date, ...]:
    days = (start + timedelta(days=n) for n in range(count * 2))
    return tuple([day for day in days if day.weekday() < 5][:count])


def sample_performance(rng: np.random.Generator, sessions: tuple[date, ...]) -> Performance:
    returns = rng.normal(0.0002, 0.009, len(sessions))
    rival = 0.8 * returns + rng.normal(0.0003, 0.004, len(sessions))
    equity, benchmark = (CAPITAL * np.cumprod(1.0 + noise) for noise in (returns, rival))
    final = Decimal(str(round(float(equity[-1]), 2)))
    months = sorted({(day.year, day.month) for day in sessions})
    return Performance(
        currency="USD",
        start=sessions[0],
        end=sessions[-1],
        initial_capital=Decimal(CAPITAL),
        net_flows=Decimal(0),
        final_equity=final,
        total_pnl=final - CAPITAL,
        total_fees=Decimal("8412.31"),
        sessions=sessions,
        returns=tuple(returns.tolist()),
        equity=tuple(equity.tolist()),
        drawdown=tuple(_drawdown(equity)),
        benchmark_equity=tuple(benchmark.tolist()),
        benchmark_drawdown=tuple(_drawdown(benchmark)),
        months=tuple(
            MonthFigure(year=year, month=month, value=float(rng.normal(0.004, 0.03)))
            for year, month in months
        ),
        spells=(
            DrawdownSpell(
                depth=0.11,
                peak=sessions[3],
                trough=sessions[90],
                recovery=None,
                sessions_down=87,
                sessions_to_recover=0,
            ),
        ),
        figures=(
            Figure(name="total_return", unit="rate", value=0.034, benchmark=0.12),
            Figure(
                name="sharpe_ratio", unit="ratio", value=0.21, benchmark=0.66, low=-1.1, high=1.52
            ),
            Figure(name="max_drawdown", unit="rate", value=0.214, benchmark=0.18),
            Figure(name="longest_losing_streak", unit="periods", value=7, benchmark=6),
            Figure(name="sortino_ratio", unit="ratio", value=None, reason="no return is negative"),
        ),
        benchmark_name="20 stocks, equally weighted",
        sureness=sureness_of(len(sessions)),
    )


def _drawdown(equity: np.ndarray) -> list[float]:
    return (1.0 - equity / np.maximum.accumulate(equity)).tolist()


def _attributions(rng: np.random.Generator, performance: Performance) -> tuple[Attribution, ...]:
    total = performance.total_pnl
    booked = [Decimal(str(round(x, 2))) for x in rng.normal(0, 2e5, len(SYMBOLS) - 1)]
    booked.append(total - sum(booked, Decimal(0)))
    factors = {"market": ("812345.10", 9e4), "momentum": ("-90210.00", 4e4)}
    explained = sum((Decimal(value) for value, _ in factors.values()), Decimal(0))
    shared = {
        "currency": "USD",
        "start": performance.start,
        "end": performance.end,
        "total": total,
    }
    return (
        Attribution(
            by="symbol",
            parts=tuple(
                AttributionPart(name=name, pnl=value)
                for name, value in zip(SYMBOLS, booked, strict=True)
            ),
            residual=Decimal("0.00"),
            exact=True,
            **shared,
        ),
        Attribution(
            by="strategy",
            parts=(AttributionPart(name="model", pnl=total),),
            residual=Decimal("0.00"),
            exact=True,
            **shared,
        ),
        Attribution(
            by="risk factor",
            parts=tuple(
                AttributionPart(name=name, pnl=Decimal(value), standard_error=error)
                for name, (value, error) in factors.items()
            ),
            residual=total - explained,
            exact=False,
            notes=("R squared 0.61 over 500 sessions",),
            **shared,
        ),
    )


def _datasets(sessions: tuple[date, ...]) -> tuple[DatasetRow, ...]:
    return (
        DatasetRow(
            name="equities",
            source="skfolio",
            notes="20 stocks of the S&P 500.",
            first_session=date(1990, 1, 2),
            last_session=sessions[-1],
            symbols=20,
            rows=166_260,
            corrections=0,
            observed=("close",),
            simulated=("open", "high", "low", "volume"),
            rules=12,
            findings=(
                QualityFinding(
                    rule="return_outlier",
                    severity=Severity.WARN,
                    dataset="equities",
                    count=14,
                    why="a split that was not adjusted for",
                ),
            ),
            version="f" * 64,
        ),
        DatasetRow(
            name="indices",
            source="arch",
            notes="",
            first_session=date(1999, 1, 4),
            last_session=date(2018, 12, 31),
            symbols=2,
            rows=10_000,
            corrections=2,
            observed=("open", "high", "low", "close", "volume"),
            simulated=(),
            rules=11,
            findings=(),
            version="e" * 64,
        ),
    )


def _model(rng: np.random.Generator, sessions: tuple[date, ...]) -> ModelSection:
    def years() -> tuple[YearScore, ...]:
        return tuple(
            YearScore(
                year=year,
                rank_ic=float(rng.normal(0.02, 0.02)),
                standard_error=0.012,
                sessions=252,
            )
            for year in range(2005, 2023)
        )

    return ModelSection(
        candidate="price v2 lightgbm",
        champion="price v1 zero",
        baseline="price v1 zero",
        feature_set="close_momentum",
        feature_hash="a" * 64,
        features=tuple(f"return_{n}" for n in range(20)),
        horizon_sessions=5,
        verdict=Verdict(
            candidate="lightgbm",
            champion="zero",
            baseline="zero",
            promoted=False,
            baseline_wins=True,
            summary="zero stays champion; lightgbm failed: beats the baseline: no",
            rules=(Rule(name="beats the baseline", passed=False, detail="DM +0.80, p 0.41"),),
            evidence=(
                RivalEvidence(
                    rival="zero",
                    metric="squared error",
                    candidate_loss=0.0012100,
                    rival_loss=0.0012099,
                    statistic=0.8,
                    p_value=0.41,
                    p_value_two_sided=0.82,
                    sessions=6_000,
                    candidate_wins=False,
                ),
            ),
            trials=4,
            figures={"spa_p_value": 0.5},
        ),
        metrics={"lightgbm": {"rank_ic": 0.0162, "mse": 0.00121}, "zero": {"mse": 0.0012099}},
        years={"lightgbm": years(), "momentum": years(), "zero": ()},
        importances={f"return_{n}": float(x) for n, x in enumerate(rng.dirichlet(np.ones(20)))},
        folds=(
            FoldRecord(
                train_first=date(1990, 1, 2),
                train_last=date(1997, 12, 31),
                test_first=date(1998, 1, 2),
                test_last=sessions[-1],
                train_rows=40_000,
                test_rows=5_000,
            ),
        ),
    )


def _trading(sessions: tuple[date, ...]) -> TradingSection:
    return TradingSection(
        first_session=sessions[0],
        last_session=sessions[-1],
        sessions=len(sessions),
        orders=4_210,
        refused=12,
        fills=4_198,
        layers=("form", "permission", "price", "size", "rate", "credit", "exposure", "risk"),
        refusals=(
            LayerRefusals(layer="form", orders=0),
            LayerRefusals(
                layer="size",
                orders=12,
                reasons=(RefusalReason(reason="SIZE_ABOVE_VOLUME_SHARE", orders=12),),
            ),
        ),
        strategies=(
            StrategyTrading(
                strategy="model",
                fills=4_198,
                traded_notional=Decimal("84123456.78"),
                fees=Decimal("8412.31"),
                turnover=8.3,
                final_equity=1.03e7,
            ),
        ),
        costs=(
            CostPart(name="fees", amount=Decimal("8412.31")),
            CostPart(name="spread", amount=Decimal("42124.5")),
            CostPart(name="impact", amount=Decimal("1200.5")),
            CostPart(name="delay", amount=Decimal("-812.25")),
        ),
        last_fills=(
            FillRow(
                session=sessions[-1],
                strategy="model",
                symbol="KO",
                quantity=Decimal(-120),
                price=Decimal("63.9500"),
                decision_price=Decimal("63.90"),
                fee=Decimal("0.60"),
                model_version="price v2 lightgbm",
                cl_ord_id="run-0123456789abcdef-20221202-model-KO-2",
            ),
        ),
    )


def _measured(kind: type[T], **known: object) -> T:
    """Return a document of `kind`; what is not known was not measured."""
    return kind(**{field.name: known.get(field.name) for field in fields(kind)})


def sample_risk(sessions: tuple[date, ...], performance: Performance) -> RiskProfile:
    equity = np.array(performance.equity)
    return RiskProfile(
        scope="EQUITY",
        as_of=sessions[-1],
        currency="USD",
        equity=float(equity[-1]),
        score=43.0,
        level=Level.MEDIUM,
        limit_state=LimitState.WARN.value,
        exposure=Exposure(
            gross=9.8e6,
            net=6.1e6,
            long=8.0e6,
            short=-1.8e6,
            leverage=0.98,
            net_leverage=0.61,
            hhi=0.09,
            effective_names=11.1,
            largest_symbol="JPM",
            largest_weight=0.12,
            sector_weights=dict(zip(SECTORS, (0.31, 0.22, -0.08, 0.12, 0.04), strict=True)),
        ),
        measures=BookMeasures(
            beta=0.71,
            shrunk_beta=0.8,
            downside_beta=0.75,
            drawdown=0.03,
            max_drawdown=0.21,
            volatility=0.14,
            average_correlation=0.31,
            absorption_ratio=0.78,
            correlation_break_p=0.004,
            effective_bets=6.2,
            liquidation_cost=12_000.0,
            liquidity_adjusted_var=274_000.0,
            longest_days_to_liquidate=0.4,
            breach_probability=0.03,
        ),
        tails=tuple(
            TailEstimate(
                method=method,
                confidence=confidence,
                horizon_days=1,
                value_at_risk=value,
                expected_shortfall=1.3 * value,
                var_fraction=value / 1.03e7,
                es_fraction=1.3 * value / 1.03e7,
                quantile_rule="acerbi_tasche",
                best=method == "filtered_ewma",
            )
            for method in ("historical", "filtered_ewma", "normal", "monte_carlo")
            for confidence, value in ((0.95, 171_000.0), (0.975, 201_000.0), (0.99, 262_000.0))
        ),
        backtests=(
            _measured(
                Backtest,
                estimator="historical",
                confidence=0.99,
                n_days=499,
                exceedances=9,
                expected=4.99,
                kupiec_p=0.11,
                independence_p=0.03,
                coverage_p=0.05,
                dynamic_quantile_p=None,
                zone="yellow",
                frtb_multiplier=1.7,
                z1=-0.05,
                z2=-0.4,
                pinball=0.0004,
                fissler_ziegel=-3.1,
            ),
        ),
        backtest_basis="own history",
        forecast=ForecastChart(
            method="historical",
            confidence=0.95,
            sessions=sessions[1:],
            realised=tuple(np.diff(equity).tolist()),
            value_at_risk=tuple((1.645 * 0.0085 * equity[:-1]).tolist()),
            kupiec_p=0.68,
        ),
        positions=tuple(
            PositionRisk(
                symbol=symbol,
                sector=SECTORS[n % len(SECTORS)],
                quantity=1_000.0 + n,
                market_value=8e5 + 1e4 * n,
                weight=0.08,
                component_var=1.2e4 + 900 * n if n else -4e3,
                component_es=1.4e4,
                marginal_var=0.01,
                incremental_var=9e3,
                beta=1.1,
                days_to_liquidate=0.2,
            )
            for n, symbol in enumerate(SYMBOLS)
        ),
        components_by_sector=dict.fromkeys(SECTORS, 4e4),
        stresses=tuple(
            StressResult(
                name=title.lower().replace(" ", "_"),
                title=title,
                description="What happens in that world.",
                basis=Basis.REVALUATION,
                loss=loss,
                loss_fraction=loss / 1.03e7,
                contributions={"JPM": loss},
            )
            for title, loss in (
                ("Market crash", 2.1e6),
                ("Volatility spike", 4.4e5),
                ("Correlation breakdown", 3.1e5),
                ("Liquidity crisis", 1.9e5),
                ("Interest-rate shock", -4.0e4),
            )
        ),
        limits=(
            LimitCheck(
                metric="gross_leverage",
                scope="portfolio",
                name="EQUITY",
                value=1.78,
                unit="gross / equity",
                warn=1.5,
                soft=1.8,
                hard=2.0,
                utilisation=0.89,
                state=LimitState.WARN,
                owner="risk",
            ),
            LimitCheck(
                metric="value_at_risk_99",
                scope="portfolio",
                name="EQUITY",
                value=0.019,
                unit="fraction of equity",
                warn=0.02,
                soft=0.025,
                hard=0.03,
                utilisation=0.63,
                state=LimitState.OK,
                owner="risk",
            ),
        ),
        calibration=Calibration(
            intercept=-0.2,
            slope=0.9,
            fitted=True,
            n_days=4_000,
            n_events=260,
            brier=0.051,
            brier_climatology=0.061,
            reliability=(
                ReliabilityBin(0.01, 0.012, 2_000),
                ReliabilityBin(0.05, 0.06, 900),
                ReliabilityBin(0.2, 0.17, 200),
            ),
        ),
        recommendations=("Scale the book down by 4.1%: gross_leverage is past its warning.",),
        left_out=(),
        notes=("Rate sensitivity from monthly yields that end on 2018-12-01.",),
    )
