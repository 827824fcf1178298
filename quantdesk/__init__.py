"""What a user types; and the face for notebooks: `import quantdesk as qd; qd.open_desk()`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.bootstrap import Desk
    from infra.settings import Settings

__all__ = ["open_desk"]


def open_desk(settings: "Settings | None" = None) -> "Desk":
    """Return a desk that stays open until the interpreter ends.

    For notebooks and scripts; a program that opens several uses `infra.bootstrap.open_desk` as a
    context manager.
    """
    import atexit

    from infra.isolation import isolate

    isolate()
    from infra.bootstrap import open_desk as opened

    context = opened(settings)
    desk = context.__enter__()
    atexit.register(context.__exit__, None, None, None)
    return desk
