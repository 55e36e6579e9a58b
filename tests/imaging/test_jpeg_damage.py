import io

import numpy as np
import pytest
from picture_files import encoded
from PIL import Image

from rechroma.imaging.decode import PhotoError, open_image
from rechroma.imaging.jpeg_damage import find_jpeg_damage
from rechroma.imaging.pixels import decode_pixels


@pytest.fixture
def jpeg(photo: np.ndarray) -> bytes:
    return encoded(photo, "JPEG", quality=90)


def with_marker(jpeg: bytes, at: int, marker: bytes) -> bytes:
    return jpeg[:at] + marker + jpeg[at + 2 :]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"restart_marker_rows": 1},
        {"optimize": True},
        {"mode": "L"},
        {"mode": "CMYK"},
        {"comment": b"\xff\xd9 in a comment"},
    ],
    ids=str,
)
@pytest.mark.parametrize("behind", [b"", b"\0" * 99, b"a film" * 99])
def test_sound_files_have_no_damage(photo: np.ndarray, options: dict, behind: bytes) -> None:
    assert find_jpeg_damage(encoded(photo, "JPEG", **options) + behind) is None


def test_several_pictures_in_one_file_are_sound(photo: np.ndarray) -> None:
    stream = io.BytesIO()
    first, second = Image.fromarray(photo), Image.fromarray(photo[::-1])
    first.save(stream, "MPO", save_all=True, append_images=[second])
    assert find_jpeg_damage(stream.getvalue()) is None


def test_without_its_end_all_is_decoded(jpeg: bytes) -> None:
    damage = find_jpeg_damage(jpeg[:-2])
    assert damage.first_lost is None
    assert damage.problem == "the JPEG is cut off; all of the picture could be decoded"


@pytest.mark.parametrize(
    "marker", [b"\xff\xd9", b"\xff\xd3", b"\xff\xc4", b"\xff\xd8", b"\xff\x01"]
)
def test_what_is_above_a_damaged_marker_is_decoded(jpeg: bytes, marker: bytes) -> None:
    damaged = with_marker(jpeg, 2 * len(jpeg) // 3, marker)
    damage = find_jpeg_damage(damaged)
    assert 0 < damage.first_lost < 96
    assert f"from row {damage.first_lost} on) could not be decoded" in damage.problem
    sound = np.asarray(Image.open(io.BytesIO(jpeg)))
    decoded = np.asarray(Image.open(damage.stream))
    rows = slice(0, damage.first_lost - 1)  # chroma of the last one is mixed with the next one's
    np.testing.assert_array_equal(decoded[rows], sound[rows])


def test_the_earlier_the_cut_the_more_is_lost(jpeg: bytes) -> None:
    lost = [find_jpeg_damage(jpeg[: len(jpeg) * part // 10]).first_lost for part in (5, 7, 9)]
    assert lost == sorted(lost)
    assert len(set(lost)) > 1


def test_a_progressive_file_that_is_cut_off_lacks_detail_and_no_rows(photo: np.ndarray) -> None:
    jpeg = encoded(photo, "JPEG", progressive=True)
    damage = find_jpeg_damage(jpeg[: 2 * len(jpeg) // 3])
    assert damage.first_lost is None
    assert damage.problem.endswith("lack detail")


def test_a_file_without_pixels_is_left_to_the_decoder(jpeg: bytes) -> None:
    assert find_jpeg_damage(jpeg[:200]) is None
    assert find_jpeg_damage(b"\xff\xd8") is None


@pytest.mark.parametrize(("orientation", "side"), [(1, "bottom"), (3, "top"), (6, "left")])
def test_undecoded_rows_are_lost_where_they_are_upright(
    photo: np.ndarray, orientation: int, side: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg = encoded(photo, "JPEG", exif=exif.tobytes())
    with open_image(io.BytesIO(jpeg[: 3 * len(jpeg) // 4]), "cut.jpg") as opened:
        decoded = decode_pixels(opened)
    assert decoded.lost.shape == decoded.pixels.shape[:2]
    sides = {
        "top": decoded.lost[0],
        "bottom": decoded.lost[-1],
        "left": decoded.lost[:, 0],
        "right": decoded.lost[:, -1],
    }
    assert [name for name, pixels in sides.items() if pixels.all()] == [side]


def test_nothing_to_decode_is_an_error(jpeg: bytes) -> None:
    start = jpeg.index(b"\xff\xda")
    stream = io.BytesIO(jpeg[: start + 20])
    with (
        pytest.raises(PhotoError, match="cannot be read: the JPEG is cut off; 100% of its rows"),
        open_image(stream, "cut.jpg"),
    ):
        pass


def test_pillows_own_limit_and_its_warnings_do_not_matter(
    jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6000)  # the photograph has 12,288
    damage = find_jpeg_damage(jpeg[:3000])
    assert damage is not None
    assert damage.first_lost is not None


def test_broken_exif_of_a_damaged_jpeg_is_not_warned_of(photo: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0128] = 2  # the unit of a resolution, for which Pillow reads EXIF
    content = encoded(photo, "JPEG", exif=exif.tobytes())
    start = content.index(b"Exif\0\0") + 6
    broken = content[: start + 8] + b"\xff" + content[start + 9 :]  # the number of its tags
    cut = broken[: len(broken) // 2]
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        Image.open(io.BytesIO(cut)).close()
    assert find_jpeg_damage(cut) is not None


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_size_that_the_data_cannot_hold_is_refused_at_once(
    photo: np.ndarray, options: dict[str, object]
) -> None:
    content = encoded(photo, "JPEG", **options)
    start = content.index(b"\xff\xc2" if options else b"\xff\xc0") + 5
    claims = content[:start] + (14_000).to_bytes(2, "big") * 2 + content[start + 4 :]
    message = rf"^old\.jpg: cannot be read: {len(content)} bytes are too few for 14000x14000 px$"
    with pytest.raises(PhotoError, match=message), open_image(io.BytesIO(claims), "old.jpg"):
        pass


def test_the_smallest_data_of_a_large_picture_is_enough() -> None:
    content = encoded(np.full((2000, 2000), 255, np.uint8), "JPEG", optimize=True)
    assert find_jpeg_damage(content) is None


def test_data_that_ends_early_behind_sound_markers_is_damage(jpeg: bytes) -> None:
    start = len(jpeg) * 6 // 10
    lacking = jpeg[:start].removesuffix(b"\xff") + b"\xff\xd9"
    with open_image(io.BytesIO(lacking), "old.jpg") as opened:
        decoded = decode_pixels(opened)
    assert decoded.lost is not None
    assert 0.2 < decoded.lost.mean() < 0.6
    assert any("could not be decoded" in note for note in decoded.notes)


def test_a_sound_photograph_that_ends_in_gray_is_sound() -> None:
    gray = np.full((40, 64), 128, np.uint8)
    gray[:20, :20] = 30
    with open_image(io.BytesIO(encoded(gray, "JPEG")), "old.jpg") as opened:
        decoded = decode_pixels(opened)
    assert decoded.lost is None
    assert decoded.notes == ()
