import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from picture_files import encoded, png_claiming
from PIL import Image

from rechroma.errors import UserError
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.io import list_photos, read_color, read_gray, read_opacity
from rechroma.imaging.pixels import decode_image


@pytest.mark.parametrize(
    ("suffix", "kind", "options", "largest_error"),
    [
        (".png", "PNG", {}, 0),
        (".tif", "TIFF", {}, 0),
        (".bmp", "BMP", {}, 0),
        (".webp", "WEBP", {"lossless": True}, 0),
        (".jpg", "JPEG", {"quality": 100, "subsampling": 0}, 6),
    ],
)
def test_every_format_gives_its_pixels_in_rgb_order(
    photo: np.ndarray,
    tmp_path: Path,
    suffix: str,
    kind: str,
    options: dict[str, object],
    largest_error: int,
) -> None:
    file = tmp_path / f"photo{suffix}"
    file.write_bytes(encoded(photo, kind, **options))
    read = read_color(file)
    assert read.dtype == np.uint8
    assert np.abs(read.astype(int) - photo).max() <= largest_error


@pytest.mark.parametrize("extension", [".png", ".tiff"])
def test_of_sixteen_bits_the_high_byte_is_read(photo: np.ndarray, extension: str) -> None:
    deep = photo.astype(np.uint16) * 256 + 200
    color = cv2.imencode(extension, deep[..., ::-1])[1].tobytes()
    gray = cv2.imencode(extension, deep[..., 0])[1].tobytes()
    np.testing.assert_array_equal(read_color(io.BytesIO(color)), photo)
    np.testing.assert_array_equal(read_gray(io.BytesIO(gray)), photo[..., 0])


@pytest.mark.parametrize("scale", [1, 257])
def test_integers_of_32_bits_are_8_or_16_bits_by_their_largest_value(
    photo: np.ndarray, scale: int
) -> None:
    gray = photo[..., 0]
    stream = io.BytesIO(encoded(gray.astype(np.int32) * scale, "TIFF", mode="I"))
    np.testing.assert_array_equal(read_gray(stream), gray)
    np.testing.assert_array_equal(read_color(stream)[..., 1], gray)


def test_cmyk_is_read_as_color(photo: np.ndarray) -> None:
    read = read_color(io.BytesIO(encoded(photo, "TIFF", mode="CMYK")))
    assert np.abs(read.astype(int) - photo).max() <= 1
    jpeg = read_color(io.BytesIO(encoded(photo, "JPEG", mode="CMYK", quality=95)))
    assert np.abs(jpeg.astype(int) - photo).mean() < 6


def test_a_transparent_palette_color_is_white(photo: np.ndarray) -> None:
    palette = Image.fromarray(photo).quantize(16)
    stream = io.BytesIO()
    palette.save(stream, format="PNG", transparency=bytes([0] + [255] * 15))
    read = read_color(stream)
    clear = np.asarray(palette) == 0
    assert clear.any()
    assert (read[clear] == 255).all()
    np.testing.assert_array_equal(read[~clear], np.asarray(palette.convert("RGB"))[~clear])


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    clear = Image.new("RGBA", (4, 4), (0, 100, 200, 0))
    clear.putpixel((1, 2), (0, 100, 200, 51))
    stream = io.BytesIO()
    clear.save(stream, format="PNG")
    read = read_color(stream)
    assert read[0, 0].tolist() == [255, 255, 255]
    assert read[2, 1].tolist() == [204, 224, 244]


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 3), (8, 1)])
def test_exif_orientation_is_applied(photo: np.ndarray, orientation: int, turns: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_color(io.BytesIO(encoded(photo, exif=exif.tobytes())))
    np.testing.assert_array_equal(read, np.rot90(photo, turns))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "P", "1"])
