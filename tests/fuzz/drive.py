"""A broken input given to the entry points, and what must hold afterwards."""

import contextlib
import io
import re
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from PIL import Image

from rechroma.apps.batch.jobs import Job, RestoreOptions
from rechroma.apps.batch.mask_file import read_mask_file
from rechroma.apps.batch.restore_files import restore_file
from rechroma.apps.cli.main import main
from rechroma.errors import UserError
from rechroma.inference.backend import NetworkOutput
from rechroma.inference.restorer import Restorer
from rechroma.preparation.prepare import prepare
from rechroma.settings import Settings, parse_settings

from .served import ask_service, use_page

ROOT = Path(__file__).resolve().parents[2]


class Outcome(NamedTuple):
    """What became of an input.

    Attributes:
        result: `restored` (or read, or prepared) or `refused`.
        fault: what does not hold; empty where all does.
        message: of the refusal.
    """

    result: str
    fault: str = ""
    message: str = ""


class Sepia:
    """A stand-in for a network: the gray in one color, brighter in holes."""

    engine, device = "onnx", "cpu"

    def __init__(self, model: Any) -> None:
        self.model = model

    def __call__(self, luma: np.ndarray, mask: np.ndarray) -> NetworkOutput:
        gray = luma.astype(np.float32) / 255 + np.float32(0.2) * mask
        chroma = [np.full(luma.shape, each, np.float32) for each in (-0.05, 0.08)]
        return NetworkOutput(np.stack([gray, *chroma]), None)

    def with_threads(self, threads: int) -> "Sepia":  # noqa: ARG002
        return self


def make_settings(source: str) -> Settings:
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    tree["restore"]["size"] = 128
    tree["data"] |= {"source": source, "size": 64}
    return parse_settings(tree)


