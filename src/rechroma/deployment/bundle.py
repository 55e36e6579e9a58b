"""The bundled models: trained ones inside the package, for the first photographs."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

from rechroma.deployment.bundled_finder import keep_finder
from rechroma.errors import UserError
from rechroma.imaging.types import Luma, Mask
from rechroma.models.card import ONNX, WEIGHTS
from rechroma.models.weights import EYE_FOLDER
from rechroma.outputs import whole_folder

if TYPE_CHECKING:
    from rechroma.models.store import StoredModel

SIZE_LIMIT = 14  # MiB of the weights; the package, with two models, stays under 30 MB
MOST_LEVELS = 1  # of 255 by which a photograph restored with ONNX may differ from torch's
# Share of photographs that may differ by more: where two assignments of hues to colors are equally
# good, the last digit decides. Of 260 photographs of the bundled model, one differs by 3 levels.
TIED = 0.01
LICENSE = (
    "Research use only: trained on photographs many of which may be used for research and "
    "education alone (docs/model-card.md)."
)

logger = logging.getLogger(__name__)


def write_bundle(
    stored: "StoredModel",
    extra: Mapping[str, Any],
    folder: Path,
    photographs: Iterable[tuple[str, Luma, Mask]] = (),
) -> Path:
    """Write `stored` as a bundled model: weights in half precision, and its graph as ONNX.

    Trainings start at the weights, photographs are restored with the ONNX file, which reads the
    same weights. Both are compared on photographs before they are kept.

    Args:
        stored: the model.
        extra: more entries of its card: how it was trained, and a license unless it is `LICENSE`.
        folder: `BUNDLED_FOLDER`, `EYE_FOLDER`, or another one.
        photographs: to compare on: name, `(H, W)` uint8 damaged gray, `(H, W)` bool mask, True
            where lost.

    Returns:
        The file of weights.

    Raises:
        UserError: a file is larger than `SIZE_LIMIT`, the network cannot be written as ONNX, or
            both differ too much; the model that was in `folder` stays.

    >>> from tempfile import TemporaryDirectory
    >>> from rechroma.models.card import card_settings, read_card
    >>> from rechroma.models.restoration import RestorationNetwork
    >>> from rechroma.models.store import StoredModel
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> model, restore = card_settings(read_card(BUNDLED_FOLDER), BUNDLED_FOLDER)
    >>> tiny = RestorationNetwork(model.model_copy(update={"encoder": "test_resnet"}))
    >>> with TemporaryDirectory() as folder:
    ...     file = write_bundle(StoredModel(tiny, restore), {}, Path(folder) / "weights")
    ...     sorted(each.name for each in file.parent.iterdir())
    ['model.json', 'restorer.onnx', 'weights.safetensors']
    """
    from rechroma.deployment.onnx_export import add_onnx
    from rechroma.deployment.onnx_weights import share_weights
    from rechroma.models.store import save_model

    with whole_folder(folder) as part:
        entries = {"license": LICENSE, **extra}
        save_model(stored.network, stored.restore, part, half=True, extra=entries)
        keep_finder(folder, part)
        if (folder / EYE_FOLDER.name).is_dir():
            copytree(folder / EYE_FOLDER.name, part / EYE_FOLDER.name)
        _check_size(part / WEIGHTS)
        share_weights(add_onnx(part))
        _compare(part, photographs)
    return folder / WEIGHTS


def _check_size(file: Path) -> None:
    size = file.stat().st_size / 2**20
    if size > SIZE_LIMIT:
        raise UserError(
            f"{file.name} takes {size:.1f} MiB in half precision, expected at most "
            f"{SIZE_LIMIT} MiB; train a smaller network"
        )


def _compare(folder: Path, photographs: Iterable[tuple[str, Luma, Mask]]) -> None:
    """Raises UserError where photographs are restored differently by ONNX and by torch."""
    from rechroma.deployment.onnx_export import TOLERANCE, compare_with_torch
    from rechroma.models.store import load_network

    rounded = load_network(folder)
    count, beyond = 0, []
    for name, damaged, mask in photographs:
        count += 1
        difference = compare_with_torch(folder / ONNX, rounded, damaged, mask)
        if not difference.tolerable:
            raise UserError(
                f"{name}: ONNX differs from torch by {difference.color:.2g} in color and "
                f"{difference.hues:.2g} in hues, expected at most {TOLERANCE:g}; "
                "the earlier bundled model stays"
            )
        if difference.levels > MOST_LEVELS:
            logger.info("%s: ONNX differs from torch by %d levels", name, difference.levels)
            beyond.append(f"{name} by {difference.levels}")
    if len(beyond) > TIED * count:
        raise UserError(
            f"{len(beyond)} of {count} photographs are restored differently by ONNX and torch: "
            f"{', '.join(beyond[:5])} of 255 levels, expected at most {MOST_LEVELS} in "
            f"{1 - TIED:.0%} of them; the earlier bundled model stays"
        )
