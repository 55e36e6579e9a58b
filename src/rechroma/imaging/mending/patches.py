"""What small patches of photographs look like: smooth, or with an edge or a line in some direction.

Each model is a Gaussian with mean 0 over the gray of a patch, as in Yu, Sapiro and Mallat, Solving
inverse problems with piecewise linear estimators, 2012. Nothing is learned: the covariances are
those of drawn edges.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIDE = 8  # px of a patch
DIRECTIONS = 12
BLURS = (0.5, 1.2)  # px, of edges
SMOOTH = (0.7, 2.0, 6.0, 18.0)  # deviations of smooth patches, levels
STEEP = (6.0, 20.0, 60.0)  # and of those with an edge
ROUGH = 0.02  # share of smooth variation in a patch with an edge
FLOOR = 0.5  # variance of a pixel for itself, levels squared: rounding and fine texture
MEAN = 500.0  # variance of the mean of a patch, which its known pixels tell roughly
NOISES = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0)  # levels for which models are computed
RANK = 16  # directions of a patch that tell the models apart


class PatchModels(NamedTuple):
    """Models of patches with noise, K of them, D = `SIDE`² px.

    Attributes:
        precisions: `(K, D, D)` float32, inverse covariances.
        factors: `(D, K * RANK)` float32. What a patch x costs under model k is, up to a constant
            times |x|², `offsets[k]` less the sum of its squared products with the factors of k.
        flats: `(K,)` float32, that constant.
        offsets: `(K,)` float32.
    """

    precisions: NDArray[np.float32]
    factors: NDArray[np.float32]
    flats: NDArray[np.float32]
    offsets: NDArray[np.float32]

    def choose(self, patches: NDArray[np.float32]) -> NDArray[np.intp]:
        """The likeliest model of each patch: `(N, D)` of mean 0 give `(N,)`."""
        products = (patches @ self.factors).reshape(len(patches), len(self.flats), RANK)
        squares = np.einsum("nkr,nkr->nk", products, products)
        energy = (patches**2).sum(axis=1, keepdims=True)
        likeliest: NDArray[np.intp] = np.argmin(
            energy * self.flats - squares + self.offsets, axis=1
        )
        return likeliest


def patch_models(noise: float) -> PatchModels:
    """The models for a photograph with noise of this deviation, in levels.

    >>> patch_models(2.3).precisions.shape
    (76, 64, 64)
    """
    return _models(min(NOISES, key=lambda each: abs(np.log(each / max(noise, 0.1)))))


@lru_cache(maxsize=len(NOISES))
def _models(noise: float) -> PatchModels:
    covariances, shares = _covariances()
    pixels = covariances.shape[1]
    noisy = covariances + (FLOOR + noise**2) * np.eye(pixels) + MEAN
    values, vectors = np.linalg.eigh(noisy)  # ascending
    precisions = np.einsum("kij,kj,klj->kil", vectors, 1 / values, vectors)
    # The cost x' P x + log det of a patch x, from the directions of the largest variances.
    flats = 1 / values[:, 0]
    heights = np.sqrt(flats[:, None] - 1 / values[:, -RANK:])
    factors = (vectors[:, :, -RANK:] * heights[:, None]).transpose(1, 0, 2).reshape(pixels, -1)
    offsets = np.log(values).sum(axis=1) - 2 * np.log(shares)
    return PatchModels(*(each.astype(np.float32) for each in (precisions, factors, flats, offsets)))


def _covariances() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`(K, D, D)` covariances without noise, and `(K,)` how frequent each model is."""
    places = np.arange(SIDE) - (SIDE - 1) / 2
    x, y = (each.ravel() for each in np.meshgrid(places, places))
    # Smooth: the difference of two pixels grows with their distance.
    smooth = -(np.hypot(x[:, None] - x, y[:, None] - y) ** 1.4)
    smooth = _unit(smooth - smooth.mean(axis=0) - smooth.mean(axis=1)[:, None] + smooth.mean())
    covariances, shares = [each**2 * smooth for each in SMOOTH], [2.0] * len(SMOOTH)
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
        for blur in BLURS:
            edges = _unit(_edges(x, y, angle, blur))
            for steep in STEEP:
                covariances.append(steep**2 * ((1 - ROUGH) * edges + ROUGH * smooth))
                shares.append(1 / len(STEEP))
    return np.array(covariances), np.array(shares) / sum(shares)


def _edges(
    x: NDArray[np.float64], y: NDArray[np.float64], angle: float, blur: float
) -> NDArray[np.float64]:
    """`(D, D)`: edges and lines about this direction, at all places of a patch."""
    drawn = []
    for turn in np.linspace(-0.5, 0.5, 5) * np.pi / DIRECTIONS:
        across = x * np.cos(angle + turn) + y * np.sin(angle + turn)
        drawn += [np.tanh((across - place) / blur) for place in np.arange(-6, 6.1, 0.5)]
        drawn += [
            0.7 * np.exp(-(((across - place) / (blur + 0.7)) ** 2) / 2)
            for place in np.arange(-5, 5.1, 0.5)
        ]
    centered = np.array([each - each.mean() for each in drawn])
    covariance: NDArray[np.float64] = centered.T @ centered
    return covariance


def _unit(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scaled to a mean variance of 1."""
    scaled: NDArray[np.float64] = covariance * len(covariance) / np.trace(covariance)
    return scaled
