import io

import numpy as np
import pytest
import tifffile

from rechroma.imaging.decode import PhotoError, open_image
from rechroma.imaging.pixels import decode_pixels
from rechroma.imaging.tiff import TiffError, read_tiff

GENERATOR = np.random.default_rng(0)
RGB = GENERATOR.integers(0, 65536, (41, 61, 3)).astype(np.uint16)


def tiff(values: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


def decoded(content: bytes):
    with open_image(io.BytesIO(content), "photo.tif") as opened:
        return decode_pixels(opened)


LAYOUTS = {
    "little-endian": {"byteorder": "<"},
    "big-endian": {"byteorder": ">"},
    "tiles": {"tile": (16, 16)},
    "strips": {"rowsperstrip": 3},
    "deflate": {"compression": "zlib"},
    "predictor": {"compression": "zlib", "predictor": True},
    "BigTIFF": {"bigtiff": True},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_16_bit_color_of_every_layout_is_read_exactly(layout: str) -> None:
    content = tiff(RGB, photometric="rgb", **LAYOUTS[layout])
    np.testing.assert_array_equal(decoded(content).pixels, RGB)


@pytest.mark.parametrize("order", ["<", ">"])
def test_separate_planes_are_put_together(order: str) -> None:
    planes = np.ascontiguousarray(RGB.transpose(2, 0, 1))
    content = tiff(planes, photometric="rgb", planarconfig="separate", byteorder=order)
    np.testing.assert_array_equal(decoded(content).pixels, RGB)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32])
def test_white_is_zero_is_obeyed(order: str, kind: type) -> None:
    top = np.iinfo(kind).max
    values = (GENERATOR.random((20, 30)) * top).astype(kind)
    values[0, :2] = 0, top
    light = decoded(tiff(values, byteorder=order, photometric="miniswhite")).pixels
    dark = decoded(tiff(top - values, byteorder=order, photometric="minisblack")).pixels
    np.testing.assert_array_equal(light, dark)
    assert light[0, 0] == np.iinfo(light.dtype).max


def test_inks_are_read_as_color() -> None:
    inks = GENERATOR.integers(0, 65536, (20, 30, 4)).astype(np.uint16)
    pixels = decoded(tiff(inks, photometric="separated")).pixels
    expected = (1 - inks[..., :3] / 65535) * (1 - inks[..., 3:] / 65535)
    assert np.abs(pixels / 65535 - expected).max() < 1e-4


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_unnamed_channels_are_ignored_with_a_warning(kind: type) -> None:
    top = np.iinfo(kind).max
    values = GENERATOR.integers(0, top, (20, 30, 3), endpoint=True).astype(kind)
    content = tiff(values, photometric="minisblack", extrasamples=[0, 0], planarconfig="contig")
    pixels, notes, _ = decoded(content)
    np.testing.assert_array_equal(pixels, values[..., 0])
    assert notes == ("2 unnamed channels ignored",)


def test_metadata_of_what_pillow_cannot_open_are_kept() -> None:
    values = GENERATOR.integers(0, 65536, (20, 30, 2)).astype(np.uint16)
    content = tiff(
        values,
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
        iccprofile=b"a profile",
        extratags=[(271, 2, 0, "Leica", True)],
    )
    with open_image(io.BytesIO(content), "photo.tif") as opened:
        assert opened.picture.info["icc_profile"] == b"a profile"
        assert opened.picture.getexif()[271] == "Leica"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_a_file_that_is_cut_off_is_an_error(share: float, options: dict) -> None:
    content = tiff(RGB, photometric="rgb", **options)
    with pytest.raises(PhotoError, match=r"photo\.tif: (is a TIFF|cannot be read)"):
        decoded(content[: int(len(content) * share)])


def test_too_large_a_picture_is_refused_before_it_is_read() -> None:
    content = bytearray(tiff(RGB[..., :2], photometric="minisblack", planarconfig="contig"))
    start = content.index(b"\0\1\4\0\1\0\0\0")  # the tag of the width
    content[start + 8 : start + 12] = (10**9).to_bytes(4, "little")
    with pytest.raises(PhotoError, match="is 1000000000x41 px, expected at most 200 megapixels"):
        decoded(bytes(content))


def test_no_tiff_at_all_is_an_error() -> None:
    with pytest.raises(TiffError, match="cut off or broken"):
        read_tiff(io.BytesIO(b"II*\0" + bytes(40)))
