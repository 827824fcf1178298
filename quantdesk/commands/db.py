"""Commands of the database's schema: `db show`, `db upgrade`, `db downgrade`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from infra.database.engine import Database

db = typer.Typer(help="The database: its schema, up and down.", no_args_is_help=True)

Target = Annotated[str, typer.Argument(help="A revision as `db show` lists it.")]


@db.command("show")
def db_show(as_json: AsJson = False) -> None:
    """Show where the database is, its revision, and the one that this program needs."""
    from infra.database.schema import current_revision, revisions

    with _database() as database:
        stands = current_revision(database)
        facts = {
            "database": database.address,
            "revision": stands,
            "needed": revisions()[-1],
            "known": revisions(),
        }
    if as_json:
        show_json(facts)
        return
    rows = [(k, ", ".join(v) if isinstance(v, tuple) else v) for k, v in facts.items()]
    show_table("Database", ("", ""), rows)


@db.command("upgrade")
def db_upgrade(revision: Target = "head", as_json: AsJson = False) -> None:
    """Bring the schema up to REVISION, by default the newest."""
    from infra.database.schema import current_revision, upgrade_database

    with _database() as database:
        before = current_revision(database)
        _tell(database.address, before, upgrade_database(database, revision=revision), as_json)


@db.command("downgrade")
def db_downgrade(
    revision: Annotated[str, typer.Argument(help="A revision; `base` removes every table.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take the schema down to REVISION; the tables above it are lost with their rows."""
    from infra.database.schema import current_revision, downgrade_database

    with _database() as database:
        before = current_revision(database)
        if not yes:
            typer.confirm(
                f"{database.address}: go from {before} down to {revision} and lose what the "
                "later tables hold?",
                abort=True,
            )
        _tell(database.address, before, downgrade_database(database, revision=revision), as_json)


@contextmanager
def _database() -> Iterator["Database"]:
    """Open the database as it stands: a desk would bring the schema up first."""
    from infra.database.engine import open_database
    from infra.settings import load_settings

    settings = load_settings()
    database = open_database(settings.database, state_dir=settings.state_dir)
    try:
        yield database
    finally:
        database.close()


def _tell(address: str, before: str, after: str, as_json: bool) -> None:
    if as_json:
        show_json({"database": address, "before": before, "after": after})
    elif before == after:
        typer.echo(f"{address} stands at {after} already")
    else:
        typer.echo(f"{address}: {before} -> {after}")
