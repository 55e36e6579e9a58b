import io

import numpy as np
import pytest
from PIL import Image

from rechroma.imaging.formats import FORMATS, HEAD_BYTES, identify_format, is_photo_name


def head_of(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(stream, kind)
    return stream.getvalue()[:HEAD_BYTES]


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind not in ("HEIF", "PPM", "TGA")])
def test_a_format_is_known_by_its_content_under_any_suffix(kind: str) -> None:
    for suffix in ("", ".xyz", *FORMATS[kind]):
        assert identify_format(head_of(kind), suffix) == kind


@pytest.mark.parametrize("kind", ["PPM", "TGA"])
def test_a_format_with_a_weak_beginning_needs_its_suffix(kind: str) -> None:
    assert identify_format(head_of(kind), FORMATS[kind][0]) == kind
    assert identify_format(head_of(kind), ".txt") is None


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"mif1", b"msf1"])
def test_heic_is_known_by_its_brand(brand: bytes) -> None:
    assert identify_format(b"\0\0\0\x18ftyp" + brand + bytes(40)) == "HEIF"


def test_an_avif_whose_main_brand_is_general_is_no_heic() -> None:
    head = b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiaf" + bytes(32)
    assert identify_format(head) == "AVIF"


@pytest.mark.parametrize(
    "text", [b"", b"BMW and other cars, 1931", b"P5 is the fifth", b"II. Kings"]
)
def test_texts_are_no_pictures(text: bytes) -> None:
    assert identify_format(text, ".txt") is None


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [(".tif_large", True), ("", True), (".nef", False), (".dng", False), (".raw", False)],
)
def test_a_tiff_under_another_suffix_may_be_a_raw_file(suffix: str, expected: bool) -> None:
    assert is_photo_name(suffix, head_of("TIFF")) is expected
