"""The bundled model: a trained one inside the package, for the first photographs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rechroma.errors import UserError
from rechroma.outputs import whole_folder

if TYPE_CHECKING:
    from rechroma.models.store import StoredModel

SIZE_LIMIT = 16  # MiB
LICENSE = (
    "Research use only: trained on photographs many of which may be used for research and "
    "education alone (docs/model-card.md)."
)


def write_bundle(stored: "StoredModel", extra: Mapping[str, Any], folder: Path) -> Path:
    """Write `stored` as the bundled model, its weights in half precision.

    Args:
        stored: the model.
        extra: more entries of its card: how it was trained, and a license unless it is `LICENSE`.
        folder: `BUNDLED_FOLDER`, or another one.

    Returns:
        The file of weights.

    Raises:
        UserError: the file is larger than `SIZE_LIMIT`; the model that was in `folder` stays.

    >>> from tempfile import TemporaryDirectory
    >>> from rechroma.models.store import load_network
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> with TemporaryDirectory() as folder:
    ...     file = write_bundle(load_network(BUNDLED_FOLDER), {}, Path(folder) / "weights")
    ...     print(file.name, file.stat().st_size < SIZE_LIMIT * 2**20)
    weights.safetensors True
    """
    from rechroma.models.card import WEIGHTS
    from rechroma.models.store import save_model

    with whole_folder(folder) as part:
        entries = {"license": LICENSE, **extra}
        save_model(stored.network, stored.restore, part, half=True, extra=entries)
        size = (part / WEIGHTS).stat().st_size
        if size > SIZE_LIMIT * 2**20:
            raise UserError(
                f"the weights take {size / 2**20:.1f} MiB in half precision, expected at most "
                f"{SIZE_LIMIT} MiB; train a smaller network"
            )
    return folder / WEIGHTS
