"""The model as MLflow serves it: columns of a request and of the answer."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType

from rechroma.deployment.load import load_model
from rechroma.errors import UserError, unknown
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.io import encode_png, gray_from_array, mask_from_gray, read_gray
from rechroma.imaging.types import Luma, Mask, Photo
from rechroma.inference.restorer import Restorer

PHOTO, MASK, RESTORED, OUTPUT = "photo", "mask", "restored", "output"
DEFAULT_OUTPUT = "png"
OUTPUTS: dict[str, Callable[[Photo], str | Photo]] = {
    "png": lambda restored: base64.b64encode(encode_png(restored)).decode("ascii"),
    "array": lambda restored: restored,
}
# MLflow has no type for "text or array": any value passes, and `PyfuncRestorer` checks it.
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(AnyType(), PHOTO), ColSpec(AnyType(), MASK, required=False)]),
    outputs=Schema([ColSpec(AnyType(), RESTORED)]),
    params=ParamSchema([ParamSpec(OUTPUT, "string", DEFAULT_OUTPUT)]),
)


class PyfuncRestorer:
    """The model that `mlflow.pyfunc.load_model` returns.

    Args:
        restorer: the model that it serves.

    >>> class GrayRestorer:  # in place of a trained one: leaves photographs gray
    ...     def __call__(self, damaged, mask):
    ...         return np.dstack([damaged] * 3)
    >>> model = PyfuncRestorer(GrayRestorer())
    >>> table = pd.DataFrame({"photo": [np.full((40, 60), 90, np.uint8)]})
    >>> model.predict(table, {"output": "array"})["restored"][0].shape
    (40, 60, 3)
    """

    def __init__(self, restorer: Restorer):
        self.restorer = restorer

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Restore the photographs of a table.

        Args:
            model_input: column `photo`: a picture file as base64 text or as bytes, or an array or
                nested lists, `(H, W)` gray or `(H, W, 3)` RGB in [0, 255], whose gray is taken.
                Column `mask`, optional: likewise, light (above 127) or True where lost; where it is
                empty the damage is detected.
            params: `output`: "png" (default) or "array".

        Returns:
            Column `restored`, each of its photograph's size: an RGB PNG as base64 text, or an
            `(H, W, 3)` uint8 RGB array.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE, which a server answers with status 400: a
                photograph or mask is none of these, a mask is not of its photograph's size, or the
                output is unknown.

        >>> class GrayRestorer:
        ...     def __call__(self, damaged, mask):
        ...         return np.dstack([damaged] * 3)
        >>> table = pd.DataFrame({"photo": [[[90, 90], [90, 90]]], "mask": [[[0, 0], [0, 255]]]})
        >>> answer = PyfuncRestorer(GrayRestorer()).predict(table, {"output": "array"})
        >>> answer["restored"][0].tolist()
        [[[90, 90, 90], [90, 90, 90]], [[90, 90, 90], [90, 90, 90]]]
        """
        output = (params or {}).get(OUTPUT, DEFAULT_OUTPUT)
        masks = model_input[MASK] if MASK in model_input else [None] * len(model_input)
        try:
            if output not in OUTPUTS:
                raise unknown(OUTPUT, output, OUTPUTS)
            restored = [
                OUTPUTS[output](self._restore(photo, mask, f"of row {row}"))
                for row, (photo, mask) in enumerate(zip(model_input[PHOTO], masks, strict=True))
            ]
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return pd.DataFrame({RESTORED: restored})

    def _restore(self, photo: Any, mask: Any, row: str) -> Photo:
        damaged = _read_luma(photo, f"{PHOTO} {row}")
        lost = find_damage(damaged) if _is_empty(mask) else _read_mask(mask, f"{MASK} {row}")
        if lost.shape != damaged.shape:
            raise UserError(
                f"{MASK} {row}: expected its photograph's size {damaged.shape}, got {lost.shape}"
            )
        return self.restorer(damaged, lost)


def _is_empty(value: Any) -> bool:
    """Whether a request leaves the mask out: empty text, bytes or array, null, or not a number."""
    if isinstance(value, np.ndarray):
        return value.size == 0
    return not value if isinstance(value, str | bytes | list) else bool(pd.isna(value))


def _read_mask(mask: Any, name: str) -> Mask:
    """`(H, W)` bool; errors call it `name`."""
    gray = _read_luma(mask, name)
    if gray.max() == 1:  # meant as True, but not above 127
        raise UserError(f"{name}: holds 0 and 1, expected 0 and 255, or False and True")
    return mask_from_gray(gray)


def _read_luma(value: Any, name: str) -> Luma:
    """`(H, W)` uint8 of a picture in any of the accepted forms; errors call it `name`."""
    if isinstance(value, list | np.ndarray):
        return gray_from_array(value, name)
    if isinstance(value, str):
        value = _decode_base64(value, name)
    if isinstance(value, bytes):
        return read_gray(io.BytesIO(value), name)
    raise UserError(
        f"{name}: expected a picture file as base64 text or bytes, or an array, "
        f"got {type(value).__name__}"
    )


def _decode_base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # may be in lines of 76
    except ValueError as error:
        shown = text if len(text) <= 20 else f"{text[:20]}…"
        raise UserError(
            f"{name}: expected a picture file as base64 text, got '{shown}' ({error})"
        ) from error


def _load_pyfunc(path: str) -> PyfuncRestorer:
    """The model in the folder `path`; MLflow calls this function by its name."""
    return PyfuncRestorer(load_model(Path(path)))
