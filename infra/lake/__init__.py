"""The market lake: an adapter of `services.ports.BarLake` on Parquet."""

from infra.lake.parquet import ParquetLake
from infra.lake.storage import open_storage

__all__ = ["ParquetLake", "open_storage"]
