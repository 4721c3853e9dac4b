"""What can be downloaded: the worklist, and the allowance with its formulas."""

from collections.abc import Sequence

from serving.console.allowance import AllowanceLine, AllowanceView, Segment
from serving.console.render import label
from serving.console.served import Served
from serving.console.worklist import COLUMNS, Query, find_accounts, list_rows
from serving.reports.spreadsheet import Formula, Share, Sheet, csv_text, xlsx_bytes

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def worklist_rows(served: Served, query: Query) -> list[list[object]]:
    """Return every account found, all columns, typed."""
    shares = {column.name for column in COLUMNS if column.kind == "share"}
    rows = []
    for row in list_rows(served, find_accounts(served, query)):
        cells = [
            Share(value=value) if name in shares and value is not None else value
            for name, value in row.values.items()
        ]
        rows.append(cells)
    return rows


def worklist_csv(served: Served, query: Query) -> bytes:
    """Return the list as CSV."""
    return csv_text([column.name for column in COLUMNS], worklist_rows(served, query)).encode()


def worklist_xlsx(served: Served, query: Query) -> bytes:
    """Return the list as a workbook."""
    manifest = served.pair.manifest
    sheet = Sheet(
        name="Worklist",
        heads=[column.head for column in COLUMNS],
        rows=worklist_rows(served, query),
        notes=[
            f"As of {manifest.as_of}, model version {manifest.model_version}. Amounts in each "
            "row's currency; priorities are expectations, not measured effects of collecting.",
        ],
    )
    return xlsx_bytes([sheet])


_HEADS = (
    "Segment",
    "Bucket",
    "Balance",
    "Chain: reaches 91+",
    "Model: reaches 91+",
    "Loss given 91+",
    "Chain allowance",
    "Model allowance",
    "Difference",
)


def allowance_csv(view: AllowanceView) -> bytes:
    """Return both allowances by segment and bucket as CSV."""
    rows = [_plain_line(segment, line) for segment in view.segments for line in segment.lines]
    return csv_text(_HEADS, rows).encode()


def allowance_xlsx(view: AllowanceView) -> bytes:
    """Return the allowance as a workbook whose sums and products are formulas."""
    sheets = [_allowance_sheet(view), _inputs_sheet(view), _overlays_sheet(view)]
    return xlsx_bytes(sheets)


def _plain_line(segment: Segment, line: AllowanceLine) -> list[object]:
    return [
        label(segment.name),
        line.bucket,
        line.balance,
        Share(value=line.chain_reach),
        Share(value=line.model_reach),
        Share(value=line.loss_given_last),
        line.chain,
        line.model,
        line.difference,
    ]


def _allowance_sheet(view: AllowanceView) -> Sheet:
    rows: list[list[object]] = []
    for segment in view.segments:
        for line in segment.lines:
            at = len(rows) + 2
            cells = _plain_line(segment, line)
            # An empty bucket has no reach to multiply with.
            reach = "E" if line.balance.cents else "D"
            cells[6] = Formula(text=f"ROUND(C{at}*D{at}*F{at},2)", value=line.chain.cents / 100)
            cells[7] = Formula(
                text=f"ROUND(C{at}*{reach}{at}*F{at},2)", value=line.model.cents / 100
            )
            cells[8] = Formula(text=f"H{at}-G{at}", value=line.difference.cents / 100)
            rows.append(cells)
    end = len(rows) + 1
    total = view.total
    if total is not None:
        sums = {"C": total.balance, "G": total.chain, "H": total.model, "I": total.difference}
        formulas = {
            letter: Formula(text=f"SUM({letter}2:{letter}{end})", value=amount.cents / 100)
            for letter, amount in sums.items()
        }
        rows.append(["Total", "", formulas["C"], None, None, None, *(formulas[k] for k in "GHI")])
    return Sheet(
        name="Allowance",
        heads=_HEADS,
        rows=rows,
        notes=[
            "Allowance = balance x share that reaches 91+ x loss given 91+.",
            "Chain: product of the segment's dollar roll rates from the bucket to 91+. Model: the "
            "items' own probabilities, weighted by balance.",
        ],
    )


def _inputs_sheet(view: AllowanceView) -> Sheet:
    rates: Sequence[Sequence[object]] = [
        [f"Roll rate out of {rate.bucket}", Share(value=rate.rate), rate.items, rate.balance]
        for rate in view.roll_rates
    ]
    bands: Sequence[Sequence[object]] = [
        [f"{words}, {one.band}", Share(value=getattr(one, name)), None, None]
        for name, words in (
            ("cash", "Brought in within 30 days"),
            ("written_off", "Written off within 30 days"),
            ("loss", "Loss given 91+"),
        )
        for one in view.losses
    ]
    return Sheet(
        name="Rates",
        heads=["Rate", "Share", "Items measured", "Balance measured"],
        rows=[*rates, *bands, ["Credit-note dilution, one step", None, None, view.dilution]],
    )


def _overlays_sheet(view: AllowanceView) -> Sheet:
    rows: list[list[object]] = [
        ["Model allowance", "", "", "", view.total.model if view.total else None, ""]
    ]
    rows += [
        [one.name, label(one.segment) if one.segment else "All", one.on, one.author, one.amount,
         one.reason]
        for one in view.overlays
    ]  # fmt: skip
    end = len(rows) + 1
    rows.append(
        [
            "Allowance with overlays",
            "",
            "",
            "",
            Formula(text=f"SUM(E2:E{end})", value=view.final.cents / 100),
            "",
        ]
    )
    return Sheet(
        name="Overlays",
        heads=["Overlay", "Segment", "Date", "Entered by", "Amount", "Reason"],
        rows=rows,
    )
