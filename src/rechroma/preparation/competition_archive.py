"""Reading the competition's data, packed or unpacked, and the CSV lists that pair its files."""

import csv
import io
import re
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, Protocol

from rechroma.errors import UserError
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.io import is_inside

ARCHIVE_NAME = "open.zip"
TRAIN_LIST = re.compile(r"(\./)?(?!__MACOSX)([^/]+/)?train\.csv")  # on top or in one folder
UNPACKED_LIMIT = 2**28  # bytes; a larger file in the archive is a decompression bomb


class Files(Protocol):
    """The competition's files, by their paths relative to train.csv."""

    def text(self, name: str) -> str | None:
        """The content of a text file; None if it does not exist."""

    def open(self, name: str) -> Path | BinaryIO:
        """A picture file, to be read by `imaging.io`; raises PhotoError."""


def open_files(path: Path) -> Files:
    """The competition's files at `path`.

    Args:
        path: open.zip, a folder with it, the folder with train.csv, or the folder above that.

    Raises:
        UserError: `path` is none of these.
    """
    if path.is_file():
        return _Archive(path)
    for root in (path, *sorted(child for child in path.glob("*") if child.is_dir())):
        if (root / "train.csv").is_file():
            return _Folder(root)
    if (path / ARCHIVE_NAME).is_file():
        return _Archive(path / ARCHIVE_NAME)
    raise UserError(
        f"params.yaml: data.path is '{path}', expected the competition's {ARCHIVE_NAME} or the "
        "folder with its train.csv; or set data.source to sample"
    )


def read_csv(text: str, listing: str, columns: tuple[str, ...]) -> list[tuple[int, list[str]]]:
    """Line number and the values of `columns` for each row of a CSV list.

    Args:
        text: content of the list.
        listing: its name, in errors.
        columns: names, in the order of the values.

    Raises:
        UserError: not a CSV, a column is missing, or no rows.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or [])]
        if missing:
            present = ", ".join(reader.fieldnames or []) or "none"
            raise UserError(f"{listing} lacks the column {missing[0]}, its columns are: {present}")
        values = [(reader.line_num, [row[name].strip() for name in columns]) for row in reader]
    except csv.Error as error:
        raise UserError(f"{listing} line {reader.line_num} is no CSV: {error}") from None
    if not values:
        raise UserError(f"{listing} lists no photographs")
    return values


def inner_path(value: str, where: str) -> str:
    """A path in a list, normalized; relative to the list and below its folder.

    Args:
        value: the path, with slashes or backslashes.
        where: list and line, in errors.

    Raises:
        PhotoError: empty, absolute, or leading outside of the folder.
    """
    name = PurePosixPath(value.replace("\\", "/"))
    if not name.name:
        raise PhotoError(where, "names no file")
    if name.is_absolute() or ".." in name.parts or PureWindowsPath(value).drive:
        raise PhotoError(value, f"leads outside the data ({where})")
    return str(name)


class _Folder:
    """The unpacked data, in the folder with train.csv."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def text(self, name: str) -> str | None:
        file = self.root / name
        return _utf8(file.read_bytes(), name) if file.is_file() else None

    def open(self, name: str) -> Path:
        file = self.root / name
        if not is_inside(file, self.root):
            raise PhotoError(name, "leads outside the folder")
        return file


class _Archive:
    """The packed data; train.csv is at the top of the archive or in a folder there."""

    def __init__(self, path: Path) -> None:
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise UserError(f"{path} cannot be read as an archive: {error}") from None
        lists = [name for name in self.archive.namelist() if TRAIN_LIST.fullmatch(name)]
        if not lists:
            raise UserError(f"{path} holds no train.csv, expected the competition's {ARCHIVE_NAME}")
        self.prefix = min(lists, key=len).removesuffix("train.csv")
        self.root = zipfile.Path(self.archive, self.prefix)

    def text(self, name: str) -> str | None:
        return _utf8(self.open(name).read(), name) if (self.root / name).is_file() else None

    def open(self, name: str) -> BinaryIO:
        file = self.root / name
        if not file.is_file():
            raise PhotoError(name, "is missing")
        size = self.archive.getinfo(self.prefix + name).file_size
        if size > UNPACKED_LIMIT:
            raise PhotoError(name, f"unpacks to {size >> 20} MiB, expected a picture")
        try:
            return io.BytesIO(file.read_bytes())
        except Exception as error:  # a broken archive raises from zipfile, zlib, lzma or the system
            raise PhotoError(name, f"cannot be unpacked: {error}") from None


def _utf8(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{name} is no UTF-8 text") from None
