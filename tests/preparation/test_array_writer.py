import hashlib
from pathlib import Path

import numpy as np
import pytest

from rechroma.preparation.array_writer import ArrayWriter


def some_tiles(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [0, 1, 12, 105])
def test_numpy_reads_the_selected_rows(tmp_path: Path, count: int) -> None:
    tiles = some_tiles(count)
    rows = list(range(0, count, 3))
    digest = hashlib.sha256()
    with ArrayWriter(tmp_path / "train.npy", 4) as writer:
        assert [writer.append(tile) for tile in tiles] == list(range(count))
        writer.select_rows(rows, digest.update)
    loaded = np.load(tmp_path / "train.npy")
    np.testing.assert_array_equal(loaded, tiles[rows])
    assert digest.hexdigest() == hashlib.sha256(tiles[rows].tobytes()).hexdigest()
    np.save(tmp_path / "numpy.npy", tiles[rows])
    assert (tmp_path / "train.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()
    if count:
        mapped = np.load(tmp_path / "train.npy", mmap_mode="r")
        np.testing.assert_array_equal(mapped[-1], tiles[rows[-1]])


def test_a_tile_of_another_size_is_an_error(tmp_path: Path) -> None:
    with (
        ArrayWriter(tmp_path / "train.npy", 8) as writer,
        pytest.raises(ValueError, match=r"tile is \(4, 4, 3\) uint8, expected \(8, 8, 3\)"),
    ):
        writer.append(some_tiles(1)[0])
