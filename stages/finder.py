"""Train the network that finds damage as prints have it.

  python -m stages.finder --photos DIR [--photos DIR …] --out DIR [-S finder.samples=60000]
  python -m stages.finder --out DIR --export FILE.onnx
  python -m stages.finder --out DIR --bundle

The first trains, or goes on where it was interrupted. The second writes the averaged weights so
far as ONNX, meanwhile or afterwards. The third makes them the bundled ones.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from stages import ROOT, real_root, run


def main() -> None:
    """Photographs → a folder with weights, a log and a checkpoint."""
    parser = argparse.ArgumentParser(prog="stages.finder", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--out", type=Path, default=real_root() / "models/finder", metavar="DIR")
    parser.add_argument("-S", "--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0: all")
    parser.add_argument("--export", type=Path, metavar="FILE.onnx")
    parser.add_argument("--bundle", action="store_true", help="put it into the package")
    chosen = parser.parse_args()
    if chosen.export:
        _export(chosen.out, chosen.export)
    elif chosen.bundle:
        _bundle(chosen.out)
    else:
        _train(chosen)


def _export(folder: Path, file: Path) -> None:
    from rechroma.deployment.finder_onnx import export_finder
    from rechroma.models.damage_finder import load_finder
    from rechroma.training.finder_trainer import WEIGHTS

    export_finder(load_finder(folder / WEIGHTS), file)
    print(f"{file}: {file.stat().st_size / 2**20:.1f} MiB")


def _bundle(folder: Path) -> None:
    from rechroma.deployment.bundle import LICENSE
    from rechroma.deployment.bundled_finder import bundle_finder
    from rechroma.models.damage_finder import load_finder
    from rechroma.training.finder_trainer import WEIGHTS

    file = bundle_finder(load_finder(folder / WEIGHTS), {"license": LICENSE})
    print(f"{file}: {file.stat().st_size / 2**20:.1f} MiB")


def _train(chosen: argparse.Namespace) -> None:
    from rechroma.errors import UserError
    from rechroma.settings import read_yaml
    from rechroma.studies.overrides import apply_overrides

    settings = apply_overrides(read_yaml(ROOT / "params.yaml"), chosen.set, "-S")
    if not chosen.photos:
        raise UserError("--photos is missing, expected a folder of photographs")
    if chosen.threads:
        os.environ["OMP_NUM_THREADS"] = str(chosen.threads)

    import cv2
    import torch

    from rechroma.data.finder_samples import FinderSamples
    from rechroma.data.gray_photos import GrayPhotos, pack_photos
    from rechroma.training.finder_trainer import FinderTrainer, Report, fit_finder

    if chosen.threads:
        torch.set_num_threads(chosen.threads)
        cv2.setNumThreads(chosen.threads)
    photos = GrayPhotos(pack_photos(chosen.photos, real_root() / ".rechroma/photos"))
    parts = (photos, settings.print_damage, settings.damage, settings.finder, settings.seed)
    trainer = FinderTrainer(settings, FinderSamples(*parts), FinderSamples(*parts, kept_back=True))
    weights = sum(each.numel() for each in trainer.network.parameters())
    print(f"{len(photos)} photographs, {weights / 1e6:.2f} million weights", flush=True)
    started = time.monotonic()

    def show(report: Report) -> None:
        minutes = (time.monotonic() - started) / 60
        scores = ", ".join(f"{name} {each:.4g}" for name, each in report.items())
        print(f"{minutes:.1f} min: {scores}", flush=True)

    fit_finder(trainer, settings, chosen.out, show)


if __name__ == "__main__":
    sys.argv[0] = "finder"
    run(main)
