"""`rechroma restore`."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.command import AddCommand, add_backend_options
from rechroma.apps.cli.paths import NoPhotosError, find_clashes, pictures_by_stem, plan_outputs
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.apps.batch.jobs import Job, ReportEntry, RestoreOptions
    from rechroma.inference.restorer import Restorer


FORMATS = ("png", "jpeg", "tiff", "webp", "avif", "jpeg2000")

RESTORE = """\
Gives photographs their color and their lost part back, at their own size; folders are searched.
The damage (areas of one constant gray) is found by rule, or given with --mask.
The gray outside the damage is kept exactly: the model only adds color there.

  rechroma restore old.jpg --out new.png
  rechroma restore album/ --out restored                  one PNG for each, in the same folders
  rechroma restore album/ --out restored --skip-done --report report.json
  rechroma restore old.jpg --out new.tif --mask mask.png --grow 2
  rechroma restore scans/ --out restored --watch          restores new photographs, until Ctrl-C

EXIF, color profile, resolution and captions are copied. 16 bits a channel are kept in PNG and TIFF.
Without --model the model trained in this project (models/restorer) is used, and without that the
bundled one (docs/model-card.md: for research use only); `rechroma models` lists them. A photograph
that cannot be restored is named, and the others are still restored; the exit code is then 1.
"""


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    command = add_command("restore", "restore photographs", RESTORE, _restore)
    command.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file or folder")
    command.add_argument(
        "--out", required=True, type=Path, metavar="PATH", help="a folder, or a file for one photo"
    )
    command.add_argument(
        "--format", choices=FORMATS, help="default: png, or the suffix of --out if it is a file"
    )
    command.add_argument(
        "--depth",
        choices=("auto", "8", "16"),
        default="auto",
        help="bits a channel; default: auto, those of the photograph (16 in PNG and TIFF alone)",
    )
    command.add_argument(
        "--mask", type=Path, metavar="PATH", help="a mask, or a folder of masks of the same stems"
    )
    command.add_argument(
        "--mask-polarity",
        choices=("auto", "white", "black"),
        default="auto",
        help="which part of a mask is lost; default: auto, the smaller one",
    )
    command.add_argument(
        "--grow", type=_px, default=0, metavar="N", help="px by which every mask grows"
    )
    command.add_argument(
        "--save-masks", type=Path, metavar="DIR", help="write the masks that were used"
    )
    command.add_argument(
        "--keep-color", action="store_true", help="restore only the lost part, keep the color"
    )
    command.add_argument(
        "--side-by-side", action="store_true", help="also write a picture before | after of each"
    )
    command.add_argument(
        "--skip-done", action="store_true", help="skip photographs restored since they changed"
    )
    command.add_argument(
        "--watch", action="store_true", help="wait for further photographs and restore them"
    )
    command.add_argument(
        "--report", type=Path, metavar="FILE", help="JSON: time, lost share, warnings of each"
    )
    command.add_argument(
        "--model",
        metavar="MODEL",
        help="folder, .safetensors or .onnx file, or MLflow address (models:/rechroma@champion)",
    )
    add_backend_options(command)


def _px(text: str) -> int:
    if not text.isdecimal() or int(text) > 500:
        raise argparse.ArgumentTypeError(f"is '{text}', expected a number of px from 0 to 500")
    return int(text)


def _restore(chosen: argparse.Namespace) -> int:
    from rechroma.apps.batch.jobs import RestoreOptions, summarize_entries
    from rechroma.apps.cli.watch import watch
    from rechroma.apps.model_catalog import load_named_model, model_line

    jobs = plan_jobs(chosen)  # before the model, which takes seconds to load
    model, restorer = load_named_model(chosen.model, chosen.backend, chosen.device)
    print(model_line(model, restorer), file=sys.stderr)
    options = RestoreOptions(
        chosen.keep_color,
        chosen.mask_polarity,
        chosen.grow,
        chosen.side_by_side,
        chosen.skip_done or chosen.watch,
        chosen.depth,
    )
    entries: list[ReportEntry] = []

    def work(jobs: "list[Job]") -> None:
        restore_jobs(jobs, restorer, options, entries)

    started = time.monotonic()
    try:
        work(jobs)
        if chosen.watch:
            watch(lambda: plan_jobs(chosen), jobs, work)
    finally:  # also after Ctrl-C
        if chosen.report:
            from rechroma.outputs import write_json

            write_json(chosen.report, summarize_entries(entries, model))
        print(_summary(entries, time.monotonic() - started), file=sys.stderr)
    return 1 if any(entry.status == "failed" for entry in entries) else 0


def plan_jobs(chosen: argparse.Namespace) -> "list[Job]":
    """The photographs to restore now, each with its mask and its target.

    Raises:
        UserError: options contradict each other, or as `paths.plan_outputs`.
    """
    from rechroma.apps.batch.image_file import DEEP_FORMATS, format_of, format_suffix
    from rechroma.apps.batch.jobs import Job

    # `--out` names a file, or a folder.
    out_format = format_of(chosen.out) if not chosen.out.is_dir() else None
    if out_format and chosen.format and out_format != chosen.format:
        raise UserError(f"--out is {chosen.out} but --format is {chosen.format}, leave one out")
    out_name = out_format or chosen.format or "png"
    if chosen.depth == "16" and out_name not in DEEP_FORMATS:
        raise UserError(f"--depth is 16 but {out_name} holds 8 bits, expected --format png or tiff")
    if chosen.watch and out_format:
        raise UserError("--watch needs a folder as --out")

    # `--mask` names one mask, or a folder of them.
    masks = pictures_by_stem(chosen.mask) if chosen.mask and chosen.mask.is_dir() else None
    protected = [chosen.mask] if chosen.mask and masks is None else (masks or {}).values()

    suffix = format_suffix(chosen.format or "png")
    try:
        outputs = plan_outputs(chosen.photos, chosen.out, protected, suffix, chosen.save_masks)
    except NoPhotosError:
        if chosen.watch:  # none yet
            return []
        raise
    if chosen.mask and masks is None and len(outputs) > 1:
        raise UserError(f"--mask is one file for {len(outputs)} photographs, expected a folder")

    clashes = find_clashes(outputs)
    jobs = []
    for source, target in outputs.items():
        mask = chosen.mask if masks is None else masks.get(source.stem)
        if masks is not None and mask is None:
            mask = chosen.mask / f"{source.stem}.png"  # missing: an error of this photograph alone
        mask_out = None
        if chosen.save_masks:
            name = Path(source.name) if out_format else target.relative_to(chosen.out)
            mask_out = (chosen.save_masks / name).with_suffix(".png")
        jobs.append(Job(source, target, mask, mask_out, clashes.get(source, "")))
    return jobs


def restore_jobs(
    jobs: "list[Job]",
    restorer: "Restorer",
    options: "RestoreOptions",
    entries: "list[ReportEntry]",
) -> None:
    """Restore the photographs, print their warnings and errors, and add to `entries`."""
    from rechroma.apps.batch.restore_files import restore_file
    from rechroma.progress import track

    if not jobs:
        return
    # Photographs that clash share one message, which is printed once.
    printed = {entry.error for entry in entries}
    for job in track(jobs, "photographs", len(jobs)):
        entry = restore_file(job, restorer, options)
        entries.append(entry)
        for warning in entry.warnings or []:
            print(f"{entry.photo}: {warning}", file=sys.stderr)
        if entry.error and entry.error not in printed:
            print(f"rechroma: {entry.error}", file=sys.stderr)
        printed.add(entry.error)


def _summary(entries: "list[ReportEntry]", seconds: float) -> str:
    from rechroma.progress import format_duration

    counts = [
        f"{count} {status}"
        for status in ("restored", "skipped", "failed")
        if (count := sum(entry.status == status for entry in entries))
    ]
    return f"{', '.join(counts) or 'nothing restored'} in {format_duration(seconds)}"
