"""The model as MLflow serves it: columns of a request and of the answer."""

import base64
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType
from numpy.typing import NDArray

from rechroma.deployment.load import load_model
from rechroma.deployment.request_limits import PREFIX, RequestLimits
from rechroma.deployment.time_limit import TimeLimit, TimeLimitError
from rechroma.errors import UserError, unknown
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import PhotoError, open_image
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.io import (
    color_from_array,
    encode_png,
    gray_from_array,
    mask_from_gray,
    read_color,
    read_gray,
    read_opacity,
)
from rechroma.imaging.mask_levels import NoMaskError, split_levels
from rechroma.imaging.toned import COLOR, Color
from rechroma.imaging.types import Luma, Mask, Photo
from rechroma.inference.restore_photo import restore_photo
from rechroma.inference.restorer import Restorer

PHOTO, MASK, RESTORED, OUTPUT, COLORS = "photo", "mask", "restored", "output", "color"
DEFAULT_OUTPUT, DEFAULT_COLOR = "png", "auto"
AT_ONCE = 2  # photographs restored at the same time, for their memory; others wait
OUTPUTS: dict[str, Callable[[Photo], str | Photo]] = {
    "png": lambda restored: base64.b64encode(encode_png(restored)).decode("ascii"),
    "array": lambda restored: restored,
}
# MLflow has no type for "text or array": any value passes, and `PyfuncRestorer` checks it.
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(AnyType(), PHOTO), ColSpec(AnyType(), MASK, required=False)]),
    outputs=Schema([ColSpec(AnyType(), RESTORED)]),
    params=ParamSchema(
        [ParamSpec(OUTPUT, "string", DEFAULT_OUTPUT), ParamSpec(COLORS, "string", DEFAULT_COLOR)]
    ),
)


