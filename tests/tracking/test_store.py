import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from rechroma.errors import UserError
from rechroma.tracking import store
from rechroma.tracking.queries import find_trainings
from rechroma.tracking.store import check_experiment, connect, ensure_experiment


def test_an_unreachable_store_is_one_clear_message(root, monkeypatch):
    (root / "file").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'file' / 'mlflow.db'}")
    with pytest.raises(
        UserError, match=r"cannot be reached.*File exists.*check MLFLOW_TRACKING_URI"
    ):
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


def test_a_server_on_this_machine_is_reached_without_the_proxy(root, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    for name in ("ALL_PROXY", "all_proxy", "http_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "example.org")
    assert connect(root).search_experiments()


@pytest.fixture
def silent_server():
    """The port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port():
    """A port at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    "scheme", ["http://", "https://", "postgresql://me:secret@", "mysql+pymysql://"]
)
def test_a_server_that_is_not_there_is_noticed_within_seconds(root, free_port, scheme, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{scheme}127.0.0.1:{free_port}/mlflow")
    started = time.monotonic()
    with pytest.raises(UserError, match=r"cannot be reached .*check MLFLOW_TRACKING_URI") as caught:
        connect(root)
    assert time.monotonic() - started < 10
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_never_answers_is_noticed_within_seconds(root, silent_server, monkeypatch):
    monkeypatch.setattr(store, "PROBE_SECONDS", 1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent_server}")
    started = time.monotonic()
    with pytest.raises(UserError, match="cannot be reached"):
        connect(root)
    assert time.monotonic() - started < 10


def test_a_host_without_an_address_is_one_message(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://nowhere.invalid")
    with pytest.raises(UserError, match="cannot be reached"):
        connect(root)


@pytest.mark.parametrize("uri", ["", "sqlite:///{root}/mlflow.db", "sqlite:///{root}/other.db"])
def test_a_file_that_is_no_database_is_one_message_and_is_kept(root, uri, monkeypatch):
    for name in ("mlflow.db", "other.db"):
        (root / name).write_text("a text of some length, and no database")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(root=root))
    started = time.monotonic()
    with pytest.raises(UserError, match=r"(mlflow|other)\.db cannot be .*file is not a database"):
        connect(root)
    assert time.monotonic() - started < 10
    assert (root / "mlflow.db").read_text().startswith("a text")


def test_a_store_of_another_version_is_one_message_with_the_command(root):
    with sqlite3.connect(root / "mlflow.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'old'")
    database.close()
    with pytest.raises(
        UserError, match=r"cannot be used .*mlflow db upgrade sqlite:///mlflow\.db$"
    ):
        connect(root)


@pytest.mark.parametrize("blocked", ["", ".rechroma"])
def test_a_folder_that_cannot_be_written_is_one_message(root, blocked):
    folder = root / "project"
    if blocked:
        folder.mkdir()
    (folder / blocked if blocked else folder).write_text("a file where a folder is needed")
    with pytest.raises(
        UserError, match=r"project cannot be written \((Not a directory|File exists)"
    ):
        connect(folder)


def test_a_deleted_experiment_is_one_message_with_the_command_that_restores_it(root):
    client = connect(root)
    number = ensure_experiment(client, root, "trial")
    uses = (
        lambda: ensure_experiment(client, root, "trial"),
        lambda: check_experiment(root, "trial"),
        lambda: find_trainings(client, "trial"),
    )
    client.delete_experiment(number)
    for use in uses:
        with pytest.raises(UserError, match=r"'trial', which was deleted in MLflow") as caught:
            use()
        assert f"mlflow experiments restore --experiment-id {number}, or set" in str(caught.value)
    client.restore_experiment(number)
    for use in uses:
        use()
