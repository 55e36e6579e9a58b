"""`rechroma ship`: a trained model becomes the one that the package carries."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rechroma.apps.cli.command import Add
from rechroma.apps.cli.evaluate import damaged_photographs
from rechroma.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rechroma.settings import Settings


PARAMS = Path("params.yaml")

SHIP = """\
Rounds a model's weights to half precision and puts them into the package, with a sum that is
checked whenever they are loaded. A study's name stands for its training with the best validation
score. With --judge the model and the baselines are scored on photographs that no training saw;
the tables go into the card beside the weights, and are to be copied into docs/model-card.md.

  rechroma ship weights --judge photos/validation:256 --judge photos/large:512
  rechroma ship models/restorer
"""


def add_to(add: Add) -> None:
    """Add the command."""
    ship = add("ship", "make a model the one the package carries", SHIP, _ship)
    ship.add_argument("source", metavar="MODEL", help="its folder, or a study that was run here")
    ship.add_argument(
        "--judge",
        action="append",
        default=[],
        metavar="DIR:PX",
        help="photographs in color, or the competition's folder, and the side of the squares",
    )
    ship.add_argument(
        "--prepared",
        type=Path,
        metavar="DIR",
        help="prepared data that the model learned from: its mean hues are a baseline",
    )


def _ship(chosen: argparse.Namespace) -> int:
    from rechroma.data.prepared import mean_hue_histogram
    from rechroma.deployment.bundle import write_bundle
    from rechroma.models.store import load_network
    from rechroma.models.weights import BUNDLED_FOLDER
    from rechroma.settings import load_settings

    settings = load_settings(PARAMS)
    hues = mean_hue_histogram(chosen.prepared) if chosen.prepared else None
    sets = [_parse(words) for words in chosen.judge]
    folder, told = _chosen_model(chosen.source, settings)
    weights = write_bundle(load_network(folder), told, BUNDLED_FOLDER)
    size = weights.stat().st_size / 2**20
    print(f"{weights}: {size:.1f} MiB, from {told['trained']}", file=sys.stderr)
    tables = [_score_table(photos, size, settings, hues) for photos, size in sets]
    if tables:
        card = weights.with_name("card.md")
        card.write_text("\n\n".join([f"# {told['trained']}", *tables]), encoding="utf-8")
        print(card.read_text(encoding="utf-8"))
    return 0


def _parse(words: str) -> tuple[Path, int]:
    folder, _, size = words.rpartition(":")
    if not folder or not size.isdigit():
        raise UserError(f"--judge is '{words}', expected a folder and a size: photos/large:512")
    return Path(folder), int(size)


def _chosen_model(source: str, settings: "Settings") -> tuple[Path, dict[str, Any]]:
    """The folder of the model, and what is to be told of its training."""
    if Path(source).is_dir():
        return Path(source), {"trained": source}
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
    best = max(trained, key=lambda each: each.at_best().score)
    told = {
        "trained": f"study {source}, {best.name}",
        "samples": int(best.epochs["images"].sum()),
        "validation": json.loads(json.dumps(best.at_best()._asdict())),
        "revision": best.run.revision,
    }
    return model_folder(client, best.run), told


def _score_table(
    photos: Path, size: int, settings: "Settings", hues: "NDArray[np.float32] | None"
) -> str:
    from rechroma.deployment.load import load_model
    from rechroma.evaluation.compare import compare_models
    from rechroma.evaluation.intervals import OURS, score_table
    from rechroma.models.weights import BUNDLED_FOLDER

    photographs, _ = damaged_photographs(photos, size, settings)
    models = {OURS: load_model(BUNDLED_FOLDER)}
    table, _ = compare_models(photographs, models, settings.evaluate, settings.seed, hues)
    return f"{len(photographs)} photographs of {photos.name}, {size} px\n\n{score_table(table)}"
