"""The ``rollrisk`` command.

Each sub-command stands in ``serving/commands``, a few lines that call the packages; its
module is imported only when it runs, so that ``--help`` is quick. Exit codes: 0 done, 1 the
data or the gate said no, 2 wrong usage.
"""

import importlib
from typing import cast

import click

COMMANDS: dict[str, str] = {
    "demo": "The whole path on a simulated ledger, in one go.",
    "simulate": "Write a synthetic ledger.",
    "import": "Read an export into a ledger.",
    "check": "Prove a ledger's invariants and say whether it can be trained on.",
    "features": "Write one row of features per open item and date.",
    "outcomes": "Write what became of each open item.",
    "search": "Search the recipe's parameters inside the training window.",
    "train": "Train, evaluate and register a challenger.",
    "backtest": "Judge the recipe on past dates beside the baselines.",
    "promote": "Make a version the champion.",
    "rollback": "Make the champion before the present one champion again.",
    "score": "Score a ledger on a day and publish the worklist.",
    "simulate-policy": "Replay past days under several policies.",
    "report": "Write a scoring as one HTML page.",
    "card": "Write the card of a model.",
    "monitor": "Compare past scores with outcomes; say whether a retrain is due.",
    "daily": "The day's work: import, check, score, publish, monitor.",
    "keys": "Make, list, rotate and revoke API keys.",
    "serve": "Answer scoring requests over HTTP.",
    "replay": "Make an answer of the service again, to the bit.",
    "prune": "Delete snapshots, rows sent and audit rows beyond their time.",
    "forget": "Erase an account from snapshots and the audit store.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's interface)
        """Return the commands in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command called ``cmd_name``."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("import", "load").replace("-", "_")
        module = importlib.import_module(f"serving.commands.{name}")
        return cast("click.Command", module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rollrisk")
def main() -> None:
    """Which open invoices will roll to an older ageing bucket, why, and what to do.

    A ledger goes through import, check, train and score to a worklist; models, snapshots and
    keys live in the folder named by ROLLRISK_HOME (default ./.rollrisk).
    """


if __name__ == "__main__":
    main()
