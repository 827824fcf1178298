"""Features beside their peers and limits: `make bench NAME=features`."""

import tempfile
from pathlib import Path

from benchmarks import alpha158
from benchmarks.harness import Row, publish


def main() -> None:
    """Run every claim about features and write them down."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="features-") as folder:
        rows += alpha158.run(Path(folder))
    publish("features", rows)


if __name__ == "__main__":
    main()
