"""`rechroma restore`, `rechroma find-mask` and `rechroma models`."""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.command import Add
from rechroma.apps.cli.paths import (
    NoPhotosError,
    find_clashes,
    for_each_photo,
    pictures_by_stem,
    plan_outputs,
)
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.apps.batch.restore_files import Job, ReportEntry, RestoreOptions
    from rechroma.inference.restorer import Restorer


FORMATS = ("png", "jpeg", "tiff", "webp")
LOOK_EVERY = 1.0  # seconds between looks at a watched folder

RESTORE = """\
Gives photographs their color and their lost part, at their own size; folders are searched through.
The damage (areas of one constant gray) is found by rule, or given with --mask.
The gray outside the damage is kept exactly: the model only adds color there.

  rechroma restore old.jpg --out new.png
  rechroma restore album/ --out restored                  one PNG for each, in the same folders
  rechroma restore album/ --out restored --skip-done --report report.json
  rechroma restore old.jpg --out new.tif --mask mask.png --grow 2
  rechroma restore scans/ --out restored --watch          restores what arrives, until Ctrl-C

EXIF, color profile and resolution go along. Without --model the model trained in this project
(models/restorer) is used, and without that the one that rechroma carries (docs/model-card.md: for
research use only); `rechroma models` lists what there is. A photograph that cannot be restored is
named and passed over; the exit code is then 1.
"""
FIND_MASK = """\
Writes a PNG of 0 and 255 for each photograph, 255 where it is damaged. Damage is an area of one
constant gray with a sharp border; flat skies and clipped blacks are not taken for it.

  rechroma find-mask album/ --out masks
"""
MODELS = """\
Lists what --model can name, with its score and how it may be used: the model of this project, the
ones in MLflow, and the one that rechroma carries, which is used where there is no other.

  rechroma models                               the names, scores and licenses
"""


def add_to(add: Add) -> None:
    """Add the commands."""
    restore = add("restore", "restore photographs", RESTORE, _restore)
    restore.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file or folder")
    restore.add_argument(
        "--out", required=True, type=Path, metavar="PATH", help="a folder, or a file for one photo"
    )
    restore.add_argument(
        "--format", choices=FORMATS, help="default: png, or what --out's name says"
    )
    restore.add_argument(
        "--mask", type=Path, metavar="PATH", help="a mask, or a folder of masks of the same stems"
    )
    restore.add_argument(
        "--mask-polarity",
        choices=("auto", "white", "black"),
        default="auto",
        help="what is lost; default: auto, the smaller part of each mask",
    )
    restore.add_argument(
        "--grow", type=_px, default=0, metavar="N", help="px by which every mask grows"
    )
    restore.add_argument(
        "--save-masks", type=Path, metavar="DIR", help="for the masks that were used"
    )
    restore.add_argument(
        "--keep-color", action="store_true", help="restore only what is lost, keep the color"
    )
    restore.add_argument(
        "--side-by-side", action="store_true", help="also a picture before | after of each"
    )
    restore.add_argument(
        "--skip-done", action="store_true", help="not again what is restored and unchanged"
    )
    restore.add_argument("--watch", action="store_true", help="go on with what arrives")
    restore.add_argument(
        "--report", type=Path, metavar="FILE", help="JSON: time, lost share, warnings of each"
    )
    restore.add_argument(
        "--model",
        metavar="MODEL",
        help="folder, .safetensors or .onnx file, or MLflow address (models:/rechroma@champion)",
    )

    add("models", "list the models there are", MODELS, _models)

    find = add("find-mask", "find the damage of photographs", FIND_MASK, _find_mask)
    find.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file or folder")
    find.add_argument("--out", required=True, type=Path, metavar="DIR", help="made if missing")


def _px(words: str) -> int:
    if not words.isdecimal() or int(words) > 500:
        raise argparse.ArgumentTypeError(f"is '{words}', expected a number of px from 0 to 500")
    return int(words)


def _restore(chosen: argparse.Namespace) -> int:
    from rechroma.apps.batch.restore_files import RestoreOptions, summarize_entries
    from rechroma.apps.model_catalog import load_named_model

    waiting = _jobs(chosen)  # mistakes in names are told before the model is loaded
    model, restorer = load_named_model(chosen.model)
    print(f"model: {model}", file=sys.stderr)
    manner = RestoreOptions(
        chosen.keep_color,
        chosen.mask_polarity,
        chosen.grow,
        chosen.side_by_side,
        chosen.skip_done or chosen.watch,
    )
    entries: list[ReportEntry] = []
    started = time.monotonic()
    try:
        _work(waiting, restorer, manner, entries)
        if chosen.watch:
            _watch(chosen, waiting, restorer, manner, entries)
    finally:
        if chosen.report:
            from rechroma.outputs import write_json

            write_json(chosen.report, summarize_entries(entries, model))
        print(_summary(entries, time.monotonic() - started), file=sys.stderr)
    return 1 if any(entry.status == "failed" for entry in entries) else 0


