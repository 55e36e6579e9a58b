"""The model that the package carries, so that the first photograph is restored well."""

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


def write_bundle(stored: "StoredModel", told: Mapping[str, Any], folder: Path) -> Path:
    """Make `stored` the model that the package carries: its weights in half precision.

    Args:
        stored: the model.
        told: what its JSON says of where it comes from.
        folder: `FOLDER`, or another place.

    Returns:
        The file of weights.

    Raises:
        UserError: the file is larger than the package may carry; what was there stays.
    """
    from rechroma.models.card import WEIGHTS
    from rechroma.models.store import save_model

    with whole_folder(folder) as part:
        told = {"license": LICENSE, **told}
        save_model(stored.network, stored.restore, part, half=True, extra=told)
        size = (part / WEIGHTS).stat().st_size
        if size > SIZE_LIMIT * 2**20:
            raise UserError(
                f"the weights take {size / 2**20:.1f} MiB in half precision, expected at most "
                f"{SIZE_LIMIT} MiB; train a smaller network"
            )
    return folder / WEIGHTS
