"""The contenders of ``benchmarks.serving``: how each is started and what it is asked."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pandas as pd
import psutil

from benchmarks.http_load import Target
from models.home import Home
from models.snapshot import current_snapshot, read_snapshot_model
from serving.auth import create_key

ROOT = Path(__file__).parents[1]
ITEMS = 5
"""Open items of the accounts that are asked for."""
ACCOUNTS = 50
STARTED_WITHIN = 120.0
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What all contenders share.

    Parameters
    ----------
    home : Home
        A copy of a home with a published snapshot and its model.
    key : str
        Opens the service.
    account_ids : sequence of str
        Accounts with ``ITEMS`` open items each.
    folder : Path
        For logs.
    """

    home: Home
    key: str
    account_ids: Sequence[str]
    folder: Path

    @property
    def bodies(self) -> list[bytes]:
        """One request for each account."""
        return [json.dumps({"account_ids": [name]}).encode() for name in self.account_ids]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A running server and what it is asked."""

    target: Target
    process: "subprocess.Popen[bytes]"

    def family(self) -> list[psutil.Process]:
        """Return the server's processes."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def processor_seconds(self) -> float:
        """Return what the server has computed so far; other work on the machine counts little."""
        times = [process.cpu_times() for process in self.family()]
        return float(sum(spent.user + spent.system for spent in times))

    def stop(self) -> None:
        """End the server and make sure that it is gone."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def prepare(folder: Path, home: Home | None) -> Setup:
    """Return a setup on a copy of ``home``, or on a new one made as the demo makes it."""
    own = Home(path=folder / "home")
    if home is None:
        from serving.commands.demo_run import run_demo  # noqa: PLC0415 (loads the trainer)

        run_demo(own, accounts=2000, months=36, seed=7, progress=print)
    else:
        shutil.copytree(home.path, own.path)
        own.audit.unlink(missing_ok=True)
    items = pd.read_parquet(current_snapshot(own) / "items.parquet", columns=["account_id"])
    sizes = items.groupby("account_id").size()
    chosen = sizes.index[sizes == ITEMS][:ACCOUNTS].tolist()
    if not chosen:
        raise SystemExit(f"No account of the snapshot has {ITEMS} open items.")
    key = create_key(own.keys, "benchmark", "scorer", today=date(2025, 1, 1))
    return Setup(home=own, key=key, account_ids=chosen, folder=folder)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _start(  # what a process needs
    setup: Setup,
    name: str,
    command: Callable[[int], Sequence[str]],
    target: Callable[[str], Target],
    environment: Mapping[str, str],
) -> Contender:
    """Start a server on a free port and wait until it answers what it will be asked."""
    port = _free_port()
    kept = {name: value for name, value in os.environ.items() if "ROLLRISK" not in name}
    log = setup.folder / f"{name.replace(' ', '_')}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 (our own servers)
            [sys.executable, "-m", *command(port)],
            cwd=ROOT,
            env={**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    contender = Contender(target=target(f"http://127.0.0.1:{port}"), process=process)
    deadline, said = time.monotonic() + STARTED_WITHIN, ""
    while time.monotonic() < deadline and process.poll() is None:
        try:
            asked = contender.target
            answer = httpx.post(asked.url, content=asked.bodies[0], headers=asked.headers)
            if answer.status_code == 200:
                return contender
            said = answer.text
            if 400 <= answer.status_code < 500:
                break
        except httpx.TransportError:
            pass  # nothing listens yet
        time.sleep(0.2)
    contender.stop()
    raise SystemExit(f"{name} did not start: {said}\n{log.read_text()[-3000:]}")


def _rollrisk(setup: Setup) -> Contender:
    headers = {**JSON, "Authorization": f"Bearer {setup.key}"}
    return _start(
        setup,
        "rollrisk",
        lambda port: ["serving.cli", "serve", "--port", str(port)],
        lambda url: Target(url=f"{url}/v1/score", bodies=setup.bodies, headers=headers),
        {"ROLLRISK_HOME": str(setup.home.path), "ROLLRISK_REQUESTS_PER_MINUTE": "10000000"},
    )


def _bare(setup: Setup, name: str, route: str) -> Contender:
    return _start(
        setup,
        name,
        lambda port: ["benchmarks.serving_rivals", str(setup.home.path), str(port)],
        lambda url: Target(url=url + route, bodies=setup.bodies, headers=JSON),
        {},
    )


def _empty_bento(setup: Setup) -> Contender:
    return _start(
        setup,
        "empty bentoml",
        lambda port: ["bentoml", "serve", "benchmarks.empty_bento:Empty", "--port", str(port)],
        lambda url: Target(url=f"{url}/empty", bodies=setup.bodies, headers=JSON),
        {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOST": "127.0.0.1"},
    )


def _mlflow(setup: Setup) -> Contender:
    return _start(
        setup,
        "mlflow",
        lambda port: [
            *("mlflow", "models", "serve", "-m", "models:/roll-risk@champion"),
            *("--env-manager", "local", "--workers", "1", "--port", str(port)),
        ],
        lambda url: Target(url=f"{url}/invocations", bodies=_feature_rows(setup), headers=JSON),
        {
            "MLFLOW_TRACKING_URI": setup.home.tracking_uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            # It starts uvicorn by name.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
    )


def _feature_rows(setup: Setup) -> list[bytes]:
    """Return the items of each account as feature rows; MLflow's server knows no accounts."""
    folder = current_snapshot(setup.home)
    values = pd.read_parquet(folder / "evidence.parquet")
    read = read_snapshot_model(folder).feature_names
    columns = [f"value_{name}" for name in read]
    bodies = []
    for account_id in setup.account_ids:
        own = values.loc[values["account_id"] == account_id, columns]
        # NaN stays NaN: a column of nulls alone would be no column of doubles to MLflow.
        cells = own.astype(float).to_numpy().tolist()
        content = {"dataframe_split": {"columns": list(read), "data": cells}}
        bodies.append(json.dumps(content).encode())
    return bodies


CONTENDERS: dict[str, Callable[[Setup], Contender]] = {
    "rollrisk": _rollrisk,
    "starlette": lambda setup: _bare(setup, "starlette", "/v1/score"),
    "mlflow": _mlflow,
    "empty bentoml": _empty_bento,
    "empty starlette": lambda setup: _bare(setup, "empty starlette", "/empty"),
}
