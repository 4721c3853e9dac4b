"""What the sub-commands share: options, progress, tables, and errors as exit codes."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from features.ledger.read import Ledger

P = ParamSpec("P")
R = TypeVar("R")


class LocalFolder(click.Path):
    """A folder on disk; an address such as s3://bucket/ledger is refused as what it is."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 (click's interface)
        """Return the path; a wrong one ends the command with code 2."""
        if "://" in str(value):
            self.fail("this must be a folder on disk. Only `import` reads addresses.", param, ctx)
        return super().convert(value, param, ctx)


LEDGER = LocalFolder(exists=True, file_okay=False, path_type=Path)
FOLDER = LocalFolder(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


class IsoDate(click.ParamType[date]):
    """A date given as YYYY-MM-DD."""

    name = "date"

    def convert(
        self, value: str | date, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Parse ``value``; a wrong one ends the command with code 2."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date. Write it as YYYY-MM-DD.", param, ctx)


ISO_DATE = IsoDate()

RECIPE = "TOML file, or a shipped recipe: quick, steady or highradius; defaults without it."
"""Help of the option that names a training recipe."""


def beyond_the_books(ledger: "Ledger", as_of: Sequence[date]) -> str:
    """Return what is wrong with days that the books do not reach; empty when nothing is."""
    last = ledger.manifest.known_through
    late = [day for day in as_of if day > last]
    if not late:
        return ""
    return (
        f"a day must not lie after the end of the books, {last}, got {min(late)}. Give a day up "
        "to then, or import what has happened since."
    )


def require_known(ledger: "Ledger", *as_of: date) -> None:
    """Refuse days after the end of the books as wrong usage: nothing is known of them yet."""
    if wrong := beyond_the_books(ledger, as_of):
        raise click.BadParameter(wrong, param_hint="'--as-of'")


def console(*, stderr: bool = False) -> Console:
    """Return a console; wide enough for tables where the output is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else 160, highlight=False)


def refusals(function: Callable[P, R]) -> Callable[P, R]:
    """End a command with code 1 and one message when the data or the gate says no."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (ValueError, LookupError, FileNotFoundError) as error:
            if isinstance(error, (KeyError, IndexError)):
                raise
            raise click.ClickException(str(error)) from error

    return wrapped


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done on a terminal; stay quiet elsewhere."""
    target = console(stderr=True)
    if not target.is_terminal:
        yield lambda _: None
        return
    with target.status(f"{title} …") as status:
        yield lambda step: status.update(f"{title}: {step.replace('_', ' ')} …")


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()
) -> None:
    """Print a table people can read; columns named in ``right`` are right-aligned."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def print_metrics(metrics: Mapping[str, Mapping[str, float]]) -> None:
    """Print headline figures, one model a line."""
    shown = {
        "roc_auc": "ROC AUC",
        "average_precision": "avg. precision",
        "brier": "Brier",
        "log_loss": "log-loss",
        "captured_dollars": "$ in top 20 %",
        "expected_over_realised": "expected ÷ realised $",
    }
    first = next(iter(metrics.values()))
    title = f"{first['rows']:,.0f} exposed rows, {first['positives']:,.0f} rolled"
    rows = [[name, *(f"{figures[key]:.4f}" for key in shown)] for name, figures in metrics.items()]
    print_table(title, ["model", *shown.values()], rows, right=tuple(shown.values()))


def print_json(value: object) -> None:
    """Print a value as JSON for another program."""
    click.echo(json.dumps(value, indent=1, default=str))


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file under a temporary name and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    write(temporary)
    temporary.replace(path)
