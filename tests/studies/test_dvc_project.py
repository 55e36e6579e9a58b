import shutil
import subprocess
import sys

import pytest

from rechroma.errors import UserError
from rechroma.studies.dvc_project import open_repo

GIT, DVC = ["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]
COMMIT = [
    "git",
    "-c",
    "user.name=me",
    "-c",
    "user.email=me@localhost",
    "commit",
    "-q",
    "-m",
    "start",
]
READY = [GIT, DVC, ["git", "add", "-A"], COMMIT]


@pytest.mark.parametrize(
    ("made", "removed", "steps"),
    [
        ([], None, "git init && dvc init && git add -A && git commit -m start"),
        ([GIT], None, ": dvc init && git add -A && git commit -m start"),
        ([GIT, DVC], None, ": git add -A && git commit -m start"),
        (READY, ".git", ": git init && git add -A && git commit -m start"),
        ([[*DVC, "--no-scm"]], None, "git init && dvc config core.no_scm false && git add -A"),
    ],
)
def test_a_folder_without_git_or_dvc_is_one_message_with_the_steps(tmp_path, made, removed, steps):
    for command in made:
        subprocess.run(command, cwd=tmp_path, check=True)
    if removed:
        shutil.rmtree(tmp_path / removed)
    with pytest.raises(UserError, match="is no project of Git and DVC with a commit") as caught:
        open_repo(tmp_path)
    assert steps in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_project_of_git_and_dvc_is_opened(tmp_path):
    for command in READY:
        subprocess.run(command, cwd=tmp_path, check=True)
    assert open_repo(tmp_path).root_dir == str(tmp_path)
