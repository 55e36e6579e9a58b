"""`rechroma score` and `rechroma evaluate`."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.command import AddCommand, add_aim_option, add_backend_options
from rechroma.apps.cli.paths import (
    PARAMS,
    format_size,
    read_mask,
)
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.data.prepared import HeldOutPhoto
    from rechroma.settings import Aim, Settings


PREPARED = Path("data/prepared")  # what the stage prepare writes, relative to the project

ROW_ENDS: "dict[Aim, str]" = {"score": "", "eye": ", aim eye"}  # of a model's rows in the table

SCORE = """\
Compares the pictures of three folders and prints JSON: the mean score
(0.2 ssim + 0.4 masked_ssim + 0.4 hue), its parts, and the number of photographs.
Pictures belong together as masks and photographs do in `rechroma restore --mask`: by their path
without suffix within the folder, or by their name where only one has it.

  rechroma score --target targets --restored restored --masks masks
"""
EVALUATE = """\
Damages photographs in color with the settings of params.yaml (those of the competition's folder
are damaged already), restores them with each model, and prints a table of scores with confidence
intervals beside the baselines. Each model has two rows: for the official score and, "aim eye", for
people. The damage depends on the seed alone, so it is the same for all.

  rechroma evaluate photos/ --size 512 --model models/restorer --out reports/photos
