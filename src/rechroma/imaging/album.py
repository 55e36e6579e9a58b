"""The photographs in a folder and its subfolders, and the files that are none."""

import os
from pathlib import Path
from typing import NamedTuple

from rechroma.imaging.decode import PhotoError
from rechroma.imaging.formats import HEAD_BYTES, SUFFIXES, is_photo_name


class Album(NamedTuple):
    """The files of a folder and its subfolders, sorted.

    Attributes:
        photos: files in a format that is read, or named like one.
        skipped: the others.
    """

    photos: list[Path]
    skipped: list[Path]


def list_album(path: Path) -> Album:
    """The photographs in the folder `path` and its subfolders, and the files that are none.

    Photographs are recognized by their suffix, and files of other suffixes by their first bytes.
    Hidden files and folders are in neither list. Linked folders are followed, each real folder
    once, so that a loop of links ends. A path of a file is one photograph.

    Raises:
        PhotoError: `path` does not exist.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.gif_large").write_bytes(b"GIF89a")
    ...     _ = (Path(folder) / "notes.txt").write_text("To Grandma")
    ...     photos, skipped = list_album(Path(folder))
    ...     [file.name for file in photos], [file.name for file in skipped]
    (['a.gif_large'], ['notes.txt'])
    """
    if not path.is_dir():
        if not path.exists():
            raise PhotoError(str(path), "does not exist")
        return Album([path], [])
    files: list[Path] = []
    visited = {path.resolve()}
    for root, subfolders, names in os.walk(path, followlinks=True):
        folder = Path(root)
        # os.walk goes on into the subfolders that remain in its list.
        new = []
        for name in sorted(subfolders):
            real = (folder / name).resolve()
            if not name.startswith(".") and real not in visited:
                visited.add(real)
                new.append(name)
        subfolders[:] = new
        files += [folder / name for name in names if not name.startswith(".")]
    album = Album([], [])
    for file in sorted(files):
        (album.photos if _is_photo(file) else album.skipped).append(file)
    return album


def _is_photo(file: Path) -> bool:
    suffix = file.suffix.lower()
    if suffix in SUFFIXES:
        return True
    try:
        if not file.is_file():  # a pipe, whose reading may not end
            return False
        with file.open("rb") as stream:
            return is_photo_name(suffix, stream.read(HEAD_BYTES))
    except OSError:  # it may not be read
        return False