@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 3), (8, 1)])
def test_turned_tiffs_are_upright(
    photo: np.ndarray, tmp_path: Path, mode: str, orientation: int, turns: int
) -> None:
    image = Image.fromarray(photo).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "turned.tif", exif=exif)  # uncompressed: Pillow may map it into memory
    expected = np.rot90(np.asarray(image.convert("RGB")), turns)
    np.testing.assert_array_equal(read_color(tmp_path / "turned.tif"), expected)
    with Image.open(tmp_path / "turned.tif") as opened:
        decoded = decode_image(opened, "turned")
        np.testing.assert_array_equal(np.asarray(decoded.convert("RGB")), expected)


ODD_FILES: dict[str, tuple[Callable[[np.ndarray], bytes], str]] = {
    "truncated.png": (lambda photo: encoded(photo)[:4000], r"cannot be read"),
    "header-alone.jpg": (
        lambda photo: encoded(photo, "JPEG")[:640],
        r"cannot be read: the JPEG is cut off; 100% of its rows",
    ),
    "text.png": (lambda _: b"not a picture", r"text\.png: is no picture, expected PNG, JPEG"),
    "empty.png": (lambda _: b"", r"empty\.png: is empty"),
    "bomb.png": (
        lambda _: png_claiming(30000, 30000),
        r"is 30000x30000 px, expected at most 200 megapixels",
    ),
    "large-header.png": (lambda _: png_claiming(12000, 12000), r"cannot be read"),
    "ico.png": (lambda photo: encoded(photo, "ICO"), r"is no picture"),
    "float.tif": (
        lambda photo: encoded(photo[..., 0] * np.float32(-1), "TIFF", mode="F"),
        r"floating-point values",
    ),
}


@pytest.mark.parametrize("name", ODD_FILES)
def test_an_odd_file_is_one_clear_line(photo: np.ndarray, tmp_path: Path, name: str) -> None:
    make, message = ODD_FILES[name]
    file = tmp_path / name
    file.write_bytes(make(photo))
    with pytest.raises(PhotoError, match=message) as caught:
        read_color(file)
    assert "\n" not in str(caught.value)
    with pytest.raises(PhotoError, match=message):
        read_color(io.BytesIO(make(photo)), name)


@pytest.mark.parametrize("listed", [True, False])
def test_a_pipe_is_an_error_and_does_not_block(tmp_path: Path, listed: bool) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    (file,) = list_photos(tmp_path) if listed else [pipe]
    for read in (read_color, read_gray, read_opacity):
        with pytest.raises(PhotoError, match=r"pipe\.png: is no picture but a pipe or a device"):
            read(file)


@pytest.mark.filterwarnings("ignore:unclosed file")  # Pillow does not close the pipe
def test_a_pipe_from_a_shell_is_read(photo: np.ndarray) -> None:
    small = photo[:20, :30]
    reading, writing = os.pipe()
    os.write(writing, encoded(small))
    os.close(writing)
    np.testing.assert_array_equal(read_color(Path(f"/dev/fd/{reading}")), small)
    os.close(reading)


def test_a_link_to_a_device_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "zeros.png").symlink_to("/dev/zero")
    with pytest.raises(PhotoError, match="is no picture but a pipe or a device"):
        read_color(tmp_path / "zeros.png")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.png: is missing"):
        read_color(tmp_path / "absent.png")


def test_pillows_own_limit_is_restored_after_reading(photo: np.ndarray) -> None:
    before = Image.MAX_IMAGE_PIXELS
    read_color(io.BytesIO(encoded(photo)))
    assert before == Image.MAX_IMAGE_PIXELS


def test_heic_without_pillow_heif_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heic = io.BytesIO(b"\0\0\0\x18ftypheic" + bytes(200))
    with pytest.raises(PhotoError, match=r"x: is HEIC, .* pip install 'rechroma\[heif\]'"):
        read_color(heic, "x")


def test_heic_is_read_with_pillow_heif(photo: np.ndarray) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    heic = io.BytesIO(encoded(photo, "HEIF", quality=95))
    assert np.abs(read_color(heic).astype(int) - photo).mean() < 6
