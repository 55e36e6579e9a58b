import struct
import warnings

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from rechroma.apps.batch.exif import PROCESSING_SOFTWARE
from rechroma.apps.batch.image_file import is_restored, read_image_file, write_image_file
from rechroma.imaging.io import read_gray

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CAMERA, PLACE = 0x8769, 0x8825  # EXIF's parts
MAKE, ARTIST, ORIENTATION, TAKEN, EXPOSURE, NORTH, LATITUDE = 271, 315, 274, 0x9003, 0x829A, 1, 2
SUFFIXES = (".png", ".jpg", ".tif", ".webp")


def exif_of(orientation: int | None = None) -> Image.Exif:
    exif = Image.Exif()
    exif[MAKE], exif[ARTIST] = "Leica", "E. Kim"
    if orientation:
        exif[ORIENTATION] = orientation
    exif.get_ifd(CAMERA).update({TAKEN: "1931:05:09 10:11:12", EXPOSURE: IFDRational(1, 60)})
    exif.get_ifd(PLACE).update({NORTH: "N", LATITUDE: (37.0, 34.0, 0.0)})
    return exif


@pytest.fixture
def saved(damaged, tmp_path):
    """Writes the damaged photograph and gives its file."""

    def save(name, **options):
        exif = exif_of()
        if name.endswith(".webp"):  # which has no other place for it
            exif[282], exif[283], exif[296] = 300, 300, 2
        options = {"exif": exif.tobytes(), "dpi": (300, 300), "icc_profile": SRGB} | options
        Image.fromarray(damaged).convert("RGB").save(tmp_path / name, **options)
        return tmp_path / name

    return save


def rewritten(source, suffix):
    """The file as restoring writes it, in another format; its pixels as they are."""
    scan = read_image_file(source)
    target = source.with_name(f"restored{suffix}")
    write_image_file(target, scan.pixels, scan.metadata)
    return target


@pytest.mark.parametrize("before", (*SUFFIXES, ".jpeg"))
@pytest.mark.parametrize("after", SUFFIXES)
def test_exif_resolution_and_profile_are_copied_between_all_formats(saved, before, after):
    with Image.open(rewritten(saved(f"old{before}"), after)) as picture:
        exif = picture.getexif()
        assert (exif[MAKE], exif[ARTIST]) == ("Leica", "E. Kim")
        assert exif.get_ifd(CAMERA)[TAKEN] == "1931:05:09 10:11:12"
        assert float(exif.get_ifd(CAMERA)[EXPOSURE]) == pytest.approx(1 / 60)
        assert exif.get_ifd(PLACE)[NORTH] == "N"
        assert [float(part) for part in exif.get_ifd(PLACE)[LATITUDE]] == [37, 34, 0]
        assert (float(exif[282]), float(exif[283]), exif[296]) == pytest.approx(
            (300, 300, 2), abs=0.1
        )
        assert picture.info["icc_profile"] == SRGB
        if after != ".webp":  # which has no place for it but EXIF
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("after", [".png", ".tif"])
@pytest.mark.parametrize("before", [".png", ".jpg", ".tif"])
def test_exif_resolution_and_profile_are_copied_into_16_bits(saved, before, after):
    image = read_image_file(saved(f"old{before}"))
    target = saved("old.png").with_name(f"restored{after}")
    deep = np.random.default_rng(0).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    assert write_image_file(target, deep, image.metadata) == ()
    with Image.open(target) as picture:
        exif = picture.getexif()
        assert (exif[MAKE], exif[ARTIST]) == ("Leica", "E. Kim")
        assert exif.get_ifd(CAMERA)[TAKEN] == "1931:05:09 10:11:12"
        assert float(exif.get_ifd(CAMERA)[EXPOSURE]) == pytest.approx(1 / 60)
        assert [float(part) for part in exif.get_ifd(PLACE)[LATITUDE]] == [37, 34, 0]
        assert picture.info["icc_profile"] == SRGB
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert picture.getexif()[PROCESSING_SOFTWARE].startswith("rechroma ")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_orientation_is_applied_and_then_removed(saved, damaged, suffix):
    source = saved("old.png", exif=exif_of(orientation=6))
    with Image.open(rewritten(source, suffix)) as picture:
        assert picture.getexif().get(ORIENTATION, 1) == 1
        assert picture.size == damaged.shape
        found = np.asarray(picture.convert("L")).astype(int)
    assert np.abs(found - np.rot90(damaged, 3)).mean() < (3 if suffix == ".jpg" else 1e-9)


@pytest.mark.parametrize(
    ("orientation", "expected"), [(1, (204, 98)), (3, (204, 98)), (6, (98, 204))]
)
def test_the_resolutions_are_exchanged_when_the_photograph_is_rotated(saved, orientation, expected):
    source = saved("old.jpg", exif=exif_of(orientation), dpi=(204, 98))
    with Image.open(rewritten(source, ".png")) as picture:
        assert picture.info["dpi"] == pytest.approx(expected, abs=0.1)
        assert float(picture.getexif()[282]) == pytest.approx(expected[0], abs=0.1)


