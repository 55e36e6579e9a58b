"""How much memory and time photographs of 1 to 100 megapixels take to restore, file to file.

python -m benchmarks.bench_large [MEGAPIXELS ...]

Each is restored by a fresh interpreter. The memory is what it peaks at above what the interpreter,
its libraries and the model take, once a small photograph has been restored. The photograph is one
of scikit-image's, enlarged, with noise, and damaged.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from benchmarks.photographs import photographs, shipped
from rechroma.imaging.color import to_luma
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.io import write_png

MEGAPIXELS = (1, 12, 50, 100)
NOISE = 6  # levels, as a scan has
WORKER = """
import json, resource, sys
from pathlib import Path
from rechroma.apps.batch import restore_files as album
from rechroma.apps import model_catalog as finding

def peak():
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale

small, large, out = map(Path, sys.argv[1:4])
_, restorer = finding.choose(sys.argv[4] if len(sys.argv) > 4 else None)
told = []
for photo in (small, large):
    entry = album.restore(album.Job(photo, out / photo.name), restorer, album.Manner())
    assert entry.status == "restored", entry.error
    told.append(peak())
print(json.dumps({"seconds": entry.seconds, "lost": entry.lost, "base": told[0], "peak": told[1]}))
"""


def damaged(megapixels: float, path: Path) -> None:
    """Write a damaged gray photograph of about so many megapixels, 4:3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    size = (round(height * 4 / 3), height)
    generator = np.random.default_rng(0)
    gray = cv2.resize(to_luma(photographs(512)[0]), size, interpolation=cv2.INTER_CUBIC)
    noise = generator.integers(-NOISE, NOISE + 1, gray.shape, dtype=np.int16)
    noisy = np.clip(gray.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    write_png(path, draw_damage(noisy, shipped().damage, generator)[0])


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
        damaged(0.25, small)
        for megapixels in chosen.megapixels:
            large = folder / f"{megapixels:g}.png"
            damaged(megapixels, large)
            arguments = [small, large, folder / "out", *filter(None, [chosen.model])]
            ran = subprocess.run(
                [sys.executable, "-c", WORKER, *map(str, arguments)],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            told = json.loads(ran.stdout.splitlines()[-1])
            above = (told["peak"] - told["base"]) / 1e9
            print(
                f"| {megapixels:g} | {told['seconds']:.1f} | {above:.2f} "
                f"| {told['base'] / 1e9:.2f} | {told['lost']:.1%} |",
                flush=True,
            )
            large.unlink()


if __name__ == "__main__":
    main()
