"""The command `rechroma`: restore photographs, find their damage, score restorations and models."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma import photos

MODEL = Path("models/restorer")  # where the pipeline leaves its model, seen from the project
PREPARED = Path("data/prepared")  # where it leaves its data
PARAMS = Path("params.yaml")

INTRODUCTION = """\
Gives damaged gray photographs their color and their missing part back.

  rechroma restore old.jpg --out restored       a photograph, or a folder of them
  rechroma find-mask old.jpg --out masks        where it is damaged: white where lost
  rechroma score --truth T --restored R --masks M
                                                the competition's official score, as JSON
  rechroma evaluate photos --model A --model B  damage photographs, restore and score them
"""
DETAILS = {
    "restore": """\
Writes a PNG of the same stem and size for each photograph; folders are searched through.
The damage (areas of one constant gray) is found by rule, or given with --mask.
The gray outside the damage is kept exactly: the model only adds color there.

  rechroma restore album/ --out restored
  rechroma restore old.jpg --out restored --mask masks    (masks/old.png, white where lost)
  rechroma restore old.jpg --out restored --model models/restorer

Without --model the model trained in this project (models/restorer) is used; without that, holes
are filled smoothly and no color is added, and the command says so.
A photograph that cannot be restored is named and passed over; the exit code is then 1.
""",
    "find-mask": """\
Writes a PNG of 0 and 255 for each photograph, 255 where it is damaged. Damage is an area of one
constant gray with a sharp border; flat skies and clipped blacks are not taken for it.

  rechroma find-mask album/ --out masks
""",
    "evaluate": """\
