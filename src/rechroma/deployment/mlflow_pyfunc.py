"""The model as MLflow serves it: columns of a request and of the answer."""

import base64
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType

from rechroma.deployment.load import load_model
from rechroma.deployment.request_limits import PREFIX, RequestLimits
from rechroma.deployment.request_pictures import (
    as_picture,
    is_empty,
    read_color_picture,
    read_mask,
)
from rechroma.deployment.time_limit import TimeLimit, TimeLimitError
from rechroma.errors import UserError, unknown
from rechroma.imaging.color import to_luma
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.io import (
    encode_png,
)
from rechroma.imaging.toned import COLOR
from rechroma.imaging.types import Photo
from rechroma.inference.restore_photo import restore_photo
from rechroma.inference.restorer import Restorer
from rechroma.settings import Aim

PHOTO, MASK, RESTORED = "photo", "mask", "restored"
OUTPUT, AIM, COLORS = "output", "aim", "color"  # the parameters of a request, with these defaults
DEFAULTS = {OUTPUT: "png", AIM: "eye", COLORS: "auto"}
AT_ONCE = 2  # photographs restored at the same time, for their memory; others wait
OUTPUTS: dict[str, Callable[[Photo], str | Photo]] = {
    "png": lambda restored: base64.b64encode(encode_png(restored)).decode("ascii"),
    "array": lambda restored: restored,
}
# MLflow has no type for "text or array": any value passes, and `PyfuncRestorer` checks it.
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(AnyType(), PHOTO), ColSpec(AnyType(), MASK, required=False)]),
    outputs=Schema([ColSpec(AnyType(), RESTORED)]),
    params=ParamSchema([ParamSpec(name, "string", value) for name, value in DEFAULTS.items()]),
)


class PyfuncRestorer:
    """The model that `mlflow.pyfunc.load_model` returns.

    Args:
        restorer: the model that it serves.
        limits: of a request; by default those of the environment.

    Raises:
        UserError: an environment variable of the limits is no whole number above 0.

    >>> import numpy as np
    >>> class GrayRestorer:  # in place of a trained one: leaves photographs gray
    ...     def with_aim(self, aim):
    ...         return self
    ...
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
            params: `output`: "png" (default) or "array"; `aim`: "eye" (default) or "score", what
                photographs are restored for; `color`: "auto" (default), which colors all but
                photographs in color, "keep" or "replace".

        Returns:
            Column `restored`, each of its photograph's size: an RGB PNG as base64 text, or an
            `(H, W, 3)` uint8 RGB array.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE, which a server answers with status 400: a
                photograph or mask is none of these or larger than the limits; there are more rows,
                or they take longer;
                a mask is not of its photograph's size or hides all of it; a parameter is unknown.

        >>> import numpy as np
        >>> class GrayRestorer:
        ...     def with_aim(self, aim):
        ...         return self
        ...
        ...     def __call__(self, damaged, mask):
        ...         return np.dstack([damaged] * 3)
        >>> table = pd.DataFrame({"photo": [[[90, 90], [90, 90]]], "mask": [[[0, 0], [0, 255]]]})
        >>> answer = PyfuncRestorer(GrayRestorer()).predict(table, {"output": "array"})
        >>> answer["restored"][0].tolist()
        [[[90, 90, 90], [90, 90, 90]], [[90, 90, 90], [90, 90, 90]]]
        """
        output, aim, color = ({**DEFAULTS, **(params or {})}[name] for name in DEFAULTS)
        end = time.monotonic() + self.limits.seconds
        try:
            for name, value, known in ((OUTPUT, output, OUTPUTS), (COLORS, color, COLOR)):
                if not isinstance(value, str) or value not in known:
                    raise unknown(name, str(value), known)
            restorer = self.restorer.with_aim(cast("Aim", str(aim)))  # which checks it
            restore = partial(restore_photo, restorer, color=color)
            self.limits.check_rows(len(model_input))
            photos = _read_column(model_input, PHOTO)
            masks = _read_column(model_input, MASK, required=False)
            restored = [
                OUTPUTS[output](self._restore_until(end, restore, photo, mask, f"of row {row}"))
                for row, (photo, mask) in enumerate(zip(photos, masks, strict=True))
            ]
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return pd.DataFrame({RESTORED: restored})

    def _restore_until(
        self, end: float, restore: Callable[..., Photo], photo: Any, mask: Any, row: str
    ) -> Photo:
        """The restored photograph, unless it is not ready at the time `end`."""
        try:
            left = end - time.monotonic()
            return self._time_limit.run(lambda: self._restore(restore, photo, mask, row), left)
        except TimeLimitError as error:
            raise UserError(
                f"{PHOTO} {row}: the request {error}; send fewer or smaller photographs "
                f"({PREFIX}SECONDS of the server sets the limit)"
            ) from None

    def _restore(self, restore: Callable[..., Photo], photo: Any, mask: Any, row: str) -> Photo:
        photo_name, mask_name = f"{PHOTO} {row}", f"{MASK} {row}"
        pixels = read_color_picture(as_picture(photo, photo_name, self.limits), photo_name)
        damaged = to_luma(pixels)
        if is_empty(mask):
            lost = find_damage(damaged)
        else:
            lost = read_mask(as_picture(mask, mask_name, self.limits), mask_name)
        if lost.shape != damaged.shape:
            raise UserError(
                f"{mask_name}: expected its photograph's size {damaged.shape}, got {lost.shape}"
            )
        if lost.all():
            raise UserError(f"{mask_name}: hides the whole photograph, expected some of it known")
        return restore(pixels, lost)


def _read_column(table: pd.DataFrame, name: str, required: bool = True) -> list[Any]:
    """The values of a column; of one that may be missing and is, as many None."""
    count = list(table.columns).count(name)
    if count == 0 and not required:
        return [None] * len(table)
    if count != 1:
        raise UserError(f"the request has {count} columns '{name}', expected one")
    return list(table[name])


def _load_pyfunc(path: str) -> PyfuncRestorer:
    """The model in the folder `path`; MLflow calls this function by its name."""
    return PyfuncRestorer(load_model(Path(path)))
