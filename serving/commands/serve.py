"""``rollrisk serve``."""

import ipaddress
import os
import socket
import sys
from datetime import UTC, datetime
from importlib import util
from typing import TYPE_CHECKING

import click

from serving.commands.shared import console, refusals

if TYPE_CHECKING:
    from serving.settings import Settings

FIRST = "first"
SERVICE = "serving.service:RollRisk"
QUIET = {
    "BENTOML_DO_NOT_TRACK": "True",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OMP_NUM_THREADS": "1",
}
"""Environment of the server: no telemetry, and no OpenMP threads that wait for one row."""


@click.command("serve")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@refusals
def command(port: int, host: str) -> None:
    """Serve the published snapshot and its model over HTTP.

    The first serve makes a key and prints it once. A snapshot published while the server runs
    is taken up without a restart. Settings are environment variables; docs/service.md lists
    them. SIGTERM ends the server after the requests that are being answered.
    """
    from serving.auth import create_key, read_keys  # noqa: PLC0415 (quick --help)
    from serving.auth_oidc import TokenVerifier  # noqa: PLC0415
    from serving.policy import read_policy  # noqa: PLC0415
    from serving.settings import read_settings  # noqa: PLC0415

    settings = read_settings(os.environ)
    read_policy(settings.policy)
    if settings.issuer is not None:
        TokenVerifier(settings.issuer)
    _require_exporter(settings)
    address = _address(host)
    now = datetime.now(UTC)
    keys = read_keys(settings.home.keys)
    keyless = settings.issuer is None and not any(key.opens(now) for key in keys)
    if keyless:
        if not address.is_loopback:
            raise click.ClickException(
                f"Without a key, {host} would be open to everyone who reaches it. Make one "
                "with `rollrisk keys create NAME --role ROLE`, or name an issuer of tokens with "
                "ROLLRISK_OIDC_ISSUER, and serve again."
            )
        if keys:
            raise click.ClickException(
                "Every key is revoked or has ended. Make one with "
                "`rollrisk keys create NAME --role ROLE`."
            )
    _require_free(address, port)
    if keyless:
        key = create_key(settings.home.keys, FIRST, "manager", today=now.date())
        console().print(
            f"The first key, named {FIRST!r}, role manager, shown this once:", markup=False
        )
        click.echo(key)
    os.environ.update(QUIET)
    os.environ["ROLLRISK_HOME"] = str(settings.home.path.resolve())
    arguments = ["bentoml", "serve", SERVICE, "--host", str(address), "--port", str(port)]
    sys.stdout.flush()
    # The server takes this process's place, so that signals reach it directly.
    os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606 (our own arguments)


def _require_exporter(settings: "Settings") -> None:
    """Refuse to trace without the package that sends traces."""
    if settings.traces_url is None:
        return
    try:
        found = util.find_spec("opentelemetry.exporter.otlp.proto.http")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise click.ClickException(
            "ROLLRISK_TRACES_URL is set, but the package that sends traces is not installed. "
            "Install rollrisk[tracing], or unset it."
        )


def _require_free(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> None:
    """Refuse a port that cannot be listened on, before a key is made for nothing."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((str(address), port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} of {address} cannot be listened on: {error.strerror}. Stop what "
                "uses it, or give another with --port."
            ) from error


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    name = "127.0.0.1" if host == "localhost" else host
    try:
        return ipaddress.ip_address(name)
    except ValueError as error:
        raise click.ClickException(
            f"--host must be an IP address or localhost, got {host!r}."
        ) from error
