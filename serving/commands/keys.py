"""``rollrisk keys``."""

from datetime import UTC, datetime, timedelta

import click

from serving.commands.shared import console, print_json, print_table, refusals

ROLES = ("scorer", "analyst", "manager")


@click.group("keys")
def command() -> None:
    """Make, list, rotate and revoke the API keys of the service.

    A scorer asks for scores, an analyst also for worklists and explanations, a manager for
    everything. Keys are stored as hashes; a key is shown once, when it is made.
    """


@command.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option(
    "--per-minute",
    type=click.IntRange(min=1),
    help="Requests a minute for this caller. Default: ROLLRISK_REQUESTS_PER_MINUTE.",
)
@refusals
def create(name: str, role: str, per_minute: int | None) -> None:
    """Make a key for the caller NAME and print it once."""
    from models.home import read_home  # noqa: PLC0415 (quick --help)
    from serving.auth import as_role, create_key  # noqa: PLC0415

    key = create_key(
        read_home().keys,
        name,
        as_role(role),
        today=datetime.now(UTC).date(),
        per_minute=per_minute,
    )
    click.echo(key)
    console(stderr=True).print(
        f"The key of {name} ({role}) is shown this once. Send it as `Authorization: Bearer KEY`.",
        markup=False,
    )


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@refusals
def list_keys(as_json: bool) -> None:  # noqa: FBT001 (a flag of the command line)
    """List the callers with their roles; keys themselves are not known any more."""
    from models.home import read_home  # noqa: PLC0415 (quick --help)
    from serving.auth import read_keys  # noqa: PLC0415

    columns = ("name", "role", "created_on", "per_minute", "expires_at", "revoked_on")
    keys = [{name: getattr(key, name) for name in columns} for key in read_keys(read_home().keys)]
    if as_json:
        print_json(keys)
        return
    rows = [[str(key[name] or "") for name in columns] for key in keys]
    print_table("API keys", [name.replace("_", " ") for name in columns], rows)


@command.command("rotate")
@click.argument("name")
@click.option(
    "--overlap-hours",
    default=24,
    show_default=True,
    type=click.IntRange(0, 720),
    help="Hours for which the old key opens besides the new one.",
)
@refusals
def rotate(name: str, overlap_hours: int) -> None:
    """Give the caller NAME a new key and print it once; the old one goes on for a while."""
    from models.home import read_home  # noqa: PLC0415 (quick --help)
    from serving.auth import rotate_key  # noqa: PLC0415

    overlap = timedelta(hours=overlap_hours)
    key = rotate_key(read_home().keys, name, now=datetime.now(UTC), overlap=overlap)
    click.echo(key)
    console(stderr=True).print(
        f"The new key of {name} is shown this once; the old one opens for {overlap_hours} more "
        "hour(s).",
        markup=False,
    )


@command.command("roles")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def roles(as_json: bool) -> None:  # noqa: FBT001 (a flag of the command line)
    """Show which role opens which route."""
    from serving.auth import ROUTE_ROLES  # noqa: PLC0415 (quick --help)

    if as_json:
        print_json({route: sorted(opening) for route, opening in ROUTE_ROLES.items()})
        return
    rows = [
        [route, *("yes" if role in opening else "" for role in ROLES)]
        for route, opening in ROUTE_ROLES.items()
    ]
    print_table("Routes and roles", ["route", *ROLES], rows)


@command.command("revoke")
@click.argument("name")
@refusals
def revoke(name: str) -> None:
    """Close the key of the caller NAME at once; the name is not used again."""
    from models.home import read_home  # noqa: PLC0415 (quick --help)
    from serving.auth import revoke_key  # noqa: PLC0415

    revoke_key(read_home().keys, name, today=datetime.now(UTC).date())
    console().print(f"The key of {name} opens nothing any more.", markup=False)
