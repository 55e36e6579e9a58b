import numpy as np
import pytest
from PIL import Image

from rechroma.apps.batch.exif import Metadata
from rechroma.apps.batch.image_file import (
    WRITE_OPTIONS,
    format_of,
    format_suffix,
    is_restored,
    read_image_file,
    write_image_file,
    write_mask,
)
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.io import read_gray

BLANK = Metadata(Image.Exif(), None, None, ())


@pytest.fixture
def saved(tmp_path):
    """Writes a picture and gives its file."""

    def save(picture, name, **options):
        Image.fromarray(picture).save(tmp_path / name, **options)
        return tmp_path / name

    return save


def test_color_is_read_as_color_and_what_only_looks_so_as_gray(saved, photo):
    gray = to_luma(photo)
    for picture, expected in ((photo, photo), (gray, gray), (np.dstack([gray] * 3), gray)):
        scan = read_image_file(saved(picture, "old.png"))
        assert np.array_equal(scan.pixels, expected)
        assert scan.warnings == ()


def test_what_reading_costs_is_said(saved, photo):
    clear = np.dstack([photo, photo[..., 0]])
    assert read_image_file(saved(clear, "old.png")).warnings == (
        "transparent parts were filled with white",
    )
    deep = photo[..., 0].astype(np.uint16) * 257
    assert read_image_file(saved(deep, "deep.png")).warnings == ("16 bits were reduced to 8",)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".webp", ".jpg"])
@pytest.mark.parametrize("gray", [True, False])
def test_every_format_but_jpeg_gives_the_pixels_back_exactly(photo, tmp_path, suffix, gray):
    picture = to_luma(photo) if gray else photo
    file = tmp_path / f"new/restored{suffix}"
    write_image_file(file, picture, BLANK)
    with Image.open(file) as written:
        again = np.asarray(written.convert("L" if gray else "RGB")).astype(int)
    error = np.abs(again - picture)
    assert error.mean() < 6 if suffix == ".jpg" else error.max() == 0
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("name", WRITE_OPTIONS)
def test_a_format_is_known_by_its_suffix_in_small_and_capital_letters(tmp_path, name):
    suffix = format_suffix(name)
    for spelled in (suffix, suffix.upper()):
        assert format_of(tmp_path / f"photo{spelled}") == name


@pytest.mark.parametrize("name", ["photo.bmp", "photo.gif", "photo", "png"])
def test_a_format_that_is_not_written_has_no_name(tmp_path, name):
    assert format_of(tmp_path / name) is None


def test_a_written_mask_is_of_0_and_255_and_known_as_rechromas(tmp_path):
    mask = np.indices((9, 12)).sum(axis=0) % 2 == 1
    write_mask(tmp_path / "mask.png", mask)
    assert np.array_equal(read_gray(tmp_path / "mask.png"), np.where(mask, 255, 0))
    assert is_restored(tmp_path / "mask.png")


def test_nothing_is_written_where_the_format_has_no_room(tmp_path):
    wide = np.zeros((1, 70_000), np.uint8)
    with pytest.raises(PhotoError, match="jpeg holds at most 65500 px each way"):
        write_image_file(tmp_path / "wide.jpg", wide, BLANK)
    assert not any(tmp_path.iterdir())
