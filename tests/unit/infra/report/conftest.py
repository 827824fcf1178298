"""The sample day, made once."""

import pytest

from services.report import DayReport
from tests.day_sample import sample_report


@pytest.fixture(scope="session")
def day_report() -> DayReport:
    return sample_report()
