"""Tests of `infra.breaker` by a clock that is moved by hand."""

from infra.breaker import Breaker


class Seconds:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_after_a_failure_nothing_goes_out_until_the_pause_is_over() -> None:
    seconds = Seconds()
    breaker = Breaker("edge", open_seconds=0.5, monotonic=seconds)
    assert breaker.allows()

    breaker.failed("gone")
    seconds.now += 0.49
    assert not breaker.allows()
    assert (breaker.closed, breaker.detail) == (False, "gone")


def test_one_probe_goes_out_at_a_time_and_its_success_lets_all_through() -> None:
    seconds = Seconds()
    breaker = Breaker("edge", open_seconds=0.5, monotonic=seconds)
    breaker.failed("gone")
    seconds.now += 0.5

    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert breaker.allows()
    assert breaker.closed
    assert breaker.detail == ""


def test_a_probe_that_never_reports_does_not_close_the_edge_for_good() -> None:
    seconds = Seconds()
    breaker = Breaker("edge", open_seconds=0.5, monotonic=seconds)
    breaker.failed("gone")
    seconds.now += 0.5
    breaker.allows()

    seconds.now += 0.5
    assert breaker.allows()
