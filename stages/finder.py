"""Train the network that finds damage of prints, or take the bundled one, and measure it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stages import ROOT, real_root, run

if TYPE_CHECKING:
    from rechroma.evaluation.finder_scores import Scores
    from rechroma.imaging.types import Luma
    from rechroma.settings import Settings

PHOTOS = 20  # at most, of validation to choose thresholds on, and of test to measure on


def main(root: Path = ROOT) -> None:
    """data/prepared → models/finder and reports/finder.json; a training is a run in MLflow."""
    from rechroma.settings import load_settings

    settings = load_settings(root / "params.yaml")
    if settings.finder.samples == 0:
        from rechroma.deployment.trained_finder import copy_bundled_finder

        copy_bundled_finder(root / "models/finder")
        measure(root, settings)
        return

    # MLflow's store and the trainer first: a mistake shows before anything is computed.
    from rechroma.tracking.store import check_experiment

    check_experiment(real_root(root), settings.tracking.experiment)

    from rechroma.data.gray_photos import GrayTiles
    from rechroma.data.prepared import open_tiles, read_description
    from rechroma.evaluation.finder_scores import flat_scores
    from rechroma.tracking.runs import finder_run
    from rechroma.training.checkpoint import Checkpoint
    from rechroma.training.train_finder import finder_fingerprint, make_finder_trainer, train_finder

    dataset = read_description(root / "data/prepared")
    tiles = GrayTiles(open_tiles(root / "data/prepared/train.npy"))
    trainer = make_finder_trainer(settings, tiles)
    name = finder_fingerprint(settings, dataset["digest"])
    work = Checkpoint(real_root(root) / ".rechroma/finder" / name)

    # Train; an interrupted training continues its MLflow run too.
    with finder_run(settings, real_root(root), dataset, work.folder / "mlflow_run") as mlflow_run:
        weights = train_finder(trainer, settings, work.folder, mlflow_run.metrics)
        write_model(root, settings, weights)
        mlflow_run.metrics(flat_scores(measure(root, settings)))
        mlflow_run.file(root / "models/finder", "finder")
        mlflow_run.file(root / "reports/finder.json")
    work.remove()


def write_model(root: Path, settings: "Settings", weights: Path) -> None:
    """Trained weights → models/finder, with thresholds that validation photographs choose."""
    from rechroma.deployment.trained_finder import load_any_finder, write_trained_finder
    from rechroma.evaluation.finder_thresholds import choose_thresholds

    thresholds = choose_thresholds(
        load_any_finder(weights), photos(root, "validation"), settings.print_damage, settings.seed
    )
    missing = write_trained_finder(weights, thresholds, root / "models/finder")
    if missing:
        print(f"no ONNX file of the finder, so it cannot be bundled: {missing}", flush=True)


def measure(root: Path, settings: "Settings") -> "Scores":
    """models/finder and the test photographs → reports/finder.json, and a table that is printed."""
    from rechroma.deployment.trained_finder import load_any_finder
    from rechroma.evaluation.finder_scores import (
        count_drawn,
        find_by_methods,
        finder_table,
        summarize,
        write_finder_report,
    )

    find = find_by_methods(load_any_finder(root / "models/finder"))
    test = list(photos(root, "test"))
    scores = summarize(count_drawn(test, find, settings.print_damage, settings.seed))
    print(f"{len(test)} photographs: recall / precision / IoU, and false alarms")
    print(finder_table(scores), flush=True)
    write_finder_report(root / "reports/finder.json", scores, len(test))
    return scores


def photos(root: Path, split: str) -> "Iterator[Luma]":
    """Undamaged photographs of a split in gray, spread evenly over all."""
    from rechroma.data.prepared import read_held_out
    from rechroma.imaging.color import to_luma

    return (to_luma(each.target) for each in read_held_out(root / "data/prepared", split, PHOTOS))


if __name__ == "__main__":
    run(main)
