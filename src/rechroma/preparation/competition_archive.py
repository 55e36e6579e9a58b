"""Reading the competition's data, packed or unpacked, and the CSV lists that pair its files."""

import csv
import io
import os
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, Protocol

from rechroma.errors import UserError
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.io import is_inside

ARCHIVE_NAME, TRAIN_LIST = "open.zip", "train.csv"
IGNORED = ("__MACOSX",)  # folders of copies that hold no pictures
UTF8_NAME = 0x800  # flag of an archive's entry
NAME_ENCODINGS = ("utf-8", "cp949")  # of entries without the flag; the second on Korean Windows
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
        path: open.zip, or a folder with train.csv or else with open.zip, at any depth.

    Raises:
        UserError: `path` is none of these.
    """
    if path.is_file():
        return _Archive(path)
    if (path / TRAIN_LIST).is_file():
        return _Folder(path, {})
    files = {file.relative_to(path).as_posix(): file for file in _walk(path)}
    prefix = _prefix(files)
    if prefix is not None:
        return _Folder(path / prefix, {})
    # Some programs unpack `open\\train.csv` as a file of that name.
    joined = {inner: files[name] for name in files if "\\" in name and (inner := _normalize(name))}
    prefix = _prefix(joined)
    if prefix is not None:
        return _Folder(path, {name.removeprefix(prefix): file for name, file in joined.items()})
    archives = [file for name, file in files.items() if PurePosixPath(name).name == ARCHIVE_NAME]
    if archives:
        return _Archive(min(archives, key=lambda file: (len(file.parts), file)))
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
        PhotoError: empty, with a zero byte, absolute, or leading outside of the folder.
    """
    name = PurePosixPath(value.replace("\\", "/"))
    if not name.name or "\0" in value:
        raise PhotoError(where, "names no file")
    if name.is_absolute() or ".." in name.parts or PureWindowsPath(value).drive:
        raise PhotoError(value, f"leads outside the data ({where})")
    return str(name)


class _Folder:
    """The unpacked data, in the folder with train.csv.

    `joined` has the files that were unpacked with backslashes in their names, by their paths.
    """

    def __init__(self, root: Path, joined: Mapping[str, Path]) -> None:
        self.root = root
        self.joined = joined

    def text(self, name: str) -> str | None:
        file = self._file(name)
        return _utf8(file.read_bytes(), name) if file.is_file() else None

    def open(self, name: str) -> Path:
        file = self._file(name)
        if not is_inside(file, self.root):
            raise PhotoError(name, "leads outside the folder")
        return file

    def _file(self, name: str) -> Path:
        return self.joined.get(unicodedata.normalize("NFC", name), self.root / name)


def _walk(path: Path) -> Iterator[Path]:
    """The files in the folder `path` and its subfolders, linked ones too, each real folder once."""
    visited = {path.resolve()}
    for root, subfolders, names in os.walk(path, followlinks=True):
        new = {(Path(root) / name).resolve(): name for name in sorted(subfolders)}
        # os.walk goes on into the subfolders that remain in its list.
        subfolders[:] = [name for real, name in new.items() if real not in visited]
        visited |= new.keys()
        yield from (Path(root) / name for name in names)


class _Archive:
    """The packed data, in the uppermost folder of the archive that holds train.csv."""

    def __init__(self, path: Path) -> None:
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise UserError(f"{path} cannot be read as an archive: {error}") from None
        entries = {
            name: entry
            for entry in self.archive.infolist()
            if not entry.is_dir() and (name := _normalize(_decoded_name(entry)))
        }
        prefix = _prefix(entries)
        if prefix is None:
            inner = next((name for name in entries if name.endswith(".zip")), None)
            raise UserError(
                f"{path} holds no {TRAIN_LIST}, expected the competition's {ARCHIVE_NAME}"
                + (f"; it holds {inner}, unpack that" if inner else "")
            )
        self.entries = {
            name.removeprefix(prefix): entry
            for name, entry in entries.items()
            if name.startswith(prefix)
        }

    def text(self, name: str) -> str | None:
        return _utf8(self.open(name).read(), name) if name in self.entries else None

    def open(self, name: str) -> BinaryIO:
        entry = self.entries.get(unicodedata.normalize("NFC", name))
        if entry is None:
            raise PhotoError(name, "is missing")
        if entry.file_size > UNPACKED_LIMIT:
            raise PhotoError(name, f"unpacks to {entry.file_size >> 20} MiB, expected a picture")
        try:
            return io.BytesIO(self.archive.read(entry))
        except Exception as error:  # a broken archive raises from zipfile, zlib, lzma or the system
            raise PhotoError(name, f"cannot be unpacked: {error}") from None


def _decoded_name(entry: zipfile.ZipInfo) -> str:
    """The name of an entry, which `zipfile` reads as cp437 if it is not marked as UTF-8."""
    if entry.flag_bits & UTF8_NAME or entry.filename.isascii():
        return entry.filename
    try:
        stored = entry.filename.encode("cp437")
    except UnicodeEncodeError:  # from an extra field, in which names are UTF-8
        return entry.filename
    for encoding in NAME_ENCODINGS:
        try:
            return stored.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _normalize(name: str) -> str | None:
    """The path of an entry with slashes, composed letters, without dots; None if it leads outside.

    >>> _normalize("open\\\\train.csv"), _normalize("./a//b.png"), _normalize("../b.png")
    ('open/train.csv', 'a/b.png', None)
    """
    path = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        return None
    return str(path)


def _is_ignored(name: str) -> bool:
    return any(part in IGNORED or part.startswith(".") for part in name.split("/"))


def _prefix(names: Iterable[str]) -> str | None:
    """The uppermost folder that holds train.csv, with a slash at its end; None if none does."""
    lists = [
        name for name in names if PurePosixPath(name).name == TRAIN_LIST and not _is_ignored(name)
    ]
    if not lists:
        return None
    return min(lists, key=lambda name: (name.count("/"), name)).removesuffix(TRAIN_LIST)


def _utf8(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{name} is no UTF-8 text") from None
