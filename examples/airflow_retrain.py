"""An Airflow DAG that retrains each Monday; Airflow's own Python needs no rollrisk.

Exit codes 70 (something broke) and 75 (another run is going) are retried, and so is a run that
was killed: it goes on where it was. Exit codes 1 (the data or the gate said no) and 2 (wrong usage)
fail the task at once: they ask for people, and trying again would say the same.
"""

from datetime import UTC, datetime, timedelta

from airflow.exceptions import AirflowFailException
from airflow.sdk import dag, task

PYTHON = "/srv/rollrisk/venv/bin/python"
CONFIG = "/srv/rollrisk/retrain.toml"
HOME = "/srv/rollrisk/home"
SAID_NO, USAGE = 1, 2


@dag(schedule="0 3 * * 1", start_date=datetime(2025, 1, 6, tzinfo=UTC), catchup=False)
def rollrisk_retrain() -> None:
    """Train, register, ask the gate."""

    @task(retries=3, retry_delay=timedelta(minutes=20))
    def retrain() -> dict[str, object]:
        import json  # noqa: PLC0415 (tasks import for themselves)
        import os  # noqa: PLC0415
        import subprocess  # noqa: PLC0415

        done = subprocess.run(  # noqa: S603 (fixed command)
            [PYTHON, "-m", "training.retrain", "--config", CONFIG],
            env={**os.environ, "ROLLRISK_HOME": HOME},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stdout.splitlines()
        said = lines[-1] if lines else done.stderr
        if done.returncode in {SAID_NO, USAGE}:
            raise AirflowFailException(said)
        if done.returncode != 0:
            raise RuntimeError(said)
        result: dict[str, object] = json.loads(said)
        return result

    retrain()


rollrisk_retrain()
