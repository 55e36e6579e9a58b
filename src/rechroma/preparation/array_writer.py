"""Equal squares in one .npy file, written one by one: memory stays flat however many there are."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.lib.format import write_array_header_1_0

from rechroma.imaging.types import Photo


class ArrayWriter:
    """The file `path`, open for writing; `np.load(path, mmap_mode="r")` reads it once closed.

    Rows are `(size, size, 3)` uint8 RGB.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.size = size
        self.count = 0
        self._bytes = size * size * 3
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

    def append(self, square: Photo) -> int:
        """Add a row and return its number.

        Raises:
            ValueError: `square` has another shape or type.
        """
        if square.shape != (self.size, self.size, 3) or square.dtype != np.uint8:
            raise ValueError(
                f"square is {square.shape} {square.dtype}, "
                f"expected {(self.size, self.size, 3)} uint8"
            )
        self._file.seek(self._start + self.count * self._bytes)
        self._file.write(square.tobytes())
        self.count += 1
        return self.count - 1

    def keep(self, rows: Sequence[int], see: Callable[[bytes], None]) -> None:
        """Keep only `rows`, which must ascend; `see` is shown the bytes of each."""
        for place, row in enumerate(rows):
            self._file.seek(self._start + row * self._bytes)
            square = self._file.read(self._bytes)
            see(square)
            if place != row:
                self._file.seek(self._start + place * self._bytes)
                self._file.write(square)
        self.count = len(rows)
        self._write_header()
        self._file.truncate(self._start + self.count * self._bytes)

    def _write_header(self) -> int:
        """Write the header and return its length, which NumPy keeps the same for any count."""
        self._file.seek(0)
        shape = (self.count, self.size, self.size, 3)
        write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        return self._file.tell()
