import io
import zlib

import numpy as np
import pytest
from picture_files import encoded
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rechroma.imaging.io import read_gray
from rechroma.imaging.png_chunks import chunk, read_side_data, text_body, without_chunks

GRAY = np.arange(64, dtype=np.uint8).reshape(8, 8)
PNG = encoded(GRAY, mode="L")


def png_with(*chunks: bytes) -> bytes:
    return PNG[:33] + b"".join(chunks) + PNG[33:]


def test_texts_of_all_kinds_are_read() -> None:
    info = PngInfo()
    info.add_text("Title", "Großmutter")
    info.add_text("Story", "long " * 100, zip=True)
    info.add_itxt("Author", "김", "ko", "저자")
    stream = io.BytesIO()
    Image.fromarray(GRAY).save(stream, "PNG", pnginfo=info)
    texts = dict(read_side_data(stream).texts)
    assert texts == {"Title": "Großmutter", "Story": "long " * 100, "Author": "김"}


@pytest.mark.parametrize("text", ["Grandma", "김", "long " * 9999])
def test_a_written_text_is_read_by_pillow_and_here(text: str) -> None:
    png = png_with(chunk(b"iTXt", text_body("Title", text)))
    assert read_side_data(io.BytesIO(png)).texts == [("Title", text)]
    assert Image.open(io.BytesIO(png)).text == {"Title": text}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"zTXt", b"Title\0\0" + zlib.compress(bytes(2 << 20))),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(2 << 20))),
        (b"iCCP", b"big\0\0" + zlib.compress(bytes(2 << 20))),
    ],
)
def test_large_side_data_does_not_stop_the_picture(kind: bytes, body: bytes) -> None:
    png = io.BytesIO(png_with(chunk(kind, body)))
    np.testing.assert_array_equal(read_gray(png), GRAY)
    data = read_side_data(png)
    assert not data.problems
    assert len(data.profile or data.texts[0][1]) == 2 << 20


BROKEN = {
    "wrong checksum": chunk(b"tEXt", b"Title\0Grandma")[:-1] + b"?",
    "cut off": chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"Grandma")[:-3]),
    "more than 16 MB": chunk(b"zTXt", b"Title\0\0" + zlib.compress(bytes(17 << 20))),
    "subsection not found": chunk(b"tEXt", b"no keyword"),
    "incorrect header check": chunk(b"iCCP", b"name\0\0no profile"),
}


@pytest.mark.parametrize("problem", BROKEN)
def test_broken_side_data_are_named_and_dropped(problem: str) -> None:
    png = io.BytesIO(png_with(BROKEN[problem], chunk(b"tEXt", b"Author\0E. Kim")))
    data = read_side_data(png)
    assert len(data.problems) == 1
    assert problem in data.problems[0]
    assert ("Author", "E. Kim") in data.texts
    np.testing.assert_array_equal(read_gray(png), GRAY)


def test_many_large_texts_end_somewhere() -> None:
    text = chunk(b"zTXt", b"Title\0\0" + zlib.compress(bytes(15 << 20)))
    data = read_side_data(io.BytesIO(png_with(*[text] * 9)))
    assert sum(len(each) for _, each in data.texts) <= 32 << 20
    assert len(data.problems) == 7


def test_a_wrong_checksum_of_the_pixels_is_named_once() -> None:
    start = PNG.index(b"IDAT")
    broken = PNG[: start + 6] + bytes([PNG[start + 6] ^ 1]) + PNG[start + 7 :]
    assert read_side_data(io.BytesIO(broken)).problems == [
        "its pixels have a wrong checksum, some of them may be wrong"
    ]


def test_dropped_chunks_leave_the_others() -> None:
    text, other = chunk(b"tEXt", b"a\0b"), chunk(b"gAMA", bytes(4))
    stream = io.BytesIO(png_with(text, other))
    assert without_chunks(stream, kinds=[b"tEXt"]).read() == png_with(other)
    assert without_chunks(stream).read() == png_with(text, other)


@pytest.mark.parametrize("length", range(0, len(PNG), 7))
def test_a_png_cut_off_anywhere_ends_the_reading(length: int) -> None:
    read_side_data(io.BytesIO(PNG[:length]))
