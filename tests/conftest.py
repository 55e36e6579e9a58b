import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml

from rechroma.imaging.color import to_luma
from rechroma.imaging.draw_damage import KINDS, draw_damage
from rechroma.imaging.io import write_png
from rechroma.imaging.print_damage import KINDS as PRINT_KINDS
from rechroma.inference.backend import NetworkOutput
from rechroma.inference.restorer import Restorer
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import save_model
from rechroma.settings import Damage, PrintDamageSettings, Settings, parse_settings

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def make_settings() -> Callable[..., Settings]:
    """The project's settings with some changed, by dotted name: `make_settings(**{"lr": 0.1})`.

    Networks start from scratch and take 128 px, unless a change sets something else.
    """

    def make(**changes: Any) -> Settings:
        changes = {"model.weights": "none", "restore.size": 128} | changes
        tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        for name, value in changes.items():
            *groups, last = name.split(".")
            branch = tree
            for group in groups:
                branch = branch[group]
            branch[last] = value
        return parse_settings(tree)

    return make


@pytest.fixture
def photo() -> np.ndarray:
    """A small photograph with edges, texture and many hues: `(96, 128, 3)` uint8 RGB."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[0:96, 0:128]
    planes = [
        120 + 100 * np.sin(columns / 17),
        120 + 100 * np.cos(rows / 13 + columns / 40),
        110 + 90 * np.sin((rows + columns) / 23),
    ]
    smooth = np.stack(planes, axis=-1) + generator.normal(0, 6, (96, 128, 3))
    smooth[30:60, 40:90] = smooth[30:60, 40:90][..., ::-1]
    return np.clip(smooth, 0, 255).astype(np.uint8)


@pytest.fixture
def luma(photo: np.ndarray) -> np.ndarray:
    """`photo` in gray: `(96, 128)` uint8."""
    return to_luma(photo)


@pytest.fixture(scope="session")
def make_damage(make_settings: Callable[..., Settings]) -> Callable[..., Damage]:
    """The project's settings of damage with some changed, or of one kind only."""

    def make(only: str | None = None, **changes: Any) -> Damage:
        weights = {kind: float(kind == only) for kind in KINDS} if only else {}
        changes = {f"damage.{name}": value for name, value in (weights | changes).items()}
        return make_settings(**changes).damage

    return make


@pytest.fixture(scope="session")
def make_print_damage(
    make_settings: Callable[..., Settings],
) -> Callable[..., PrintDamageSettings]:
    """The project's settings of damage on prints, always damaged, or of one kind only."""

    def make(only: str | None = None, **changes: Any) -> PrintDamageSettings:
        weights = {kind: float(kind == only) for kind in PRINT_KINDS} if only else {}
        changes = {"undamaged": 0} | weights | changes
        return make_settings(
            **{f"print_damage.{name}": value for name, value in changes.items()}
        ).print_damage

    return make


def colorful(side: int, generator: np.random.Generator) -> np.ndarray:
    """A smooth photograph of random hues: `(side, side, 3)` uint8 RGB."""
    coarse = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def prepared(tmp_path: Path, make_settings: Callable[..., Settings]) -> Path:
    """Prepared data: 8 photographs to train on, 3 each in validation and test."""
    folder = tmp_path / "prepared"
    folder.mkdir()
    generator = np.random.default_rng(1)
    np.save(folder / "train.npy", np.stack([colorful(64, generator) for _ in range(8)]))
    for split in ("validation", "test"):
        for number in range(3):
            target = colorful(64, generator)
            damaged, mask = draw_damage(to_luma(target), make_settings().damage, generator)
            for kind, picture in (("truth", target), ("damaged", damaged), ("masks", mask)):
                write_png(folder / split / kind / f"{split}-{number}.png", picture)
    description = {"name": "tiny", "digest": "0" * 64, "size": 64, "photos": {"train": 8}}
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def outspoken() -> Callable[[Settings], RestorationNetwork]:
    """An untrained network with larger weights than a fresh one, whose output is gray."""

    def make(settings: Settings) -> RestorationNetwork:
        torch.manual_seed(0)
        network = RestorationNetwork(settings.model).eval()
        with torch.no_grad():
            for weight in network.parameters():
                weight *= 2
        return network

    return make


