"""Appearance: how a restored photograph looks beside its target, apart from the official score.

A mean color is safe for a score, and pale or blotchy to the eye. These measures see that: a
distance between features of a network that knows photographs, in the manner of LPIPS (Zhang et al.
2018), the strength of the colors, and how much they vary within one surface.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.color import to_luma
from rechroma.imaging.resize import downscale, fit_shape
from rechroma.imaging.types import Photo

ENCODER = "tf_efficientnet_lite0"
FEATURE_SIZE = 224  # px; photographs are compared at this size, that of the encoder's training
REGION_SIZE = 256  # px; longer side at which regions are found
REGIONS = 120  # of a photograph, about
COMPACTNESS = 0.1  # of regions: how much nearness counts beside gray in [0, 1]
LEAST_CHROMA = 0.5  # of Lab; weaker photographs are gray, and have no spread of colors
TINY = 1e-9  # against division by zero


class Appearance(NamedTuple):
    """How a restored photograph looks beside its target.

    Attributes:
        feature_distance: mean squared distance of unit-length features, 0 for equal pictures.
        colorfulness: ratio of the colorfulness to the target's; 1 is as colorful.
        rainbow: ratio of the spread of colors within surfaces to the target's; above 1, one surface
            has more colors than it should. NaN where either photograph is gray.
    """

    feature_distance: float
    colorfulness: float
    rainbow: float


def missing_encoder() -> str | None:
    """Why appearance cannot be measured here, in one line; None where it can."""
    from rechroma.models.imagenet import missing_weights

    return missing_weights(ENCODER)


class TargetAppearance:
    """Compares restored photographs with their target, whose own measures are taken once.

    Args:
        target: `(H, W, 3)` uint8 RGB.

    Raises:
        UserError: the package with the encoder's weights is not installed.
    """

    def __init__(self, target: Photo):
        self.shape = target.shape
        self.features = unit_features(target)
        self.colorfulness = max(colorfulness(target), TINY)
        self.regions = find_regions(target)
        self.spread = max(color_spread(target, self.regions), TINY)  # NaN where it is gray

    def compare(self, restored: Photo) -> Appearance:
        """How a restored photograph looks beside the target.

        Args:
            restored: `(H, W, 3)` uint8 RGB.

        Raises:
            ValueError: the photographs differ in shape.
        """
        if self.shape != restored.shape:
            raise ValueError(
                f"Expected photographs of one shape. But got {self.shape} and {restored.shape}."
            )
        return Appearance(
            features_distance(self.features, unit_features(restored)),
            colorfulness(restored) / self.colorfulness,
            color_spread(restored, self.regions) / self.spread,
        )


def appearance(target: Photo, restored: Photo) -> Appearance:
    """Compare one restored photograph with its target, as `TargetAppearance`."""
    return TargetAppearance(target).compare(restored)


def feature_distance(target: Photo, restored: Photo) -> float:
    """Mean squared distance of unit-length EfficientNet-Lite0 features, strides 4 to 32.

    At each pixel of a feature map both vectors are scaled to length 1; their squared distance, in
    [0, 4], is averaged over the pixels of each map and over the four maps.

    Args:
        target: `(H, W, 3)` uint8 RGB; both are resized to 224x224 px.
        restored: `(H, W, 3)` uint8 RGB.
    """
    return features_distance(unit_features(target), unit_features(restored))


def features_distance(first: list[NDArray[np.float32]], second: list[NDArray[np.float32]]) -> float:
    """The feature distance of two photographs by their `unit_features`."""
    distances = [
        float(np.square(one - other).sum(axis=0).mean())
        for one, other in zip(first, second, strict=True)
    ]
    return float(np.mean(distances))


def unit_features(photo: Photo) -> list[NDArray[np.float32]]:
    """Feature maps of a photograph, each `(C, h, w)` float32, of length 1 at each pixel."""
    from rechroma.models.imagenet import imagenet_features  # and with it torch

    encode: Callable[[Photo], list[NDArray[np.float32]]] = imagenet_features(ENCODER)
    maps = encode(cv2.resize(photo, (FEATURE_SIZE, FEATURE_SIZE), interpolation=cv2.INTER_AREA))
    return [each / (np.linalg.norm(each, axis=0, keepdims=True) + TINY) for each in maps]


def colorfulness(photo: Photo) -> float:
    """The colorfulness of Hasler and Süsstrunk (2003); 0 for gray, over 80 for vivid photographs.

    Args:
        photo: `(H, W, 3)` uint8 RGB.

    >>> colorfulness(np.full((4, 4, 3), 90, np.uint8))
    0.0
    """
    red, green, blue = photo.reshape(-1, 3).astype(np.float64).T
    opponents = np.stack([red - green, (red + green) / 2 - blue])  # (2, pixels)
    spread = np.hypot(*opponents.std(axis=1))
    return float(spread + 0.3 * np.hypot(*opponents.mean(axis=1)))


def find_regions(photo: Photo) -> NDArray[np.int64]:
    """About 120 regions of a photograph's gray, by SLIC (Achanta et al. 2012).

    Args:
        photo: `(H, W, 3)` uint8 RGB.

    Returns:
        `(h, w)` the number of each pixel's region, of the photograph reduced to 256 px.
    """
    from skimage.segmentation import slic

    gray = to_luma(_reduced(photo)) / 255
    regions: NDArray[np.int64] = slic(
        gray, n_segments=REGIONS, compactness=COMPACTNESS, channel_axis=None, start_label=0
    )
    return regions


def color_spread(photo: Photo, regions: NDArray[np.int64]) -> float:
    """How much colors vary within regions, relative to how strong they are.

    Args:
        photo: `(H, W, 3)` uint8 RGB.
        regions: of `find_regions`, for this photograph or one of the same gray.

    Returns:
        The standard deviation of a and b of Lab within regions, over the mean chroma; NaN where
        that is below 0.5, as in gray photographs.

    >>> blue = np.full((64, 64, 3), (20, 40, 200), np.uint8)
    >>> color_spread(blue, find_regions(blue))
    0.0
    """
    lab = cv2.cvtColor(_reduced(photo).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)  # (h, w, 3)
    opponents = lab[..., 1:].reshape(-1, 2).astype(np.float64)  # (pixels, 2)
    chroma = float(np.hypot(*opponents.T).mean())
    if chroma < LEAST_CHROMA:
        return float("nan")
    # The variance within each region, as mean of squares less square of the mean.
    labels = regions.ravel()
    counts = np.bincount(labels)
    variance = np.zeros(len(counts))
    for plane in (opponents - opponents.mean(axis=0)).T:
        mean = np.bincount(labels, plane) / np.maximum(counts, 1)
        variance += np.bincount(labels, plane**2) / np.maximum(counts, 1) - mean**2
    spread = np.sqrt(np.clip(variance, 0, None))
    return float((spread * counts).sum() / counts.sum() / chroma)


def _reduced(photo: Photo) -> Photo:
    return downscale(photo, *fit_shape(photo.shape, REGION_SIZE))
