"""A .npy file of equal tiles, written one by one: memory stays flat however many there are."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.lib.format import write_array_header_1_0

from rechroma.imaging.types import Photo


class ArrayWriter:
    """The .npy file `path`, open for writing; `np.load(path, mmap_mode="r")` reads it once closed.

    The array is `(count, size, size, 3)` uint8, a tile in RGB each row.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.size = size
        self.count = 0
        self._bytes = size * size * 3  # of a row
        self._file = path.open("w+b")
        self._start = self._write_header()

    def __enter__(self) -> "ArrayWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, tile: Photo) -> int:
        """Add a `(size, size, 3)` uint8 tile as the last row and return the number of that row.

        Raises:
            ValueError: `tile` has another shape or type.
        """
        if tile.shape != (self.size, self.size, 3) or tile.dtype != np.uint8:
            raise ValueError(
                f"tile is {tile.shape} {tile.dtype}, expected {(self.size, self.size, 3)} uint8"
            )
        self._file.seek(self._start + self.count * self._bytes)
        self._file.write(tile.tobytes())
        self.count += 1
        return self.count - 1

    def select_rows(self, rows: Sequence[int], update_digest: Callable[[bytes], None]) -> None:
        """Delete all rows but `rows` from the file.

        Args:
            rows: numbers of the rows that remain, ascending.
            update_digest: called with the bytes of each remaining row, in this order.
        """
        for number, row in enumerate(rows):
            self._file.seek(self._start + row * self._bytes)
            tile = self._file.read(self._bytes)
            update_digest(tile)
            # Rows ascend, so a row only ever moves towards the start, over one already read.
            if number != row:
                self._file.seek(self._start + number * self._bytes)
                self._file.write(tile)
        self.count = len(rows)
        self._write_header()
        self._file.truncate(self._start + self.count * self._bytes)

    def _write_header(self) -> int:
        """Write the header and return its length, which NumPy keeps the same for any count."""
        self._file.seek(0)
        shape = (self.count, self.size, self.size, 3)
        write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        return self._file.tell()
