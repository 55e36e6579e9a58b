import io

import numpy as np
import pytest
from PIL import Image

from rechroma.apps.web import session
from rechroma.apps.web.mask_overlay import paint_mask
from rechroma.apps.web.session import (
    MaskSession,
    corrected_mask,
    describe_damage,
    format_share,
    open_session,
    restore_session,
)
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma

HOLE = np.s_[20:50, 30:70]


class Painter:
    """Stands for a Restorer: what is lost becomes white."""

    def __call__(self, damaged, mask):
        return self.keep_color(np.repeat(damaged[..., None], 3, axis=2), mask)

    def keep_color(self, photo, mask):
        return np.where(mask[..., None], np.uint8(255), photo)


@pytest.fixture
def write(tmp_path):
    def write(picture, name="old.png", **options):
        Image.fromarray(picture).save(tmp_path / name, **options)
        return tmp_path / name

    return write


def test_the_found_damage_is_shown_and_described(write, damaged):
    opened, preview = open_session(write(damaged))
    hole = np.zeros(damaged.shape, bool)
    hole[HOLE] = True
    assert np.array_equal(opened.mask, hole)
    assert np.array_equal(opened.preview_mask, hole)
    assert np.array_equal(preview, np.repeat(damaged[..., None], 3, axis=2))
    assert not opened.in_color
    assert describe_damage(opened) == (
        "128x96 px. Damage found: 9.8% of the photograph, painted red."
    )


def test_a_photograph_without_damage_is_described_so(write, photo):
    opened, _ = open_session(write(to_luma(photo)))
    assert "No damage found: color only" in describe_damage(opened)


def test_a_photograph_in_color_and_a_toned_print_are_described_so(write, photo):
    in_color, _ = open_session(write(photo))
    assert (in_color.in_color, in_color.keeps_color) == (True, True)
    assert "It looks like a color photograph: it keeps its color." in describe_damage(in_color)
    sepia = (to_luma(photo)[..., None] * np.array([1, 0.9, 0.75])).astype(np.uint8)
    toned, _ = open_session(write(sepia))
    assert (toned.in_color, toned.keeps_color) == (True, False)
    assert "It looks like a toned print: its tint is removed." in describe_damage(toned)


def test_a_large_photograph_is_shown_reduced_and_upright(write, damaged):
    large = damaged.repeat(20, axis=0).repeat(20, axis=1)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    opened, preview = open_session(write(large, exif=exif))
    assert opened.mask.shape == (2560, 1920)
    assert preview.shape == (1200, 900, 3)
    assert opened.preview_mask.shape == (1200, 900)


def test_a_restoration_is_of_the_whole_file(write, damaged):
    opened, _ = open_session(write(damaged, "name.with dots.bmp"))
    before, after = restore_session(Painter(), opened, opened.mask, keep_color=False)
    assert np.array_equal(to_luma(before), damaged)
    assert (after[HOLE] == 255).all()
    assert np.array_equal(to_luma(after)[~opened.mask], damaged[~opened.mask])
    assert opened.download_name == "name.with dots-restored.png"


@pytest.mark.parametrize("kept", [True, False])
def test_a_photograph_in_color_keeps_its_color_on_request(write, photo, kept):
    opened, _ = open_session(write(photo))
    mask = np.zeros(photo.shape[:2], bool)
    mask[HOLE] = True
    before, after = restore_session(Painter(), opened, mask, keep_color=kept)
    expected = photo if kept else np.repeat(to_luma(photo)[..., None], 3, axis=2)
    assert np.array_equal(before, expected)
    assert np.array_equal(after[~mask], expected[~mask])


def test_painting_and_erasing_correct_the_mask(write, damaged):
    opened, _ = open_session(write(damaged))
    wanted = np.roll(opened.mask, 20, axis=1)
    assert np.array_equal(corrected_mask(opened, [paint_mask(wanted)]), wanted)
    assert not corrected_mask(opened, []).any()


def test_a_mask_that_hides_everything_is_refused(write, damaged):
    opened, _ = open_session(write(damaged))
    with pytest.raises(UserError, match="Everything is marked as damaged"):
        corrected_mask(opened, [paint_mask(np.ones(damaged.shape, bool))])


def test_a_photograph_too_large_is_refused_before_it_is_decoded(write, damaged, monkeypatch):
    monkeypatch.setattr(session, "PIXEL_LIMIT", 12_000)
    file = write(damaged, "large.png")
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(UserError, match=r"^large\.png: is 128x96 px, expected at most"):
        open_session(file)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"hello", "is no picture, expected PNG, JPEG, WebP, TIFF, BMP"),
        (None, "cannot be read: "),
    ],
)
def test_a_broken_file_is_reported_by_its_name_alone(tmp_path, damaged, content, reason):
    if content is None:
        whole = io.BytesIO()
        Image.fromarray(damaged).save(whole, "JPEG")
        content = whole.getvalue()[:400]
    file = tmp_path / "old.jpg"
    file.write_bytes(content)
    with pytest.raises(UserError, match=f"^old.jpg: {reason}"):
        open_session(file)


def test_a_file_that_is_gone_is_reported(write, damaged):
    opened, _ = open_session(write(damaged))
    opened.file.unlink()
    with pytest.raises(UserError, match=r"^old\.png: is missing$"):
        restore_session(Painter(), opened, opened.mask, keep_color=False)


@pytest.mark.parametrize(("lost", "message"), [(0, "0.0%"), (1, "under 0.1%"), (1234, "12.3%")])
def test_a_share_is_formatted(lost, message):
    assert format_share(np.arange(10_000).reshape(100, 100) < lost) == message


def test_the_name_of_a_download_comes_from_the_file(tmp_path):
    nothing = np.zeros((1, 1), bool)
    opened = MaskSession(tmp_path / "옛 사진.jpeg", nothing, nothing, False)
    assert opened.download_name == "옛 사진-restored.png"
