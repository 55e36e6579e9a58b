import os
from pathlib import Path

import pytest
from picture_files import encoded

from rechroma.errors import UserError
from rechroma.imaging.album import list_album


def test_photographs_and_other_files_are_listed_apart(tmp_path: Path, photo) -> None:
    jpeg = encoded(photo, "JPEG")
    files = {
        "a/1.JPG_large": jpeg,
        "a/2.jfif": jpeg,
        "b.heic": b"",
        "c.HEIF": b"",
        "no-suffix": encoded(photo),
        "z.txt": b"To Grandma",
        "y.db": b"",
        ".hidden.txt": b"",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    album = list_album(tmp_path)
    assert [file.relative_to(tmp_path).as_posix() for file in album.photos] == [
        "a/1.JPG_large",
        "a/2.jfif",
        "b.heic",
        "c.HEIF",
        "no-suffix",
    ]
    assert [file.name for file in album.skipped] == ["y.db", "z.txt"]


def test_a_pipe_of_another_suffix_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.fifo")
    assert list_album(tmp_path).skipped == [tmp_path / "pipe.fifo"]


def test_a_file_is_an_album_of_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert list_album(tmp_path / "notes.txt").photos == [tmp_path / "notes.txt"]
    with pytest.raises(UserError, match="does not exist"):
        list_album(tmp_path / "none")
