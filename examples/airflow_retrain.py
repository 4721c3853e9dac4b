"""An Airflow DAG that retrains each Monday; Airflow's own Python needs no rollrisk.

Exit code 75 (another run is going) is retried. Exit code 1 (the data or the gate said no) fails
the task at once: it asks for people, and trying again would say the same.
"""

from datetime import UTC, datetime, timedelta

from airflow.exceptions import AirflowFailException
from airflow.sdk import dag, task

PYTHON = "/srv/rollrisk/venv/bin/python"
CONFIG = "/srv/rollrisk/retrain.toml"
HOME = "/srv/rollrisk/home"
BUSY = 75


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
        if done.returncode == BUSY:
            raise RuntimeError(lines[-1])
        if done.returncode != 0:
            raise AirflowFailException(lines[-1] if lines else done.stderr)
        result: dict[str, object] = json.loads(lines[-1])
        return result

    retrain()


rollrisk_retrain()
