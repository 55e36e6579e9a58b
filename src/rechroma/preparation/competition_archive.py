"""The competition's files, in its archive or unpacked, and the lists that pair them."""

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
TRAIN_LIST = re.compile(r"(?!__MACOSX)([^/]+/)?train\.csv")  # on top or in one folder
UNPACKED_LIMIT = 2**28  # bytes; beyond, a file in the archive is a bomb


class Files(Protocol):
    """The competition's files by their names in its lists."""

    def text(self, name: str) -> str | None:
        """The text file beside train.csv; None if there is none."""

    def open(self, name: str) -> Path | BinaryIO:
        """The picture of that name; raises PhotoError."""


def open_files(path: Path) -> Files:
    """The files of the archive `path`, or of the folder `path`, which may hold either.

    Raises:
        UserError: neither is there.
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


def rows(text: str, listing: str, columns: tuple[str, ...]) -> list[tuple[int, list[str]]]:
    """Line number and the values of `columns` for each row of the CSV `text`.

    Raises:
        UserError: a column is missing, there are no rows, or it is no CSV.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or [])]
        if missing:
            came = ", ".join(reader.fieldnames or []) or "none"
            raise UserError(f"{listing} lacks the column {missing[0]}, its columns are: {came}")
        listed = [(reader.line_num, [row[name].strip() for name in columns]) for row in reader]
    except csv.Error as error:
        raise UserError(f"{listing} line {reader.line_num} is no CSV: {error}") from None
    if not listed:
        raise UserError(f"{listing} lists no photographs")
    return listed


def inner_path(value: str, place: str) -> str:
    """A path of a list, relative to it; raises PhotoError for one that leads elsewhere."""
    name = PurePosixPath(value.replace("\\", "/"))
    if not name.name:
        raise PhotoError(place, "names no file")
    if name.is_absolute() or ".." in name.parts or PureWindowsPath(value).drive:
        raise PhotoError(value, f"leads outside the data ({place})")
    return str(name)


class _Folder:
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
    def __init__(self, path: Path) -> None:
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise UserError(f"{path} cannot be read as an archive: {error}") from None
        self.entries = {
            str(PurePosixPath(entry.filename)): entry for entry in self.archive.infolist()
        }
        lists = [name for name in self.entries if TRAIN_LIST.fullmatch(name)]
        if not lists:
            raise UserError(f"{path} holds no train.csv, expected the competition's {ARCHIVE_NAME}")
        self.prefix = min(lists, key=len).removesuffix("train.csv")

    def text(self, name: str) -> str | None:
        known = self.prefix + name in self.entries
        return _utf8(self.open(name).read(), name) if known else None

    def open(self, name: str) -> BinaryIO:
        entry = self.entries.get(self.prefix + name)
        if entry is None:
            raise PhotoError(name, "is missing")
        if entry.file_size > UNPACKED_LIMIT:
            raise PhotoError(name, f"unpacks to {entry.file_size >> 20} MiB, expected a picture")
        try:
            return io.BytesIO(self.archive.read(entry))
        except Exception as error:  # a broken archive raises from zipfile, zlib, lzma or the system
            raise PhotoError(name, f"cannot be unpacked: {error}") from None


def _utf8(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{name} is no UTF-8 text") from None