def with_thumbnail(thumbnail: bytes) -> bytes:
    """EXIF of a make, and a thumbnail in its second directory, which Pillow does not write."""
    header = b"Exif\0\0II*\0" + struct.pack("<I", 8)
    first = struct.pack("<HHHI4sI", 1, MAKE, 2, 4, b"abc\0", 26)
    second = struct.pack("<HHHIIHHIII", 2, 513, 4, 1, 56, 514, 4, 1, len(thumbnail), 0)
    return header + first + second + thumbnail


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_thumbnails_are_not_copied(saved, suffix):
    source = saved("old.jpg", exif=with_thumbnail(b"a small picture"))
    with Image.open(source) as picture:
        assert picture.getexif().get_ifd(ExifTags.IFD.IFD1)[514] == len(b"a small picture")
    target = rewritten(source, suffix)
    assert b"a small picture" not in target.read_bytes()
    with Image.open(target) as picture:
        assert not picture.getexif().get_ifd(ExifTags.IFD.IFD1)
        assert picture.getexif()[MAKE] == "abc"


def test_tags_of_the_layout_are_not_copied(saved):
    exif = exif_of()
    exif[256], exif[257], exif[273] = 5000, 4000, 8  # width, height, where a TIFF's pixels are
    exif.get_ifd(CAMERA).update({0xA002: 5000, 0xA003: 4000})  # px of what the camera took
    with Image.open(rewritten(saved("old.jpg", exif=exif), ".jpg")) as picture:
        kept = picture.getexif()
        assert not {256, 257, 273} & set(kept)
        assert set(kept.get_ifd(CAMERA)) == {TAKEN, EXPOSURE}


@pytest.mark.parametrize("kind", [b"GRAY", b"CMYK"])
def test_a_profile_that_is_not_of_rgb_is_not_copied_with_a_warning(saved, kind):
    source = saved("old.png", icc_profile=SRGB[:16] + kind + SRGB[20:])
    scan = read_image_file(source)
    name = kind.decode()
    assert scan.warnings == (
        f"color profile of kind {name} not copied, the restored photograph is RGB",
    )
    with Image.open(rewritten(source, ".tif")) as picture:
        assert "icc_profile" not in picture.info


@pytest.mark.parametrize("profile", [b"short", b"\xff" * 200])
def test_a_broken_profile_is_not_copied(saved, profile):
    scan = read_image_file(saved("old.png", icc_profile=profile))
    assert scan.metadata.profile is None
    assert len(scan.warnings) == 1


BROKEN = [
    b"Exif\x00\x00garbage" * 3,
    b"Exif\x00\x00MM\x00*\xff\xff\xff\xff",
    b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff" + bytes(range(60)),
]


@pytest.mark.parametrize("exif", BROKEN)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_broken_exif_does_not_stop_the_photograph_and_raises_no_python_warning(
    saved, damaged, exif, suffix
):
    source = saved("old.jpg", exif=exif, quality=100)
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        target = rewritten(source, suffix)
        assert is_restored(target)
    assert not raised
    assert np.abs(read_gray(target).astype(int) - damaged).mean() < 2


@pytest.mark.parametrize("exif", BROKEN[1:])
def test_broken_exif_has_a_warning(saved, exif):
    assert read_image_file(saved("old.jpg", exif=exif)).warnings == (
        "broken parts of the EXIF not copied",
    )


def test_exif_that_cannot_be_written_again_is_not_copied(saved, monkeypatch):
    def broken(*_):
        raise struct.error("argument out of range")

    source = saved("old.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(Image.Exif, "tobytes", broken)
        scan = read_image_file(source)
    assert scan.warnings == ("broken EXIF not copied",)
    assert MAKE not in scan.metadata.exif


def test_exif_with_random_errors_never_stops_the_photograph(saved, damaged):
    generator = np.random.default_rng(0)
    whole = exif_of(orientation=1).tobytes()
    for _ in range(40):
        exif = bytearray(whole[: generator.integers(20, len(whole))])
        for at in generator.integers(6, len(exif), 5):
            exif[at] = generator.integers(256)
        target = rewritten(saved("old.jpg", exif=bytes(exif)), ".tif")
        assert is_restored(target)
        assert sorted(read_gray(target).shape) == sorted(damaged.shape)


@pytest.mark.parametrize("dpi", [(0, 0), (1e9, 1e9)])
def test_an_absurd_resolution_is_not_copied(saved, dpi):
    scan = read_image_file(saved("old.tif", dpi=dpi))
    assert scan.metadata.dpi is None
    with Image.open(rewritten(saved("old.tif", dpi=dpi), ".png")) as picture:
        assert "dpi" not in picture.info


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_rechroma_wrote_is_recognized_and_its_original_is_not(saved, suffix):
    source = saved(f"old{suffix}")
    assert not is_restored(source)
    target = rewritten(source, suffix)
    assert is_restored(target)
    with Image.open(target) as picture:
        assert picture.getexif()[PROCESSING_SOFTWARE].startswith("rechroma ")


def test_a_file_that_another_program_edited_is_an_original(saved, tmp_path):
    exif = exif_of()
    exif[PROCESSING_SOFTWARE] = "digiKam 8"
    assert not is_restored(saved("old.jpg", exif=exif))
    (tmp_path / "text.png").write_text("no picture")
    assert not is_restored(tmp_path / "text.png")


@pytest.mark.parametrize("before", SUFFIXES)
@pytest.mark.parametrize("after", SUFFIXES)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_letters_beyond_ascii_are_kept_as_they_are_stored(
    damaged, tmp_path, before, after, encoding
):
    exif = Image.Exif()
    exif[ARTIST] = "Müller".encode(encoding)
    source = tmp_path / f"old{before}"
    Image.fromarray(damaged).convert("RGB").save(source, exif=exif)
    with Image.open(rewritten(source, after)) as picture:
        assert picture.getexif()[ARTIST].encode("latin-1") == "Müller".encode(encoding)
