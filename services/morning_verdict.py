"""The morning in a minute: level and why, limits, what to do, what moved, the other books."""

from collections.abc import Iterator
from dataclasses import dataclass

from risk.limits import LimitCheck, LimitState
from risk.profile import RiskProfile
from risk.score import Level
from services.nightly_risk import NightReport
from services.report import Tone
from services.report_findings import LEVEL_TONES, risk_findings

# What a reader can take in at a glance; the rest stands in the tables below.
_MOST = 3
_SERIOUS = (Level.HIGH, Level.CRITICAL)


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the verdict: what it is about, and what is to be known of it."""

    label: str
    text: str
    tone: Tone


def morning_verdict(
    profile: RiskProfile, night: NightReport, *, before: RiskProfile | None = None
) -> tuple[Said, ...]:
    """Return the lines in the order in which a risk manager asks.

    Parameters
    ----------
    before : RiskProfile or None
        The profile last stored ahead of this one.
    """
    first = {profile.level_reason}
    rest = [item for item in risk_findings(profile) if item.text not in first]
    mentioned = ("No limit is", "limit is breached", "limits are breached", "moved by")
    return (
        Said("Level.", profile.level_reason or f"{profile.level}.", LEVEL_TONES[profile.level]),
        _limits(profile),
        _to_do(profile),
        *_since(profile, before),
        _books(night),
        *(
            Said("Also.", item.text, item.tone)
            for item in rest
            if not any(part in item.text for part in mentioned)
        ),
    )


def _limits(profile: RiskProfile) -> Said:
    passed = [check for check in profile.limits if check.breached]
    if passed:
        hard = any(check.state is LimitState.HARD for check in passed)
        named = "; ".join(_check(check) for check in passed[:_MOST])
        more = f"; {len(passed) - _MOST} more below" if len(passed) > _MOST else ""
        return Said("Breaches.", f"{named}{more}.", Tone.BAD if hard else Tone.WARN)
    warned = [check for check in profile.limits if check.state is LimitState.WARN]
    if warned:
        named = "; ".join(_check(check) for check in warned[:_MOST])
        return Said("Breaches.", f"None; past a warning: {named}.", Tone.WARN)
    nearest = max(profile.limits, key=lambda check: check.utilisation, default=None)
    if nearest is None:
        return Said("Breaches.", "No limit is set on anything that was measured.", Tone.WARN)
    return Said("Breaches.", f"None; the nearest is {_check(nearest)}.", Tone.GOOD)


def _check(check: LimitCheck) -> str:
    state = "" if check.state is LimitState.OK else f", {check.state.value}"
    return (
        f"{check.metric.replace('_', ' ')} of {check.name} at {check.utilisation:.0%} of its hard "
        f"limit{state}"
    )


def _to_do(profile: RiskProfile) -> Said:
    if any(check.breached for check in profile.limits):
        unsolved = next((n for n in profile.notes if n.startswith("No remedy was solved")), "")
        text = profile.recommendations[0] + (f" {unsolved}" if unsolved else "")
        return Said("To do.", text, Tone.WARN)
    return Said("To do.", profile.recommendations[0], Tone.PLAIN)


def _since(profile: RiskProfile, before: RiskProfile | None) -> Iterator[Said]:
    """Say what moved since the session before, and why."""
    said = []
    if before is not None:
        said.append(
            f"since {before.as_of} the score went from {before.score:.0f} ({before.level}) to "
            f"{profile.score:.0f} ({profile.level})"
        )
        was = {(c.metric, c.scope, c.name) for c in before.limits if c.breached}
        now = {(c.metric, c.scope, c.name) for c in profile.limits if c.breached}
        if was != now:
            said.append(f"{len(now - was)} breaches are new, {len(was - now)} are cured")
    moved = profile.movement
    if moved is not None:
        share = f" ({moved.after / moved.before - 1.0:+.1%})" if moved.before > 0 else ""
        most = next(iter(moved.by_symbol.items()), None)
        trades = f"trades {moved.positions:+,.0f}"
        trades += f" (most by {most[0]}, {most[1]:+,.0f})" if most else ""
        said.append(
            f"99% VaR went from {moved.before:,.0f} on {moved.since} to {moved.after:,.0f}{share}: "
            f"{trades}, market data {moved.market_data:+,.0f}, the model {moved.model:+,.0f}"
        )
    if said:
        text = "; ".join(said)
        yield Said("Moved.", f"{text[0].upper()}{text[1:]}.", Tone.PLAIN)


def _books(night: NightReport) -> Said:
    serious = [row for row in night.rows if Level(row.level) in _SERIOUS]
    text = f"{len(night.rows)} measured, {len(serious)} HIGH or CRITICAL"
    if serious:
        text += (
            f" ({', '.join(row.name for row in serious[:_MOST])}{', …' * (len(serious) > _MOST)})"
        )
    failed = night.failures
    text += f", {len(failed)} could not be measured"
    if failed:
        text += f" (first: {failed[0].name}, {failed[0].reason})"
    tone = Tone.BAD if failed else Tone.WARN if serious else Tone.GOOD
    return Said("Books.", f"{text}.", tone)
