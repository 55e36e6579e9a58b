import io
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rechroma.apps.web import session
from rechroma.apps.web.session import (
    corrected_mask,
    look_again,
    lost_groups,
    open_session,
    restore_session,
)
from rechroma.apps.web.strokes import Corrections, Stroke
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.inference.find_choices import FILLED

HOLE = np.s_[20:50, 30:70]


@dataclass
class Painter:
    """Stands for a Restorer: what is lost becomes white."""

    backend: Any = None

    def __call__(self, damaged, mask):
        return self.keep_color(np.repeat(damaged[..., None], 3, axis=2), mask)

    def keep_color(self, photo, mask):
        return np.where(mask[..., None], np.uint8(255), photo)


class Finder:
    """Stands for the network: a column of lines and one of stains; counts how often it is asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self, lumas):
        self.asked += 1
        planes = np.zeros((len(lumas), 4, *lumas.shape[1:]), np.float32)
        planes[:, 0, :, 100], planes[:, 3, :, 110] = 0.6, 0.9
        return planes


@pytest.fixture
def finder(monkeypatch):
    finder = Finder()
    monkeypatch.setattr(session, "load_bundled_finder", lambda: finder)
    return finder


def hole():
    mask = np.zeros((96, 128), bool)
    mask[HOLE] = True
    return mask


def corrections(opened, *strokes):
    return Corrections(photo=opened.name, strokes=strokes)


@pytest.fixture
def write(tmp_path):
    def write(picture, name="old.png", **options):
        Image.fromarray(picture).save(tmp_path / name, **options)
        return tmp_path / name

    return write


def test_flat_damage_is_found_at_once(write, damaged, finder):
    opened = open_session(write(damaged))
    assert np.array_equal(corrected_mask(opened, ("flat",), 0.5, corrections(opened)), hole())
    assert opened.shape == opened.size == (96, 128)
    assert not opened.in_color
    assert not finder.asked


def test_the_network_looks_once_at_a_photograph(write, damaged, finder):
    opened = open_session(write(damaged))
    looked = look_again(opened, "lines", threading.Event())
    assert finder.asked == 1
    for find in ("lines", "flat", "none", "auto"):
        assert look_again(looked, find, threading.Event()) is looked
    assert finder.asked == 1
    assert looked.name == opened.name
    lines = hole()
    lines[:, 99:102] = True
    assert np.array_equal(corrected_mask(looked, FILLED, 0.5, corrections(looked)), lines)
    assert np.array_equal(corrected_mask(looked, FILLED, 0.0, corrections(looked)), hole())


@pytest.mark.parametrize(
    ("find", "chosen", "lost"),
    [
        ("lines", ["flat", "line"], ("line", "flat")),
        ("lines", [], ()),
        ("flat", ["line"], ("flat",)),
        ("none", ["flat"], ()),
    ],
)
def test_groups_of_the_network_can_be_chosen(find, chosen, lost):
    assert lost_groups(find, chosen) == lost


def test_without_the_network_the_page_says_so(write, damaged, monkeypatch):
    monkeypatch.setattr(session, "load_bundled_finder", lambda: None)
    looked = look_again(open_session(write(damaged)), "lines", threading.Event())
    assert "network that finds scratches is missing" in looked.found.doubts[0]


def test_looking_stops_where_nobody_wants_it(write, damaged, finder):
    opened = open_session(write(damaged))
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(KeyboardInterrupt):
        look_again(opened, "lines", stopped)
    assert not finder.asked


def test_a_photograph_in_color_is_known_as_such(write, photo):
    opened = open_session(write(photo))
    assert opened.in_color
    assert not opened.found.groups.any()


def test_a_photograph_in_color_and_a_toned_print_are_told_apart(write, photo):
    in_color = open_session(write(photo))
    assert (in_color.in_color, in_color.keeps_color) == (True, True)
    sepia = (to_luma(photo)[..., None] * np.array([1, 0.9, 0.75])).astype(np.uint8)
    toned = open_session(write(sepia))
    assert (toned.in_color, toned.keeps_color) == (True, False)


def test_a_large_photograph_is_shown_reduced_and_upright(write, damaged):
    large = damaged.repeat(20, axis=0).repeat(20, axis=1)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    opened = open_session(write(large, exif=exif))
    assert opened.shape == (2560, 1920)
    assert opened.size == (1200, 900)


def test_a_restoration_is_of_the_whole_file(write, damaged):
    opened = open_session(write(damaged, "name.with dots.bmp"))
    before, after = restore_session(Painter(), opened, hole(), False, threading.Event())
    assert np.array_equal(to_luma(before), damaged)
    assert (after[HOLE] == 255).all()
    assert np.array_equal(to_luma(after)[~hole()], damaged[~hole()])
    assert opened.download_name == "name.with dots-restored.png"


@pytest.mark.parametrize("kept", [True, False])
def test_a_photograph_in_color_keeps_its_color_on_request(write, photo, kept):
    opened = open_session(write(photo))
    mask = np.zeros(photo.shape[:2], bool)
    mask[HOLE] = True
    before, after = restore_session(Painter(), opened, mask, kept, threading.Event())
    expected = photo if kept else np.repeat(to_luma(photo)[..., None], 3, axis=2)
    assert np.array_equal(before, expected)
    assert np.array_equal(after[~mask], expected[~mask])


@pytest.mark.usefixtures("finder")
def test_strokes_stay_on_top_whatever_the_sensitivity(write, damaged):
    opened = look_again(open_session(write(damaged)), "lines", threading.Event())
    strokes = (
        Stroke(tool="brush", size=4, points=((80, 80), (90, 80))),
        Stroke(tool="eraser", size=6, points=((0, 10), (127, 10))),
    )
    masks = [
        corrected_mask(opened, FILLED, each, corrections(opened, *strokes)) for each in (0, 0.5, 1)
    ]
    assert all(mask[80, 80:90].all() and not mask[8:12].any() for mask in masks)
    assert [bool(mask[60, 100]) for mask in masks] == [False, True, True]


def test_strokes_of_another_photograph_are_refused(write, damaged):
    first, second = open_session(write(damaged)), open_session(write(damaged))
    with pytest.raises(UserError, match="shows another photograph, choose this one again"):
        corrected_mask(first, FILLED, 0.5, corrections(second))


def test_a_mask_that_hides_everything_is_refused(write, damaged):
    opened = open_session(write(damaged))
    everywhere = Stroke(tool="brush", size=400, points=((60, 50),))
    with pytest.raises(UserError, match="Everything is marked as damaged"):
        corrected_mask(opened, FILLED, 0.5, corrections(opened, everywhere))


def test_a_restoration_that_nobody_wants_is_not_begun(write, damaged):
    opened = open_session(write(damaged))
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(KeyboardInterrupt):
        restore_session(Painter(), opened, hole(), False, stopped)


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
    opened = open_session(write(damaged))
    opened.file.unlink()
    with pytest.raises(UserError, match=r"^old\.png: is missing$"):
        restore_session(Painter(), opened, hole(), False, threading.Event())


def test_the_name_of_a_download_comes_from_the_file(write, damaged):
    assert open_session(write(damaged, "옛 사진.jpeg")).download_name == "옛 사진-restored.png"
