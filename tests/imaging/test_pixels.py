import io

import cv2
import numpy as np
import pytest
from picture_files import encoded
from PIL import Image

from rechroma.imaging.decode import PhotoError, open_image
from rechroma.imaging.pixels import decode_image, decode_pixels, turn


@pytest.fixture
def deep(photo: np.ndarray) -> np.ndarray:
    """`(96, 128, 3)` uint16 RGB that uses the low bytes."""
    noise = np.random.default_rng(3).integers(0, 257, photo.shape)
    return (photo.astype(np.uint16) * 256 + noise).astype(np.uint16)


def decoded(content: bytes, name: str = "photo"):
    with open_image(io.BytesIO(content), name) as opened:
        return decode_pixels(opened)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("kind", ["gray", "RGB", "RGBA"])
def test_16_bits_are_read_exactly(deep: np.ndarray, suffix: str, kind: str) -> None:
    opaque = np.full(deep.shape[:2], 65535, np.uint16)
    stored, expected = {
        "gray": (deep[..., 0], deep[..., 0]),
        "RGB": (deep[..., ::-1], deep),
        "RGBA": (np.dstack([deep[..., ::-1], opaque]), deep),
    }[kind]
    pixels, notes, lost = decoded(cv2.imencode(suffix, stored)[1].tobytes())
    np.testing.assert_array_equal(pixels, expected)
    assert (notes, lost) == ((), None)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_16_bit_tiffs_are_read_exactly(
    deep: np.ndarray, compression: str | None
) -> None:
    stream = io.BytesIO()
    Image.fromarray(deep[..., 0]).save(stream, "TIFF", compression=compression)
    np.testing.assert_array_equal(decoded(stream.getvalue()).pixels, deep[..., 0])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_pictures_are_turned_as_8_bit_ones(
    photo: np.ndarray, orientation: int, kind: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.fromarray(photo[..., 0].astype(np.uint16) * 257).save(stream, kind, exif=exif.tobytes())
    expected = decoded(encoded(photo[..., 0], mode="L", exif=exif.tobytes())).pixels
    np.testing.assert_array_equal(decoded(stream.getvalue()).pixels >> 8, expected)
    np.testing.assert_array_equal(turn(photo[..., 0], orientation), expected)


def test_half_transparent_16_bit_pixels_are_mixed_with_white() -> None:
    picture = np.array([[[0, 0, 0, 13107], [10000, 20000, 30000, 65535]]], np.uint16)
    pixels, notes, _ = decoded(cv2.imencode(".png", picture)[1].tobytes())
    assert pixels.tolist() == [[[52428] * 3, [30000, 20000, 10000]]]
    assert notes == ("transparent parts were filled with white",)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_opacity_that_hides_everything_is_ignored(photo: np.ndarray, mode: str) -> None:
    picture = Image.fromarray(photo).convert(mode)
    picture.putalpha(0)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    pixels, notes, _ = decoded(stream.getvalue())
    expected = photo if mode == "RGBA" else np.asarray(Image.fromarray(photo).convert("L"))
    np.testing.assert_array_equal(pixels if mode == "RGBA" else pixels[..., 0], expected)
    assert notes == ("opacity that hides the whole picture was ignored",)


def test_palettes_of_colors_are_color(photo: np.ndarray) -> None:
    assert decoded(encoded(photo, "GIF", mode="P")).pixels.shape == photo.shape


def test_lab_is_read_as_color() -> None:
    planes = np.dstack([np.full((8, 8), 128), np.zeros((8, 8)), np.zeros((8, 8))]).astype(np.uint8)
    stream = io.BytesIO()
    Image.frombytes("LAB", (8, 8), planes.tobytes()).save(stream, "TIFF")
    pixels = decoded(stream.getvalue()).pixels
    assert np.ptp(pixels[0, 0].astype(int)) < 4
    assert pixels[0, 0, 0] == pytest.approx(119, abs=4)


@pytest.mark.parametrize(
    ("depth", "notes"), [(16, ("16 bits were reduced to 8",)), (8, ())], ids=["16", "8"]
)
def test_color_of_jpeg_2000_is_reduced_with_a_warning(
    deep: np.ndarray, depth: int, notes: tuple[str, ...]
) -> None:
    stored = deep if depth == 16 else (deep >> 8).astype(np.uint8)
    assert decoded(cv2.imencode(".jp2", stored)[1].tobytes()).notes == notes


@pytest.mark.parametrize("white", [300, 1023, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_pnm_of_any_white_uses_all_levels(white: int, channels: int) -> None:
    values = np.linspace(0, white, 12 * channels).round().astype(">u2")
    header = b"P%d # a comment\n# and one more\n4 3\n%d\n" % (5 if channels == 1 else 6, white)
    pixels, notes, _ = decoded(header + values.tobytes(), "photo.pnm")
    assert (pixels.min(), pixels.max(), notes) == (0, 65535, ())
    assert pixels.shape == ((3, 4) if channels == 1 else (3, 4, 3))
    with pytest.raises(PhotoError, match="truncated"):
        decoded(header + values.tobytes()[:-1], "photo.pnm")


@pytest.mark.parametrize("name", ["L", "I;16", "I", "F", "P", "1", "RGBA", "LA", "CMYK"])
def test_pil_images_of_every_mode_are_decoded(luma: np.ndarray, name: str) -> None:
    values = {
        "I;16": luma.astype(np.uint16) * 257,
        "I": luma.astype(np.int32),
        "F": luma.astype(np.float32),
    }.get(name)
    picture = Image.fromarray(luma).convert(name) if values is None else Image.fromarray(values)
    assert picture.mode == name
    gray = np.asarray(decode_image(picture, "photo").convert("L"))
    error = np.abs(gray.astype(int) - luma)
    assert error.max() <= (255 if name == "1" else 1)


def test_a_pil_image_keeps_its_orientation_at_16_bits(photo: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(photo[..., 0].astype(np.uint16) * 257).save(stream, "PNG", exif=exif)
    with Image.open(stream) as picture:
        assert decode_image(picture, "photo").size == (96, 128)


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "JPEG", "GIF", "BMP"])
def test_pillows_own_limit_does_not_count(
    luma: np.ndarray, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    content = encoded(luma, kind, mode="L")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", luma.size // 4)  # an error above twice that
    assert decoded(content).pixels.shape[:2] == luma.shape
