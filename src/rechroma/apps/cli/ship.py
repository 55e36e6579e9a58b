"""`rechroma ship`: a trained model becomes the bundled one."""

import argparse
import json
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rechroma.apps.cli.command import AddCommand, add_aim_option
from rechroma.apps.cli.evaluate import damaged_photographs
from rechroma.apps.cli.export import sample_photographs
from rechroma.apps.cli.paths import PARAMS
from rechroma.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rechroma.data.prepared import HeldOutPhoto
    from rechroma.settings import Settings


SHIP = """\
Bundles a model with the package: its weights, rounded to half precision, for trainings to start at,
and an ONNX file that reads them, to restore with. Both have checksums that are verified whenever
they are loaded, and must restore photographs alike: those of --evaluate, or of scikit-image. The
package has a model for each --aim. Of a
study, the training with the best validation score is taken. With --evaluate the model and the
baselines are scored on photographs that were not used in training; the tables are written to
card.md beside the weights, to be copied into docs/model-card.md.

  rechroma ship weights --evaluate photos/validation:256 --evaluate photos/large:512
  rechroma ship models/restorer

With --finder a trained network that finds the damage of prints is bundled instead, as an ONNX file
in half precision and a card with its settings, thresholds and scores.

  rechroma ship --finder models/finder
  rechroma ship --finder finder/ --thresholds photos/validation --evaluate photos/large:512
"""


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    ship = add_command("ship", "make a trained model the bundled one", SHIP, _ship)
    ship.add_argument(
        "source", nargs="?", metavar="MODEL", help="its folder, or a study that was run here"
    )
    ship.add_argument(
        "--finder",
        type=Path,
        metavar="PATH",
        help="a network that finds damage: the folder of its training, or its .safetensors file",
    )
    ship.add_argument(
        "--thresholds",
        type=Path,
        metavar="DIR",
        help="with --finder: choose its thresholds on these undamaged photographs; default: those "
        "of its card",
    )
    ship.add_argument(
        "--evaluate",
        "--judge",  # its earlier name
        action="append",
        default=[],
        metavar="DIR:PX",
        help="score on photographs in color, or the competition's, as squares of PX; repeatable",
    )
    add_aim_option(ship, default="score")
    ship.add_argument(
        "--prepared",
        type=Path,
        metavar="DIR",
        help="the training data: its mean hues are a baseline",
    )


def _ship(chosen: argparse.Namespace) -> int:
    if (chosen.source is None) == (chosen.finder is None):
        raise UserError("expected one model to bundle, MODEL or --finder PATH")
    if chosen.finder is not None:
        from rechroma.apps.cli.ship_finder import ship_finder

        photo_sets = [_parse(text) for text in chosen.evaluate]
        return ship_finder(chosen.finder, chosen.thresholds, photo_sets)
    if chosen.thresholds is not None:
        raise UserError("--thresholds is for --finder, expected none with a model")
    from rechroma.data.prepared import mean_hue_histogram
    from rechroma.deployment.bundle import write_bundle
    from rechroma.models.card import ONNX
    from rechroma.models.store import load_network
    from rechroma.models.weights import bundled_folder
    from rechroma.settings import load_settings

    settings = load_settings(PARAMS)
    target = bundled_folder(chosen.aim)
    hues = mean_hue_histogram(chosen.prepared) if chosen.prepared else None
    photo_sets = [_parse(text) for text in chosen.evaluate]
    folder, origin = _chosen_model(chosen.source, settings)
    held_out = [damaged_photographs(photos, size, settings)[0] for photos, size in photo_sets]
    compared = [(each.id, each.damaged, each.mask) for each in chain(*held_out)]
    weights = write_bundle(load_network(folder), origin, target, compared or sample_photographs())
    for file in (weights, weights.with_name(ONNX)):
        size = file.stat().st_size / 2**20
        print(f"{file}: {size:.1f} MiB, from {origin['trained']}", file=sys.stderr)
    tables = [
        f"{len(photographs)} photographs of {photos.name}, {size} px\n\n"
        + _score_table(photographs, target, settings, hues)
        for (photos, size), photographs in zip(photo_sets, held_out, strict=True)
    ]
    if tables:
        card = weights.with_name("card.md")
        card.write_text("\n\n".join([f"# {origin['trained']}", *tables]), encoding="utf-8")
        print(card.read_text(encoding="utf-8"))
    return 0


def _parse(text: str) -> tuple[Path, int]:
    folder, _, size = text.rpartition(":")
    if not folder or not size.isdigit():
        raise UserError(f"--evaluate is '{text}', expected a folder and a size: photos/large:512")
    return Path(folder), int(size)


def _chosen_model(source: str, settings: "Settings") -> tuple[Path, dict[str, Any]]:
    """The folder of the model, and the entries of its card that describe its training."""
    if Path(source).is_dir():
        from rechroma.models.card import read_card

        return Path(source), {"trained": read_card(Path(source)).get("trained", source)}
    from rechroma.studies.results import study_trainings
    from rechroma.studies.runner import plan_file
    from rechroma.studies.spec import read_plan
    from rechroma.tracking.queries import find_trainings, model_folder
    from rechroma.tracking.store import connect

    root = Path.cwd()
    client = connect(root)
    arms, since = read_plan(plan_file(root, source))
    runs = find_trainings(client, settings.tracking.experiment)
    trained, _ = study_trainings(client, arms, runs, since)
    if not trained:
        raise UserError(f"{source}: MLflow holds no finished training of it")
    best = max(trained, key=lambda training: training.at_best().score)
    origin = {
        "trained": f"study {source}, {best.name}",
        "samples": int(best.epochs["images"].sum()),
        "validation": json.loads(json.dumps(best.at_best()._asdict())),
        "revision": best.run.revision,
    }
    return model_folder(client, best.run), origin


def _score_table(
    photographs: "list[HeldOutPhoto]",
    folder: Path,
    settings: "Settings",
    hues: "NDArray[np.float32] | None",
) -> str:
    from rechroma.deployment.load import load_model
    from rechroma.evaluation.compare import compare_models
    from rechroma.evaluation.intervals import OURS, score_table

    models = {OURS: load_model(folder)}
    table, _ = compare_models(photographs, models, settings.evaluate, settings.seed, hues)
    return score_table(table)
