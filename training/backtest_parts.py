"""Pieces of the backtest's page as plain values: sections, tables, pictures and figures as text."""

import base64
from collections.abc import Mapping
from typing import Any


def section(
    title: str,
    *,
    note: str = "",
    pictures: list[dict[str, str]] | None = None,
    tables: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return a section of the page."""
    return {"title": title, "note": note, "pictures": pictures or [], "tables": tables or []}


def table_of(
    title: str,
    columns: list[str],
    rows: list[list[str]],
    *,
    note: str = "",
    own: list[bool] | None = None,
) -> dict[str, Any]:
    """Return a table: its title, columns, cells as text, and which rows are our own."""
    marks = own or [False] * len(rows)
    return {
        "title": title,
        "note": note,
        "columns": columns,
        "rows": [{"own": mark, "cells": row} for mark, row in zip(marks, rows, strict=True)],
    }


def picture(title: str, alt: str, png: bytes) -> dict[str, str]:
    """Return a picture with its title and what it shows in words."""
    return {"title": title, "alt": alt, "data": base64.b64encode(png).decode()}


def words(model: str) -> str:
    """Return a model's column name as people read it."""
    return model.replace("_", " ").replace("roll rate", "roll-rate")


def number(value: float | None) -> str:
    """Return a figure with four digits; a dash where there is none."""
    return "–" if value is None else f"{value:.4f}"


def gap_text(gap: Mapping[str, float], digits: int = 4) -> str:
    """Return a difference with its interval on one line."""
    shown = [f"{gap[key]:+.{digits}f}".replace("-", "−") for key in ("difference", "low", "high")]
    return f"{shown[0]} [{shown[1]},\N{NO-BREAK SPACE}{shown[2]}]"


def group_cells(
    title: str, own: Mapping[str, float], gaps: Mapping[str, Mapping[str, float]] | None
) -> list[str]:
    """Return the row of a group: its size, and our figures beside what they are ahead."""
    return [
        title,
        f"{own['rows']:,.0f}",
        f"{own['positives']:,.0f}",
        number(own["log_loss"]),
        gap_cell(gaps["log_loss"]) if gaps else "–",
        number(own["average_precision"]),
        gap_cell(gaps["average_precision"]) if gaps else "–",
        number(own["expected_over_realised"]),
    ]


def gap_cell(gap: Mapping[str, float]) -> str:
    """Return a difference with its interval on a line of its own."""
    return gap_text(gap).replace(" [", "\n[")