class Echo:
    """A backend whose output is its input, brighter by `more` in holes, in one color.

    `seen` lists the sizes of its inputs.
    """

    def __init__(self, model: Any, chroma: tuple[float, float], more: float):
        self.model, self.chroma, self.more = model, chroma, more
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, luma: np.ndarray, mask: np.ndarray) -> NetworkOutput:
        self.seen.append(luma.shape)
        cb, cr = (np.full(luma.shape, each, np.float32) for each in self.chroma)
        gray = luma.astype(np.float32) / 255 + np.float32(self.more) * mask
        return NetworkOutput(np.stack([gray, cb, cr]), None)

    def with_threads(self, threads: int) -> "Echo":
        self.threads = threads
        return self


@pytest.fixture(scope="session")
def echo(make_settings: Callable[..., Settings]) -> Callable[..., Restorer]:
    """A restorer with an `Echo` for a network: `echo(chroma=(Cb, Cr), more=0.0)`."""

    def make(chroma: tuple[float, float] = (-0.05, 0.08), more: float = 0.0) -> Restorer:
        settings = make_settings()
        return Restorer(Echo(settings.model, chroma, more), settings.restore)

    return make


@pytest.fixture(scope="session")
def tiny_settings(make_settings: Callable[..., Settings]) -> Callable[..., Settings]:
    """The project's settings for a training of seconds; changes as for `make_settings`."""

    def make(**changes: Any) -> Settings:
        tiny = {
            "data.size": 64,
            "model.encoder": "tu-test_resnet",
            "train.epochs": 2,
            "train.epoch_samples": 8,
            "train.batch": 4,
            "tracking.strip_every": 0,
        }
        return make_settings(**(tiny | changes))

    return make


class PlainEncoder:
    """In place of the encoder that measures appearance; its features are the colors.

    `seen` is the number of photographs.
    """

    def __init__(self):
        self.seen = 0

    def __call__(self, photo: np.ndarray) -> list[np.ndarray]:
        self.seen += 1
        return [photo.transpose(2, 0, 1) + 1.0]


@pytest.fixture
def plain_encoder(monkeypatch: pytest.MonkeyPatch) -> PlainEncoder:
    """A `PlainEncoder`, whether the package of the encoder is installed or not."""
    encoder = PlainEncoder()
    monkeypatch.setattr("rechroma.models.imagenet.has_package", lambda _: True)
    monkeypatch.setattr("rechroma.models.imagenet.imagenet_features", lambda _: encoder)
    return encoder


@pytest.fixture
def model(
    tiny_settings: Callable[..., Settings], outspoken: Callable[[Settings], RestorationNetwork]
) -> Callable[[str], None]:
    """Saves an untrained network to a folder."""

    def save(folder: str) -> None:
        settings = tiny_settings()
        save_model(outspoken(settings), settings.restore, Path(folder))

    return save


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, without a model of the pipeline."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def damaged(photo: np.ndarray) -> np.ndarray:
    """`photo` in gray, `(96, 128)` uint8, [20:50, 30:70] in a gray that occurs nowhere else."""
    gray = to_luma(photo)
    gray[gray == 60] = 61
    gray[20:50, 30:70] = 60
    return gray


@pytest.fixture(scope="session")
def migrated_store(tmp_path_factory) -> Path:
    """An empty MLflow database to copy, as creating one takes seconds."""
    from rechroma.tracking.store import connect

    root = tmp_path_factory.mktemp("store")
    connect(root)
    return root / "mlflow.db"


@pytest.fixture
def root(tmp_path, migrated_store, monkeypatch) -> Path:
    """A project folder with an empty MLflow database."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # MLflow sets it, this sets it back
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    shutil.copy(migrated_store, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def gray_photos(tmp_path: Path, photo: np.ndarray) -> Any:
    """12 packed gray photographs of 96x128 px."""
    from rechroma.data.gray_photos import GrayPhotos, pack_photos

    for number in range(12):
        write_png(tmp_path / f"grays/{number:02}.png", np.roll(to_luma(photo), 7 * number, 1))
    return GrayPhotos(pack_photos([tmp_path / "grays"], tmp_path / "packed"))


@pytest.fixture(scope="session")
def finder_settings(make_settings: Callable[..., Settings]) -> Callable[..., Settings]:
    """The project's settings for a training of the finder that takes a second."""

    def make(**changes: Any) -> Settings:
        tiny = {"channels": [4, 8], "samples": 24, "batch": 4, "crop": 64, "report_every": 8}
        tiny |= {"validation": 3} | changes
        return make_settings(**{f"finder.{name}": value for name, value in tiny.items()})

    return make
