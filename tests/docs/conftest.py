"""Where the commands of the documentation run: a folder of tiny files, and a whole project."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from rechroma.imaging.color import to_luma
from rechroma.imaging.io import write_png
from rechroma.preparation.prepare import prepare
from rechroma.settings import Settings, load_settings
from rechroma.training.checkpoint import Checkpoint
from rechroma.training.trainer import Trainer, fit

ROOT = Path(__file__).resolve().parents[2]
SIDE = 520  # px; the guides evaluate squares of 512 px
SMALL = 64  # px
HOLE = np.s_[20:40, 30:60]
SOURCES = ("params.yaml", "studies.yaml", "dvc.yaml")
# A training of seconds with everything that a training does.
TINY = {
    "train.epochs": 1,
    "train.epoch_samples": 4,
    "train.batch": 2,
    "train.validation_photos": 2,
    "evaluate.resamples": 100,
    "evaluate.strip_photos": 2,
}
TINY_DATA = {"data.size": SMALL, "data.validation": 0.25, "data.test": 0.25}
TINY_NETWORK = {"model.encoder": "tu-test_resnet", "model.weights": "none", "restore.size": SMALL}


def photograph(generator: np.random.Generator, side: int) -> np.ndarray:
    """A smooth photograph of random colors, `(side, side, 3)` uint8 RGB."""
    coarse = generator.integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def damaged(generator: np.random.Generator) -> np.ndarray:
    """A gray photograph with a hole of one gray, `(64, 64)` uint8."""
    gray = to_luma(photograph(generator, SMALL))
    gray[gray == 70] = 71
    gray[HOLE] = 70
    return gray


def write_photographs(folder: Path, count: int, generator: np.random.Generator) -> None:
    for number in range(count):
        write_png(folder / f"{number}.png", photograph(generator, SIDE))


def write_inputs(folder: Path) -> None:
    """The files that the documentation's commands name: photographs, masks, an album."""
    generator = np.random.default_rng(0)
    write_photographs(folder / "photos", 8, generator)
    mask = np.zeros((SMALL, SMALL), bool)
    mask[HOLE] = True
    write_png(folder / "mask.png", mask)
    Image.fromarray(damaged(generator)).save(folder / "old.jpg")
    for name in ("1.png", "2.png", "3.png"):
        write_png(folder / "album" / name, damaged(generator))
    Image.fromarray(damaged(generator)).save(folder / "album/4.jpg")
    for number in range(1, 5):
        write_png(folder / f"masks/{number}.png", mask)


def tiny_params(changes: dict[str, Any]) -> dict[str, Any]:
    """The project's params.yaml with some settings changed, by dotted name."""
    tree: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for name, value in changes.items():
        *groups, last = name.split(".")
        branch = tree
        for group in groups:
            branch = branch[group]
        branch[last] = value
    return tree


def write_yaml(file: Path, tree: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny inputs, prepared data, and a model trained on them for one epoch."""
    folder = tmp_path_factory.mktemp("sandbox")
    write_inputs(folder)
    for name in SOURCES:
        shutil.copy(ROOT / name, folder)
    changes = {**TINY, **TINY_DATA, **TINY_NETWORK, "data.source": "photos", "data.path": "photos"}
    write_yaml(folder / "params.yaml", tiny_params(changes))
    settings: Settings = load_settings(folder / "params.yaml")
    prepared = folder / "data/prepared"
    prepare(settings, folder / "photos", prepared, folder / "reports/prepare.json")
    fit(Trainer(settings, prepared), folder / "models/restorer", Checkpoint(folder / "resume"))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the project as it is now, with settings for trainings of seconds."""
    folder = tmp_path_factory.mktemp("clone") / "rechroma"
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run([*git, "clone", "--quiet", str(ROOT), str(folder)], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    write_yaml(folder / "params.yaml", tiny_params(TINY))
    write_yaml(folder / "studies.yaml", _tiny_studies())
    write_inputs(folder)
    generator = np.random.default_rng(1)
    for name, count in (("train", 10), ("validation", 2), ("large", 1)):
        write_photographs(folder / "splits" / name, count, generator)
    _write_competition(folder / "data/raw/open.zip", generator)
    (folder / ".git/info/exclude").write_text(".venv\n")  # a link, which .gitignore does not name
    (folder / ".venv").symlink_to(sys.prefix)
    subprocess.run([*git, "add", "--all"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "tiny"], cwd=folder, check=True)
    return folder


def _tiny_studies() -> dict[str, Any]:
    """The project's studies with two arms each, one seed, and trainings of seconds."""
    tree: dict[str, Any] = yaml.safe_load((ROOT / "studies.yaml").read_text(encoding="utf-8"))
    tiny = [f"{name}={value}" for name, value in {**TINY, **TINY_DATA, "train.size": SMALL}.items()]
    for study in tree["studies"].values():
        chosen = dict([*study["arms"].items()][-2:])
        study["arms"] = {name: [arm, tiny] for name, arm in chosen.items()}
        study["seeds"] = [1]
    return tree


def _write_competition(file: Path, generator: np.random.Generator) -> None:
    """An archive like the competition's, with 8 pairs and 2 inputs."""
    lines = ["input_image_path,gt_image_path"]
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:

        def put(name: str, picture: np.ndarray) -> None:
            encoded = cv2.imencode(".png", picture[..., ::-1] if picture.ndim == 3 else picture)[1]
            archive.writestr(name, encoded.tobytes())

        for number in range(8):
            target = photograph(generator, SIDE)
            gray = to_luma(target)
            gray[100:200, 150 : 260 + number] = 30
            put(f"train_gt/TRAIN_{number:03}.png", target)
            put(f"train_input/TRAIN_{number:03}.png", gray)
            lines.append(f"./train_input/TRAIN_{number:03}.png,./train_gt/TRAIN_{number:03}.png")
        for number in range(2):
            put(f"test_input/TEST_{number:03}.png", to_luma(photograph(generator, SIDE)))
        archive.writestr("train.csv", "\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def environment(project: Path) -> dict[str, str]:
    """The environment of a person who works in `project`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    names = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "test"), ("EMAIL", "test@localhost"))
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), own["PATH"]])
    return {
        **own, **names, "PATH": path, "PYTHONPATH": str(project / "src"),
        "NO_ALBUMENTATIONS_UPDATE": "1", "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true",
    }  # fmt: skip


@pytest.fixture(scope="session")
def reproduced(project: Path, environment: dict[str, str]) -> Path:
    """The clone after its first `make repro`, which trains and registers a model; committed."""
    for command in (
        ["make", "-o", ".venv/.ready", "repro"],
        ["git", "commit", "--quiet", "--all", "--message", "reproduced"],
    ):
        subprocess.run(command, cwd=project, env=environment, check=True)
    return project