class PyfuncRestorer:
    """The model that `mlflow.pyfunc.load_model` returns.

    Args:
        restorer: the model that it serves.
        limits: of a request; by default those of the environment.

    Raises:
        UserError: an environment variable of the limits is no whole number above 0.

    >>> class GrayRestorer:  # in place of a trained one: leaves photographs gray
    ...     def __call__(self, damaged, mask):
    ...         return np.dstack([damaged] * 3)
    >>> model = PyfuncRestorer(GrayRestorer())
    >>> table = pd.DataFrame({"photo": [np.full((40, 60), 90, np.uint8)]})
    >>> model.predict(table, {"output": "array"})["restored"][0].shape
    (40, 60, 3)
    """

    def __init__(self, restorer: Restorer, limits: RequestLimits | None = None):
        self.restorer = restorer
        self.limits = limits or RequestLimits.from_environment()
        self._time_limit = TimeLimit(self.limits.seconds, AT_ONCE)

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Restore the photographs of a table.

        Args:
            model_input: column `photo`: a picture file as base64 text or as bytes, or an array or
                nested lists, `(H, W)` gray or `(H, W, 3)` RGB in [0, 255].
                Column `mask`, optional: likewise, of any two levels, the lighter one (or True)
                where lost; of a picture painted on a transparent layer, the painted part. Where it
                is empty the damage is detected.
            params: `output`: "png" (default) or "array". `color`: "auto" (default), which colors
                all but photographs in color, "keep" or "replace".

        Returns:
            Column `restored`, each of its photograph's size: an RGB PNG as base64 text, or an
            `(H, W, 3)` uint8 RGB array.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE, which a server answers with status 400: a
                photograph or mask is none of these or larger than the limits; there are more rows,
                or they take longer;
                a mask is not of its photograph's size or hides all of it; a parameter is unknown.

        >>> class GrayRestorer:
        ...     def __call__(self, damaged, mask):
        ...         return np.dstack([damaged] * 3)
        >>> table = pd.DataFrame({"photo": [[[90, 90], [90, 90]]], "mask": [[[0, 0], [0, 255]]]})
        >>> answer = PyfuncRestorer(GrayRestorer()).predict(table, {"output": "array"})
        >>> answer["restored"][0].tolist()
        [[[90, 90, 90], [90, 90, 90]], [[90, 90, 90], [90, 90, 90]]]
        """
        given = params or {}
        output, color = given.get(OUTPUT, DEFAULT_OUTPUT), given.get(COLORS, DEFAULT_COLOR)
        end = time.monotonic() + self.limits.seconds
        try:
            for name, value, known in ((OUTPUT, output, OUTPUTS), (COLORS, color, COLOR)):
                if not isinstance(value, str) or value not in known:
                    raise unknown(name, str(value), known)
            self.limits.check_rows(len(model_input))
            photos = _read_column(model_input, PHOTO)
            masks = _read_column(model_input, MASK, required=False)
            restored = [
                OUTPUTS[output](self._restore_until(end, photo, mask, color, f"of row {row}"))
                for row, (photo, mask) in enumerate(zip(photos, masks, strict=True))
            ]
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return pd.DataFrame({RESTORED: restored})

    def _restore_until(self, end: float, photo: Any, mask: Any, color: Color, row: str) -> Photo:
        """The restored photograph, unless it is not ready at the time `end`."""
        try:
            left = end - time.monotonic()
            return self._time_limit.run(lambda: self._restore(photo, mask, color, row), left)
        except TimeLimitError as error:
            raise UserError(
                f"{PHOTO} {row}: the request {error}; send fewer or smaller photographs "
                f"({PREFIX}SECONDS of the server sets the limit)"
            ) from None

    def _restore(self, photo: Any, mask: Any, color: Color, row: str) -> Photo:
        photo_name, mask_name = f"{PHOTO} {row}", f"{MASK} {row}"
        pixels = _read_color(_as_picture(photo, photo_name, self.limits), photo_name)
        damaged = to_luma(pixels)
        if _is_empty(mask):
            lost = find_damage(damaged)
        else:
            lost = _read_mask(_as_picture(mask, mask_name, self.limits), mask_name)
        if lost.shape != damaged.shape:
            raise UserError(
                f"{mask_name}: expected its photograph's size {damaged.shape}, got {lost.shape}"
            )
        if lost.all():
            raise UserError(f"{mask_name}: hides the whole photograph, expected some of it known")
        return restore_photo(self.restorer, pixels, lost, color=color)


def _read_column(table: pd.DataFrame, name: str, required: bool = True) -> list[Any]:
    """The values of a column; of one that may be missing and is, as many None."""
    count = list(table.columns).count(name)
    if count == 0 and not required:
        return [None] * len(table)
    if count != 1:
        raise UserError(f"the request has {count} columns '{name}', expected one")
    return list(table[name])


def _is_empty(value: Any) -> bool:
    """Whether a request leaves the mask out: empty text, bytes or array, null, or not a number."""
    if isinstance(value, np.ndarray):
        return value.size == 0
    return not value if isinstance(value, str | bytes | list) else bool(pd.isna(value))


def _read_mask(picture: bytes | NDArray[Any], name: str) -> Mask:
    """`(H, W)` bool; errors call it `name`. What a mask is: `imaging.mask_levels`."""
    gray = _read_luma(picture, name)
    if isinstance(picture, bytes):
        opacity = read_opacity(io.BytesIO(picture), name)
        painted = None if opacity is None else mask_from_gray(opacity)
        if painted is not None and 0 < painted.mean() < 1:
            return painted
    elif gray.max() <= 1:  # all ones of an array are all lost
        return gray.astype(bool)
    try:
        return split_levels(gray).light
    except NoMaskError as error:
        raise UserError(f"{name}: {error}") from None


def _read_color(picture: bytes | NDArray[Any], name: str) -> Photo:
    """`(H, W, 3)` uint8 RGB of a picture; errors call it `name`."""
    if isinstance(picture, bytes):
        return read_color(io.BytesIO(picture), name)
    return color_from_array(picture, name)


def _read_luma(picture: bytes | NDArray[Any], name: str) -> Luma:
    """`(H, W)` uint8 of a picture; errors call it `name`."""
    if isinstance(picture, bytes):
        return read_gray(io.BytesIO(picture), name)
    return gray_from_array(picture, name)


def _as_picture(value: Any, name: str, limits: RequestLimits) -> bytes | NDArray[Any]:
    """The picture file or array in any of the accepted forms, within the limits."""
    if isinstance(value, list):
        value = _as_array(value, name)
    if isinstance(value, np.ndarray):
        height, width = np.atleast_2d(value).shape[:2]
        limits.check_pixels(height, width, name)
        return value
    if isinstance(value, str):
        limits.check_bytes(len(value) * 3 // 4, name)
        value = _decode_base64(value, name)
    if isinstance(value, bytes):
        limits.check_bytes(len(value), name)
        with open_image(io.BytesIO(value), name) as opened:
            limits.check_pixels(opened.picture.height, opened.picture.width, name)
        return value
    raise UserError(
        f"{name}: expected a picture file as base64 text or bytes, or an array, "
        f"got {type(value).__name__}"
    )


def _as_array(rows: list[Any], name: str) -> NDArray[Any]:
    try:
        return np.asarray(rows)
    except ValueError:  # rows of unequal lengths
        return gray_from_array(rows, name)  # which raises the error of an irregular array
    except OverflowError:
        raise PhotoError(name, "is an array of too large numbers, expected 0 to 255") from None


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
