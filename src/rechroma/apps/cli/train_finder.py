"""`rechroma train-finder`: the network that finds damage, trained on folders of photographs."""

import argparse
from pathlib import Path

from rechroma.apps.cli.command import AddCommand
from rechroma.apps.cli.paths import PARAMS
from rechroma.errors import UserError

TRAIN_FINDER = """\
Trains the network that finds the damage of prints on undamaged photographs of any size, in color or
gray; damage is drawn anew for every sample. The settings are those of params.yaml, of which -S
changes some. The folder --out gets finder.safetensors, the weights so far, and a log. A training
that was interrupted goes on: give the same command again. It is one run in MLflow.

The pipeline trains such a network on its prepared data: dvc exp run -S finder.samples=60000

  rechroma train-finder photos/train photos/more --out finder -S finder.samples=60000
  rechroma ship --finder finder --thresholds photos/validation
"""


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    command = add_command(
        "train-finder", "train the network that finds damage", TRAIN_FINDER, _train_finder
    )
    command.add_argument(
        "photos", nargs="+", type=Path, metavar="DIR", help="folders of undamaged photographs"
    )
    command.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="of this training alone"
    )
    command.add_argument(
        "-S",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting, such as finder.optim=adam; repeatable",
    )


def _train_finder(chosen: argparse.Namespace) -> int:
    from rechroma.settings import read_yaml
    from rechroma.studies.overrides import apply_overrides

    settings = apply_overrides(read_yaml(PARAMS), chosen.settings, "-S")
    for folder in chosen.photos:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder, expected one with photographs")

    # MLflow's store first: a mistake shows before photographs are read.
    from rechroma.tracking.store import check_experiment

    root = Path.cwd()
    check_experiment(root, settings.tracking.experiment)

    from rechroma.data.gray_photos import GrayPhotos, pack_photos
    from rechroma.tracking.runs import finder_run
    from rechroma.training.train_finder import make_finder_trainer, train_finder

    packed = pack_photos(chosen.photos, root / ".rechroma/photos")
    photos = GrayPhotos(packed)
    trainer = make_finder_trainer(settings, photos)
    dataset = {
        "name": ", ".join(folder.name for folder in chosen.photos),
        "digest": packed.name,
        "photos": {"train": len(photos)},
        "path": ", ".join(map(str, chosen.photos)),
    }
    with finder_run(settings, root, dataset, chosen.out / "mlflow_run") as run:
        weights = train_finder(trainer, settings, chosen.out, run.metrics)
        run.file(weights, "finder")
    print(f"{weights}: bundle it with rechroma ship --finder {chosen.out}")
    return 0
