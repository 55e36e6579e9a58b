from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage import data

from rechroma.imaging.detect_damage import find_damage, inspect_damage
from rechroma.imaging.draw_damage import draw_damage
from rechroma.settings import Settings

NAMES = ("astronaut", "chelsea", "coffee")
PHOTOS = {name: cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2GRAY) for name in NAMES}
PHOTOS["camera"] = data.camera()
SQUARE = np.s_[100:200, 150:270]


def overlap(found: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union."""
    return float((found & mask).sum() / (found | mask).sum())


def compressed(gray: np.ndarray, quality: int) -> np.ndarray:
    _, file = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)


def quantized(gray: np.ndarray, levels: int) -> np.ndarray:
    return np.rint(np.rint(gray / 255 * (levels - 1)) * 255 / (levels - 1)).astype(np.uint8)


def framed(gray: np.ndarray, level: int) -> np.ndarray:
    return cv2.copyMakeBorder(gray, 9, 20, 14, 3, cv2.BORDER_CONSTANT, value=level)


def turned(gray: np.ndarray, level: int) -> np.ndarray:
    height, width = gray.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 3, 1)
    return cv2.warpAffine(gray, turn, (width, height), borderValue=level)


def captioned(gray: np.ndarray) -> np.ndarray:
    labeled = gray.copy()
    labeled[20:60, 10:230] = 255
    return cv2.putText(labeled, "Busan, 1953", (18, 50), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2)


def vignetted(gray: np.ndarray) -> np.ndarray:
    y, x = (np.linspace(-1, 1, side) for side in gray.shape)
    return (gray * np.clip((1.1 - np.hypot(y[:, None], x)) * 3, 0, 1)).astype(np.uint8)


def halftoned(gray: np.ndarray) -> np.ndarray:
    y, x = np.indices(gray.shape)
    return np.where(gray > 127 + 120 * np.sin(x) * np.sin(y), 255, 0).astype(np.uint8)


MATERIALS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda gray: gray,
    **{f"JPEG of quality {q}": lambda gray, q=q: compressed(gray, q) for q in (90, 50, 30, 10)},
    **{f"{n} levels": lambda gray, n=n: quantized(gray, n) for n in (64, 32, 16, 8, 2)},
    "contrast": lambda gray: np.clip(gray * 4.0 - 380, 0, 255).astype(np.uint8),
    "black frame": lambda gray: framed(gray, 0),
    "gray frame": lambda gray: framed(gray, 90),
    "black wedges": lambda gray: turned(gray, 0),
    "white wedges": lambda gray: turned(gray, 255),
    "caption": captioned,
    "vignette": vignetted,
    "halftone": halftoned,
    "enlarged": lambda gray: np.repeat(np.repeat(gray, 2, axis=0), 2, axis=1),
    "line art": lambda gray: 255 - cv2.dilate(cv2.Canny(gray, 80, 160), np.ones((2, 2))),
}


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("material", MATERIALS)
def test_undamaged_photographs_stay_whole(material: str, name: str) -> None:
    assert not find_damage(MATERIALS[material](PHOTOS[name])).any()


@pytest.mark.parametrize("slope", [0.1, 0.5, 2.0])
def test_gradients_are_no_damage(slope: float) -> None:
    ramp = np.clip(np.arange(300) * slope, 0, 255).astype(np.uint8)
    assert not find_damage(np.tile(ramp, (200, 1))).any()


@pytest.mark.parametrize("level", [0, 20])
@pytest.mark.parametrize("kind", ["rectangle", "circle", "polygon"])
def test_dark_damage_is_found_in_a_dark_photograph(
    kind: str, level: int, make_settings: Callable[..., Settings]
) -> None:
    weights = {f"damage.{other}": float(other == kind) for other in ("rectangle", "circle")}
    settings = make_settings(
        **weights,
        **{"damage.polygon": float(kind == "polygon"), "damage.level": [level, level]},
    ).damage
    dark = PHOTOS["coffee"] // 2
    for seed in range(4):
        damaged, mask = draw_damage(dark, settings, np.random.default_rng(seed))
        assert overlap(find_damage(damaged), mask) > 0.9


@pytest.mark.parametrize("box", [np.s_[:60, :90], np.s_[100:180, :70], np.s_[-50:, -80:]])
def test_rectangles_at_the_border_and_in_corners_are_found(box: tuple[slice, slice]) -> None:
    damaged, mask = PHOTOS["chelsea"].copy(), np.zeros(PHOTOS["chelsea"].shape, dtype=bool)
    damaged[box], mask[box] = 30, True
    assert overlap(find_damage(damaged), mask) > 0.99


@pytest.mark.parametrize("quality", [70, 85, 95])
@pytest.mark.parametrize("name", NAMES)
def test_a_hole_is_found_in_a_file_that_was_compressed_after_the_damage(
    name: str, quality: int
) -> None:
    damaged, mask = PHOTOS[name].copy(), np.zeros(PHOTOS[name].shape, dtype=bool)
    damaged[SQUARE], mask[SQUARE] = 30, True
    found = inspect_damage(compressed(damaged, quality))
    assert overlap(found.mask, mask) > 0.9
    assert found.kind == "jpeg"
    assert "JPEG" in found.doubt


def test_damage_of_an_exact_file_is_without_doubt() -> None:
    damaged = PHOTOS["astronaut"].copy()
    damaged[SQUARE] = 45
    found = inspect_damage(damaged)
    assert (found.kind, found.doubt, int(found.mask.sum())) == ("exact", "", 100 * 120)


def test_a_large_rectangle_on_the_grid_of_jpeg_blocks_is_found() -> None:
    damaged, mask = PHOTOS["astronaut"].copy(), np.zeros(PHOTOS["astronaut"].shape, dtype=bool)
    damaged[96:200, 160:280], mask[96:200, 160:280] = 7, True
    assert overlap(find_damage(damaged), mask) > 0.99


def test_a_shape_on_a_shape_is_found() -> None:
    damaged = PHOTOS["astronaut"].copy()
    damaged[SQUARE] = 45
    damaged[130:170, 180:240] = 90
    found = find_damage(damaged)
    assert found[SQUARE].all()
    assert found.sum() == 100 * 120


def test_nothing_is_found_where_damage_and_photograph_look_alike() -> None:
    tiles = np.kron(np.random.default_rng(0).integers(20, 240, (8, 8)), np.ones((32, 32)))
    found = inspect_damage(tiles.astype(np.uint8))
    assert not found.mask.any()
    assert found.kind == "none"


def test_a_photograph_that_cannot_be_written_is_read() -> None:
    damaged = PHOTOS["camera"].copy()
    damaged[SQUARE] = 77
    damaged.setflags(write=False)
    assert find_damage(damaged)[SQUARE].all()
