import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from rechroma.tracking import project_store
from rechroma.tracking.project_store import create_store, environment, store_uri

MAKE_STORE = """\
import sys
from pathlib import Path
from rechroma.tracking.project_store import create_store
create_store(Path(sys.argv[1]))
"""


def tables(path: Path) -> list[str]:
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    database.close()
    return [name for (name,) in rows]


def unfinish(path: Path) -> None:
    """Leave of a store what is there in the midst of its creation."""
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM experiments")
        database.execute("DROP TABLE latest_metrics")
    database.close()
    os.utime(path, (0, 0))


def experiments(root: Path) -> list[str]:
    return [experiment.name for experiment in MlflowClient(store_uri(root)).search_experiments()]


def test_a_creation_that_is_killed_leaves_no_store_and_the_next_one_succeeds(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", MAKE_STORE, str(tmp_path)])
    part = tmp_path / ".mlflow.db.part"
    while not (part.exists() and tables(part)):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert part.exists()
    assert not (tmp_path / "mlflow.db").exists()
    create_store(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mlflow.db"]
    assert experiments(tmp_path) == ["Default"]


def test_an_interrupted_creation_leaves_nothing(tmp_path, monkeypatch):
    class Interrupted:
        def __init__(self, _: str):
            raise KeyboardInterrupt

    monkeypatch.setattr(project_store, "MlflowClient", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        create_store(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "make", [unfinish, lambda path: path.write_bytes(b"") or os.utime(path, (0, 0))]
)
def test_an_unfinished_store_without_content_is_replaced_with_its_journal(
    root, migrated_store, make, monkeypatch
):
    make(root / "mlflow.db")
    (root / "mlflow.db-journal").write_bytes(b"of the earlier one")
    new = migrated_store.read_bytes()
    monkeypatch.setattr(project_store, "MlflowClient", lambda _: FakeClient(root, new))
    create_store(root)
    assert (root / "mlflow.db").read_bytes() == new
    assert [file.name for file in root.iterdir()] == ["mlflow.db"]


class FakeClient:
    """Makes a store at once."""

    def __init__(self, root: Path, content: bytes):
        self.root, self.content = root, content

    def search_experiments(self, **_: int) -> None:
        (self.root / ".mlflow.db.part").write_bytes(self.content)


def test_an_unfinished_store_that_holds_anything_is_kept(root):
    with sqlite3.connect(root / "mlflow.db") as database:
        database.execute(
            "INSERT INTO registered_models (name, workspace) VALUES ('mine', 'default')"
        )
    database.close()
    unfinish(root / "mlflow.db")
    before = (root / "mlflow.db").read_bytes()
    create_store(root)
    assert (root / "mlflow.db").read_bytes() == before


def test_a_store_that_another_program_is_making_is_waited_for(root, migrated_store, monkeypatch):
    complete = migrated_store.read_bytes()
    unfinish(root / "mlflow.db")
    os.utime(root / "mlflow.db")
    monkeypatch.setattr(time, "sleep", lambda _: (root / "mlflow.db").write_bytes(complete))
    monkeypatch.setattr(project_store, "MlflowClient", None)  # is not needed
    create_store(root)
    assert (root / "mlflow.db").read_bytes() == complete


@pytest.mark.parametrize(
    "name",
    ["a%20b", "a?b", "what?#1", "100%", "나의 사진 (1)", "a&b=c;d", "a:b@c", "'quoted\"", "+x"],
)
def test_the_store_is_inside_a_folder_of_any_name(root, name, photo):
    folder = root / name
    folder.mkdir()
    (root / "mlflow.db").rename(folder / "mlflow.db")
    client = MlflowClient(store_uri(folder))
    experiment = client.create_experiment("e", artifact_location=(folder / "mlruns").as_uri())
    run = client.create_run(experiment).info.run_id
    client.log_image(run, photo, "image.png")
    assert [file.path for file in client.list_artifacts(run)] == ["image.png"]
    assert Path(client.download_artifacts(run, "image.png")).exists()
    assert [each.info.run_id for each in client.search_runs([experiment])] == [run]
    assert sorted(file.name for file in root.iterdir()) == [name]
    assert sorted(file.name for file in folder.iterdir()) == ["mlflow.db", "mlruns"]


def test_variables_of_the_user_are_kept(monkeypatch):
    monkeypatch.setenv("RECHROMA_MINE", "1")
    with environment(RECHROMA_MINE="2", RECHROMA_NEW="3"):
        assert (os.environ["RECHROMA_MINE"], os.environ["RECHROMA_NEW"]) == ("1", "3")
    assert os.environ["RECHROMA_MINE"] == "1"
    assert "RECHROMA_NEW" not in os.environ