Takes photographs in color (or the competition's folder, with the damage it comes with), damages
them as params.yaml says, restores them with each model, and prints a table of scores with
intervals beside the yardsticks. The damage depends on the seed alone: models meet the same.

  rechroma evaluate photos/ --size 512 --model models/restorer --out reports/photos
""",
    "score": """\
Compares PNG or other pictures of the same stem in three folders and prints JSON:
score (0.2 ssim + 0.4 masked_ssim + 0.4 hue), its parts, and the number of photographs.

  rechroma score --truth truth --restored restored --masks masks
""",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0, 1 (some photograph failed) or 2 (a user's mistake)."""
    chosen = _parser().parse_args(arguments)
    try:
        sys.exit(chosen.command(chosen))
    except UserError as error:
        sys.stderr.write(f"rechroma: {error}\n")
        sys.exit(2)
    except OSError as error:
        sys.stderr.write(f"rechroma: {error.filename or 'a file'}: {error.strerror or error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("rechroma: stopped; what is written is whole\n")
        sys.exit(130)


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one line, and where help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    kept = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="rechroma", description=INTRODUCTION, formatter_class=kept)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def add(name: str, help_line: str, run: Callable[[argparse.Namespace], int]) -> _Parser:
        command = commands.add_parser(
            name, help=help_line, description=DETAILS[name], formatter_class=kept
        )
        command.set_defaults(command=run)
        return command

    restore = add("restore", "restore photographs", _restore)
    restore.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file or folder")
    restore.add_argument("--out", required=True, type=Path, metavar="DIR", help="made if missing")
    restore.add_argument("--mask", type=Path, metavar="DIR", help="masks of the same stems")
    restore.add_argument("--model", type=Path, metavar="DIR", help=f"default: {MODEL}")

    find = add("find-mask", "find the damage of photographs", _find_mask)
    find.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file or folder")
    find.add_argument("--out", required=True, type=Path, metavar="DIR", help="made if missing")

    evaluate = add("evaluate", "damage, restore and score photographs", _evaluate)
    evaluate.add_argument("photos", type=Path, metavar="DIR", help="photographs in color, or pairs")
    evaluate.add_argument(
        "--model", action="append", type=Path, metavar="DIR", help=f"repeatable; default: {MODEL}"
    )
    evaluate.add_argument("--size", type=int, metavar="PX", help="squares; default: data.size")
    evaluate.add_argument(
        "--prepared",
        type=Path,
        default=PREPARED,
        metavar="DIR",
        help=f"whose mean hues are a yardstick; default: {PREPARED}, where there is one",
    )
    evaluate.add_argument(
        "--shown", type=int, default=10, metavar="N", help="photographs, in --out"
    )
    evaluate.add_argument("--out", type=Path, metavar="DIR", help="for table, scores, pictures")

    score = add("score", "score restored photographs", _score)
    score.add_argument("--truth", required=True, type=Path, metavar="DIR", help="true photographs")
    score.add_argument("--restored", required=True, type=Path, metavar="DIR", help="to be scored")
    score.add_argument("--masks", required=True, type=Path, metavar="DIR", help="light where lost")
    return parser


def _restore(chosen: argparse.Namespace) -> int:
    from rechroma import photos, restoring
    from rechroma.damage import find_mask

    masks = None if chosen.mask is None else _by_stem(chosen.mask)
    outputs = _outputs(chosen.photos, chosen.out, (masks or {}).values())
    if chosen.model is None and not MODEL.exists():
        print(
            f"no model ({MODEL} is not here, and no --model): holes are filled, without color",
            file=sys.stderr,
        )
        restore: Callable[..., photos.Photo] = restoring.restore_without_weights
    else:
        restore = restoring.load(chosen.model or MODEL)

    def restore_file(source: Path, target: Path) -> None:
        damaged = photos.read_gray(source)
        if masks is None:
            lost = find_mask(damaged)
            if not lost.any():
                print(f"{source}: no damage found, color only", file=sys.stderr)
        else:
            lost = _read_mask(_partner(masks, source, chosen.mask))
            if lost.shape != damaged.shape:
                raise UserError(
                    f"{source}: its mask is {_size(lost.shape)}, expected {_size(damaged.shape)}"
                )
        photos.write_png(target, restore(damaged, lost))

    return _each(outputs, restore_file)


def _find_mask(chosen: argparse.Namespace) -> int:
    from rechroma import photos
    from rechroma.damage import find_mask

    def find(source: Path, target: Path) -> None:
        found = find_mask(photos.read_gray(source))
        if not found.any():
            print(f"{source}: no damage found", file=sys.stderr)
        photos.write_png(target, found)

    return _each(_outputs(chosen.photos, chosen.out), find)


def _evaluate(chosen: argparse.Namespace) -> int:
    from rechroma import comparing, dataset, restoring, settings
    from rechroma.evaluating import as_markdown
    from rechroma.sources import Rejected

    knobs = settings.load(PARAMS)
    paired = (chosen.photos / "train.csv").exists() or chosen.photos.suffix == ".zip"
    changes = {"source": "competition" if paired else "photos", "path": chosen.photos}
    data = knobs.data.model_copy(update=changes | ({"size": chosen.size} if chosen.size else {}))
    knobs = knobs.model_copy(update={"data": data})
    models = {path.name: restoring.load(path) for path in chosen.model or [MODEL]}
    if len(models) < len(chosen.model or [MODEL]):
        raise UserError("--model: two folders have the same name, expected each only once")
    sound, unusable = [], 0
    for photo in comparing.held_out_of(knobs, chosen.photos):
        if isinstance(photo, Rejected):
            print(f"{photo.file}: {photo.reason}", file=sys.stderr)
            unusable += 1
        else:
            sound.append(photo)
    there = chosen.prepared != PREPARED or PREPARED.exists()
    hues = dataset.mean_hues(chosen.prepared) if there else None
    shown = chosen.shown if chosen.out else 0
    table, pictures = comparing.compare(sound, models, knobs.evaluate, knobs.seed, hues, shown)
    print(as_markdown(table), end="")
    if chosen.out:
        heading = f"{len(sound)} photographs of {chosen.photos}, {data.size} px"
        comparing.write(table, pictures, chosen.out, heading)
    return 1 if unusable else 0


def _score(chosen: argparse.Namespace) -> int:
    from rechroma import photos, scoring
    from rechroma.progress import track

    truths = _by_stem(chosen.truth)
    restored, masks = _by_stem(chosen.restored), _by_stem(chosen.masks)
    scores = []
    for stem, path in track(truths.items(), "scoring", len(truths)):
        truth = photos.read_color(path)
        picture = photos.read_color(_partner(restored, path, chosen.restored))
        lost = _read_mask(_partner(masks, path, chosen.masks))
        for name, found in (("restored", picture.shape[:2]), ("mask", lost.shape)):
            if found != truth.shape[:2]:
                raise UserError(
                    f"{stem}: its {name} picture is {_size(found)}, "
                    f"expected the truth's {_size(truth.shape)}"
                )
        scores.append(scoring.score(truth, picture, lost))
    report = {**scoring.mean(scores)._asdict(), "photos": len(scores)}
    print(json.dumps(report, indent=2))
    return 0


def _outputs(sources: Iterable[Path], folder: Path, masks: Iterable[Path] = ()) -> dict[Path, Path]:
    """Where the result of each photograph goes, a folder's own folders kept; by photograph.

    Raises:
        UserError: there is no photograph, two would go to one file, or a photograph or one of its
            masks would be overwritten.
    """
    from rechroma import photos

    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file, expected a folder to write into")
    outputs: dict[Path, Path] = {}
    for source in sources:
        top = source if source.is_dir() else source.parent
        for path in photos.list_photos(source):
            outputs[path] = folder / path.relative_to(top).with_suffix(".png")
    if not outputs:
        raise UserError("there is no photograph among these, expected PNG, JPEG, WebP, TIFF or BMP")
    inputs = {_identity(path) for path in (*outputs, *masks)}
    owners: dict[Path, Path] = {}
    for path, target in outputs.items():
        if target in owners:
            raise UserError(f"{owners[target]} and {path} would both become {target}, rename one")
        if target.exists() and _identity(target) in inputs:
            raise UserError(f"{target} would be overwritten, choose another folder with --out")
        owners[target] = path
    return outputs


def _identity(path: Path) -> tuple[int, int]:
    """The same for a file by whatever name."""
    status = path.stat()
    return status.st_dev, status.st_ino


def _each(outputs: dict[Path, Path], work: Callable[[Path, Path], None]) -> int:
    """Do `work` for every photograph, naming those that fail: 1 if there were any, else 0."""
    from rechroma.progress import track

    failed = 0
    for source, target in track(outputs.items(), "photographs", len(outputs)):
        try:
            work(source, target)
        except UserError as error:
            failed += 1
            print(f"rechroma: {error}", file=sys.stderr)
    if failed:
        print(f"rechroma: {failed} of {len(outputs)} photographs failed", file=sys.stderr)
    return min(failed, 1)


def _by_stem(folder: Path) -> dict[str, Path]:
    from rechroma import photos

    if not folder.is_dir():
        raise UserError(f"{folder} is no folder, expected one with pictures")
    found: dict[str, Path] = {}
    for path in photos.list_photos(folder):
        if path.stem in found:
            raise UserError(f"{found[path.stem]} and {path} have one stem, expected different ones")
        found[path.stem] = path
    if not found:
        raise UserError(f"{folder} holds no pictures, expected PNG, JPEG, WebP, TIFF or BMP")
    return found


def _partner(pictures: dict[str, Path], photo: Path, folder: Path) -> Path:
    if photo.stem not in pictures:
        raise UserError(f"{folder} holds no picture for {photo}, expected {photo.stem}.png there")
    return pictures[photo.stem]


def _read_mask(path: Path) -> "photos.Mask":
    from rechroma import photos

    mask: photos.Mask = photos.read_gray(path) > 127
    return mask


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]} px"


if __name__ == "__main__":
    main()
