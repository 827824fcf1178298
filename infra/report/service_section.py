"""Models in service as a section of a page: the trial replayed, and each version over time."""

from collections.abc import Callable, Sequence
from typing import Any

from infra.report import cells, formats
from infra.report.page import Cell, Chart, Notice, Section, Table
from infra.report.theme import axis, axis_title, layout
from infra.report.traces import finite
from models.monitoring import MonitorPoint
from models.track import Estimate
from services.model_monitoring import VersionMonitor
from services.report import ServiceSection, Tone, TrialReplay

MOST_FEATURES = 8
LEVEL_TONES = {"calm": Tone.GOOD, "watch": Tone.WARN, "alarm": Tone.BAD, "usual": Tone.PLAIN}


def service_section(service: ServiceSection) -> Section:
    """Return what models in service did, plain words first."""
    broken = [breach for version in service.versions for breach in version.breaches]
    held = "Every figure lies within its limits, chosen on each version's early years."
    return Section(
        name="service",
        title="Models in service",
        lead=(
            "A challenger is tried beside the champion by a split or in the shadow; each version "
            "is watched for drift, rank correlation, coverage and calibration."
        ),
        blocks=[
            Notice(
                label=f"{len(broken)} breaches." if broken else "No breach.",
                text="; ".join(breach.text for breach in broken) or held,
                tone=Tone.WARN if broken else Tone.GOOD,
            ),
            *(_replay_blocks(service.replays) if service.replays else []),
            *(block for version in service.versions for block in _version_blocks(version)),
        ],
    )


def _replay_blocks(replays: Sequence[TrialReplay]) -> list[Table | Chart]:
    first = replays[0]
    table = Table(
        title=f"{first.treatment} tried against {first.control}, replayed over two years",
        columns=cells.columns("mode", "verdict", "observations", "p, always valid", words=2),
        rows=[
            [
                cells.text(replay.mode),
                cells.text(replay.verdict),
                cells.whole(len(replay.days)),
                Cell(formats.p_value(replay.p_value)),
            ]
            for replay in replays
        ],
        note="The p-value may be looked at after every session; a tie never decides.",
    )
    return [table, _sequence_chart(first)]


def _sequence_chart(replay: TrialReplay) -> Chart:
    days = [day.isoformat() for day in replay.days]
    return Chart(
        name="trial-sequence",
        title=f"Mean difference of {replay.loss}, challenger less champion",
        traces=_band(days, replay.low, replay.high),
        layout=layout(
            showlegend=False,
            xaxis=axis(showgrid=False, type="date"),
            yaxis=axis(title=axis_title(replay.loss), zeroline=True),
        ),
        summary="The 95% confidence sequence of the difference, observation by observation.",
        height=260,
        note="In the shadow. With 95% the band holds the truth at all times at once; the trial "
        "ends when it leaves zero.",
    )


def _version_blocks(version: VersionMonitor) -> list[Table | Chart]:
    return [
        _line_chart(version, "rank-ic", "Rank correlation", lambda point: point.rank_ic,
                    note=f"Mean over {version.policy.score_sessions} sessions, 95% interval."),
        _line_chart(version, "slope", "Calibration slope", lambda point: point.slope,
                    note="Of the outcome on the prediction: 1 is calibrated, below 1 too bold."),
        _share_chart(version),
        _drift_chart(version),
        _feature_table(version),
    ]  # fmt: skip


def _line_chart(
    version: VersionMonitor,
    name: str,
    title: str,
    figure: Callable[[MonitorPoint], Estimate | None],
    *,
    note: str,
) -> Chart:
    days = _days(version)
    found = [figure(point) for point in version.points]
    low, high = [e.low if e else None for e in found], [e.high if e else None for e in found]
    values = [e.value if e else None for e in found]
    return Chart(
        name=_name(name, version),
        title=f"{title}, {version.label}",
        traces=[*_band(days, low, high), _line(title.lower(), days, values, "$accent")],
        layout=layout(
            showlegend=False,
            xaxis=axis(showgrid=False, type="date"),
            yaxis=axis(title=axis_title(title.lower()), zeroline=True),
        ),
        summary=f"{title} over time with its 95% interval.",
        height=260,
        wide=False,
        note=note,
    )


