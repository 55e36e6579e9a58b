from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from rechroma import metrics

PHOTOS = {
    "astronaut": data.astronaut()[:200, 100:350],
    "chelsea": data.chelsea()[50:250, 100:301],
    "coffee": data.coffee()[100:333, 200:400],
    "near black": data.coffee()[:120, :90] // 40,
    "near white": 250 + data.chelsea()[:91, :100] // 60,
}

RESTORERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "blurred": lambda photo: cv2.GaussianBlur(photo, (0, 0), 2),
    "gray": lambda photo: cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
    "channels swapped": lambda photo: np.ascontiguousarray(photo[..., ::-1]),
    "inverted": lambda photo: 255 - photo,
    "two levels, one apart": lambda photo: 128 + photo % 2,
    "bright, of small range": lambda photo: 250 + photo % 5,
    "noise": lambda photo: np.random.default_rng(0).integers(0, 256, photo.shape, dtype=np.uint8),
}


def plain(target: np.ndarray, restored: np.ndarray, mask: np.ndarray) -> tuple[float, ...]:
    """The score as the competition's rules write it down."""
    span = int(restored.max()) - int(restored.min())
    whole = structural_similarity(target, restored, channel_axis=-1, data_range=span)
    lost = structural_similarity(target[mask], restored[mask], channel_axis=-1, data_range=span)
    histograms = [
        cv2.normalize(
            cv2.calcHist([cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)], [0], None, [180], [0, 180]), None
        )
        for photo in (target, restored)
    ]
    hue = cv2.compareHist(*histograms, cv2.HISTCMP_CORREL)
    return 0.2 * whole + 0.4 * lost + 0.4 * hue, whole, lost, hue


def hole(target: np.ndarray) -> np.ndarray:
    mask = np.zeros(target.shape[:2], dtype=np.uint8)
    cv2.circle(mask, (40, 45), 25, 1, cv2.FILLED)
    return mask.astype(bool)


@pytest.mark.parametrize("restorer", RESTORERS)
@pytest.mark.parametrize("name", PHOTOS)
def test_every_part_equals_scikit_image_and_opencv(name: str, restorer: str) -> None:
    target, mask = PHOTOS[name], hole(PHOTOS[name])
    restored = RESTORERS[restorer](target)
    expected = plain(target, restored, mask)
    assert metrics.score(target, restored, mask) == pytest.approx(expected, abs=1e-6)


def test_a_perfect_restoration_scores_one(photo: np.ndarray) -> None:
    assert metrics.score(photo, photo, hole(photo)) == pytest.approx((1, 1, 1, 1))


def test_lost_pixels_are_read_in_raster_order(photo: np.ndarray) -> None:
    restored, mask = cv2.GaussianBlur(photo, (0, 0), 3), hole(photo)
    turned = [np.ascontiguousarray(array.swapaxes(0, 1)) for array in (photo, restored, mask)]
    assert metrics.ssim(*turned[:2]) == pytest.approx(metrics.ssim(photo, restored))
    assert abs(metrics.masked_ssim(*turned) - metrics.masked_ssim(photo, restored, mask)) > 1e-4


def test_pixels_outside_the_hole_change_the_masked_part_only_by_their_range(
    photo: np.ndarray,
) -> None:
    mask, restored = hole(photo), cv2.GaussianBlur(photo, (0, 0), 3)
    restored[0, 0], restored[0, 1] = 0, 255
    other = np.where(mask[..., np.newaxis], restored, 255 - restored)
    assert metrics.masked_ssim(photo, other, mask) == metrics.masked_ssim(photo, restored, mask)


def test_views_are_scored_like_their_copies(photo: np.ndarray) -> None:
    mask, restored = hole(photo), 255 - photo
    views = [array[::-1, ::2] for array in (photo, restored, mask)]
    for view in views:
        view.setflags(write=False)
    assert metrics.score(*views) == metrics.score(*(view.copy() for view in views))


