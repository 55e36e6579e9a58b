"""The model as `mlflow models serve` answers over HTTP."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from picture_files import decode, file, text

import rechroma
from rechroma.deployment.load import load_model
from rechroma.inference.restorer import Restorer
from rechroma.models.store import save_model
from rechroma.tracking.registry import register
from rechroma.tracking.runs import training_run


@pytest.fixture
def champion(root, tiny_settings, outspoken) -> Restorer:
    """A tiny model, which is the champion in the store of `root`."""
    settings, model = tiny_settings(), root / "model"
    save_model(outspoken(settings), settings.restore, model)
    dataset = {"name": "tiny", "digest": "d" * 64, "photos": {"train": 8}}
    package = Path(rechroma.__file__).parent
    with training_run(settings, root, dataset, "cpu", root / "note") as run:
        register(run, settings, model, package, 0.5, dataset["digest"])
    return load_model(model, aim="eye")


def request(port, path, content=None, seconds=60):
    """Status and body of the answer; a GET, or a POST of `content` as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        if content is None:
            connection.request("GET", path)
        else:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(content), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def is_up(port):
    try:
        return request(port, "/ping", seconds=5)[0] == 200
    except OSError:
        return False


@contextmanager
def service(root: Path, seconds: float = 300) -> Iterator[int]:
    """`mlflow models serve` of the champion in the store of `root`; gives the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scripts = Path(sys.executable).parent
    arguments = (
        "models serve -m models:/rechroma@champion --env-manager local --host 127.0.0.1 --port"
    )
    environment = os.environ | {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{root / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    log = root / "service.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [scripts / "mlflow", *arguments.split(), str(port)],
            cwd=root,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + seconds
        while not is_up(port):
            running = server.poll() is None and time.monotonic() < end
            assert running, f"the service does not answer:\n{log.read_text()}"
            time.sleep(0.2)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.mark.filterwarnings("ignore")  # of MLflow's, about its own registry
def test_the_champion_answers_over_http_and_in_a_data_frame(root, champion, damaged, hole):
    given = np.zeros(damaged.shape, bool)
    given[:5] = True
    rows = [
        {"photo": text(damaged), "mask": ""},
        {"photo": damaged.tolist(), "mask": given.tolist()},
    ]
    expected = [champion(damaged, hole), champion(damaged, given)]

    with service(root) as port:
        status, body = request(port, "/invocations", {"dataframe_records": rows})
        assert status == 200
        pictures = [decode(row["restored"]) for row in json.loads(body)["predictions"]]
        assert np.array_equal(pictures, expected)

        content = {"inputs": rows, "params": {"output": "array"}}
        status, body = request(port, "/invocations", content)
        assert status == 200
        arrays = [row["restored"] for row in json.loads(body)["predictions"]]
        assert np.array_equal(arrays, expected)

        # Two users at once, one of them with a request that is refused.
        def ask(row):
            return request(port, "/invocations", {"dataframe_records": [row]})

        wrong = {"photo": text(damaged), "mask": text(np.zeros((9, 8), np.uint8))}
        with ThreadPoolExecutor(3) as users:
            answers = list(users.map(ask, [*rows, wrong] * 2))
        for user, (status, body) in enumerate(answers):
            if user % 3 == 2:
                assert status == 400
                assert "mask of row 0: expected its photograph's size" in body.decode()
                continue
            assert status == 200
            (row,) = json.loads(body)["predictions"]
            assert np.array_equal(decode(row["restored"]), expected[user % 3])

        status, body = request(port, "/invocations", {"dataframe_records": [{"photo": "old.jpg"}]})
        assert status == 400
        assert "photo of row 0: expected a picture file" in json.loads(body)["message"]

    model = mlflow.pyfunc.load_model("models:/rechroma@champion")
    table = pd.DataFrame({"photo": [file(damaged), damaged], "mask": [None, given]})
    assert np.array_equal([decode(each) for each in model.predict(table)["restored"]], expected)
    arrays = model.predict(table, params={"output": "array"})["restored"]
    assert np.array_equal(list(arrays), expected)
