"""A training of the network that finds damage, from photographs to weights, with its log."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch

from rechroma.data.finder_samples import FinderSamples
from rechroma.data.gray_photos import GrayPhotos, GrayTiles
from rechroma.errors import UserError
from rechroma.settings import OF_FINDER, Settings
from rechroma.training.checkpoint import PACKAGE, code_of
from rechroma.training.finder_trainer import FinderTrainer, Report, fit_finder

CODE = ("settings.py", "imaging", "data", "models", "training")  # what training computes with


def make_finder_trainer(settings: Settings, photos: GrayPhotos | GrayTiles) -> FinderTrainer:
    """The trainer of these settings on photographs, of which some are kept back for reports.

    Raises:
        UserError: a setting has a value that cannot be used.
    """
    if settings.finder.samples == 0:
        raise UserError(
            "finder.samples is 0, expected the number of samples to train with, 60000 for a good "
            "finder: -S finder.samples=60000"
        )
    parts = (photos, settings.print_damage, settings.damage, settings.finder, settings.seed)
    return FinderTrainer(settings, FinderSamples(*parts), FinderSamples(*parts, kept_back=True))


def train_finder(
    trainer: FinderTrainer,
    settings: Settings,
    folder: Path,
    log: Callable[[dict[str, float], int], None],
) -> Path:
    """Train to the end, or go on where an interrupted training was.

    Args:
        trainer: new, of these settings.
        settings: of the training.
        folder: of this training alone.
        log: is called at each report with its metrics and the number of samples.

    Returns:
        The file of averaged weights.

    Raises:
        UserError: `folder` is of a training with other settings, or the loss is not finite.
    """
    count = sum(each.numel() for each in trainer.network.parameters())
    photos = len(trainer.training.numbers)
    print(f"{photos} photographs, {count / 1e6:.2f} million weights", flush=True)

    def listen(report: Report) -> None:
        done, total = int(report["samples"]), settings.finder.samples
        metrics = report_metrics(report)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        print(f"{done}/{total} samples: {shown}", flush=True)
        log(metrics, done)

    return fit_finder(trainer, settings, folder, listen)


def report_metrics(report: Report) -> dict[str, float]:
    """The numbers of a report by the names that MLflow groups: before the slash.

    >>> report_metrics({"samples": 16, "lr": 0.1, "rate": 9, "loss": 0.5, "recall@0.7": 1})
    {'lr': 0.1, 'samples_per_second': 9, 'train/loss': 0.5, 'validation/recall_at_0.7': 1}
    """
    names = {"lr": "lr", "rate": "samples_per_second"}
    names |= {each: f"train/{each}" for each in ("loss", "entropy", "dice")}

    def rename(name: str) -> str:
        of_validation = name.removeprefix("validation/").replace("@", "_at_")
        return names.get(name, f"validation/{of_validation}")

    return {rename(name): value for name, value in report.items() if name != "samples"}


def finder_fingerprint(settings: Settings, data_digest: str, package: Path = PACKAGE) -> str:
    """A name for a training, which differs when its settings, data, code, weights or torch differ.

    Args:
        settings: those that this training does not depend on make no difference.
        data_digest: of the photographs.
        package: the folder of rechroma's modules.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    chosen = settings.model_dump_json(include=OF_FINDER)
    digest.update(f"{chosen} {data_digest} {torch.__version__}".encode())
    digest.update(code_of(CODE, package))
    start = Path(settings.finder.weights)
    if start.is_file():
        digest.update(hashlib.sha256(start.read_bytes()).digest())
    return digest.hexdigest()[:16]
