"""The chain of migrations; `infra.database.schema` walks it."""
