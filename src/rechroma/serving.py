"""The model as MLflow serves it: photographs as base64 text in, restored ones out."""

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from rechroma import damage, photos, storage
from rechroma.errors import UserError
from rechroma.restoring import Restorer

if TYPE_CHECKING:
    import pandas as pd


class ServedRestorer:
    """What `mlflow.pyfunc.load_model` gives for a logged model."""

    def __init__(self, restorer: Restorer):
        self.restorer = restorer

    def predict(
        self,
        model_input: "pd.DataFrame",
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> "pd.DataFrame":
        """Restore the photographs of a table.

        Args:
            model_input: column `photo`, a picture file as base64 text; column `mask`, optional, the
                same of its mask (light where lost), empty to find the damage.
            params: none are known.

        Returns:
            Column `restored`: an RGB PNG of the photograph's size as base64 text.

        Raises:
            UserError: a text is no picture, or a mask is not of its photograph's size.
        """
        import pandas as pd

        masks = model_input["mask"] if "mask" in model_input else [None] * len(model_input)
        restored = [
            self._restore(photo, mask if isinstance(mask, str) else "")
            for photo, mask in zip(model_input["photo"], masks, strict=True)
        ]
        return pd.DataFrame({"restored": restored})

    def _restore(self, photo: str, mask: str) -> str:
        damaged = photos.read_gray(_file(photo, "photo"), name="photo")
        if mask:
            lost = photos.read_gray(_file(mask, "mask"), name="mask") > 127
        else:
            lost = damage.find_mask(damaged)
        if lost.shape != damaged.shape:
            raise UserError(
                f"mask: expected its photograph's size {damaged.shape}, got {lost.shape}"
            )
        picture = io.BytesIO()
        Image.fromarray(self.restorer(damaged, lost)).save(picture, "PNG")
        return base64.b64encode(picture.getvalue()).decode("ascii")


def _file(text: str, name: str) -> io.BytesIO:
    try:
        return io.BytesIO(base64.b64decode(text, validate=True))
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: expected a picture file as base64 text: {error}") from None


def _load_pyfunc(path: str) -> ServedRestorer:
    """MLflow's entry: the model in the folder `path`."""
    return ServedRestorer(storage.load(Path(path)))
