import io

import numpy as np
import pytest
from PIL import Image, IptcImagePlugin
from PIL.PngImagePlugin import PngInfo

from rechroma.apps.batch.captions import Captions, iptc_segment, iptc_text, read_captions
from rechroma.apps.batch.image_file import read_image_file, write_image_file
from rechroma.imaging.decode import open_image

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="1">'
    b"<dc:description>\xea\xb9\x80</dc:description></rdf:Description></x:xmpmeta>"
)
TURNED = XMP.replace(b'Orientation="1"', b'Orientation="6"')
IPTC = b"\x1c\x02x\0\x07caption"
SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".avif", ".jp2")
DEEP = np.random.default_rng(0).integers(0, 65536, (20, 30, 3)).astype(np.uint16)


@pytest.fixture
def saved(photo, tmp_path):
    """Writes the photograph with captions of all kinds that the format holds."""

    def save(name: str):
        info = PngInfo()
        info.add_text("Title", "Großmutter")
        info.add_itxt("XML:com.adobe.xmp", TURNED.decode())
        info.add_text(*iptc_text(IPTC), zip=True)
        options = {
            "png": {"pnginfo": info},
            "jpg": {"xmp": TURNED, "comment": "family, 1957", "extra": iptc_segment(IPTC)},
            "tif": {"tiffinfo": {700: TURNED, 33723: IPTC, 270: "family, 1957"}},
            "webp": {"xmp": TURNED},
            "gif": {"comment": "family, 1957"},
        }[name.partition(".")[2]]
        Image.fromarray(photo).save(tmp_path / name, **options)
        return tmp_path / name

    return save


def captions_of(file) -> Captions:
    with open_image(file) as opened:
        return read_captions(opened)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("old.png", Captions(XMP, IPTC, (("Title", "Großmutter"),))),
        ("old.jpg", Captions(XMP, IPTC, (("Comment", "family, 1957"),))),
        ("old.tif", Captions(XMP, IPTC)),
        ("old.webp", Captions(XMP)),
        ("old.gif", Captions(texts=(("Comment", "family, 1957"),))),
    ],
)
def test_captions_are_read_and_their_orientation_is_upright(saved, name, expected):
    assert captions_of(saved(name)) == expected


@pytest.mark.parametrize("before", ["old.png", "old.jpg", "old.tif", "old.webp"])
@pytest.mark.parametrize("after", SUFFIXES)
def test_what_a_format_holds_is_copied_and_the_rest_is_named(saved, tmp_path, before, after):
    image = read_image_file(saved(before))
    target = tmp_path / f"new/restored{after}"
    warnings = write_image_file(target, image.pixels, image.metadata)
    captions = image.metadata.captions
    expected = set()
    if after in (".webp", ".avif", ".jp2") and captions.iptc:
        expected.add("IPTC")
    if after == ".jp2":
        expected |= {"EXIF"} if before == "old.tif" else set()
        expected |= {"XMP"}
    assert {warning.split()[0] for warning in warnings} == expected
    written = captions_of(target)
    assert written.xmp == (None if "XMP" in expected else XMP)
    assert written.iptc == (None if "IPTC" in expected else captions.iptc)
    # Texts are where the format has a place for them.
    with Image.open(target) as picture:
        description = picture.getexif().get(270, "").encode("latin-1").decode()
    for _, text in captions.texts:
        assert text in f"{written.texts} {description}"


@pytest.mark.parametrize("after", [".png", ".tif"])
@pytest.mark.parametrize("before", ["old.png", "old.jpg", "old.tif", "old.webp"])
def test_captions_are_copied_into_16_bits(saved, tmp_path, before, after):
    metadata = read_image_file(saved(before)).metadata
    target = tmp_path / f"restored{after}"
    assert write_image_file(target, DEEP, metadata) == ()
    written = captions_of(target)
    assert (written.xmp, written.iptc) == (XMP, metadata.captions.iptc)
    if after == ".png":
        assert set(metadata.captions.texts) <= set(written.texts)
    np.testing.assert_array_equal(read_image_file(target).pixels, DEEP)


def test_other_programs_find_the_captions(saved, tmp_path):
    image = read_image_file(saved("old.png"))
    write_image_file(tmp_path / "new.jpg", image.pixels, image.metadata)
    with Image.open(tmp_path / "new.jpg") as picture:
        assert IptcImagePlugin.getiptcinfo(picture) == {(2, 120): b"caption"}
        assert picture.info["comment"].decode() == "Title: Großmutter"
    write_image_file(tmp_path / "new.png", image.pixels, image.metadata)
    with Image.open(tmp_path / "new.png") as picture:
        assert picture.text["Title"] == "Großmutter"


def test_a_description_that_is_there_is_not_replaced(saved, tmp_path):
    image = read_image_file(saved("old.jpg"))
    image.metadata.exif[270] = "Grandma"
    warnings = write_image_file(tmp_path / "new.webp", image.pixels, image.metadata)
    assert "Comment not copied, webp cannot hold it" in warnings
    with Image.open(tmp_path / "new.webp") as picture:
        assert picture.getexif()[270] == "Grandma"


def test_captions_that_are_too_long_for_a_jpeg_are_named(saved, tmp_path):
    image = read_image_file(saved("old.png"))
    long = Captions(b"x" * 70_000, b"i" * 70_000, (("Title", "t" * 70_000),))
    metadata = image.metadata._replace(captions=long)
    warnings = write_image_file(tmp_path / "new.jpg", image.pixels, metadata)
    assert warnings == tuple(
        f"{part} not copied, a JPEG holds 64 KB of it" for part in ("XMP", "IPTC", "Title")
    )
    assert write_image_file(tmp_path / "new.png", image.pixels, metadata) == ()
    assert captions_of(tmp_path / "new.png") == long


def test_exif_that_is_too_long_for_a_jpeg_is_named(saved, tmp_path):
    image = read_image_file(saved("old.png"))
    image.metadata.exif.get_ifd(0x8769)[0x927C] = b"maker note" * 7000
    warnings = write_image_file(tmp_path / "new.jpg", image.pixels, image.metadata)
    assert warnings == ("EXIF not copied, a JPEG holds 64 KB of it",)


def test_imagemagicks_iptc_in_a_block_is_read(photo):
    block = b"8BIM\4\4\0\0\0\0\0" + bytes([len(IPTC)]) + IPTC
    info = PngInfo()
    info.add_text(*iptc_text(block))
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "PNG", pnginfo=info)
    assert captions_of(stream).iptc == IPTC


@pytest.mark.parametrize("text", ["", "iptc", "iptc 3 zz", "a b c d"])
def test_a_broken_profile_text_is_no_iptc(photo, text):
    info = PngInfo()
    info.add_text("Raw profile type iptc", text)
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "PNG", pnginfo=info)
    assert captions_of(stream) == Captions()
