import io
import warnings
import zipfile

import cv2
import numpy as np
import pytest
from PIL import Image

from rechroma.errors import UserError
from rechroma.evaluation.submission import check_submission, write_submission

EXPECTED = {"a.png": (40, 60), "b.png": (50, 30)}


def picture(height: int, width: int, *channels: int, kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, *channels)).astype(kind)


A, B = picture(40, 60, 3), picture(50, 30, 3)


def encoded(photo: np.ndarray, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, kind)
    return stream.getvalue()


def sixteen_bits(*channels: int) -> bytes:
    return cv2.imencode(".png", picture(40, 60, *channels, kind=np.uint16))[1].tobytes()


def zip_of(entries, path):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # zipfile's, of a duplicate name
        for name, content in entries:
            archive.writestr(name, content)
    return path


def test_the_archive_holds_the_pictures_in_order(tmp_path):
    write_submission([("b.png", B), ("a.png", A)], EXPECTED, tmp_path / "new/submission.zip")
    with zipfile.ZipFile(tmp_path / "new/submission.zip") as archive:
        assert archive.namelist() == ["b.png", "a.png"]
        assert all(entry.external_attr >> 16 & 0o400 for entry in archive.infolist())
        for name, photo in (("a.png", A), ("b.png", B)):
            with Image.open(archive.open(name)) as kept:
                assert (kept.format, kept.mode) == ("PNG", "RGB")
                assert np.array_equal(np.asarray(kept), photo)


def test_the_same_pictures_give_the_same_bytes_at_any_time(tmp_path, monkeypatch):
    for year, path in ((2001, tmp_path / "first.zip"), (2033, tmp_path / "second.zip")):
        seconds = (year - 1970) * 365.25 * 86400
        monkeypatch.setattr("time.time", lambda seconds=seconds: seconds)
        write_submission([("a.png", A), ("b.png", B)], EXPECTED, path)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_an_archive_made_by_other_means_passes(tmp_path):
    made = zip_of([("b.png", encoded(B)), ("a.png", encoded(A))], tmp_path / "made.zip")
    assert check_submission(made, EXPECTED) is None


REFUSED = {
    "missing": ([("a.png", A)], r"b\.png: missing"),
    "extra": (
        [("a.png", A), ("b.png", B), ("c.png", A)],
        r"c\.png: not among the inputs",
    ),
    "in a folder": ([("out/a.png", A), ("b.png", B)], r"out/a\.png: in a folder, expected none"),
    "of another kind": ([("a.jpg", A), ("b.png", B)], r"a\.jpg: no \.png"),
    "twice": ([("a.png", A), ("b.png", B), ("a.png", A)], r"a\.png: twice in the archive"),
    "wrong size": (
        [("a.png", A.transpose(1, 0, 2)), ("b.png", B)],
        r"a\.png is 40x60 px, expected its input's 60x40",
    ),
    "gray": ([("a.png", A[..., 0]), ("b.png", B)], r"a\.png is of mode L, expected 8-bit RGB"),
    "transparent": (
        [("a.png", A), ("b.png", picture(50, 30, 4))],
        r"b\.png is of mode RGBA, expected 8-bit RGB",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_refused_submission_leaves_nothing_behind(tmp_path, fault):
    pictures, message = REFUSED[fault]
    with pytest.raises(UserError, match=rf"submission\.zip: .*{message}"):
        write_submission(pictures, EXPECTED, tmp_path / "submission.zip")
    assert not list(tmp_path.iterdir())


def test_an_earlier_archive_survives_a_refused_one(tmp_path):
    path = tmp_path / "submission.zip"
    write_submission([("a.png", A), ("b.png", B)], EXPECTED, path)
    earlier = path.read_bytes()
    with pytest.raises(UserError, match="missing"):
        write_submission([("a.png", A)], EXPECTED, path)
    assert path.read_bytes() == earlier
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_among_the_pictures_leaves_nothing_behind(tmp_path):
    def failing():
        yield "a.png", A
        raise UserError("b.png: cannot be read")

    with pytest.raises(UserError, match=r"b\.png: cannot be read"):
        write_submission(failing(), EXPECTED, tmp_path / "submission.zip")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (encoded(A, "JPEG"), r"a\.png is JPEG, expected PNG"),
        (sixteen_bits(), r"a\.png is of mode I;16, expected 8-bit RGB"),
        (sixteen_bits(3), r"a\.png is of 16 bits, expected 8-bit RGB"),
        (b"", r"a\.png is no picture"),
        (encoded(A)[:900], r"a\.png is no picture"),
    ],
)
def test_files_that_are_not_8_bit_png_are_refused(tmp_path, content, message):
    made = zip_of([("a.png", content), ("b.png", encoded(B))], tmp_path / "made.zip")
    with pytest.raises(UserError, match=message):
        check_submission(made, EXPECTED)


def test_of_many_faults_the_message_names_the_first_three(tmp_path):
    names = [f"{number}.png" for number in range(9)]
    made = zip_of([], tmp_path / "made.zip")
    with pytest.raises(UserError, match=r"0\.png, 1\.png, 2\.png and 6 more: missing$"):
        check_submission(made, dict.fromkeys(names, (1, 1)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing, expected a submission there"),
        (b"no archive", "is no whole zip file"),
        (b"", "is no whole zip file"),
    ],
)
def test_a_file_that_is_not_an_archive_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "made.zip").write_bytes(content)
    with pytest.raises(UserError, match=rf"made\.zip {message}"):
        check_submission(tmp_path / "made.zip", EXPECTED)


def test_a_damaged_archive_is_refused(tmp_path):
    write_submission([("a.png", A), ("b.png", B)], EXPECTED, tmp_path / "made.zip")
    content = bytearray((tmp_path / "made.zip").read_bytes())
    content[3000] ^= 255  # inside the picture, whose checksum no longer fits
    (tmp_path / "made.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"made\.zip is no whole zip file: Bad CRC-32.*a\.png"):
        check_submission(tmp_path / "made.zip", EXPECTED)
