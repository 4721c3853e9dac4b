"""``rollrisk report``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.commands.shared import (
    FILE,
    LEDGER,
    console,
    progress,
    refusals,
    write_atomically,
)

if TYPE_CHECKING:
    from models.home import Home
    from serving.console.past import Past
    from serving.console.served import Served

WHOLE = "scoring"
"""The report that is written when no other is named."""


class ReportGroup(click.Group):
    """A group whose first report needs no name: ``rollrisk report SCORES --out FILE``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name in where none is given."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [WHOLE, *args]
        return super().parse_args(ctx, args)


OUT = click.option(
    "--out",
    required=True,
    type=FILE,
    help="The file to write; a name that ends in .pdf gives a PDF, any other HTML.",
)
REDACT = click.option(
    "--redact", is_flag=True, help="Leave out names, numbers and collectors, for sharing."
)


@click.group("report", cls=ReportGroup)
def command() -> None:
    """Write what was scored as a paper that needs nothing else.

    `rollrisk report [SCORES] --out FILE` writes a whole scoring as one HTML page. The others
    write the managers' pages of the published snapshot, as HTML or, through Chromium, as PDF:
    with page numbers, definitions and a box to sign.
    """


@command.command(WHOLE)
@click.argument("scores", type=LEDGER, required=False)
@click.option("--out", required=True, type=FILE, help="The HTML file to write.")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Accounts shown per currency.",
)
@refusals
def scoring(scores: Path | None, out: Path, top: int) -> None:
    """Write a scoring as one HTML page that needs nothing else.

    SCORES is a folder written by `rollrisk score --out`; without it the published snapshot
    is taken.
    """
    from models.home import read_home  # noqa: PLC0415 (quick --help)
    from models.snapshot import current_snapshot  # noqa: PLC0415
    from serving.reports.render import write_report  # noqa: PLC0415

    with progress("Writing the report"):
        folder = current_snapshot(read_home()) if scores is None else scores
        write_report(folder, out, top=top)
    console().print(f"The report of {folder} is in {out}.")


@command.command("portfolio")
@OUT
@click.option("--currency", help="Only this currency; all of them when left out.")
@refusals
def portfolio(out: Path, currency: str | None) -> None:
    """The whole book: ageing now and expected, what rolls and why, key figures, allowance."""
    from serving.console.papers import portfolio_paper  # noqa: PLC0415 (quick --help)

    def make(home: "Home", served: "Served", tell: Callable[[str], None]) -> str:
        if currency is not None and currency not in served.currencies:
            raise click.ClickException(
                f"Nothing is open in {currency!r}. Currencies: {', '.join(served.currencies)}."
            )
        tell("the last year of the ledger")
        past = _past(home, served)
        return portfolio_paper(served, past, served.currencies if currency is None else (currency,))

    _write(out, make)


@command.command("high-risk")
@OUT
@click.option(
    "--top",
    type=click.IntRange(1, 500),
    default=50,
    show_default=True,
    help="Accounts shown per currency.",
)
@REDACT
@refusals
def high_risk(out: Path, top: int, redact: bool) -> None:  # noqa: FBT001 (click's interface)
    """The accounts with most at risk, what drives each, and what to do."""
    from serving.console.papers import high_risk_paper  # noqa: PLC0415 (quick --help)

    _write(out, lambda _home, served, _tell: high_risk_paper(served, top=top, redact=redact)[0])


@command.command("account")
@click.argument("account_id")
@OUT
@click.option("--currency", help="The account's currency shown; its largest when left out.")
@REDACT
@refusals
def account(account_id: str, out: Path, currency: str | None, redact: bool) -> None:  # noqa: FBT001
    """One account: what is open, why it is at risk, its year, and reviewers' notes."""
    from serving.console.notes import open_notes  # noqa: PLC0415 (quick --help)
    from serving.console.papers import account_paper  # noqa: PLC0415

    def make(home: "Home", served: "Served", _tell: Callable[[str], None]) -> str:
        if account_id not in served.pair.table:
            raise click.ClickException(
                f"The account {account_id!r} has no open item in the published snapshot, or is "
                "unknown. `rollrisk report high-risk` lists accounts."
            )
        notes = open_notes(home)
        try:
            written = notes.of_account(account_id)
        finally:
            notes.close()
        return account_paper(served, account_id, currency=currency, notes=written, redact=redact)

    _write(out, make)


def _past(home: "Home", served: "Served") -> "Past":
    from serving.console.past import past_of  # noqa: PLC0415 (quick --help)

    return past_of(served.pair, home)


def _write(out: Path, make: "Callable[[Home, Served, Callable[[str], None]], str]") -> None:
    """Make a paper of the published snapshot and write it as its name asks."""
    from models.home import read_home  # noqa: PLC0415 (quick --help)
    from serving.console.served import serve  # noqa: PLC0415
    from serving.reports.pdf import find_chromium, print_pdf  # noqa: PLC0415
    from serving.store import load_pair  # noqa: PLC0415

    as_pdf = out.suffix.lower() == ".pdf"
    chromium = find_chromium() if as_pdf else ""  # before the work, not after it
    home = read_home()
    with progress("Report") as tell:
        tell("the published snapshot")
        served = serve(load_pair(home), home)
        html = make(home, served, tell)
        if as_pdf:
            tell("print")
            print_pdf(html, out, chromium=chromium)
        else:
            write_atomically(out, lambda path: path.write_text(html, "utf-8"))
    manifest = served.pair.manifest
    console().print(
        f"The report of {manifest.as_of}, model version {manifest.model_version}, is in {out}."
    )
