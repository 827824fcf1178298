"""Features beside their peers and limits: `make bench NAME=features`."""

import tempfile
from pathlib import Path

from benchmarks import alpha158, feature_scale
from benchmarks.harness import Row, publish
from benchmarks.market import asof_rows


def main() -> None:
    """Run every claim about features and write them down."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="features-") as folder:
        rows += feature_scale.online_rows()
        rows += alpha158.run(Path(folder) / "alpha158")
        rows += feature_scale.universe_rows(Path(folder) / "universe")
    rows += asof_rows()
    publish("features", rows)


if __name__ == "__main__":
    main()
