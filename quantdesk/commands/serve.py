"""`quantdesk serve`: the API over what the flows left."""

import socket
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.setting_groups import ApiSettings
    from serving.startup import ComponentState

STREAM_SECONDS = 2  # What open streams have to end in when the server is stopped.


def serve(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Loopback port; 0 takes a free one.")
    ] = None,
) -> None:
    """Serve the API on this machine: /docs shows what it answers."""
    from infra.settings import load_settings

    settings = load_settings()
    # Before the heavy imports, so that a taken port is told at once.
    listener = _listen(settings.api, settings.api.port if port is None else port)

    import uvicorn

    from infra.api_key import key_file
    from infra.bootstrap import open_desk
    from infra.telemetry import configure_logging
    from serving.app import create_app

    configure_logging(settings.log_level, settings.log_format)
    with open_desk(settings) as desk, listener:
        app = create_app(desk, on_started=_show, on_failed=lambda: _stop(server))
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=STREAM_SECONDS,
        )
        server = uvicorn.Server(config)
        host, taken = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        typer.echo(f"quantdesk API: http://{shown}:{taken}/docs (stop with Ctrl-C)")
        typer.echo(f"key: {'api.key' if settings.api.key else key_file(settings)}")
        server.run(sockets=[listener])
        error = app.state.context.start_up.error
        if error is not None:
            raise error


def _listen(settings: "ApiSettings", port: int) -> socket.socket:
    """Return a listening socket, so that a taken port is told before anything starts."""
    from basics.errors import UnavailableError

    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, port))
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"port {port} is taken: stop what listens there or choose another with --port"
        ) from error
    return listener


def _show(state: "ComponentState") -> None:
    typer.echo(f"  {state.name:<10} {state.mode:<9} {state.seconds * 1000:7.1f} ms  {state.detail}")


def _stop(server: object) -> None:
    server.should_exit = True  # type: ignore[attr-defined]
