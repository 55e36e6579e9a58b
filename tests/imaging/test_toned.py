import io

import numpy as np
import pytest
from PIL import Image

from rechroma.imaging.toned import find_tone, fit_tint, keeps_color

# RGB of a tint at a middle gray, and its name.
TINTS = [
    ((150, 122, 84), "sepia"),
    ((100, 124, 160), "blue"),
    ((104, 128, 104), "green"),
    ((150, 112, 124), "red"),
    ((134, 116, 152), "purple"),
]


def toned(luma, tint):
    """A gray photograph with a tint that is strongest in the middle grays."""
    share = luma[..., None] / 255
    difference = np.array(tint) - np.dot(tint, [0.299, 0.587, 0.114])
    return np.clip(luma[..., None] + 4 * share * (1 - share) * difference, 0, 255).astype(np.uint8)


def as_jpeg(photo, quality):
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=quality)
    return np.array(Image.open(stream))


@pytest.mark.parametrize(("tint", "name"), TINTS)
def test_a_toned_print_has_the_name_of_its_tint(luma, tint, name):
    assert find_tone(toned(luma, tint)) == name


@pytest.mark.parametrize(("tint", "name"), TINTS)
def test_it_is_recognized_after_fading_and_jpeg(luma, tint, name):
    faded = toned((70 + luma * 0.5).astype(np.uint8), tint)
    assert find_tone(as_jpeg(faded, 75)) == name


def test_a_print_that_yellowed_unevenly_is_toned(luma):
    stronger = np.linspace(0.5, 1.5, luma.shape[1])[None, :, None]
    plain = np.dstack([luma] * 3).astype(float)
    tint = toned(luma, (150, 125, 90)).astype(float) - plain
    assert find_tone(np.clip(plain + stronger * tint, 0, 255).astype(np.uint8)) == "sepia"


def test_a_photograph_in_color_is_not_toned(photo):
    assert find_tone(photo) == "color"


def test_a_red_thing_in_a_gray_photograph_is_color(luma):
    photo = np.dstack([luma] * 3)
    photo[40:60, 50:80, 1:] //= 4
    assert find_tone(photo) == "color"


def test_colors_that_follow_the_gray_through_all_hues_are_color():
    ramp = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    assert find_tone(np.dstack([ramp, 255 - ramp, ramp])) == "color"


def test_a_gray_photograph_has_no_tone(luma):
    assert find_tone(luma) == "gray"
    assert find_tone(np.dstack([luma] * 3)) == "gray"


def test_the_depth_does_not_matter(luma):
    photo = toned(luma, TINTS[0][0])
    deep = photo.astype(np.uint16) * np.uint16(257)
    assert find_tone(deep) == "sepia"
    assert fit_tint(deep).strength == pytest.approx(fit_tint(photo).strength, abs=0.3)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (300, 1, 3), (2, 2, 3)])
def test_the_smallest_photographs_have_a_tone(shape):
    colors = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert isinstance(find_tone(colors), str)


@pytest.mark.parametrize(
    ("color", "kept"),
    [("auto", [False, False, True]), ("keep", [True] * 3), ("replace", [False] * 3)],
)
def test_color_is_kept_by_tone_or_as_asked_for(color, kept):
    assert [keeps_color(tone, color) for tone in ("gray", "sepia", "color")] == kept
