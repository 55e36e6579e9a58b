import subprocess
import sys

import pytest

from rechroma.errors import UserError
from rechroma.tracking import store
from rechroma.tracking.store import connect, ensure_experiment


def test_an_unreachable_store_is_one_clear_message(root, monkeypatch):
    (root / "file").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'file' / 'mlflow.db'}")
    with pytest.raises(UserError, match=r"cannot be reached.*check MLFLOW_TRACKING_URI"):
        connect(root)


def test_an_error_of_our_own_is_not_shown_as_an_unreachable_store(root, monkeypatch):
    monkeypatch.setattr(store, "FileLock", None)
    with pytest.raises(TypeError):
        connect(root)


def test_processes_that_start_together_share_a_new_store(tmp_path):
    code = "import sys; from pathlib import Path; from rechroma.tracking.store import connect;"
    code += "connect(Path(sys.argv[1])).create_experiment(sys.argv[2])"
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(2)]
    assert [process.wait() for process in processes] == [0, 0]


def test_the_artifacts_of_the_projects_own_store_are_in_mlruns(root):
    client = connect(root)
    experiment = client.get_experiment(ensure_experiment(client, root, "trial"))
    assert experiment.artifact_location == (root / "mlruns" / "trial").as_uri()


def test_an_experiment_is_created_once(root):
    client = connect(root)
    assert ensure_experiment(client, root, "trial") == ensure_experiment(client, root, "trial")


def test_a_server_decides_where_artifacts_are(root, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    client = connect(root)
    experiment = client.get_experiment(ensure_experiment(client, root, "trial"))
    assert experiment.artifact_location.startswith("mlflow-artifacts:/")
    assert not (root / "mlruns").exists()
