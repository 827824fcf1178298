"""A broken stop rule: the day's batch ends there, says why, and leaves it in the Prefect UI."""

import json
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from infra.isolation import PROJECT_ROOT

QUANTDESK = str(Path(sys.executable).parent / "quantdesk")
# Nothing costs a million: every row of it breaks this.
RULE = """
[[rule]]
id = "price-of-a-million"
check = "within"
severity = "stop"
datasets = ["factor_etfs"]
fields = ["close"]
above = 1000000.0
why = "Planted."
"""
REASON = "factor_etfs: price-of-a-million broken by 11320 rows"


def asked(api: str, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    request = urllib.request.Request(
        f"{api}/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def test_a_stop_ends_the_day_and_says_why(desk_environment: dict[str, str], tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    shutil.copytree(PROJECT_ROOT / "policy", policy)
    sound = (policy / "data_quality.toml").read_text()
    (policy / "data_quality.toml").write_text(sound + RULE)
    environment = desk_environment | {"QUANTDESK_POLICY_DIR": str(policy)}
    api = environment["PREFECT_API_URL"]
    features = {"flows": {"name": {"any_": ["build-features"]}}}
    before = asked(api, "flow_runs/filter", features)

    stopped = subprocess.run(
        [QUANTDESK, "flows", "run", "demo"],
        env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    assert stopped.returncode == 4, stopped.stderr
    assert f"market data did not pass: {REASON}" in stopped.stderr
    state = Path(environment["QUANTDESK_STATE_DIR"])
    assert not (state / "report.html").exists()
    assert not list(state.glob("mlflow/artifacts/*"))  # Nothing was trained.
    assert asked(api, "flow_runs/filter", features) == before  # What comes next did not begin.
    told = asked(
        api,
        "artifacts/filter",
        {"artifacts": {"key": {"any_": ["data-quality"]}}, "sort": "CREATED_DESC", "limit": 1},
    )[0]
    assert told["description"] == REASON
    rows = {row["dataset"]: row for row in json.loads(told["data"])}
    assert (rows["factor_etfs"]["status"], rows["equities"]["status"]) == ("stopped", "landed")
    assert rows["factor_etfs"]["set aside"] == 11_320
