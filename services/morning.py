"""What the morning report is drawn from: the stored documents of the last night."""

import msgspec

from basics.errors import MissingDataError
from risk.nightly import NightFailure, NightRow
from risk.profile import RiskProfile
from services.nightly_risk import NIGHT_KIND, NIGHT_SUMMARY_KIND, SUMMARY_SCOPE, NightReport
from services.ports import ResultStore
from services.risk import PROFILE_KIND


def last_profile(results: ResultStore, scope: str) -> RiskProfile:
    """Return the latest stored profile of `scope`.

    Raises
    ------
    MissingDataError
        If none was stored.
    """
    return msgspec.convert(results.latest(PROFILE_KIND, scope).payload, RiskProfile, strict=False)


def last_night(results: ResultStore) -> NightReport:
    """Return the last stored night, its books ranked as they were measured.

    Raises
    ------
    MissingDataError
        If no night was stored.
    """
    summary = results.latest(NIGHT_SUMMARY_KIND, SUMMARY_SCOPE)
    stored = (results.latest(NIGHT_KIND, name) for name in results.scopes(NIGHT_KIND))
    rows = [
        msgspec.convert(document.payload, NightRow, strict=False)
        for document in stored
        if document.desk_date == summary.desk_date
    ]
    if not rows and not summary.payload["failures"]:
        raise MissingDataError(
            f"the night of {summary.desk_date} holds no book: run `quantdesk flows run risk`"
        )
    return NightReport(
        as_of=summary.desk_date,
        rows=tuple(sorted(rows, key=lambda row: (-row.score, row.name))),
        failures=tuple(
            NightFailure(item["name"], item["reason"]) for item in summary.payload["failures"]
        ),
    )
