import io
from pathlib import Path

import numpy as np
import pytest
from picture_files import encoded

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.io import (
    encode_png,
    gray_from_array,
    is_inside,
    list_photos,
    mask_from_gray,
    read_color,
    read_gray,
    write_png,
)


def test_gray_files_keep_their_values(photo: np.ndarray) -> None:
    gray = to_luma(photo)
    for mode in ("L", "RGB", "LA"):
        read = read_gray(io.BytesIO(encoded(gray, mode=mode)))
        np.testing.assert_array_equal(read, gray)


def test_levels_above_127_of_a_mask_are_lost() -> None:
    mask = mask_from_gray(np.arange(256, dtype=np.uint8).reshape(2, 128))
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask.all(axis=1), [False, True])
    assert not mask[0].any()


def test_an_array_is_read_like_its_file(photo: np.ndarray) -> None:
    gray = to_luma(photo)
    for picture in (photo, gray, gray > 128):
        expected = read_gray(io.BytesIO(encode_png(picture)))
        for values in (picture, picture.tolist()):
            found = gray_from_array(values, "photo")
            assert found.dtype == np.uint8
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 5, 4), np.uint8), r"array of shape \(4, 5, 4\) and type uint8, expected"),
        (np.zeros((1, 4, 5, 3), np.uint8), r"shape \(1, 4, 5, 3\)"),
        (np.zeros((0, 5), np.uint8), r"shape \(0, 5\)"),
        (np.zeros((4, 5)), "type float64"),
        ([["a"]], "type <U1"),
        ([[2**70]], "type object"),
        ([[1, 2], [3]], r"is no regular array, expected \(H, W\) gray or \(H, W, 3\) RGB"),
        ([[-1, 255]], "is an array of numbers from -1 to 255, expected .* from 0 to 255"),
        ([[0, 256]], "is an array of numbers from 0 to 256"),
    ],
)
def test_an_invalid_array_is_an_error_of_one_line(values: object, message: str) -> None:
    with pytest.raises(PhotoError, match=f"photo: is .*{message.removeprefix('is ')}"):
        gray_from_array(values, "photo")


def test_lists_pictures_below_a_folder_in_order(tmp_path: Path) -> None:
    wanted = ["a/2.JPG", "a/b/1.webp", "c.tiff", "z.bmp"]
    for name in [*wanted, "notes.txt", ".hidden.png", ".cache/3.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [file.relative_to(tmp_path).as_posix() for file in list_photos(tmp_path)] == wanted


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/photo.png").touch()
    (tmp_path / "a/back").symlink_to(tmp_path)
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    listed = list_photos(tmp_path)
    assert [file.name for file in listed] == ["photo.png", "self.png"]
    assert not is_inside(tmp_path / "self.png", tmp_path)


def test_a_file_lists_itself_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "one.png").touch()
    assert list_photos(tmp_path / "one.png") == [tmp_path / "one.png"]
    with pytest.raises(UserError, match="does not exist"):
        list_photos(tmp_path / "none")


def test_links_into_dvcs_cache_count_as_inside(tmp_path: Path) -> None:
    cached = tmp_path / "cache/files/md5/ab" / ("c" * 30)
    cached.parent.mkdir(parents=True)
    cached.touch()
    (tmp_path / "elsewhere.png").touch()
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "cached.png").symlink_to(cached)
    (raw / "outside.png").symlink_to(tmp_path / "elsewhere.png")
    assert is_inside(raw / "cached.png", raw)
    assert not is_inside(raw / "outside.png", raw)


def test_written_pictures_are_read_unchanged(photo: np.ndarray, tmp_path: Path) -> None:
    gray = to_luma(photo)
    write_png(tmp_path / "new/photo.png", photo)
    write_png(tmp_path / "new/gray.png", gray)
    write_png(tmp_path / "new/mask.png", gray > 128)
    np.testing.assert_array_equal(read_color(tmp_path / "new/photo.png"), photo)
    np.testing.assert_array_equal(read_gray(tmp_path / "new/gray.png"), gray)
    mask = read_gray(tmp_path / "new/mask.png")
    np.testing.assert_array_equal(mask, np.where(gray > 128, 255, 0))
    assert len(list((tmp_path / "new").iterdir())) == 3


def test_a_failed_writing_leaves_the_old_picture(photo: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    write_png(file, photo)
    with pytest.raises(TypeError):
        write_png(file, photo.astype(np.complex64))
    np.testing.assert_array_equal(read_color(file), photo)
    assert [each.name for each in tmp_path.iterdir()] == ["photo.png"]