"""


def add_to(add_command: AddCommand) -> None:
    """Add both commands."""
    score = add_command("score", "score restored photographs", SCORE, _score)
    score.add_argument(
        "--target",
        "--truth",
        required=True,
        type=Path,
        metavar="DIR",
        help="the original photographs",
    )
    score.add_argument(
        "--restored", required=True, type=Path, metavar="DIR", help="the restored ones"
    )
    score.add_argument(
        "--masks", required=True, type=Path, metavar="DIR", help="the masks, light where lost"
    )

    evaluate = add_command("evaluate", "damage, restore and score photographs", EVALUATE, _evaluate)
    evaluate.add_argument(
        "photos", type=Path, metavar="DIR", help="photographs in color, or the competition's folder"
    )
    evaluate.add_argument(
        "--model", action="append", metavar="MODEL", help="repeatable; default: as for restore"
    )
    evaluate.add_argument(
        "--size", type=int, metavar="PX", help="side of the square photographs; default: data.size"
    )
    evaluate.add_argument(
        "--prepared",
        type=Path,
        default=PREPARED,
        metavar="DIR",
        help=f"prepared data whose mean hues are a baseline; default: {PREPARED}, if it exists",
    )
    evaluate.add_argument(
        "--shown", type=int, default=10, metavar="N", help="photographs in the picture of --out"
    )
    evaluate.add_argument(
        "--out", type=Path, metavar="DIR", help="write table, scores and pictures"
    )
    evaluate.add_argument(
        "--appearance",
        action="store_true",
        help="also how the photographs look beside their targets (needs the extra 'pretrained')",
    )
    add_aim_option(evaluate, default=None)
    add_backend_options(evaluate)


def _score(chosen: argparse.Namespace) -> int:
    from rechroma import metrics
    from rechroma.imaging.io import read_color
    from rechroma.progress import track

    targets = list_targets(chosen.target)
    results = match_all(targets, chosen.restored, "restored picture")
    masks = match_all(targets, chosen.masks, "mask")
    scores = []
    for path in track(targets, "scoring", len(targets)):
        stem = targets[path].with_suffix("").as_posix()
        target = read_color(path)
        restored, mask = read_color(results[path]), read_mask(masks[path])
        for name, shape in (("restored", restored.shape[:2]), ("mask", mask.shape)):
            if shape != target.shape[:2]:
                raise UserError(
                    f"{stem}: its {name} picture is {format_size(shape)}, "
                    f"expected the target's {format_size(target.shape)}"
                )
        scores.append(metrics.score(target, restored, mask))
    report = {**metrics.mean_scores(scores)._asdict(), "photos": len(scores)}
    print(json.dumps(report, indent=2))
    return 0


def list_targets(folder: Path) -> dict[Path, Path]:
    """The pictures in a folder, and the path of each within it.

    Raises:
        UserError: it is no folder, or holds none.
    """
    from rechroma.imaging.formats import EXPECTED
    from rechroma.imaging.io import list_photos

    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder, expected one with pictures")
    targets = {path: path.relative_to(folder) for path in list_photos(folder)}
    if not targets:
        raise UserError(f"{folder} holds no pictures, {EXPECTED}")
    return targets


def match_all(targets: dict[Path, Path], folder: Path, kind: str) -> dict[Path, Path]:
    """The picture in a folder of each target.

    Args:
        targets: the path within its folder, by target.
        folder: of the pictures.
        kind: what they are, in errors.

    Raises:
        UserError: a target has none, or it cannot be told which.
    """
    from rechroma.apps.batch.match_pictures import match_pictures

    matches = match_pictures(targets, folder, kind)
    for target, match in matches.items():
        if match.picture is None:
            raise UserError(f"{target}: {match.problem}")
    return {target: match.picture for target, match in matches.items() if match.picture}


def damaged_photographs(
    folder: Path, size: int | None, settings: "Settings"
) -> tuple[list["HeldOutPhoto"], int]:
    """The photographs in `folder`, damaged by the settings, and the number of unusable ones.

    The competition's pairs keep their own damage. Unusable files are named on standard error.

    Args:
        folder: photographs in color, or the competition's folder or archive.
        size: side of the squares, px; by default `data.size`.
        settings: `damage`, `data` and `seed` are used.
    """
    from rechroma.evaluation.held_out import draw_held_out
    from rechroma.preparation.sources import Rejected

    is_competition = (folder / "train.csv").exists() or folder.suffix == ".zip"
    changes = {"source": "competition" if is_competition else "photos", "path": folder}
    data = settings.data.model_copy(update=changes | ({"size": size} if size else {}))
    usable, unusable = [], 0
    for photo in draw_held_out(settings.model_copy(update={"data": data}), folder):
        if isinstance(photo, Rejected):
            print(f"{photo.file}: {photo.reason}", file=sys.stderr)
            unusable += 1
        else:
            usable.append(photo)
    return usable, unusable


def _evaluate(chosen: argparse.Namespace) -> int:
    from rechroma.apps.model_catalog import load_named_model
    from rechroma.data.prepared import mean_hue_histogram
    from rechroma.evaluation.appearance import missing_encoder
    from rechroma.evaluation.appearance_table import add_appearance, measure_appearance
    from rechroma.evaluation.baselines import BASELINES, RestoreFunction
    from rechroma.evaluation.compare import compare_models, write_comparison
    from rechroma.evaluation.intervals import score_table
    from rechroma.settings import load_settings

    settings = load_settings(PARAMS)
    aims = [aim for aim in ROW_ENDS if chosen.aim in (aim, None)]
    names = chosen.model or [None]
    # Loaded for each aim: the bundled models are another for each.
    named = [
        (aim, *load_named_model(name, chosen.backend, chosen.device, aim))
        for name in names
        for aim in aims
    ]
    models = {Path(name).name + ROW_ENDS[aim]: restorer for aim, name, restorer in named}
    if len(models) < len(named):
        raise UserError("--model: two models have the same name, expected each only once")
    photographs, unusable = damaged_photographs(chosen.photos, chosen.size, settings)
    has_prepared = chosen.prepared != PREPARED or PREPARED.exists()
    hues = mean_hue_histogram(chosen.prepared) if has_prepared else None
    shown = chosen.shown if chosen.out else 0
    table, pictures = compare_models(
        photographs, models, settings.evaluate, settings.seed, hues, shown
    )
    if chosen.appearance and (missing := missing_encoder()):
        print(f"no appearance in the table: {missing}", file=sys.stderr)
    elif chosen.appearance:
        methods: dict[str, RestoreFunction] = {**models, **BASELINES}
        looks = measure_appearance(photographs, methods, len(photographs))
        table = add_appearance(table, looks, settings.evaluate, settings.seed)
    print(score_table(table), end="")
    if chosen.out:
        size = chosen.size or settings.data.size
        heading = f"{len(photographs)} photographs of {chosen.photos}, {size} px"
        write_comparison(table, pictures, chosen.out, heading)
    return 1 if unusable else 0
