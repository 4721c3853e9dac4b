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


def gap_cell(gap: Mapping[str, float]) -> str:
    """Return a difference with its interval on a line of its own."""
    return gap_text(gap).replace(" [", "\n[")
