"""What tints a print without hiding it: blotches, water stains, tape, fingerprints."""

import cv2
import numpy as np

from rechroma.imaging.print_damage.kinds import Brush, Drawn
from rechroma.imaging.print_damage.lines import somewhere
from rechroma.imaging.print_damage.noise import fractal_noise, smooth_noise
from rechroma.imaging.print_damage.paint import blend
from rechroma.imaging.print_damage.spots import blob_depth
from rechroma.imaging.print_damage.strokes import Patch, fill
from rechroma.imaging.types import Plane

MIDDLE = 128.0


def draw_blotch(plane: Plane, brush: Brush) -> Drawn:
    """A cloudy, paler or darker place without a rim; in some cases a bleached corner."""
    height, width = plane.shape
    x, y = somewhere(plane, brush).tolist()
    radius = brush.length(15, 120)
    if brush.chance(0.3):  # in a corner
        x, y = width * round(x / width), height * round(y / height)
    found = blob_depth(plane.shape, (x, y), radius, brush, ragged=0.75)
    if found is None:
        return Drawn(plane, plane)
    soft = radius * brush.between(0.15, 0.9)
    clouds = 1 + 0.5 * fractal_noise(found.coverage.shape, radius / 2, brush.generator)
    amount = np.clip(found.coverage / soft + 0.3, 0, 1) * clouds * brush.stronger(0.18, 0.75)
    after = plane.copy()
    level = brush.between(170, 245) if brush.chance(0.65) else brush.between(20, 90)
    blend(after, Patch(found.box, np.clip(amount, 0, 1)), level)
    return Drawn(plane, after)


def draw_water_stain(plane: Plane, brush: Brush) -> Drawn:
    """The trace of a drop: a tint with a rim, sharp outside and soft inside; or a few nested."""
    x, y = somewhere(plane, brush).tolist()
    radius, after = brush.length(15, 190), plane.copy()
    darker = -1 if brush.chance(0.7) else 1
    for _ in range(brush.count(1, 3)):
        found = blob_depth(plane.shape, (x, y), radius, brush, ragged=0.35)
        if found is None:
            break
        wide = max(brush.length(1.5, 14), 0.8)
        depth = found.coverage
        rim = np.exp(-np.abs(depth) / np.where(depth < 0, 0.35 * wide, wide).astype(np.float32))
        rim *= np.clip(0.8 + 0.5 * smooth_noise(depth.shape, radius / 2, brush.generator), 0, 1.5)
        tint = np.clip(depth / wide, 0, 1) * brush.stronger(2, 30)
        after[found.box] += darker * (rim * brush.stronger(12, 70) + tint)
        radius, x = radius * brush.between(0.4, 0.8), x + brush.between(-0.3, 0.3) * radius
    return Drawn(plane, np.clip(after, 0, 255))


def draw_tape(plane: Plane, brush: Brush) -> Drawn:
    """A band of tape, half transparent, that dulls what is under it."""
    generator = brush.generator
    center, angle = somewhere(plane, brush), brush.between(0, np.pi)
    half = (brush.length(40, 260), brush.length(9, 32))  # px
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    ends = _cut(brush.chance(0.4), generator)
    outline = center + ends[:, :1] * half[0] * along + ends[:, 1:] * half[1] * across
    coverage = fill(plane.shape, outline.astype(np.float32))
    dull = np.float32(brush.stronger(0.15, 0.75))
    level = np.float32(brush.between(90, 235))
    texture = fractal_noise(plane.shape, 14 * brush.scale, generator, octaves=3)
    under: Plane = plane + dull * (level + 12 * texture - plane)
    # Its edges hold dirt, or the light.
    inside = cv2.GaussianBlur(coverage, (0, 0), max(1.2 * brush.scale, 0.8))
    edge = 4 * inside * (1 - inside) * coverage
    under += np.float32(brush.between(-40, 25)) * edge
    after: Plane = plane + coverage * (under - plane)
    return Drawn(plane, after, coverage > 0.5)


def _cut(serrated: bool, generator: np.random.Generator) -> Plane:
    """The outline of a band, x and y in [-1, 1], cut off straight or by teeth."""
    if not serrated:
        slant = generator.normal(0, 0.03, 4)
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        return np.array([(x + move, y) for (x, y), move in zip(corners, slant, strict=True)])
    teeth = int(generator.integers(6, 14))
    down = np.linspace(-1, 1, 2 * teeth + 1)
    right = np.stack([1 - 0.04 * (np.arange(2 * teeth + 1) % 2), down], axis=1)
    left = np.stack([-1 + 0.04 * (np.arange(2 * teeth + 1) % 2), down[::-1]], axis=1)
    return np.concatenate([right, left])


def draw_fingerprint(plane: Plane, brush: Brush) -> Drawn:
    """The ridges of a finger, masked with what is between them."""
    generator = brush.generator
    x, y = somewhere(plane, brush).tolist()
    radius = brush.length(18, 50)
    found = blob_depth(plane.shape, (x, y), radius, brush, ragged=0.18)
    if found is None:
        return Drawn(plane, plane)
    depth = found.coverage
    # Rings around a place beside the middle, bent by slow noise.
    rows, columns = found.box
    down = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(y)
    over = np.arange(columns.start, columns.stop, dtype=np.float32)[None] - np.float32(x)
    middle = generator.normal(0, 0.3, 2) * radius
    rings = cv2.magnitude(
        over - np.float32(middle[0]) + 0 * down, 0.7 * (down - np.float32(middle[1])) + 0 * over
    )
    bend = 0.22 * radius * smooth_noise(depth.shape, 1.2 * radius, generator)
    period = max(radius / brush.between(7, 11), 2.5)  # px
    ridges = np.clip(0.5 + 1.2 * np.sin((rings + bend) * np.float32(2 * np.pi / period)), 0, 1)
    worn = np.clip(0.7 + 0.8 * fractal_noise(depth.shape, radius / 2, generator), 0, 1)
    within = np.clip(depth / (0.35 * radius), 0, 1)
    amount = ridges * worn * within * brush.stronger(0.15, 0.6)
    level = brush.between(180, 240) if brush.chance(0.6) else brush.between(20, 90)
    after = plane.copy()
    blend(after, Patch(found.box, amount.astype(np.float32)), level)
    between = np.zeros(plane.shape, dtype=np.uint8)
    between[found.box] = (np.abs(after - plane)[found.box] > 6).astype(np.uint8)
    size = round(period) | 1
    closed = cv2.morphologyEx(between, cv2.MORPH_CLOSE, np.ones((size, size), dtype=np.uint8))
    return Drawn(plane, after, closed.astype(bool))
