import hashlib
from pathlib import Path

import numpy as np
import pytest

from rechroma.preparation.array_writer import ArrayWriter


def some_squares(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [0, 1, 12, 105])
def test_numpy_maps_the_kept_rows(tmp_path: Path, count: int) -> None:
    squares = some_squares(count)
    rows = list(range(0, count, 3))
    digest = hashlib.sha256()
    with ArrayWriter(tmp_path / "train.npy", 4) as packed:
        assert [packed.append(square) for square in squares] == list(range(count))
        packed.keep(rows, digest.update)
    loaded = np.load(tmp_path / "train.npy")
    np.testing.assert_array_equal(loaded, squares[rows])
    assert digest.hexdigest() == hashlib.sha256(squares[rows].tobytes()).hexdigest()
    np.save(tmp_path / "numpy.npy", squares[rows])
    assert (tmp_path / "train.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()
    if count:
        mapped = np.load(tmp_path / "train.npy", mmap_mode="r")
        np.testing.assert_array_equal(mapped[-1], squares[rows[-1]])


def test_a_square_of_another_size_is_refused(tmp_path: Path) -> None:
    with (
        ArrayWriter(tmp_path / "train.npy", 8) as packed,
        pytest.raises(ValueError, match=r"square is \(4, 4, 3\) uint8, expected \(8, 8, 3\)"),
    ):
        packed.append(some_squares(1)[0])
