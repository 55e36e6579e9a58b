"""Loss terms, and the expression that weighs them: `bce + 100*mse`."""

import ast
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from rechroma.errors import UserError, unknown
from rechroma.networks import Prediction

SSIM_WINDOW = 7  # px, as in the official score
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2


class Comparison(NamedTuple):
    """A batch's predictions beside their truth.

    Attributes:
        prediction: what the network says.
        color: `(N, 3, H, W)` float32 truth in the space of `prediction.color`.
        gray: `(N, 1, H, W)` float32 true luma in [0, 1].
        rgb: `(N, 3, H, W)` float32 predicted RGB.
        true_rgb: `(N, 3, H, W)` float32 RGB in [0, 1].
        mask: `(N, 1, H, W)` float32, 1 where lost.
        weight: `(N, 1, H, W)` float32, how much each pixel counts in mse and l1.
        logits: the discriminator's of the predicted RGB, or None when it is not trained.
    """

    prediction: Prediction
    color: Tensor
    gray: Tensor
    rgb: Tensor
    true_rgb: Tensor
    mask: Tensor
    weight: Tensor
    logits: Tensor | None


def pixel_weight(mask: Tensor, hole_weight: float) -> Tensor:
    """`(N, 1, H, W)`: 1 where known and `hole_weight` where lost, with a mean of 1."""
    weight = 1 + (hole_weight - 1) * mask
    return weight / weight.mean()


def _by_pixel(compared: Comparison, difference: Callable[..., Tensor]) -> Tensor:
    total = (compared.weight * difference(compared.prediction.color, compared.color)).mean()
    if compared.prediction.gray is not None:
        total = (
            total + (compared.weight * difference(compared.prediction.gray, compared.gray)).mean()
        )
    return total


def mse(compared: Comparison) -> Tensor:
    """Mean squared difference of the color, and of the first stage's gray where there is one."""
    return _by_pixel(compared, lambda ours, true: (ours - true).square())


def l1(compared: Comparison) -> Tensor:
    """Mean absolute difference, of the same as `mse`."""
    return _by_pixel(compared, lambda ours, true: (ours - true).abs())


def structural_similarity(first: Tensor, second: Tensor) -> Tensor:
    """Mean SSIM of `(N, C, H, W)` float32 in [0, 1], with scikit-image's uniform 7x7 window.

    Source: Wang et al. 2004; the border that the window does not cover is left out.
    """
    planes = torch.cat([first, second, first * first + second * second, first * second], dim=1)
    channels = planes.shape[1]
    box = first.new_full((channels, 1, 1, SSIM_WINDOW), 1 / SSIM_WINDOW)
    across = functional.conv2d(planes, box, groups=channels)
    means = functional.conv2d(across, box.transpose(2, 3), groups=channels)
    mean_1, mean_2, squares, product = means.chunk(4, dim=1)
    sample = SSIM_WINDOW**2 / (SSIM_WINDOW**2 - 1)
    mean_product, mean_squares = mean_1 * mean_2, mean_1 * mean_1 + mean_2 * mean_2
    covariance = sample * (product - mean_product)
    variances = sample * (squares - mean_squares)
    similar = (2 * mean_product + SSIM_C1) * (2 * covariance + SSIM_C2)
    largest = (mean_squares + SSIM_C1) * (variances + SSIM_C2)
    return (similar / largest).mean()


def ssim(compared: Comparison) -> Tensor:
    """1 - SSIM of the predicted RGB."""
    return 1 - structural_similarity(compared.rgb, compared.true_rgb)


def tv(compared: Comparison) -> Tensor:
    """Total variation of the predicted RGB: mean absolute step between neighbors."""
    down = compared.rgb.diff(dim=-2).abs().mean()
    across = compared.rgb.diff(dim=-1).abs().mean()
    return down + across


def bce(compared: Comparison) -> Tensor:
    """Adversarial: cross-entropy of the discriminator taking the restored photograph for true."""
    if compared.logits is None:
        raise ValueError("Expected the discriminator's logits beside the prediction. But got none.")
    return functional.softplus(-compared.logits).mean()


def segmentation(compared: Comparison) -> Tensor:
    """Cross-entropy plus Dice loss of the segmented damage."""
    if compared.prediction.damage is None:
        raise ValueError("Expected a prediction with segmented damage. But got none.")
    logits, mask = compared.prediction.damage, compared.mask
    overlap = 2 * (logits.sigmoid() * mask).sum() + 1
    dice = 1 - overlap / (logits.sigmoid().sum() + mask.sum() + 1)
    return functional.binary_cross_entropy_with_logits(logits, mask) + dice


TERMS: dict[str, Callable[[Comparison], Tensor]] = {
    "mse": mse,
    "l1": l1,
    "ssim": ssim,
    "tv": tv,
    "bce": bce,
    "segmentation": segmentation,
}


def discriminator_loss(true_logits: Tensor, restored_logits: Tensor) -> Tensor:
    """Cross-entropy of telling `(N, 1, h, w)` logits of true patches from restored ones."""
    return (
        functional.softplus(-true_logits).mean() + functional.softplus(restored_logits).mean()
    ) / 2


def weights(expression: str, segmented: bool = False) -> dict[str, float]:
    """The weight of each term in an expression such as `bce + 100*mse`.

    A network that segments the damage trains it: `segmentation` is added with weight 1 when the
    expression does not name it.

    Raises:
        UserError: a term that does not exist or is repeated, or no sum of numbers times terms.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        raise _no_sum(expression) from None
    found: dict[str, float] = {}
    for name, weight in _summands(tree, expression):
        if name not in TERMS:
            raise unknown("loss: a term", name, TERMS)
        if name in found:
            raise UserError(f"loss is '{expression}': {name} stands there twice")
        found[name] = weight
    if "segmentation" in found and not segmented:
        raise UserError("loss has 'segmentation', which needs model.segmentation: true")
    if segmented:
        found.setdefault("segmentation", 1.0)
    return found


def _summands(tree: ast.expr, expression: str) -> list[tuple[str, float]]:
    match tree:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _summands(left, expression) + _summands(right, expression)
        case (
            ast.BinOp(left=ast.Constant(value=int() | float() as weight), op=ast.Mult(), right=term)
            | ast.BinOp(
                left=term, op=ast.Mult(), right=ast.Constant(value=int() | float() as weight)
            )
        ) if isinstance(term, ast.Name):
            return [(term.id, float(weight))]
        case ast.Name(id=name):
            return [(name, 1.0)]
        case _:
            raise _no_sum(expression)


def _no_sum(expression: str) -> UserError:
    return UserError(
        f"loss is '{expression}', expected a sum like 'bce + 100*mse' or '0.3*l1 + ssim'"
    )
