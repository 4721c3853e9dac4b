"""``rollrisk daily``."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.commands.load import SOURCES, ExportPath, local_export, source_called
from serving.commands.shared import FOLDER, ISO_DATE, beyond_the_books, progress, refusals

if TYPE_CHECKING:
    from serving.daily import Facts, Step
    from serving.settings import Settings


@click.command("daily")
@click.argument("ledger", type=FOLDER)
@click.option("--source", type=click.Choice(SOURCES), help="What kind of export --from is.")
@click.option(
    "--from",
    "path",
    type=ExportPath(exists=True, path_type=Path),
    help="Export to import first. Default: the ledger as it is.",
)
@click.option("--known-through", type=ISO_DATE, help="Last complete day, where it is not said.")
@click.option(
    "--max-quarantined-share", default=0.01, show_default=True, type=click.FloatRange(0, 1)
)
@click.option(
    "--as-of", "as_of", type=ISO_DATE, help="Day to score. Default: the ledger's last known day."
)
@click.option("--model", help="Bundle folder, version or models:/ URI. Default: the champion.")
@refusals
def command(
    ledger: Path,
    source: str | None,
    path: Path | str | None,
    known_through: date | None,
    max_quarantined_share: float,
    as_of: date | None,
    model: str | None,
) -> None:
    """Import, check, score, publish and monitor, once a day, into the ledger at LEDGER.

    Only one run at a time; a run that was stopped goes on where it was. The last line printed
    is the whole report as one line of JSON. Exit code 1 when the data say no: the export or
    the ledger is broken, and what was served stays served. The database of the source sql is
    named by ROLLRISK_DATABASE_URL.
    """
    from serving.daily import run_steps  # noqa: PLC0415 (quick --help)
    from serving.locks import locked  # noqa: PLC0415
    from serving.settings import read_settings  # noqa: PLC0415

    if (source is None) != (path is None):
        raise click.UsageError("--source and --from belong together.")
    settings = read_settings(os.environ)
    home = settings.home.path
    with locked(home / "daily.lock", wait=False), progress("Daily") as tell:
        day = _Day(ledger=ledger, as_of=as_of, model=model, settings=settings, tell=tell)
        steps = day.steps()
        if source is not None and path is not None:
            load = _importing(ledger, source, path, known_through, max_quarantined_share)
            steps = [load, *steps]
        report = run_steps(steps, home / "daily.json", progress=tell)
    click.echo(report.line)
    if report.mistake is not None:
        raise report.mistake
    if report.error:
        raise SystemExit(1)


def _importing(
    ledger: Path, source: str, path: Path | str, known_through: date | None, share: float
) -> "Step":
    """Return the step that imports; it always runs, and an export known already changes nothing."""
    from features.ledger.write import import_extract  # noqa: PLC0415 (quick --help)
    from serving.daily import Step  # noqa: PLC0415

    reader = source_called(source, None)

    def load(_: "Facts") -> "Facts":
        with local_export(path) as export:
            extract = reader.read(export)
        reports = import_extract(
            ledger,
            extract,
            source=source,
            known_through=known_through,
            max_quarantined_share=share,
        )
        names = ("read", "new", "changed", "quarantined")
        return {f"rows_{name}": sum(getattr(report, name) for report in reports) for name in names}

    return Step(name="import", run=load)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """What a run is told, and its steps after the import."""

    ledger: Path
    as_of: date | None
    model: str | None
    settings: "Settings"
    tell: Callable[[str], None]

    def steps(self) -> "list[Step]":
        """Return the steps in order."""
        from serving.daily import Step  # noqa: PLC0415 (quick --help)

        decided_by = ("ledger", "ledger_digest", "as_of", "model", "policy")
        return [
            Step(name="look", run=self.look),
            Step(name="check", run=self.check, decided_by=("ledger_digest",)),
            Step(name="score", run=self.score, decided_by=decided_by, stands=self.is_published),
            Step(name="publish", run=self.publish),
            Step(name="monitor", run=self.monitor),
        ]

    def look(self, _: "Facts") -> "Facts":
        """Say what is there: the ledger, the day, the model and the policy."""
        from features.ledger.read import open_ledger  # noqa: PLC0415
        from models.registry import CHAMPION, alias_version, newest_version  # noqa: PLC0415
        from serving.audit_rows import digest_of  # noqa: PLC0415
        from serving.daily import StepError  # noqa: PLC0415
        from serving.policy_text import known_policy  # noqa: PLC0415

        home, opened = self.settings.home, open_ledger(self.ledger)
        if self.as_of is not None and (wrong := beyond_the_books(opened, [self.as_of])):
            raise StepError(f"--as-of: {wrong}")
        model = self.model or alias_version(home, CHAMPION) or newest_version(home)
        return {
            "ledger": str(self.ledger.resolve()),
            "ledger_digest": opened.digest,
            "as_of": str(self.as_of or opened.manifest.known_through),
            "model": model or "matrix",
            "policy": digest_of(known_policy(self.settings.policy).text.encode())[:16],
        }

    def check(self, _: "Facts") -> "Facts":
        """Prove the ledger's invariants."""
        from features.ledger.finding import all_passed  # noqa: PLC0415
        from features.ledger.invariants import check_ledger  # noqa: PLC0415
        from features.ledger.read import open_ledger  # noqa: PLC0415
        from serving.daily import StepError  # noqa: PLC0415

        findings = check_ledger(open_ledger(self.ledger), None, progress=self.tell)
        broken = [finding.sentence for finding in findings if finding.outcome == "failed"]
        if not all_passed(findings):
            raise StepError(
                f"{len(broken)} invariant(s) of the ledger fail. `rollrisk check {self.ledger}` "
                "shows them. Nothing was scored.",
                {"failed": broken[:20]},
            )
        return {"checked": len(findings)}

    def score(self, facts: "Facts") -> "Facts":
        """Score the day; the snapshot is published with the model that scored it."""
        from features.ledger.read import open_ledger  # noqa: PLC0415
        from serving.batch import score_batch  # noqa: PLC0415
        from serving.feedback_notes import told_so_far  # noqa: PLC0415
        from serving.policy import read_policy  # noqa: PLC0415
        from training.choice import choose_model  # noqa: PLC0415

        home, opened = self.settings.home, open_ledger(self.ledger)
        day = date.fromisoformat(facts["as_of"])
        bundle, reference = choose_model(home, opened, day, self.model)
        scored = score_batch(
            opened,
            day,
            bundle,
            read_policy(self.settings.policy),
            home,
            ledger_path=self.ledger,
            model_reference=reference,
            feedback=told_so_far(self.settings),
            progress=self.tell,
        )
        return {
            "snapshot": scored.snapshot.name,
            "model_version": bundle.version,
            "items": len(scored.scoring.items),
            "accounts": len(scored.accounts),
        }

    def is_published(self, gave: "Facts") -> bool:
        """Return whether the snapshot of an earlier run is the one that is served."""
        from models.snapshot import NoSnapshotError, current_snapshot  # noqa: PLC0415

        try:
            return current_snapshot(self.settings.home).name == str(gave["snapshot"])
        except NoSnapshotError:
            return False

    def publish(self, facts: "Facts") -> "Facts":
        """Make sure that what is published can be served, before a service tries it."""
        from serving.store import load_pair  # noqa: PLC0415

        pair = load_pair(self.settings.home)
        return {"served": pair.name, "served_as_of": str(pair.manifest.as_of)} | (
            {} if pair.name == facts["snapshot"] else {"published_meanwhile": True}
        )

    def monitor(self, _: "Facts") -> "Facts":
        """Compare past scores with what became of them."""
        from features.ledger.read import open_ledger  # noqa: PLC0415
        from training.monitor import run_monitor  # noqa: PLC0415
        from training.monitor_page import write_monitoring  # noqa: PLC0415

        home = self.settings.home
        found = run_monitor(home, open_ledger(self.ledger), progress=self.tell)
        write_monitoring(found, home.path / "monitor")
        return {"retrain_due": found.retrain_due, "retrain_reasons": list(found.reasons)}
