"""Areas of which nothing is left: torn edges and corners, missing pieces, flaked emulsion."""

import cv2
import numpy as np

from rechroma.imaging.print_damage.cracks import jagged, ragged
from rechroma.imaging.print_damage.kinds import Brush, Drawn
from rechroma.imaging.print_damage.lines import somewhere
from rechroma.imaging.print_damage.noise import fractal_noise, smooth_noise
from rechroma.imaging.print_damage.paint import away_by, blend, relief, roughen, shifted
from rechroma.imaging.print_damage.spots import blob
from rechroma.imaging.print_damage.strokes import Points, fill, render
from rechroma.imaging.types import Plane


def draw_tear(plane: Plane, brush: Brush) -> Drawn:
    """A corner, an edge or a wedge that was torn off, with an edge of light paper.

    Behind it is the scanner, white or black, or other paper.
    """
    generator = brush.generator
    # Draw at the upper left, then turn.
    quarters = int(generator.integers(4))
    turned = np.ascontiguousarray(np.rot90(plane, quarters))
    control = _tear_line(turned.shape, brush)
    border = _torn(control, brush.between(0.05, 0.16), generator)
    lost = fill(turned.shape, _closed(border))
    # The paper's edge is wider here and there, and nowhere in places.
    wide = brush.length(1.5, 9)
    inner = border + _inward(border) * (wide * _unevenness(len(border), brush))[:, None]
    paper = np.maximum(fill(turned.shape, _closed(inner)), lost)
    texture = fractal_noise(turned.shape, 5 * brush.scale, generator, octaves=3)
    after = turned.copy()
    if brush.chance(0.5):  # the paper's edge throws a shadow on the print
        shadow = cv2.GaussianBlur(shifted(paper, away_by(brush, 1, 4)), (0, 0), 1.0 + brush.scale)
        after -= brush.stronger(5, 50) * np.maximum(shadow - paper, 0)
    after += paper * (brush.between(205, 250) + 13 * texture - after)
    if brush.chance(0.6):
        after += brush.stronger(10, 50) * relief(paper, away_by(brush, 0.8, 2.0))
    after += lost * (_behind(brush) + brush.between(0, 4) * texture - after)
    covered = paper > 0.5
    # Turn back.
    after, covered = np.rot90(after, -quarters), np.rot90(covered, -quarters)
    return Drawn(plane, np.ascontiguousarray(after), np.ascontiguousarray(covered))


def _behind(brush: Brush) -> float:
    """The gray behind a torn print: the scanner's lid, open or not, or other paper."""
    kind = brush.generator.random()
    if kind < 0.45:
        return brush.between(225, 255)
    return brush.between(0, 30) if kind < 0.8 else brush.between(120, 225)


def _tear_line(shape: tuple[int, ...], brush: Brush) -> Points:
    """Corners of the line along which the upper or left side is torn off: from left to right."""
    height, width = shape
    shorter = min(shape)
    kind = brush.generator.random()
    if kind < 0.45:  # a corner
        across, down = shorter * np.array([brush.stronger(0.05, 0.5), brush.stronger(0.05, 0.5)])
        middle = np.array([across, down]) * brush.between(0.4, 0.75)
        line = [(-2 - 0.02 * shorter, down), middle, (across, -2 - 0.02 * shorter)]
    elif kind < 0.7:  # an edge
        deep = brush.stronger(0.02, 0.22) * height
        slope = brush.between(-0.6, 0.6) * deep
        places = np.linspace(-0.05, 1.05, 4) * width
        line = [(x, deep * brush.between(0.5, 1.4) + slope * x / width) for x in places]
    else:  # a wedge
        x, half = brush.between(0, 1) * width, brush.stronger(0.02, 0.3) * shorter
        tip = (x + brush.between(-1.5, 1.5) * half, brush.stronger(0.08, 0.6) * height)
        line = [(x - half, -4.0), tip, (x + half * brush.between(0.3, 1), -4.0)]
    return np.array(line, dtype=np.float32)


def _closed(border: Points) -> Points:
    """The polygon between a border, from left to right, and the outside at the upper left."""
    far = np.float32(-20)
    first, last = border[0], border[-1]
    outside = [(last[0], far), (min(far, first[0]), far), (min(far, first[0]), first[1])]
    return np.concatenate([border, np.array(outside, dtype=np.float32)])


