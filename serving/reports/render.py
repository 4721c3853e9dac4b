"""Turn the view of a scoring into one HTML file that needs nothing else."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from serving.commands.shared import write_atomically
from serving.reports.charts import ageing_chart, is_cut, swatch, waterfall_chart
from serving.reports.scores import read_scores
from serving.reports.view import ReportView, report_view

TEMPLATE = "report.html.j2"


def report_html(view: ReportView) -> str:
    """Return the page as text; every value is escaped, style and pictures are inside."""
    environment = Environment(
        loader=PackageLoader("serving", "reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        ageing_chart=ageing_chart,
        waterfall_chart=waterfall_chart,
        is_cut=is_cut,
        swatch=swatch,
    )
    return environment.get_template(TEMPLATE).render(view=view)


def write_report(scores: Path, out: Path, *, top: int = 20) -> Path:
    """Write the report of a folder of scores.

    Parameters
    ----------
    scores : Path
        Folder written by ``rollrisk score``.
    out : Path
        The HTML file; it is replaced in one step, never half written.
    top : int
        Accounts shown per currency.

    Raises
    ------
    ScoresError
        When the folder holds no scoring or its files contradict each other.
    """
    html = report_html(report_view(read_scores(scores), top=top))
    write_atomically(out, lambda path: path.write_text(html, "utf-8"))
    return out
