"""`rechroma score` and `rechroma evaluate`."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.command import Add
from rechroma.apps.cli.paths import format_size, matching_picture, pictures_by_stem, read_mask
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.data.prepared import HeldOutPhoto
    from rechroma.settings import Settings


PREPARED = Path("data/prepared")  # where the pipeline leaves its data, seen from the project
PARAMS = Path("params.yaml")

SCORE = """\
Compares PNG or other pictures of the same stem in three folders and prints JSON:
score (0.2 ssim + 0.4 masked_ssim + 0.4 hue), its parts, and the number of photographs.

  rechroma score --target targets --restored restored --masks masks
"""
EVALUATE = """\
Takes photographs in color (or the competition's folder, with the damage it comes with), damages
them as params.yaml says, restores them with each model, and prints a table of scores with
intervals beside the baselines. The damage depends on the seed alone: models meet the same.

  rechroma evaluate photos/ --size 512 --model models/restorer --out reports/photos
"""


def add_to(add: Add) -> None:
    """Add both commands."""
    score = add("score", "score restored photographs", SCORE, _score)
    score.add_argument(
        "--target", "--truth", required=True, type=Path, metavar="DIR", help="ground truth"
    )
    score.add_argument("--restored", required=True, type=Path, metavar="DIR", help="to be scored")
    score.add_argument("--masks", required=True, type=Path, metavar="DIR", help="light where lost")

    evaluate = add("evaluate", "damage, restore and score photographs", EVALUATE, _evaluate)
    evaluate.add_argument("photos", type=Path, metavar="DIR", help="photographs in color, or pairs")
    evaluate.add_argument(
        "--model", action="append", metavar="MODEL", help="repeatable; default: as for restore"
    )
    evaluate.add_argument("--size", type=int, metavar="PX", help="squares; default: data.size")
    evaluate.add_argument(
        "--prepared",
        type=Path,
        default=PREPARED,
        metavar="DIR",
        help=f"whose mean hues are a baseline; default: {PREPARED}, where there is one",
    )
    evaluate.add_argument(
        "--shown", type=int, default=10, metavar="N", help="photographs, in --out"
    )
    evaluate.add_argument("--out", type=Path, metavar="DIR", help="for table, scores, pictures")


def _score(chosen: argparse.Namespace) -> int:
    from rechroma import metrics
    from rechroma.imaging.io import read_color
    from rechroma.progress import track

    targets = pictures_by_stem(chosen.target)
    restored, masks = pictures_by_stem(chosen.restored), pictures_by_stem(chosen.masks)
    scores = []
    for stem, path in track(targets.items(), "scoring", len(targets)):
        target = read_color(path)
        picture = read_color(matching_picture(restored, path, chosen.restored))
        lost = read_mask(matching_picture(masks, path, chosen.masks))
        for name, found in (("restored", picture.shape[:2]), ("mask", lost.shape)):
            if found != target.shape[:2]:
                raise UserError(
                    f"{stem}: its {name} picture is {format_size(found)}, "
                    f"expected the truth's {format_size(target.shape)}"
                )
        scores.append(metrics.score(target, picture, lost))
    report = {**metrics.mean_scores(scores)._asdict(), "photos": len(scores)}
    print(json.dumps(report, indent=2))
    return 0


def damaged_photographs(
    folder: Path, size: int | None, settings: "Settings"
) -> tuple[list["HeldOutPhoto"], int]:
    """The photographs in `folder` damaged as `knobs` say, and how many could not be used.

    Squares of `size` px, or of `data.size`; the competition's folder keeps its own damage. What
    cannot be used is named on standard error.
    """
    from rechroma.evaluation.held_out import draw_held_out
    from rechroma.preparation.sources import Rejected

    paired = (folder / "train.csv").exists() or folder.suffix == ".zip"
    changes = {"source": "competition" if paired else "photos", "path": folder}
    data = settings.data.model_copy(update=changes | ({"size": size} if size else {}))
    sound, unusable = [], 0
    for photo in draw_held_out(settings.model_copy(update={"data": data}), folder):
        if isinstance(photo, Rejected):
            print(f"{photo.file}: {photo.reason}", file=sys.stderr)
            unusable += 1
        else:
            sound.append(photo)
    return sound, unusable


def _evaluate(chosen: argparse.Namespace) -> int:
    from rechroma.apps.model_catalog import load_named_model
    from rechroma.data.prepared import mean_hue_histogram
    from rechroma.evaluation.compare import compare_models, write_comparison
    from rechroma.evaluation.intervals import score_table
    from rechroma.settings import load_settings

    settings = load_settings(PARAMS)
    found = [load_named_model(words) for words in chosen.model or [None]]
    models = {Path(name).name: restorer for name, restorer in found}
    if len(models) < len(found):
        raise UserError("--model: two models have the same name, expected each only once")
    sound, unusable = damaged_photographs(chosen.photos, chosen.size, settings)
    there = chosen.prepared != PREPARED or PREPARED.exists()
    hues = mean_hue_histogram(chosen.prepared) if there else None
    shown = chosen.shown if chosen.out else 0
    table, pictures = compare_models(sound, models, settings.evaluate, settings.seed, hues, shown)
    print(score_table(table), end="")
    if chosen.out:
        heading = (
            f"{len(sound)} photographs of {chosen.photos}, {chosen.size or settings.data.size} px"
        )
        write_comparison(table, pictures, chosen.out, heading)
    return 1 if unusable else 0