class Driver:
    """Gives inputs to the entry points."""

    def __init__(self) -> None:
        settings = make_settings("competition")
        self.restorer = Restorer(Sepia(settings.model), settings.restore)
        self.settings = settings

    def drive(self, kind: str, folder: Path, name: str, suffix: str, variant: int) -> Outcome:
        """Give the file `name` of a folder to the entry points of `kind`.

        Any exception that leaves them is a fault, and so is a file that was not asked for, a
        changed input, and a target that does not open.
        """
        before = _contents(folder)
        out = folder / "out"
        try:
            outcome = getattr(self, "_" + kind.replace("-", "_"))(
                folder / name, out, suffix, variant
            )
        except (Exception, SystemExit):
            return Outcome("refused", f"an exception left: {traceback.format_exc()}")
        if outcome.fault:
            return outcome
        after = _contents(folder)
        written = after.keys() - before.keys()
        if any(after.get(path) != content for path, content in before.items()):
            return outcome._replace(fault="an input was changed or removed")
        if odd := [path for path in written if ".part" in path]:
            return outcome._replace(fault=f"unfinished files are left: {odd}")
        if outcome.result == "refused" and any(path.startswith("out/") for path in written):
            return outcome._replace(fault=f"refused, and yet written: {sorted(written)}")
        # A format that cannot hold the size names the restored file.
        named = (
            name in outcome.message
            or str(out) in outcome.message
            or kind in ("archive", "csv", "service")
        )
        if outcome.result == "refused" and not named:
            return outcome._replace(fault=f"the message lacks {name}: {outcome.message}")
        return outcome

    def _restore(self, photo: Path, out: Path, suffix: str, variant: int) -> Outcome:
        return self._restored(Job(photo, out / f"photo.{suffix}"), variant)

    def _mask(self, mask: Path, out: Path, suffix: str, variant: int) -> Outcome:
        photo = mask.with_name("photo.png")
        job = Job(photo, out / f"photo.{suffix}", mask, out / "mask.png")
        return self._restored(job, variant)

    def _restored(self, job: Job, variant: int) -> Outcome:
        color = "keep" if variant == 1 else "auto"
        options = RestoreOptions(color, side_by_side=variant == 2, grow=variant)
        entry = restore_file(job, self.restorer, options)
        if entry.traceback:
            return Outcome("refused", f"an internal error: {entry.traceback}")
        if entry.status != "restored":
            if entry.reason == "memory ran out":
                return Outcome("refused", "memory ran out")
            return Outcome("refused", "", entry.error)
        with Image.open(job.target) as restored:
            restored.load()
            if restored.size != (entry.width, entry.height):
                return Outcome("restored", f"is {restored.size}, not as the report has it")
        return Outcome("restored")

    def _mask_alone(self, mask: Path, out: Path, suffix: str, variant: int) -> Outcome:  # noqa: ARG002
        try:
            lost = read_mask_file(mask, ("auto", "white", "black", "auto")[variant]).lost
        except UserError as error:
            return Outcome("refused", "", str(error))
        fault = "" if lost.dtype == bool and lost.ndim == 2 else f"is {lost.dtype} {lost.shape}"
        return Outcome("restored", fault)

    def _find_mask(self, photo: Path, out: Path, suffix: str, variant: int) -> Outcome:  # noqa: ARG002
        return _command(["find-mask", str(photo), "--out", str(out)], out)

    def _command(self, photo: Path, out: Path, suffix: str, variant: int) -> Outcome:  # noqa: ARG002
        arguments = ["restore", str(photo), "--out", str(out)]
        return _command([*arguments, *(["--keep-color"] if variant == 1 else [])], out)

    def _page(self, upload: Path, out: Path, suffix: str, variant: int) -> Outcome:  # noqa: ARG002
        fault, message = use_page(self.restorer, upload, out, variant)
        return Outcome("refused" if message else "restored", fault, message)

    def _service(self, file: Path, out: Path, suffix: str, variant: int) -> Outcome:  # noqa: ARG002
        fault, message = ask_service(self.restorer, file.read_bytes(), variant)
        return Outcome("refused" if message else "restored", fault, message)

    def _archive(self, archive: Path, out: Path, suffix: str, variant: int) -> Outcome:  # noqa: ARG002
        return self._prepared(archive, out)

    def _csv(self, listing: Path, out: Path, suffix: str, variant: int) -> Outcome:  # noqa: ARG002
        return self._prepared(listing.parent, out)

    def _prepared(self, source: Path, out: Path) -> Outcome:
        try:
            report = prepare(self.settings, source, out / "prepared", out / "prepare.json")
        except UserError as error:
            return Outcome("refused", "", str(error))
        finally:
            outside = [Path("/tmp/evil.png"), source.parent.parent / "evil.png"]
            assert not any(file.exists() for file in outside), "unpacked outside of its folder"
        rows = np.load(out / "prepared/train.npy", mmap_mode="r")
        fault = "" if len(rows) == report.photos["train"] else "train.npy lacks photographs"
        return Outcome("restored", fault)


def _command(arguments: list[str], out: Path) -> Outcome:
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
        try:
            code = main(arguments)
        except SystemExit as stopped:
            code = stopped.code
    message = printed.getvalue()
    written = sorted(out.rglob("*.png")) if out.exists() else []
    for file in written:
        with Image.open(file) as picture:
            picture.load()
    if "Traceback" in message or "internal error" in message:
        return Outcome("refused", f"an internal error: {message}")
    if code not in (0, 1, 2):
        return Outcome("refused", f"the exit code is {code}: {message}")
    if (code == 0) != bool(written):
        return Outcome("refused", f"the exit code is {code}, with {len(written)} files: {message}")
    # Terminals wrap what is printed.
    return Outcome("refused" if code else "restored", "", re.sub(r"\n", "", message))


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@contextlib.contextmanager
def filled(folder: Path, files: dict[str, bytes]) -> Iterator[Path]:
    """The folder with these files alone, removed at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
