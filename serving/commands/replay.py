"""``rollrisk replay``."""

import os

import click

from serving.commands.shared import console, print_json, refusals

_WORDS = {
    "reproduced": "[green]Reproduced to the bit.[/green]",
    "differs": "[red]Made again, but not the same bytes.[/red]",
    "gone": "[yellow]Cannot be made again.[/yellow]",
}


@click.command("replay")
@click.argument("request_id")
@click.option("--show", is_flag=True, help="Print the answer as it is made now.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@refusals
def command(request_id: str, show: bool, as_json: bool) -> None:  # noqa: FBT001 (flags)
    """Make the answer REQUEST_ID again, through the code of the service.

    Ends with 0 when every answer of that id is reproduced to the bit, else with 1 and what is
    gone or has changed.
    """
    from serving.audit import open_audit  # noqa: PLC0415 (quick --help)
    from serving.replay import replay  # noqa: PLC0415
    from serving.settings import read_settings  # noqa: PLC0415

    settings = read_settings(os.environ)
    with open_audit(settings) as audit:
        found = replay(audit, settings.home, request_id)
    if as_json:
        fields = ("request_id", "caller", "route", "at", "verdict", "reasons")
        print_json([{name: getattr(entry, name) for name in fields} for entry in found])
    for entry in found if not as_json else ():
        target = console(stderr=show)
        target.print(f"{entry.route} for {entry.caller} at {entry.at}", markup=False)
        target.print(_WORDS[entry.verdict])
        for reason in entry.reasons:
            target.print(f"  {reason}", markup=False)
    for entry in found if show else ():
        click.echo((entry.body or b"").decode())
    if any(entry.verdict != "reproduced" for entry in found):
        raise SystemExit(1)
