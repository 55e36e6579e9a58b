"""`rechroma restore`."""

import argparse
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.command import AddCommand, add_aim_option, add_backend_options
from rechroma.apps.cli.console import Console, add_run_options
from rechroma.apps.cli.find_options import find_options
from rechroma.apps.cli.kind_options import add_kind_options, chosen_color
from rechroma.apps.cli.mask_options import add_mask_options
from rechroma.apps.cli.standard_streams import Streams, standard_streams
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.apps.batch.done_index import DoneIndex
    from rechroma.apps.batch.engine import Engine
    from rechroma.apps.batch.jobs import Job, ReportEntry


FORMATS = ("png", "jpeg", "tiff", "webp", "avif", "jpeg2000")

RESTORE = """\
Gives photographs their color and their lost part back, at their own size; folders are searched.
The damage is found, or given with --mask: areas of one constant gray by rule, and with --find lines
also scratches, cracks, spots and torn parts, by a network.
The gray outside the damage is kept exactly: the model only adds color there. Toned prints are
restored as gray photographs; photographs in color keep their color.

  rechroma restore old.jpg --out new.png
  rechroma restore album/ --out restored                  one PNG for each, in the same folders
  rechroma restore album/ --out restored --skip-done --report report.json
  rechroma restore print.jpg --out new.png --find lines --sensitivity 0.7
  rechroma restore print.jpg --out new.png --find lines --groups line,spot
  rechroma restore old.jpg --out new.tif --mask mask.png --grow 2
  rechroma restore old.jpg --out new.png --holes texture  grass goes on as grass, walls as walls
  rechroma restore scans/ --out restored --watch          restores new photographs, until Ctrl-C
  rechroma restore - --out - < old.jpg > new.png          standard input to standard output

EXIF, color profile, resolution and captions are copied. 16 bits a channel are kept in PNG and TIFF.
Without --model the model trained in this project (models/restorer) is used, and without that the
bundled one (docs/model-card.md: for research use only); `rechroma models` lists them. A photograph
that cannot be restored is named, and the others are still restored; the exit code is then 1.
"""


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    command = add_command("restore", "restore photographs", RESTORE, _restore)
    command.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file, folder or -")
    command.add_argument(
        "--out", required=True, type=Path, metavar="PATH", help="folder, file or -"
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
    add_mask_options(command)
    add_kind_options(command)
    command.add_argument(
        "--side-by-side", action="store_true", help="also write a picture before | after of each"
    )
    command.add_argument(
        "--skip-done",
        action="store_true",
        help="skip photographs restored before, if they, their mask, the options and the model "
        "are unchanged",
    )
    command.add_argument(
        "--strict", action="store_true", help="a photograph with a doubt fails, and is not written"
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
    add_run_options(command)
    add_aim_option(command)
    add_backend_options(command)


def _restore(chosen: argparse.Namespace) -> int:
    with standard_streams(chosen) as streams:
        code = _restore_files(chosen, streams)
        streams.send()
    return 2 * code if streams.output else code


def _restore_files(chosen: argparse.Namespace, streams: Streams) -> int:
    from rechroma.apps.batch.done_index import DoneIndex, model_digest
    from rechroma.apps.batch.engine import Engine
    from rechroma.apps.batch.jobs import RestoreOptions
    from rechroma.apps.cli.restored import check_before, finish, keeps_index
    from rechroma.apps.cli.watch import watch
    from rechroma.apps.model_catalog import load_named_model, model_line

    console = Console(chosen.quiet, chosen.json)
    jobs = plan_jobs(chosen)  # before the model, which takes seconds to load
    check_before(chosen, jobs, console)
    model, restorer = load_named_model(chosen.model, chosen.backend, chosen.device, chosen.aim)
    console.note(model_line(model, restorer))
    find, sensitivity, groups = find_options(chosen)
    if chosen.holes:
        restorer = restorer.with_holes(chosen.holes)
    options = RestoreOptions(
        color=chosen_color(chosen),
        polarity=chosen.mask_polarity,
        grow=chosen.grow,
        side_by_side=chosen.side_by_side,
        skip_done=chosen.skip_done or chosen.watch,
        depth=chosen.depth,
        strict=chosen.strict,
        model=model_digest(restorer) if keeps_index(chosen) else "",
        find=find,
        sensitivity=sensitivity,
        groups=groups,
        tone=chosen.tone,
        crop=chosen.crop,
    )
    engine = Engine(restorer, options, chosen.jobs)
    entries: list[ReportEntry] = []
    index = DoneIndex(chosen.out, write=keeps_index(chosen))

    def work(jobs: "list[Job]") -> None:
        annotated = index.annotate(jobs)
        restore_jobs(annotated, engine, entries, index, console, streams)

    started = time.monotonic()
    try:
        work(jobs)
        if chosen.watch:
            watch(lambda: plan_jobs(chosen), jobs, work)
    finally:  # also after Ctrl-C
        index.save()
        finish(chosen, entries, model, time.monotonic() - started, console)
    return 1 if any(entry.status == "failed" for entry in entries) else 0


def plan_jobs(chosen: argparse.Namespace) -> "list[Job]":
    """The photographs to restore now, each with its mask and its target.

    Raises:
        UserError: options contradict each other, or as `plan_album.plan_album`.
    """
    from rechroma.apps.batch.image_file import DEEP_FORMATS, format_of
    from rechroma.apps.batch.plan_album import NoPhotosError
    from rechroma.apps.batch.plan_jobs import plan_album_jobs

    find_options(chosen)  # checks them
    for name in ("find", "sensitivity", "groups"):
        if chosen.mask and getattr(chosen, name) is not None:
            raise UserError(f"--{name} finds the damage and --mask gives it, leave one out")
    # `--out` names a file, or a folder.
    out_format = format_of(chosen.out) if not chosen.out.is_dir() else None
    if out_format and chosen.format and out_format != chosen.format:
        raise UserError(f"--out is {chosen.out} but --format is {chosen.format}, leave one out")
    out_name = out_format or chosen.format or "png"
    if chosen.depth == "16" and out_name not in DEEP_FORMATS:
        raise UserError(f"--depth is 16 but {out_name} holds 8 bits, expected --format png or tiff")
    if chosen.watch and out_format:
        raise UserError("--watch needs a folder as --out")

    try:
        return plan_album_jobs(
            chosen.photos, chosen.out, chosen.format, chosen.save_masks, chosen.mask
        )
    except NoPhotosError:
        if chosen.watch:  # none yet
            return []
        raise


def restore_jobs(
    jobs: "list[Job]",
    engine: "Engine",
    entries: "list[ReportEntry]",
    index: "DoneIndex",
    console: Console,
    streams: Streams,
) -> None:
    """Restore the photographs, print what matters about each, add to `entries` and `index`."""
    from rechroma.apps.batch.summary import entry_line

    if not jobs:
        return
    # Photographs that clash share one message, which is printed once.
    printed = {entry.error for entry in entries}
    shown = len(entries)

    def show(entry: "ReportEntry") -> None:
        index.add(entry)
        streams.rename(entry)
        if line := entry_line(entry, alone=len(jobs) == 1):
            console.note(line)
        if entry.error and entry.error not in printed:
            console.error(entry.error)
        printed.add(entry.error)
        console.entry(entry)

    try:
        with closing(engine.restore(jobs, entries)) as restored:
            for entry in console.track(restored, "photographs", len(jobs)):
                shown += 1
                show(entry)
    finally:  # after Ctrl-C, those that were not waited for
        for entry in entries[shown:]:
            show(entry)
