"""Write the pages that are made from the code: ``python docs/generate.py``.

A test compares them with what stands in ``docs/``.
"""

from pathlib import Path

from docs.ablation import ablation_page
from docs.console import console_page
from docs.lineage import lineage_page
from docs.models import models_page
from docs.service import service_page
from features.catalogue import FAMILIES, MODEL_FEATURES
from features.ledger.tables import TABLES

FOLDER = Path(__file__).parent


def features_page() -> str:
    """Return the catalogue of features as Markdown."""
    lines = [
        "# Features",
        "",
        "Made from `features/catalogue.py` by `make pages`. Every feature is one column of a "
        "query in `features/sql/`; where a source lacks a table, the value is missing. Those "
        "of the family `peers` come from the levels in a model's profile and stand in no output of "
        "`rollrisk features`.",
    ]
    for family, title in FAMILIES.items():
        rows = [feature for feature in MODEL_FEATURES if feature.family == family]
        if not rows:
            continue
        lines += ["", f"## {title} (`{family}`)", ""]
        lines += ["| feature | unit | range | direction | reads as | query | needs |"]
        lines += ["|---|---|---|---|---|---|---|"]
        for row in rows:
            subject = "the invoice" if row.about == "invoice" else "the account"
            templates = [one for one in (row.sentence, row.below_zero) if one]
            reads = "; below 0: ".join(one.format(value="*n*") for one in templates)
            lines.append(
                f"| `{row.name}` | {row.unit} | {row.low:g} … {row.high:g} | {row.direction} | "
                f"{subject} {reads} | `{row.query}.sql` | "
                f"{', '.join(row.needs) or '–'} |"
            )
    return "\n".join(lines) + "\n"


def ledger_page() -> str:
    """Return the ledger contract as Markdown."""
    lines = [
        "# Ledger",
        "",
        "Made from `features/ledger/tables.py` by `make pages`. A ledger is a folder of Parquet "
        "files (or CSV, with the same columns) and `ledger.json`. Money is in document currency "
        "with two decimals. In `applications`, a positive amount lowers the open balance. "
        "`known_on` is the day the books first showed a row; where a source has none it is the "
        "business date, and the ledger says so.",
        "",
        "An import adds `states/` beside them: what the books showed of each invoice on each day, "
        "worked out once. It may be deleted; answers then take longer "
        "([decision 33](adr/0033-states-kept-by-an-import.md)).",
        "",
        "A row of `accounts` holds what the account began with. What changes later is a row of "
        "`account_changes`, its `value` written as the column is stored (`500.00`, `true`, "
        "`2024-05-31`): past days read the value that was known then. An import of a second "
        "export writes these rows by itself; `rollrisk check` warns where `accounts` seems to "
        "hold the newest values.",
    ]
    for table in TABLES.values():
        required = "required" if table.required else "optional"
        key = ", ".join(f"`{name}`" for name in table.key)
        lines += ["", f"## {table.name} ({required}; key {key})", ""]
        lines += ["| column | kind | required | rule |", "|---|---|---|---|"]
        for column in table.columns:
            rule = ", ".join(f"`{choice}`" for choice in column.choices)
            if column.sign != "any":
                rule = column.sign
            needed = "yes" if column.required else ""
            lines.append(f"| `{column.name}` | {column.kind} | {needed} | {rule} |")
    return "\n".join(lines) + "\n"


PAGES = {
    "features.md": features_page,
    "lineage.md": lineage_page,
    "ledger.md": ledger_page,
    "ablation.md": ablation_page,
    "models.md": models_page,
    "service.md": service_page,
    "console.md": console_page,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