def test_a_constant_restoration_scores_zero_where_the_target_varies(photo: np.ndarray) -> None:
    scores = metrics.score(photo, np.full_like(photo, 90), hole(photo))
    assert scores.ssim == pytest.approx(0, abs=1e-6)
    assert scores.masked_ssim == pytest.approx(0, abs=1e-6)
    assert np.isfinite(scores.score)


def test_two_constant_photos_are_compared_by_their_luminance() -> None:
    target, restored = (np.full((20, 20, 3), gray, dtype=np.uint8) for gray in (100, 50))
    assert metrics.ssim(target, restored) == pytest.approx(0.8)
    assert metrics.ssim(target * 0, restored * 0) == 1


@pytest.mark.parametrize("lost", [3, 5])
def test_fewer_lost_pixels_than_the_window_make_one_window(photo: np.ndarray, lost: int) -> None:
    restored = cv2.GaussianBlur(photo, (0, 0), 2)
    mask = np.zeros(photo.shape[:2], dtype=bool)
    mask[50, 40 : 40 + lost] = True
    expected = structural_similarity(
        photo[mask],
        restored[mask],
        channel_axis=-1,
        win_size=lost,
        data_range=int(restored.max()) - int(restored.min()),
    )
    assert metrics.masked_ssim(photo, restored, mask) == pytest.approx(expected, abs=1e-6)


def test_one_lost_pixel_is_compared_by_its_luminance(photo: np.ndarray) -> None:
    mask = np.zeros(photo.shape[:2], dtype=bool)
    mask[7, 9] = True
    black = np.where(mask[..., np.newaxis], 0, photo)
    assert metrics.masked_ssim(photo, photo, mask) == 1
    assert metrics.masked_ssim(photo, black, mask) < 0.01


def test_photos_smaller_than_the_window_make_one_window(photo: np.ndarray) -> None:
    target, restored = photo[:5, :5], photo[5:10, :5]
    expected = structural_similarity(
        target,
        restored,
        channel_axis=-1,
        win_size=5,
        data_range=int(restored.max()) - int(restored.min()),
    )
    assert metrics.ssim(target, restored) == pytest.approx(expected, abs=1e-6)


def test_without_lost_pixels_the_masked_part_is_one(photo: np.ndarray) -> None:
    nothing = np.zeros(photo.shape[:2], dtype=bool)
    assert metrics.masked_ssim(photo, 255 - photo, nothing) == 1


def test_hue_ignores_where_colors_are_and_how_bright(photo: np.ndarray) -> None:
    assert metrics.hue(photo, photo[::-1, ::-1]) == pytest.approx(1)
    assert metrics.hue(photo, np.ascontiguousarray(photo[..., ::-1])) < 0.9


def test_the_mean_is_taken_over_photos() -> None:
    low, high = metrics.Scores(0.1, 0.2, 0.3, 0.4), metrics.Scores(0.3, 0.4, 0.5, 0.6)
    assert metrics.mean_scores([low, high]) == pytest.approx((0.2, 0.3, 0.4, 0.5))


def test_the_mean_of_no_scores_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"at least one photograph\. But got none"):
        metrics.mean_scores([])


def test_invalid_photos_are_an_error(photo: np.ndarray) -> None:
    with pytest.raises(
        ValueError, match=r"`target` and `restored` to have the same shape\. But got"
    ):
        metrics.ssim(photo, photo[1:])
    with pytest.raises(ValueError, match=r"`restored` to be uint8 .* But got float64"):
        metrics.hue(photo, photo / 255)
    with pytest.raises(ValueError, match=r"`target` to be uint8 of shape \(H, W, 3\)\. But got"):
        metrics.ssim(photo[..., 0], photo)
    with pytest.raises(ValueError, match=r"shape \(H, W, 3\)\. But got uint8 of shape \(0, "):
        metrics.ssim(photo[:0], photo[:0])


def test_invalid_masks_are_an_error(photo: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"`mask` to be bool .* But got uint8"):
        metrics.masked_ssim(photo, photo, hole(photo).astype(np.uint8))
    with pytest.raises(ValueError, match=r"`mask` to be bool of shape \(96, 128\)\. But got"):
        metrics.masked_ssim(photo, photo, hole(photo)[1:])
