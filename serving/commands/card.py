"""``rollrisk card``."""

from pathlib import Path

import click

from serving.commands.shared import FOLDER, console, refusals, write_atomically


@click.command("card")
@click.option("--model", help="Bundle folder, version or models:/ URI. Default: the champion.")
@click.option("--out", type=FOLDER, help="Folder. Default: cards/<version> in the home.")
@refusals
def command(model: str | None, out: Path | None) -> None:
    """Write the card of a model as Markdown and as one HTML page.

    Data window, definitions, figures beside the baselines, the gate's verdict, segments, known
    limits, intended use, and what is owed to sole traders.
    """
    from models.card import card_html, card_markdown, model_card  # noqa: PLC0415 (quick --help)
    from models.home import read_home  # noqa: PLC0415
    from models.registry import load_model, read_verdict  # noqa: PLC0415

    home = read_home()
    bundle = load_model(home, model)
    verdict = read_verdict(home, bundle.version) if bundle.version.isdigit() else None
    card = model_card(bundle, verdict)
    folder = out or home.path / "cards" / bundle.version
    markdown, page = card_markdown(card), card_html(card)
    write_atomically(folder / "model_card.md", lambda path: path.write_text(markdown, "utf-8"))
    write_atomically(folder / "model_card.html", lambda path: path.write_text(page, "utf-8"))
    console().print(f"The card of model {bundle.version} is in {folder}.")
