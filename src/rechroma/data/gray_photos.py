"""Gray photographs of folders, decoded once into one file that is mapped into memory."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.io import list_photos, read_gray
from rechroma.imaging.resize import downscale_luma
from rechroma.imaging.types import Luma
from rechroma.outputs import whole_folder
from rechroma.progress import parallel_map, track

LONGEST = 768  # px; larger photographs are reduced

logger = logging.getLogger(__name__)


class GrayPhotos:
    """Photographs by number, each `(H, W)` uint8: a view of a mapped file.

    Args:
        folder: that `pack_photos` returned.
    """

    def __init__(self, folder: Path):
        self.pixels: NDArray[np.uint8] = np.memmap(folder / "pixels.bin", np.uint8, "r")
        self.index: NDArray[np.int64] = np.load(folder / "index.npy")  # (N, 3) start, H, W

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, number: int) -> Luma:
        start, height, width = self.index[number]
        return self.pixels[start : start + height * width].reshape(height, width)


class GrayTiles:
    """Prepared tiles by number, each `(size, size)` uint8.

    Args:
        tiles: `(N, size, size, 3)` uint8 RGB.

    >>> GrayTiles(np.full((2, 4, 4, 3), 90, np.uint8))[1].tolist()[0]
    [90, 90, 90, 90]
    """

    def __init__(self, tiles: NDArray[np.uint8]):
        self.tiles = tiles

    def __len__(self) -> int:
        return len(self.tiles)

    def __getitem__(self, number: int) -> Luma:
        return to_luma(np.asarray(self.tiles[number]))


def pack_photos(sources: Sequence[Path], cache: Path) -> Path:
    """The folder of the packed photographs of some folders; they are packed the first time.

    Files that cannot be read are skipped, with a line in the log.

    Args:
        sources: folders of photographs.
        cache: the folder in which packed photographs are kept, by names and sizes of their files.

    Raises:
        UserError: a source is missing, or no photograph is in any.
    """
    files = [file for source in sources for file in list_photos(source)]
    digest = hashlib.sha256(f"{LONGEST}".encode())
    for file in files:
        digest.update(f"{file.parent.name}/{file.name} {file.stat().st_size}\n".encode())
    folder = cache / digest.hexdigest()[:16]
    if not folder.exists():
        with whole_folder(folder) as part:
            _pack(files, part)
    if not len(np.load(folder / "index.npy")):
        named = ", ".join(map(str, sources))
        raise UserError(f"{named}: no photograph is there, expected folders of photographs")
    return folder


def _pack(files: list[Path], folder: Path) -> None:
    index, start = [], 0
    with (folder / "pixels.bin").open("wb") as stream:
        for luma in track(parallel_map(_read, files), "decoding photographs", len(files)):
            if luma is not None:
                stream.write(luma.tobytes())
                index.append((start, *luma.shape))
                start += luma.size
    np.save(folder / "index.npy", np.array(index, dtype=np.int64).reshape(-1, 3))


def _read(file: Path) -> Luma | None:
    try:
        return downscale_luma(read_gray(file), LONGEST)
    except PhotoError as error:
        logger.warning("skipped: %s", error)
        return None
