import numpy as np
import pytest

from rechroma.imaging.grid import GAP, LINE, PAPER, SIDE, StripRow, grid, sheet, strip

TOP = LINE + GAP


@pytest.fixture
def wide():
    """`(100, SIDE, 3)` uint8: already as wide as a column, so that it is not resized."""
    return np.random.default_rng(0).integers(0, 256, (100, SIDE, 3)).astype(np.uint8)


def cell(sheet, column, top, height=100):
    left = GAP + column * (SIDE + GAP)
    return sheet[top : top + height, left : left + SIDE]


def inked(area):
    return bool((area != PAPER).any())


def test_a_strip_shows_damaged_restored_and_target_side_by_side(wide):
    gray = wide[..., 0]
    sheet = strip([StripRow(gray, wide, 255 - wide)])
    assert sheet.dtype == np.uint8
    assert sheet.shape == (TOP + 100 + GAP, GAP + 3 * (SIDE + GAP), 3)
    for column, shown in enumerate((np.dstack([gray] * 3), wide, 255 - wide)):
        assert np.array_equal(cell(sheet, column, TOP), shown)


def test_rows_are_below_each_other_with_their_captions(wide):
    rows = [StripRow(wide[..., 0], wide, wide, caption) for caption in ("first", "", "third")]
    sheet = strip(rows)
    tops = [TOP, TOP + 100 + GAP + LINE, TOP + 2 * (100 + GAP) + LINE]
    assert sheet.shape[0] == TOP + 3 * (100 + GAP) + 2 * LINE
    assert all(np.array_equal(cell(sheet, 1, top), wide) for top in tops)
    assert inked(sheet[tops[0] + 100 : tops[1]])
    assert not inked(sheet[tops[1] + 100 : tops[2]])
    assert inked(sheet[tops[2] + 100 :])


def test_each_heading_is_over_its_column(wide):
    sheet = grid([[wide, wide]], ["left", ""], [""])
    assert inked(cell(sheet, 0, 0, TOP))
    assert not inked(cell(sheet, 1, 0, TOP))


@pytest.mark.parametrize(("shape", "height"), [((10, 40), 64), ((400, 512), 200), ((1, 1000), 1)])
def test_pictures_keep_their_proportions(shape, height):
    sheet = grid([[np.zeros(shape, np.uint8)]], [""], [""])
    assert sheet.shape == (TOP + height + GAP, SIDE + 2 * GAP, 3)
    assert (cell(sheet, 0, TOP, height) == 0).all()


def test_as_many_captions_as_rows_are_expected(wide):
    with pytest.raises(ValueError, match="shorter"):
        grid([[wide], [wide]], ["one"], [""])


def test_a_sheet_goes_on_in_a_new_row(wide):
    one = sheet({str(number): wide for number in range(3)}, columns=3)
    two = sheet({str(number): wide for number in range(4)}, columns=3)
    assert one.shape[1] == two.shape[1] == 3 * SIDE + 4 * GAP
    assert two.shape[0] - GAP == 2 * (one.shape[0] - GAP)
