import json

import numpy as np
import pytest

from rechroma.apps.web.strokes import PreviewSize, Stroke, draw_strokes, read_corrections
from rechroma.errors import UserError


def stroke(tool, size, *points):
    return Stroke(tool=tool, size=size, points=points)


@pytest.mark.parametrize(
    ("shape", "preview"),
    [((3000, 4000), (900, 1200)), ((600, 800), (600, 800)), ((1, 5000), (1, 1200))],
)
def test_a_preview_is_never_larger_than_the_photograph(shape, preview):
    assert PreviewSize.of(shape, 1200) == preview


def test_no_value_is_lost_where_a_plane_is_reduced():
    plane = np.zeros((3001, 4003), np.uint8)
    plane[5, 5], plane[-1, -1] = 7, 200
    reduced = PreviewSize.of(plane.shape, 1200).reduce_maximum(plane)
    assert reduced.shape == (900, 1200)
    assert (reduced[1, 1], reduced[-1, -1]) == (7, 200)
    assert np.count_nonzero(reduced) == 2
    assert np.array_equal(PreviewSize(3001, 4003).reduce_maximum(plane), plane)


def test_a_stroke_is_as_wide_as_it_was_drawn_and_its_ends_are_round():
    size = PreviewSize(90, 120)
    drawn = draw_strokes(
        np.zeros((900, 1200), bool), (stroke("brush", 10, (30, 40), (60, 40)),), size
    )
    rows, columns = np.nonzero(drawn)
    assert (rows.min(), rows.max()) == pytest.approx((350, 449), abs=2)
    assert (columns.min(), columns.max()) == pytest.approx((250, 649), abs=2)
    assert drawn[350:450, 300:600].mean() > 0.98
    assert not drawn[355, 255]


def test_strokes_lie_over_each_other_in_their_order():
    size = PreviewSize(40, 60)
    brush, eraser = (stroke(tool, 8, (30, 20)) for tool in ("brush", "eraser"))
    mask = np.zeros((40, 60), bool)
    assert draw_strokes(mask, (eraser, brush), size)[20, 30]
    assert not draw_strokes(~mask, (brush, eraser), size)[20, 30]
    assert not mask.any()


@pytest.mark.parametrize("x", [-9999, 9999])
def test_strokes_beyond_the_photograph_change_nothing(x):
    mask = np.eye(40, 60, dtype=bool)
    drawn = draw_strokes(mask, (stroke("brush", 30, (x, 20), (x, 30)),), PreviewSize(4, 6))
    assert np.array_equal(drawn, mask)


@pytest.mark.parametrize(
    "change",
    [
        {"tool": "pen"},
        {"size": 0},
        {"size": 1e9},
        {"points": []},
        {"points": [[1]]},
        {"points": [[1e99, 1]]},
        {"points": [["x", 1]]},
        {"more": 1},
    ],
)
def test_corrections_that_no_page_sends_are_one_message(change):
    sent = {"tool": "brush", "size": 3, "points": [[1, 2]]}
    assert read_corrections(json.dumps({"photo": "7f", "strokes": [sent]})).strokes
    with pytest.raises(UserError, match="corrections cannot be read, choose the photograph again"):
        read_corrections(json.dumps({"photo": "7f", "strokes": [sent | change]}))


@pytest.mark.parametrize("text", [None, "", "[]", "{", '{"strokes": []}'])
def test_no_corrections_at_all_are_one_message(text):
    with pytest.raises(UserError, match="corrections cannot be read"):
        read_corrections(text)
