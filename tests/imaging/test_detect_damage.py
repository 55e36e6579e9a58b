from collections.abc import Callable

import cv2
import numpy as np
import pytest
from drawn_damage import PHOTOS, drawings, overlap
from skimage import data

from rechroma.imaging.detect_damage import find_damage, inspect_damage
from rechroma.imaging.draw_damage import KINDS, draw_damage
from rechroma.settings import Damage

MakeDamage = Callable[..., Damage]

NAMES = ("astronaut", "chelsea", "coffee")
SOUND = {name: PHOTOS[name] for name in NAMES} | {"camera": data.camera()}
SQUARE = np.s_[100:200, 150:270]


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


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("material", MATERIALS)
def test_undamaged_photographs_stay_whole(material: str, name: str) -> None:
    assert not find_damage(MATERIALS[material](SOUND[name])).any()


@pytest.mark.parametrize("slope", [0.1, 0.5, 2.0])
def test_gradients_are_no_damage(slope: float) -> None:
    ramp = np.clip(np.arange(300) * slope, 0, 255).astype(np.uint8)
    assert not find_damage(np.tile(ramp, (200, 1))).any()


@pytest.mark.parametrize("level", [0, 10, 20])
@pytest.mark.parametrize("kind", KINDS)
def test_dark_damage_is_found_in_a_dark_photograph(
    kind: str, level: int, make_damage: MakeDamage
) -> None:
    settings = make_damage(only=kind, level=[level, level])
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
    damaged = SOUND["camera"].copy()
    damaged[SQUARE] = 77
    damaged.setflags(write=False)
    assert find_damage(damaged)[SQUARE].all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_drawn_damage_is_found(name: str, kind: str, make_damage: MakeDamage) -> None:
    drawn = drawings(PHOTOS[name], make_damage(only=kind), 12)
    found = [overlap(find_damage(damaged), mask) for damaged, mask in drawn]
    assert np.mean(found) > 0.99
    assert min(found) > 0.95


def test_damage_of_nearly_the_gray_of_a_night_sky_is_found(make_damage: MakeDamage) -> None:
    drawn = drawings(PHOTOS["rocket"], make_damage(only="circle", level=[35, 65]), 20)
    found = [overlap(find_damage(damaged), mask) for damaged, mask in drawn]
    assert np.mean(found) > 0.9
    assert min(found) > 0.7


@pytest.mark.parametrize("side", [64, 128])
def test_damage_is_found_in_small_photos(side: int, make_damage: MakeDamage) -> None:
    gray = cv2.resize(PHOTOS["chelsea"], (side, side), interpolation=cv2.INTER_AREA)
    drawn = drawings(gray, make_damage(only="circle"))
    assert np.mean([overlap(find_damage(damaged), mask) for damaged, mask in drawn]) > 0.98


def test_several_holes_of_several_grays_are_found() -> None:
    damaged, mask = PHOTOS["chelsea"].copy(), np.zeros(PHOTOS["chelsea"].shape, dtype=bool)
    for number, gray in enumerate((0, 64, 128, 200, 255)):
        box = np.s_[20 + 50 * number : 60 + 50 * number, 30 + 80 * number : 90 + 80 * number]
        damaged[box], mask[box] = gray, True
    assert overlap(find_damage(damaged), mask) > 0.99


def test_thin_ends_of_a_polygon_belong_to_it() -> None:
    shape = np.zeros((512, 512), dtype=np.uint8)
    cv2.fillPoly(shape, [np.array([[20, 400], [500, 30], [200, 480], [300, 300]])], 1)
    damaged = np.where(shape == 1, 33, PHOTOS["astronaut"]).astype(np.uint8)
    assert overlap(find_damage(damaged), shape.astype(bool)) > 0.995


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("side", [64, 128, 256])
def test_no_damage_is_found_in_sound_photos(name: str, side: int) -> None:
    small = cv2.resize(PHOTOS[name], (side, side), interpolation=cv2.INTER_AREA)
    assert not find_damage(small).any()
    assert not find_damage(PHOTOS[name]).any()


@pytest.mark.parametrize("light", [-400, 400])
def test_clipped_light_and_shadow_are_no_damage(light: int) -> None:
    rows, columns = np.mgrid[:200, :300]
    bell = light * np.exp(-((rows - 90) ** 2 + (columns - 140) ** 2) / 5000)
    clipped = np.clip(128 + bell, 0, 255).astype(np.uint8)
    assert (clipped == np.clip(light, 0, 255)).mean() > 0.05
    assert not find_damage(clipped).any()


@pytest.mark.parametrize("gray", [0, 40, 255])
def test_bars_and_frames_are_no_damage(gray: int) -> None:
    bars, frame = PHOTOS["coffee"].copy(), PHOTOS["coffee"].copy()
    bars[:40] = bars[-40:] = gray
    frame[:20] = frame[-20:] = gray
    frame[:, :20] = frame[:, -20:] = gray
    assert not find_damage(bars).any()
    assert not find_damage(frame).any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 90), (64, 64)])
def test_a_photo_of_one_gray_is_not_damaged(shape: tuple[int, int]) -> None:
    found = find_damage(np.full(shape, 77, dtype=np.uint8))
    assert found.shape == shape
    assert not found.any()


def test_damage_is_found_in_views_that_cannot_be_written(make_damage: MakeDamage) -> None:
    damaged, mask = draw_damage(PHOTOS["coffee"], make_damage(), np.random.default_rng(0))
    view = damaged.T[::-1]
    view.setflags(write=False)
    assert overlap(find_damage(view), mask.T[::-1]) > 0.99


def test_rectangle_at_the_border_is_found_after_jpeg() -> None:
    y, x = np.mgrid[:128, :128]
    gray = (128 + 60 * np.sin(x / 5) * np.cos(y / 7) + (x * y) % 7).astype(np.uint8)
    gray[30:80, :45] = 30
    _, file = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 85])
    mask = find_damage(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE))
    assert mask.sum() == 50 * 45
    assert mask[30:80, :45].all()
