import cv2
import numpy as np
import pytest
from PIL import Image

from rechroma.apps.batch.exif import Metadata
from rechroma.apps.batch.image_file import (
    WRITE_OPTIONS,
    ImageFile,
    check_out,
    convert_depth,
    format_of,
    format_suffix,
    is_restored,
    read_image_file,
    write_image_file,
    write_mask,
)
from rechroma.errors import UserError
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


def test_color_is_read_as_color_and_gray_stored_as_rgb_as_gray(saved, photo):
    gray = to_luma(photo)
    for picture, expected in ((photo, photo), (gray, gray), (np.dstack([gray] * 3), gray)):
        scan = read_image_file(saved(picture, "old.png"))
        assert np.array_equal(scan.pixels, expected)
        assert scan.warnings == ()


def test_losses_in_reading_have_warnings(saved, photo):
    clear = np.dstack([photo, photo[..., 0]])
    assert read_image_file(saved(clear, "old.png")).warnings == (
        "transparent parts were filled with white",
    )


@pytest.mark.parametrize(
    "suffix", [".png", ".tif", ".TIFF", ".webp", ".jpg", ".jfif", ".jp2", ".avif"]
)
@pytest.mark.parametrize("gray", [True, False])
def test_every_format_but_jpeg_and_avif_is_lossless(photo, tmp_path, suffix, gray):
    picture = to_luma(photo) if gray else photo
    file = tmp_path / f"new/restored{suffix}"
    write_image_file(file, picture, BLANK)
    with Image.open(file) as written:
        again = np.asarray(written.convert("L" if gray else "RGB")).astype(int)
    error = np.abs(again - picture)
    lossy = suffix in (".jpg", ".jfif", ".avif")
    assert error.mean() < 6 if lossy else error.max() == 0
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("name", WRITE_OPTIONS)
def test_a_format_is_recognized_by_its_suffix_in_any_case(tmp_path, name):
    suffix = format_suffix(name)
    for spelled in (suffix, suffix.upper()):
        assert format_of(tmp_path / f"photo{spelled}") == name


@pytest.mark.parametrize("name", ["photo.bmp", "photo.gif", "photo", "png"])
def test_a_format_that_cannot_be_written_has_no_name(tmp_path, name):
    assert format_of(tmp_path / name) is None


def test_a_written_mask_holds_0_and_255_and_is_signed(tmp_path):
    mask = np.indices((9, 12)).sum(axis=0) % 2 == 1
    write_mask(tmp_path / "mask.png", mask)
    assert np.array_equal(read_gray(tmp_path / "mask.png"), np.where(mask, 255, 0))
    assert is_restored(tmp_path / "mask.png")


def test_nothing_is_written_if_the_format_cannot_hold_the_size(tmp_path):
    wide = np.zeros((1, 70_000), np.uint8)
    with pytest.raises(PhotoError, match="jpeg holds at most 65500 px each way"):
        write_image_file(tmp_path / "wide.jpg", wide, BLANK)
    assert not any(tmp_path.iterdir())


@pytest.fixture
def deep(photo):
    """`(96, 128, 3)` uint16 RGB that uses the low bytes."""
    noise = np.random.default_rng(3).integers(0, 257, photo.shape)
    return (photo.astype(np.uint16) * 256 + noise).astype(np.uint16)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("gray", [True, False])
@pytest.mark.parametrize("side", [1, 7, 96])
def test_16_bits_are_written_and_read_exactly(deep, tmp_path, suffix, gray, side):
    picture = deep[:side, :, 0] if gray else deep[:side]
    file = tmp_path / f"new/restored{suffix}"
    assert write_image_file(file, picture, BLANK) == ()
    pixels = read_image_file(file).pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, picture)
    assert is_restored(file)
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_other_programs_read_the_same_16_bits(deep, tmp_path, suffix):
    file = tmp_path / f"restored{suffix}"
    write_image_file(file, deep, BLANK)
    np.testing.assert_array_equal(cv2.imread(str(file), cv2.IMREAD_UNCHANGED)[..., ::-1], deep)
    with Image.open(file) as picture:  # the high bytes
        np.testing.assert_array_equal(np.asarray(picture), deep >> 8)


def test_many_strips_of_a_tiff_are_put_together(tmp_path):
    wide = np.random.default_rng(0).integers(0, 65536, (64, 9000, 3)).astype(np.uint16)
    write_image_file(tmp_path / "wide.tif", wide, BLANK)
    np.testing.assert_array_equal(read_image_file(tmp_path / "wide.tif").pixels, wide)


@pytest.mark.parametrize(
    ("depth", "suffix", "kind", "warnings"),
    [
        ("auto", ".png", np.uint16, ()),
        ("auto", ".tif", np.uint16, ()),
        ("auto", ".jpg", np.uint8, ("16 bits were reduced to 8, as jpeg holds no more",)),
        ("auto", ".webp", np.uint8, ("16 bits were reduced to 8, as webp holds no more",)),
        ("8", ".png", np.uint8, ("16 bits were reduced to 8, as --depth 8 asks",)),
        ("16", ".tif", np.uint16, ()),
    ],
)
def test_the_depth_is_that_of_the_photograph_unless_stated(
    deep, tmp_path, depth, suffix, kind, warnings
):
    image = ImageFile(deep[..., 0], BLANK, ())
    converted = convert_depth(image, depth, tmp_path / f"new{suffix}")
    assert converted.pixels.dtype == kind
    assert converted.warnings == warnings
    if kind is np.uint8:
        np.testing.assert_array_equal(converted.pixels, deep[..., 0] >> 8)


def test_8_bits_become_16_on_request_alone(luma, tmp_path):
    image = ImageFile(luma, BLANK, ())
    assert convert_depth(image, "auto", tmp_path / "new.png") is image
    pixels = convert_depth(image, "16", tmp_path / "new.png").pixels
    np.testing.assert_array_equal(pixels, luma * np.uint16(257))
    with pytest.raises(UserError, match="webp holds 8 bits, expected --format png or tiff for 16"):
        convert_depth(image, "16", tmp_path / "new.webp")


@pytest.mark.parametrize("name", ["x.bmp", "x.HEIC", "x.gif", "x.psd", "x.nef", "x.pgm", "x.svg"])
def test_a_suffix_that_is_not_written_is_a_mistake(tmp_path, name):
    with pytest.raises(UserError, match=r"is not written, expected \.png, \.jpg, .*, or a folder"):
        check_out(tmp_path / name)
    (tmp_path / name).mkdir()
    check_out(tmp_path / name)  # the folder is there


@pytest.mark.parametrize("name", ["restored", "restored.2024", "x.png", "x.JPE", "x.j2k", "x.txt"])
def test_folders_and_written_formats_are_none(tmp_path, name):
    check_out(tmp_path / name)


def test_the_undecoded_part_of_a_damaged_jpeg_is_lost(saved, photo):
    file = saved(photo, "old.jpg", quality=90)
    file.write_bytes(file.read_bytes()[:-900])
    image = read_image_file(file)
    assert image.lost[-1].all()
    assert not image.lost[0].any()
    assert "could not be decoded" in image.warnings[0]
