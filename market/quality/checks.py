"""The checks that a rule can name: each returns the rows that break it, with the detail shown.

Rows of an answer that stand for something missing have row number -1.
"""

from market.quality import cross_checks, row_checks, series_checks
from market.quality.target import Check

CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        row_checks.required,
        row_checks.within,
        row_checks.bar_order,
        row_checks.bar_range,
        row_checks.symbol_form,
        row_checks.unique_key,
        row_checks.in_order,
        row_checks.on_calendar,
        row_checks.in_session_hours,
        row_checks.not_future,
        row_checks.known_after_event,
        row_checks.ordered_pair,
        row_checks.id_gap,
        series_checks.stale,
        series_checks.missing_sessions,
        series_checks.outlier,
        series_checks.reversal,
        series_checks.scale,
        series_checks.split_like,
        series_checks.volume_spike,
        series_checks.volume_absent,
        series_checks.new_symbol,
        cross_checks.swapped,
        cross_checks.session_repeated,
        cross_checks.session_jump,
        cross_checks.session_thin,
    )
}
