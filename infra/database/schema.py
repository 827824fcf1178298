"""The schema's revision: which one the program needs, which one stands, and the way between.

Alembic is imported only to migrate; to see that nothing is to be done costs one query.
"""

from pathlib import Path

import sqlalchemy as sa

from basics.errors import InvalidInputError, UnavailableError
from infra.database.engine import Database, create_engine

MIGRATIONS = Path(__file__).parent / "migrations"
EMPTY = "base"  # Alembic's own word for a database without tables.
# Serialises migrations on PostgreSQL; the number is arbitrary and must never change.
MIGRATION_LOCK = 7_283_001


def revisions() -> tuple[str, ...]:
    """Return the known revisions, oldest first: the first four digits of each file."""
    return tuple(sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")))


def current_revision(database: Database) -> str:
    """Return the revision that stands in the database, or `base`.

    Raises
    ------
    UnavailableError
        If the database does not answer.
    """
    with database.reading() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return EMPTY
        stands = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return str(stands) if stands else EMPTY


def ensure_schema(database: Database) -> None:
    """Make sure that the schema is the one this program needs.

    An embedded SQLite file is upgraded on the spot; a PostgreSQL server, which others may be
    using, is left for `quantdesk db upgrade`.

    Raises
    ------
    UnavailableError
        If the schema is newer than the program, or behind on PostgreSQL.
    """
    stands, needed = current_revision(database), revisions()[-1]
    if stands == needed:
        return
    if stands != EMPTY and stands not in revisions():
        raise UnavailableError(_newer(stands, needed))
    if database.dialect != "sqlite":
        raise UnavailableError(
            f"the schema of {database.address} is at {stands}, this program needs {needed}: "
            "run `quantdesk db upgrade`"
        )
    upgrade_database(database)


def upgrade_database(database: Database, *, revision: str = "head") -> str:
    """Migrate up to `revision` in one transaction and return the revision that then stands.

    Safe to call from several processes at once: one migrates, the others wait and find
    nothing to do.

    Raises
    ------
    InvalidInputError
        If the revision is unknown.
    UnavailableError
        If the database is gone, or its schema is newer than the program.
    """
    target = revisions()[-1] if revision == "head" else revision
    stands = current_revision(database)
    if stands != EMPTY and stands not in revisions():
        raise UnavailableError(_newer(stands, revisions()[-1]))
    if target not in revisions():
        raise InvalidInputError(f"unknown revision {target!r}: known are {', '.join(revisions())}")
    if target != stands:
        _migrate(database, "upgrade", target)
    return current_revision(database)


def downgrade_database(database: Database, *, revision: str) -> str:
    """Migrate down to `revision` (`base` removes every table) and return what then stands.

    Raises
    ------
    InvalidInputError
        If the revision is unknown or lies above the one that stands.
    """
    stands = current_revision(database)
    if revision != EMPTY and revision not in revisions():
        known = ", ".join((EMPTY, *revisions()))
        raise InvalidInputError(f"unknown revision {revision!r}: known are {known}")
    if _place(revision) > _place(stands):
        raise InvalidInputError(
            f"the schema is at {stands}, below {revision}: use `quantdesk db upgrade`"
        )
    if revision != stands:
        _migrate(database, "downgrade", revision)
    return current_revision(database)


def _place(revision: str) -> str:
    return "" if revision == EMPTY else revision


def _newer(stands: str, needed: str) -> str:
    return (
        f"the schema is at {stands}, newer than this program knows ({needed}): "
        "update the program, or downgrade the schema with the version that made it"
    )


def _migrate(database: Database, direction: str, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    # A per cent sign in the path would be read as interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    url = database.engine.url.render_as_string(hide_password=False)
    engine = create_engine(url, foreign_keys=False)
    try:
        with Database(engine).transaction() as connection:
            if database.dialect == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            config.attributes["connection"] = connection
            getattr(command, direction)(config, revision)
    finally:
        engine.dispose()