def _share_chart(version: VersionMonitor) -> Chart:
    days, own = _days(version), version.limits
    limits = [
        _line(text, days, [value] * len(days), "$warn", dash="dot")
        for text, value in (("least", own.coverage_low), ("most", own.coverage_high))
        if value is not None
    ]
    shares = _line("coverage", days, [point.coverage for point in version.points], "$accent")
    return Chart(
        name=_name("coverage", version),
        title=f"Coverage of the 90% intervals, {version.label}",
        traces=[*limits, shares],
        layout=layout(
            showlegend=False,
            xaxis=axis(showgrid=False, type="date"),
            yaxis=axis(title=axis_title("share of outcomes inside"), tickformat=".0%"),
        ),
        summary="Share of outcomes inside their interval over time, and the limits.",
        height=260,
        wide=False,
        note=f"Over {version.policy.score_sessions} sessions; dotted: {_whose(version)}.",
    )


def _drift_chart(version: VersionMonitor) -> Chart:
    days, policy = _days(version), version.policy
    alarms = [point.features_in_alarm for point in version.points]
    moved = [point.prediction_stability for point in version.points]
    return Chart(
        name=_name("drift", version),
        title=f"Drift, {version.label}",
        traces=[
            _line("share of features beyond their limit", days, alarms, "$warn"),
            _line("stability index of the predictions", days, moved, "$accent"),
        ],
        layout=layout(
            xaxis=axis(showgrid=False, type="date"),
            yaxis=axis(title=axis_title("share; index"), rangemode="tozero"),
        ),
        summary="Share of features beyond their own limit, and the predictions' stability index.",
        height=260,
        wide=False,
        note=f"{policy.drift_sessions} sessions against all before the chart begins; a breach "
        f"above {_limit(version.limits.features_in_alarm, '.0%')} of the features and an index of "
        f"{_limit(version.limits.prediction_stability, '.2f')}, {_whose(version)}.",
    )


def _feature_table(version: VersionMonitor) -> Table:
    titles = ("feature", "level", "stability index", "its limit", "Kolmogorov-Smirnov",
              "Wasserstein")  # fmt: skip
    return Table(
        title=f"Features that moved most, {version.label}",
        columns=cells.columns(*titles, words=2),
        rows=[
            [
                cells.text(row.name),
                Cell(row.level, LEVEL_TONES[row.level]),
                cells.number(row.drift.stability_index, digits=3),
                cells.number(row.limit, digits=3),
                cells.number(row.drift.kolmogorov_smirnov, digits=3),
                cells.number(row.drift.wasserstein, digits=3),
            ]
            for row in version.features[:MOST_FEATURES]
        ],
        note=f"The last {version.policy.drift_sessions} sessions against all before; Wasserstein "
        "in standard deviations. Usual: an alarm to the field, and no further than the feature "
        "moved by chance in the version's early years.",
    )


def _whose(version: VersionMonitor) -> str:
    """Say where the version's limits come from."""
    limits = version.limits
    if limits.declared:
        return "the limits of the policy"
    return f"limits chosen on {limits.chosen_from} to {limits.chosen_to}"


def _limit(value: float | None, form: str) -> str:
    return "no limit" if value is None else format(value, form)


def _days(version: VersionMonitor) -> list[str]:
    return [point.session.isoformat() for point in version.points]


def _name(what: str, version: VersionMonitor) -> str:
    return f"{what}-{version.scope.replace(' ', '-')}"


def _band(
    days: Sequence[str], low: Sequence[float | None], high: Sequence[float | None]
) -> list[dict[str, Any]]:
    """Return an interval as a filled band, where it is bounded."""
    bounded = [
        (day, below, above)
        for day, below, above in zip(days, low, high, strict=True)
        if below is not None and above is not None
    ]
    edge = {
        "type": "scatter",
        "mode": "lines",
        "x": [day for day, _, _ in bounded],
        "line": {"width": 0, "color": "$accent"},
        "hovertemplate": "%{y:.3~g}",
    }
    fill = {"fill": "tonexty", "fillcolor": "$accent-soft"}
    return [
        edge | {"name": "low", "y": finite(below for _, below, _ in bounded)},
        edge | fill | {"name": "high", "y": finite(above for _, _, above in bounded)},
    ]


def _line(
    name: str, days: Sequence[str], values: Sequence[float | None], color: str, dash: str = "solid"
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(days),
        "y": finite(values),
        "line": {"color": color, "width": 2 if dash == "solid" else 1, "dash": dash},
        "hovertemplate": "%{y:.3~g}",
    }
