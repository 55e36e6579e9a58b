"""Memory and time of restoring photographs of 1 to 100 megapixels, file to file.

python -m benchmarks.bench_large [MEGAPIXELS ...] [--model MODEL]

Each photograph is restored by a new process. The base is the memory of the interpreter, the
libraries and the model, after a small photograph. The memory above it is that of the large one,
which is a photograph of scikit-image, enlarged, with noise, and damaged.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from benchmarks.photographs import default_settings, photographs
from rechroma.imaging.color import to_luma
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.io import write_png

MEGAPIXELS = (1, 12, 50, 100)
NOISE = 6  # levels, as a scan has


def write_damaged(megapixels: float, path: Path) -> None:
    """Write a damaged gray photograph of about `megapixels`, 4:3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    size = (round(height * 4 / 3), height)
    generator = np.random.default_rng(0)
    gray = cv2.resize(to_luma(photographs(512)[0]), size, interpolation=cv2.INTER_CUBIC)
    noise = generator.integers(-NOISE, NOISE + 1, gray.shape, dtype=np.int16)
    noisy = np.clip(gray.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    write_png(path, draw_damage(noisy, default_settings().damage, generator)[0])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("megapixels", type=float, nargs="*", default=MEGAPIXELS)
    parser.add_argument("--model", metavar="MODEL", help="as for rechroma restore")
    chosen = parser.parse_args()
    print("| megapixels | seconds | memory above base, GB | base, GB | lost |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        small = folder / "small.png"
        write_damaged(0.25, small)
        for megapixels in chosen.megapixels:
            large = folder / f"{megapixels:g}.png"
            write_damaged(megapixels, large)
            arguments = [small, large, folder / "out", *filter(None, [chosen.model])]
            ran = subprocess.run(
                [sys.executable, "-m", "benchmarks.large_process", *map(str, arguments)],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            restored = json.loads(ran.stdout.splitlines()[-1])
            above = (restored["peak"] - restored["base"]) / 1e9
            print(
                f"| {megapixels:g} | {restored['seconds']:.1f} | {above:.2f} "
                f"| {restored['base'] / 1e9:.2f} | {restored['lost']:.1%} |",
                flush=True,
            )
            large.unlink()


if __name__ == "__main__":
    main()
