"""A small day, made up and seeded, in the exact form of a real one."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from services.report import (
    Attribution,
    AttributionPart,
    BacktestRow,
    ComparisonRow,
    Contribution,
    ControlRow,
    DatasetRow,
    DayReport,
    ExposureRow,
    Finding,
    ForecastSeries,
    LimitRow,
    LineageSection,
    MarketSection,
    ModelSection,
    MonthReturn,
    OrderSample,
    PnlSection,
    PositionRow,
    Reality,
    RiskSection,
    Series,
    Statistic,
    StressRow,
    TailRow,
    Tone,
    TradingSection,
    Unit,
    YearScore,
)

SYMBOLS = ("AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO", "LLY", "MRK")
SECTORS = ("Technology", "Financials", "Energy", "Health care", "Consumer staples")


def sample_report(*, n_sessions: int = 500) -> DayReport:
    rng = np.random.default_rng(7)
    sessions = _weekdays(date(2021, 1, 4), n_sessions)
    pnl = _pnl(rng, sessions)
    return DayReport(
        desk_date=sessions[-1],
        fund="FUND",
        portfolio="EQUITY",
        strategy="momentum",
        findings=(
            Finding(tone=Tone.BAD, text="The portfolio ended behind its benchmark."),
            Finding(tone=Tone.WARN, text="The model does not beat the naive baseline (p = 0.41)."),
            Finding(tone=Tone.GOOD, text="No limit is breached."),
        ),
        reality=(
            Reality(subject="Prices", simulated=False, text="Adjusted closes of 20 stocks."),
            Reality(subject="Volume", simulated=True, text="Seeded process around real closes."),
        ),
        market=_market(sessions),
        model=_model(rng, sessions),
        trading=_trading(sessions),
        pnl=pnl,
        risk=_risk(rng, sessions, pnl),
        lineage=LineageSection(
            run_id="run-0123456789abcdef",
            seed=7,
            code_commit="0123456789ab",
            data_versions=(("equities", "f" * 64), ("indices", "e" * 64)),
            feature_set="close_momentum v1",
            feature_hash="a" * 64,
            model_version="price-1",
            settings_hash="b" * 64,
        ),
    )


def _weekdays(start: date, count: int) -> tuple[date, ...]:
    days = (start + timedelta(days=n) for n in range(count * 2))
    return tuple([day for day in days if day.weekday() < 5][:count])


def _series(sessions: tuple[date, ...], values: np.ndarray) -> Series:
    return Series(sessions=sessions, values=tuple(float(value) for value in values))


def _pnl(rng: np.random.Generator, sessions: tuple[date, ...]) -> PnlSection:
    returns = rng.normal(0.0001, 0.011, len(sessions))
    equity, benchmark = (
        1e7 * np.cumprod(1.0 + noise)
        for noise in (returns, 0.8 * returns + rng.normal(0.0003, 0.004, len(sessions)))
    )
    total = Decimal(str(round(equity[-1] - 1e7, 2)))
    parts = [Decimal(str(round(x, 2))) for x in rng.normal(0, 2e5, len(SYMBOLS) - 1)]
    parts.append(total - sum(parts, Decimal(0)))
    months = sorted({(day.year, day.month) for day in sessions})
    return PnlSection(
        currency="USD",
        initial_equity=Decimal(10_000_000),
        final_equity=Decimal(10_000_000) + total,
        total_pnl=total,
        equity=_series(sessions, equity),
        benchmark=_series(sessions, benchmark),
        drawdown=_series(sessions, 1.0 - equity / np.maximum.accumulate(equity)),
        benchmark_drawdown=_series(sessions, 1.0 - benchmark / np.maximum.accumulate(benchmark)),
        months=tuple(
            MonthReturn(year=year, month=month, value=float(rng.normal(0.004, 0.03)))
            for year, month in months
        ),
        statistics=(
            Statistic(name="Total return", unit=Unit.RATE, value=0.034, benchmark=0.12),
            Statistic(name="Sharpe ratio", unit=Unit.RATIO, value=0.21, benchmark=0.66),
            Statistic(name="Maximum drawdown", unit=Unit.RATE, value=0.214, benchmark=0.18),
            Statistic(name="Hit rate", unit=Unit.RATE, value=None),
        ),
        attributions=(
            Attribution(
                by="symbol",
                parts=tuple(
                    AttributionPart(name=name, pnl=value)
                    for name, value in zip(SYMBOLS, parts, strict=True)
                ),
                residual=Decimal("0.00"),
                total=total,
                exact=True,
            ),
            Attribution(
                by="strategy",
                parts=(AttributionPart(name="momentum", pnl=total),),
                residual=Decimal("0.00"),
                total=total,
                exact=True,
            ),
            Attribution(
                by="risk factor",
                parts=(
                    AttributionPart(name="market", pnl=Decimal("812345.10"), standard_error=9e4),
                    AttributionPart(name="momentum", pnl=Decimal("-90210.00"), standard_error=4e4),
                ),
                residual=total - Decimal("722135.10"),
                total=total,
                exact=False,
            ),
        ),
    )


def _market(sessions: tuple[date, ...]) -> MarketSection:
    return MarketSection(
        datasets=(
            DatasetRow(
                name="equities",
                description="20 stocks of the S&P 500",
                first_session=date(1990, 1, 2),
                last_session=sessions[-1],
                symbols=20,
                rows=166_260,
                rejected_rows=0,
                rules_passed=12,
                rules_failed=0,
                observed_fields=("close",),
                simulated_fields=("open", "high", "low", "volume"),
                version="f" * 64,
            ),
            DatasetRow(
                name="indices",
                description="S&P 500 and Nasdaq",
                first_session=date(1999, 1, 4),
                last_session=date(2018, 12, 31),
                symbols=2,
                rows=10_000,
                rejected_rows=3,
                rules_passed=11,
                rules_failed=1,
                observed_fields=("open", "high", "low", "close", "volume"),
                simulated_fields=(),
                version="e" * 64,
            ),
        ),
        universe_note="The 20 names are survivors.",
        benchmark_note="The benchmark is the 20 names equally weighted.",
    )


def _model(rng: np.random.Generator, sessions: tuple[date, ...]) -> ModelSection:
    return ModelSection(
        kind="LightGBM return model",
        candidate="price-2",
        champion="price-1",
        promoted=False,
        baseline="twelve-month momentum",
        baseline_wins=True,
        verdict="On 6,000 sessions its rank correlation is not above plain momentum's (p = 0.41).",
        feature_set="close_momentum v1",
        feature_hash="a" * 64,
        n_features=12,
        first_session=date(1998, 1, 2),
        last_session=sessions[-1],
        n_folds=10,
        metrics=(Contribution(name="rank IC", value=0.0162),),
        comparisons=(
            ComparisonRow(
                rival="momentum",
                metric="squared error",
                candidate=0.00121,
                rival_value=0.00120,
                difference=0.00001,
                statistic=0.8,
                p_value=0.41,
                candidate_wins=False,
            ),
        ),
        years=tuple(
            YearScore(
                year=year,
                information_coefficient=float(rng.normal(0.02, 0.02)),
                standard_error=0.012,
                baseline=float(rng.normal(0.02, 0.02)),
                sessions=252,
            )
            for year in range(2005, 2023)
        ),
        importances=tuple(
            Contribution(name=f"return_{n}", value=float(x))
            for n, x in enumerate(sorted(rng.dirichlet(np.ones(12))))
        ),
    )


def _trading(sessions: tuple[date, ...]) -> TradingSection:
    names = ("form", "permission", "price collar", "size", "rate", "cash", "position", "risk")
    return TradingSection(
        first_session=sessions[0],
        last_session=sessions[-1],
        sessions=len(sessions),
        orders=4_210,
        filled=4_198,
        refused=12,
        fills=4_311,
        traded_notional=Decimal("84123456.78"),
        turnover=3.1,
        costs=(
            Contribution(name="fees", value=8_412.31),
            Contribution(name="spread", value=30_120.0),
            Contribution(name="impact", value=12_004.5),
        ),
        controls=tuple(
            ControlRow(layer=n, name=name, checked=4_210, refused=12 if n == 7 else 0)
            for n, name in enumerate((*names, "trading state"), start=1)
        ),
        refusals=(Contribution(name="POSITION_CONCENTRATION", value=12),),
        last_orders=(
            OrderSample(
                session=sessions[-1],
                symbol="KO",
                side="buy",
                quantity=Decimal(120),
                price=Decimal("63.9500"),
                fee=Decimal("0.60"),
                status="Filled",
                cl_ord_id="ord-0011223344556677",
            ),
        ),
    )


def _risk(rng: np.random.Generator, sessions: tuple[date, ...], pnl: PnlSection) -> RiskSection:
    realised = np.diff(np.array(pnl.equity.values, dtype=float))
    value_at_risk = 1.645 * 0.0105 * np.array(pnl.equity.values, dtype=float)[:-1]
    return RiskSection(
        as_of=sessions[-1],
        currency="USD",
        equity=1.03e7,
        score=43.0,
        level="MEDIUM",
        measures=(
            Statistic(name="Beta to the benchmark", unit=Unit.RATIO, value=1.04),
            Statistic(name="Effective number of positions", unit=Unit.RATIO, value=9.6),
        ),
        tails=tuple(
            TailRow(
                method=method,
                confidence=confidence,
                horizon=1,
                value_at_risk=value,
                expected_shortfall=1.3 * value,
                quantile_rule="acerbi_tasche",
                best=method == "historical",
            )
            for method in ("historical", "normal", "Monte Carlo")
            for confidence, value in ((0.95, 171_000.0), (0.99, 262_000.0))
        ),
        backtests=(
            BacktestRow(
                method="historical",
                confidence=0.95,
                observations=499,
                expected=24.95,
                exceedances=27,
                kupiec_p_value=0.68,
                christoffersen_p_value=0.03,
                zone="green",
            ),
        ),
        forecast=ForecastSeries(
            method="historical",
            confidence=0.95,
            sessions=sessions[1:],
            realised=tuple(float(x) for x in realised),
            value_at_risk=tuple(float(x) for x in value_at_risk),
        ),
        stresses=tuple(
            StressRow(
                name=name,
                description="what happens",
                loss=loss,
                share_of_equity=loss / 1.03e7,
                worst_part="JPM",
            )
            for name, loss in (
                ("Market crash -20%", 2.1e6),
                ("Volatility spike 3x", 4.4e5),
                ("Correlation breakdown", 3.1e5),
                ("Liquidity crisis", 1.9e5),
                ("Interest-rate shock", -4.0e4),
            )
        ),
        exposures=tuple(
            ExposureRow(sector=sector, long=float(rng.uniform(1e6, 3e6)), short=0.0)
            for sector in SECTORS
        ),
        positions=tuple(
            PositionRow(
                symbol=symbol,
                sector=SECTORS[n % len(SECTORS)],
                quantity=Decimal(1_000 + n),
                market_value=8e5 + 1e4 * n,
                weight=0.08,
                component_var=1.2e4 + 900 * n,
            )
            for n, symbol in enumerate(SYMBOLS)
        ),
        limits=(
            LimitRow(
                metric="gross exposure",
                scope="portfolio EQUITY",
                value=0.98,
                unit=Unit.RATE,
                warn=0.95,
                hard=1.10,
                utilisation=0.89,
                state="warn",
            ),
            LimitRow(
                metric="1-day VaR 99%",
                scope="portfolio EQUITY",
                value=262_000.0,
                unit=Unit.MONEY,
                warn=300_000.0,
                hard=400_000.0,
                utilisation=0.655,
                state="ok",
            ),
        ),
        recommendations=("Sell 1,200 JPM: gross exposure falls to 94%.",),
        left_out=(),
        notes=("Rate sensitivity from monthly yields that end on 2018-12-01.",),
    )