def _jobs(chosen: argparse.Namespace) -> "list[Job]":
    """What there is to restore now.

    Raises:
        UserError: names that do not go together.
    """
    from rechroma.apps.batch.image_file import format_of, format_suffix
    from rechroma.apps.batch.restore_files import Job

    masks = pictures_by_stem(chosen.mask) if chosen.mask and chosen.mask.is_dir() else None
    own = format_of(chosen.out) if not chosen.out.is_dir() else None
    if own and chosen.format and own != chosen.format:
        raise UserError(f"--out is {chosen.out} but --format is {chosen.format}, leave one out")
    if chosen.watch and own:
        raise UserError("--watch needs a folder as --out")
    suffix = format_suffix(chosen.format or "png")
    protected = [chosen.mask] if chosen.mask and masks is None else (masks or {}).values()
    try:
        outputs = plan_outputs(chosen.photos, chosen.out, protected, suffix, chosen.save_masks)
    except NoPhotosError:
        if chosen.watch:  # nothing yet
            return []
        raise
    if chosen.mask and masks is None and len(outputs) > 1:
        raise UserError(f"--mask is one file for {len(outputs)} photographs, expected a folder")
    clash = find_clashes(outputs)
    jobs = []
    for source, target in outputs.items():
        mask = chosen.mask if masks is None else masks.get(source.stem)
        if masks is not None and mask is None:
            mask = chosen.mask / f"{source.stem}.png"  # told when its turn comes
        mask_out = None
        if chosen.save_masks:
            name = Path(source.name) if own else target.relative_to(chosen.out)
            mask_out = (chosen.save_masks / name).with_suffix(".png")
        jobs.append(Job(source, target, mask, mask_out, clash.get(source, "")))
    return jobs


def _work(
    jobs: "Iterable[Job]",
    restorer: "Restorer",
    manner: "RestoreOptions",
    entries: "list[ReportEntry]",
) -> None:
    """Restore one after the other, telling what the user should know of each."""
    from rechroma.apps.batch.restore_files import restore_file
    from rechroma.progress import track

    jobs = list(jobs)
    if not jobs:
        return
    told = {entry.error for entry in entries}
    for job in track(jobs, "photographs", len(jobs)):
        entry = restore_file(job, restorer, manner)
        entries.append(entry)
        for warning in entry.warnings or []:
            print(f"{entry.photo}: {warning}", file=sys.stderr)
        if entry.error and entry.error not in told:  # a clash is that of several photographs
            print(f"rechroma: {entry.error}", file=sys.stderr)
        told.add(entry.error)


def _watch(
    chosen: argparse.Namespace,
    waiting: "list[Job]",
    restorer: "Restorer",
    manner: "RestoreOptions",
    entries: "list[ReportEntry]",
) -> None:
    """Restore what arrives, once its size has come to rest, until Ctrl-C."""
    print("watching for photographs; Ctrl-C ends it", file=sys.stderr, flush=True)
    done = {job.source: _state(job) for job in waiting}
    seen: dict[Path, tuple[float, int, str] | None] = {}
    told = ""
    try:
        while True:
            time.sleep(LOOK_EVERY)
            arrived = []
            try:
                jobs = _jobs(chosen)
            except (UserError, OSError) as error:  # until somebody mends it, or it is whole
                if str(error) != told:
                    print(f"rechroma: {error}", file=sys.stderr, flush=True)
                told = str(error)
                continue
            for job in jobs:
                state = _state(job)
                if state and state != done.get(job.source) and state == seen.get(job.source):
                    arrived.append(job)
                    done[job.source] = state
                seen[job.source] = state
            _work(arrived, restorer, manner, entries)
    except KeyboardInterrupt:
        print("no longer watching", file=sys.stderr)


def _state(job: "Job") -> tuple[float, int, str] | None:
    """What differs once a photograph is written further, or clashes with another; None if gone."""
    try:
        status = job.source.stat()
    except OSError:
        return None
    return status.st_mtime, status.st_size, job.clash


def _summary(entries: "list[ReportEntry]", seconds: float) -> str:
    from rechroma.progress import format_duration

    counted = [
        f"{count} {status}"
        for status in ("restored", "skipped", "failed")
        if (count := sum(entry.status == status for entry in entries))
    ]
    return f"{', '.join(counted) or 'nothing restored'} in {format_duration(seconds)}"


def _models(chosen: argparse.Namespace) -> int:  # noqa: ARG001
    from rechroma.apps.model_catalog import list_models

    for found in list_models(Path.cwd()):
        print(f"{found.words or '(carried by rechroma, the default without another)'}")
        print(f"    score: {found.score}\n    license: {found.license}")
    return 0


def _find_mask(chosen: argparse.Namespace) -> int:
    from rechroma.apps.batch.image_file import write_mask
    from rechroma.imaging.detect_damage import find_damage
    from rechroma.imaging.io import read_gray

    def find(source: Path, target: Path) -> None:
        found = find_damage(read_gray(source))
        if not found.any():
            print(f"{source}: no damage found", file=sys.stderr)
        write_mask(target, found)

    return for_each_photo(plan_outputs(chosen.photos, chosen.out), find)
