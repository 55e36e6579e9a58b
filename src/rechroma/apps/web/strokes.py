"""Strokes of brush and eraser, as the browser draws them over a reduced photograph."""

from typing import Annotated, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rechroma.errors import UserError
from rechroma.imaging.types import Mask

MOST_STROKES, MOST_POINTS = 5_000, 20_000  # of one photograph, of one stroke
FRACTION = 4  # bits below a px at which OpenCV draws

Coordinate = Annotated[float, Field(ge=-10_000, le=10_000, allow_inf_nan=False)]


class PreviewSize(NamedTuple):
    """The size at which the browser shows a photograph, px."""

    height: int
    width: int

    @classmethod
    def of(cls, shape: tuple[int, ...], longest: int) -> "PreviewSize":
        """The size for an `(H, W, …)` photograph, its longer side at most `longest` px.

        >>> PreviewSize.of((3000, 4000), 1200)
        PreviewSize(height=900, width=1200)
        """
        factor = min(1.0, longest / max(shape[:2]))
        return cls(*(max(1, round(side * factor)) for side in shape[:2]))

    def reduce_maximum(self, plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An `(H, W)` uint8 plane at this size, the largest of the values below each pixel.

        >>> PreviewSize(1, 2).reduce_maximum(np.array([[0, 9, 3, 1]], np.uint8)).tolist()
        [[9, 3]]
        """
        first = [-(-np.arange(n) * of // n) for n, of in zip(self, plane.shape, strict=True)]
        rows = np.maximum.reduceat(plane, first[0], axis=0)
        reduced: NDArray[np.uint8] = np.maximum.reduceat(rows, first[1], axis=1)
        return reduced


class Stroke(BaseModel):
    """One stroke over the reduced photograph.

    Attributes:
        tool: the brush marks damage, the eraser what is sound.
        size: width of the stroke, px of the reduced photograph.
        points: x and y, px of the reduced photograph.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: Literal["brush", "eraser"]
    size: Annotated[float, Field(gt=0, le=1000)]
    points: Annotated[
        tuple[tuple[Coordinate, Coordinate], ...], Field(min_length=1, max_length=MOST_POINTS)
    ]


class Corrections(BaseModel):
    """What a person corrected of the mask of one photograph.

    Attributes:
        photo: names the photograph, `MaskSession.name`.
        strokes: in the order in which they were drawn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    photo: str
    strokes: Annotated[tuple[Stroke, ...], Field(max_length=MOST_STROKES)] = ()


def read_corrections(text: str | None) -> Corrections:
    """The corrections in the JSON that the browser sends.

    Raises:
        UserError: it is something else.

    >>> read_corrections('{"photo": "7f", "strokes": []}')
    Corrections(photo='7f', strokes=())
    """
    try:
        return Corrections.model_validate_json(text or "")
    except ValidationError:
        raise UserError("The corrections cannot be read, choose the photograph again.") from None


def draw_strokes(mask: Mask, strokes: tuple[Stroke, ...], size: PreviewSize) -> Mask:
    """A mask with strokes drawn over it, in their order.

    Args:
        mask: `(H, W)` bool, of the photograph at full size.
        strokes: over the photograph at `size`.
        size: of the reduced photograph.

    >>> stroke = Stroke(tool="brush", size=1, points=((2.5, 0.5), (5.5, 0.5)))
    >>> draw_strokes(np.zeros((1, 8), bool), (stroke,), PreviewSize(1, 8))[0].astype(int).tolist()
    [0, 0, 1, 1, 1, 1, 0, 0]
    """
    levels = mask.astype(np.uint8)
    scale = np.divide(mask.shape, size)[::-1]  # of x and y
    for stroke in strokes:
        color = int(stroke.tool == "brush")
        # OpenCV counts from the middle of the first pixel, the browser from its edge.
        # Of a single point it draws nothing, so the first one is there twice.
        path = np.array([stroke.points[0], *stroke.points])
        points = np.rint((path * scale - 0.5) * 2**FRACTION).astype(np.int32)
        width = max(1, round(stroke.size * float(scale.mean())))
        cv2.polylines(levels, [points[:, None]], False, color, width, shift=FRACTION)
    return levels.view(bool)