def _torn(line: Points, rough: float, generator: np.random.Generator) -> Points:
    """A line whose middles are moved aside again and again, until they are 2 px apart."""
    while len(line) < 2000:
        gaps = np.diff(line, axis=0)
        if np.abs(gaps).max() < 2:
            break
        sides = np.stack([-gaps[:, 1], gaps[:, 0]], axis=1)
        moved = sides * (rough * generator.standard_normal((len(gaps), 1)))
        finer = np.empty((2 * len(line) - 1, 2), dtype=np.float32)
        finer[::2], finer[1::2] = line, line[:-1] + gaps / 2 + moved
        line = finer
    return line


def _inward(border: Points) -> Points:
    """For each point of a border the direction into the print, of length 1."""
    ways = np.gradient(border, axis=0)
    sides = np.stack([-ways[:, 1], ways[:, 0]], axis=1)
    inward: Points = sides / np.maximum(np.hypot(sides[:, :1], sides[:, 1:]), 1e-3)
    return inward


def _unevenness(points: int, brush: Brush) -> Plane:
    slow = smooth_noise((1, points), points / 5, brush.generator)[0]
    fast = smooth_noise((1, points), 3, brush.generator)[0]
    wide: Plane = np.maximum(0.8 + 0.9 * slow + 0.25 * fast, 0)
    return wide


def draw_missing(plane: Plane, brush: Brush) -> Drawn:
    """Missing pieces: clouds of flakes, a single piece or a strip that came off; paper shows."""
    pieces = (_flakes, _flakes, _piece, _peeled, _peeled)
    coverage = pieces[brush.generator.integers(len(pieces))](plane, brush)
    light = brush.chance(0.87)
    level = brush.between(185, 250) if light else brush.between(5, 70)
    texture = fractal_noise(plane.shape, 6 * brush.scale, brush.generator, octaves=3)
    after = plane.copy()
    if brush.chance(0.6):  # what is left of the emulsion curls up
        after += brush.stronger(5, 70) * relief(coverage, away_by(brush, 0.8, 3.0))
    after += coverage * (level + brush.between(2, 16) * texture - after)
    return Drawn(plane, after, coverage > 0.5)


def _flakes(plane: Plane, brush: Brush) -> Plane:
    height, width = plane.shape
    x, y = somewhere(plane, brush)
    reach, long = brush.length(15, 50 + 130 * brush.strength), brush.between(1, 3)
    angle = brush.between(0, np.pi)
    noise = fractal_noise((height, width), brush.length(5, 45), brush.generator, 5, 0.7)
    columns = (np.arange(width, dtype=np.float32)[None] - x) / np.float32(reach)
    rows = (np.arange(height, dtype=np.float32)[:, None] - y) / np.float32(reach)
    along = (columns * np.float32(np.cos(angle)) + rows * np.float32(np.sin(angle))) / long
    across = rows * np.float32(np.cos(angle)) - columns * np.float32(np.sin(angle))
    inside = 1 + 1.6 * noise - 1.3 * cv2.magnitude(along, across)
    sharp = brush.between(3, 7) * np.sqrt(max(brush.scale, 0.5))
    coverage: Plane = np.clip(sharp * (inside - brush.between(0.4, 1.2)) + 0.5, 0, 1)
    return coverage


def _piece(plane: Plane, brush: Brush) -> Plane:
    x, y = somewhere(plane, brush)
    coverage = np.zeros(plane.shape, dtype=np.float32)
    radius = brush.length(6, 15 + 60 * brush.strength)
    patch = blob(plane.shape, (float(x), float(y)), radius, brush, ragged=brush.between(0.3, 0.7))
    if patch is not None:
        blend(coverage, patch, 1.0)
    return coverage


def _peeled(plane: Plane, brush: Brush) -> Plane:
    """A strip where the surface was pulled off, from a side of the picture inward."""
    generator = brush.generator
    height, width = plane.shape
    quarter = int(generator.integers(4))
    sides = ((-2, None), (None, -2), (width + 2, None), (None, height + 2))  # x, y in px
    x, y = sides[quarter]
    start = (
        brush.between(0, width) if x is None else float(x),
        brush.between(0, height) if y is None else float(y),
    )
    angle = float(np.pi / 2 * quarter + generator.normal(0, 0.25))
    path = jagged(start, angle, brush.length(40, 260), 0.12, brush)
    thickness = brush.length(2, 5 + 14 * brush.strength)
    strip = ragged(path, thickness, 1.5, brush, spread=0.6)
    strip.widths[:] *= np.linspace(1, 0.15, len(path))
    coverage = np.zeros(plane.shape, dtype=np.float32)
    patch = render(plane.shape, [strip], margin=4)
    if patch is not None:
        roughen(patch, brush)
        blend(coverage, patch, 1.0)
    return coverage
