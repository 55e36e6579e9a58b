"""What photographs and prints show that looks like damage and is none.

A network that never saw them takes captions for scratches, ropes for cracks and the white border
of a print for a missing piece.
"""

import string

import cv2
import numpy as np

from rechroma.imaging.types import Luma

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
CHARACTERS = np.array(list(string.ascii_letters + string.digits + "  .,-'"))


def add_distractors(luma: Luma, generator: np.random.Generator) -> Luma:
    """A photograph with one kind of what is no damage: `(H, W)` uint8 to the same, a copy.

    Args:
        luma: `(H, W)` uint8.
        generator: the only source of randomness.
    """
    drawn = luma.copy()
    kinds = (_caption, _border, _wires, _border)
    kinds[generator.integers(len(kinds))](drawn, generator)
    return drawn


def _caption(luma: Luma, generator: np.random.Generator) -> None:
    """A line of text of any size, as signs, captions and watermarks have it."""
    height, width = luma.shape
    text = "".join(generator.choice(CHARACTERS, generator.integers(3, 25)))
    origin = (int(generator.uniform(-0.2, 0.7) * width), int(generator.uniform(0.05, 1) * height))
    scale = float(np.exp(generator.uniform(np.log(0.35), np.log(2.0))))
    font = FONTS[generator.integers(len(FONTS))]
    thick = int(generator.integers(1, 1 + max(1, round(2 * scale)) + 1))
    level = int(generator.choice([generator.integers(0, 70), generator.integers(180, 256)]))
    layer = luma.copy()
    cv2.putText(layer, text, origin, font, scale, level, thick, cv2.LINE_AA)
    share = generator.uniform(0.5, 1)
    luma[:] = cv2.addWeighted(layer, share, luma, 1 - share, 0)


def _border(luma: Luma, generator: np.random.Generator) -> None:
    """Straight borders of a print or a mount, on one side or more, some with a thin line."""
    height, width = luma.shape
    level = int(generator.choice([generator.integers(0, 40), generator.integers(170, 256)]))
    line = int(generator.integers(0, 256)) if generator.random() < 0.3 else None
    wide = generator.uniform(0.02, 0.25)
    sides = generator.random(4) < generator.choice([0.35, 0.9])
    for side in np.flatnonzero(sides):
        turned = np.rot90(luma, int(side))  # a view: the border is drawn on its upper side
        rows = max(2, int(wide * generator.uniform(0.7, 1.3) * min(height, width)))
        turned[:rows] = level
        if line is not None and rows > 8:
            turned[rows - 4 : rows - 2] = line


def _wires(luma: Luma, generator: np.random.Generator) -> None:
    """Parallel or fanned ropes, wires, rails and fences: even, sharp, of one width."""
    height, width = luma.shape
    size = max(height, width)
    angle, fan = generator.uniform(0, np.pi), generator.normal(0, 0.06)
    gap = generator.uniform(6, 50)
    level = int(generator.choice([generator.integers(10, 80), generator.integers(150, 230)]))
    thick = int(generator.integers(1, 4))
    middle = generator.uniform(0.2, 0.8, 2) * (width, height)
    layer = luma.copy()
    count = int(generator.integers(3, 14))
    for number in range(count):
        turned = angle + fan * number
        along = size * np.array([np.cos(turned), np.sin(turned)])
        across = gap * (number - count / 2) * np.array([-np.sin(angle), np.cos(angle)])
        ends = (middle + across - along, middle + across + along)
        start, end = (tuple(np.rint(point).astype(int).tolist()) for point in ends)
        cv2.line(layer, start, end, level, thick, cv2.LINE_AA)
    share = generator.uniform(0.6, 1)
    # Through a part of the photograph alone, as in front of a house.
    if generator.random() < 0.5:
        end_column = int(generator.uniform(0.4, 1) * width)
        layer[:, end_column:] = luma[:, end_column:]
    luma[:] = cv2.addWeighted(layer, share, luma, 1 - share, 0)
