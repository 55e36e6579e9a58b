"""The public Python API: what `import rechroma` offers.

Photographs and masks are given as paths, as PIL images or as arrays. Paths and PIL images are
turned as their EXIF orientation says.
"""

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rechroma import metrics
from rechroma.apps.batch.mask_file import parse_mask
from rechroma.apps.damage_request import find_requested
from rechroma.apps.model_catalog import default_model, load_named_model
from rechroma.errors import UserError
from rechroma.imaging.io import (
    gray_from_array,
    mask_from_gray,
    read_color,
    read_gray,
    read_opacity,
)
from rechroma.imaging.mask_levels import NoMaskError
from rechroma.imaging.pixels import decode_image, opacity, upright
from rechroma.imaging.types import Luma, Mask, Photo
from rechroma.inference.find_all_damage import FILLED, SENSITIVITY, Find
from rechroma.inference.restorer import Restorer
from rechroma.metrics import Scores

Picture = str | Path | Image.Image | NDArray[Any]


def load_model(
    name: str | Path | None = None, backend: str = "auto", device: str = "auto"
) -> Restorer:
    """A trained model, to be called with gray photographs and masks, or given to `restore`.

    Args:
        name: a folder, a .safetensors or .onnx file, or an MLflow address such as
            `models:/rechroma@champion`. None is the model of the project in the current folder
            (models/restorer), or without one the bundled model.
        backend: what runs the network: `onnx`, `torch`, or `auto`, which is ONNX if the model has
            such a file.
        device: `cpu`, `cuda`, `mps`, `coreml`, `directml`, or `auto`: the CPU for ONNX, a GPU of
            CUDA for torch. One that is not available is replaced by the CPU, with a warning.

    Raises:
        UserError: there is no such model, or its backend is not installed.

    >>> load_model("models/none")
    Traceback (most recent call last):
    rechroma.errors.UserError: models/none holds no model, expected model.json and ...
    """
    return load_named_model(None if name is None else str(name), backend, device)[1]


def restore(
    photo: Picture,
    mask: Picture | None = None,
    model: Restorer | str | Path | None = None,
    *,
    find: Find = "auto",
    sensitivity: float = SENSITIVITY,
    groups: Collection[str] = FILLED,
) -> Image.Image:
    """A photograph with its color and its lost part, at its own size.

    Args:
        photo: the damaged photograph: a file, a PIL image, or an array of whole numbers from 0 to
            255, `(H, W)` gray or `(H, W, 3)` RGB. Of color photographs the gray is taken.
        mask: where it is lost, of the same height and width: light, True or 1 where lost; of a
            picture painted on a transparent layer, the painted part. None finds the damage as
            `find_damage`.
        model: a loaded model, or the argument of `load_model`. A model in a folder or a file is
            loaded once, and again when it has changed.
        find: as for `find_damage`; without a mask alone.
        sensitivity: likewise.
        groups: likewise.

    Returns:
        An RGB image. Its gray (`convert("L")`) is that of the photograph wherever it is not lost.

    Raises:
        UserError: a picture cannot be read, the sizes differ, nothing of the photograph is left,
            or as `find_damage`.

    >>> gray = np.full((48, 64), 90, np.uint8)
    >>> restored = restore(gray, mask=np.zeros((48, 64), bool))
    >>> restored.size, restored.mode
    ((64, 48), 'RGB')
    >>> bool((np.array(restored.convert("L")) == gray).all())
    True
    """
    gray = _gray(photo, "photo")
    lost = find_requested(gray, find, sensitivity, groups) if mask is None else _mask(mask)
    _check_sizes(mask=lost, photo=gray)
    if lost.all():
        raise UserError("mask: hides the whole photograph, expected some of it known")
    restorer = model if isinstance(model, Restorer) else _load_cached(model)
    return Image.fromarray(restorer(gray, lost))


def find_damage(
    photo: Picture,
    *,
    find: Find = "auto",
    sensitivity: float = SENSITIVITY,
    groups: Collection[str] = FILLED,
) -> Mask:
    """Where a photograph is damaged: areas of one constant gray with a sharp border, and more.

    Args:
        photo: as for `restore`.
        find: `flat`: areas of one constant gray, by rule; `lines`: also scratches, cracks, spots
            and torn parts, by a network; `none`: nothing; `auto`: what is sure, which is `flat`.
        sensitivity: of the network, from 0, only what is certain, to 1.
        groups: which of the found damage is lost: `line`, `spot`, `area`, `stain`, `flat`.

    Returns:
        `(H, W)` bool, True where lost; all False where no damage is found.

    Raises:
        UserError: the photograph cannot be read, `find` or a group is none of these, the
            sensitivity is not from 0 to 1, or the package has no network.

    >>> gray = np.random.default_rng(0).integers(100, 200, (64, 64)).astype(np.uint8)
    >>> gray[20:40, 10:30] = 50
    >>> int(find_damage(gray).sum())
    400
    """
    return find_requested(_gray(photo, "photo"), find, sensitivity, groups)


def score(target: Picture, restored: Picture, mask: Picture) -> Scores:
    """The official score of a restored photograph and its parts; the best is 1.

    Args:
        target: the undamaged color photograph, the ground truth; kinds as for `restore`.
        restored: the restored photograph, of the same size.
        mask: where the photograph was lost, of the same size; as for `restore`.

    Returns:
        `score`, `ssim`, `masked_ssim` and `hue`.

    Raises:
        UserError: a picture cannot be read, or the sizes differ.

    >>> photo = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    >>> round(score(photo, photo, np.eye(16, dtype=bool)).score, 6)
    1.0
    """
    colors = _color(target, "target"), _color(restored, "restored")
    _check_sizes(restored=colors[1], target=colors[0])
    lost = _mask(mask)
    _check_sizes(mask=lost, target=colors[0])
    return metrics.score(*colors, lost)


def _load_cached(name: str | Path | None) -> Restorer:
    """As `load_model`; a folder or file that has not changed is loaded once."""
    path = default_model()[1] if name is None else Path(name)
    if not path.exists():  # an MLflow address, or an error
        return load_model(name)
    files = [path, *path.iterdir()] if path.is_dir() else [path]
    return _load_once(path.resolve(), max(file.stat().st_mtime_ns for file in files))


@lru_cache(maxsize=2)
def _load_once(path: Path, changed: int) -> Restorer:  # noqa: ARG001, part of the key
    return load_model(path)


def _gray(picture: Picture, name: str) -> Luma:
    """`(H, W)` uint8 luma."""
    if isinstance(picture, str | Path):
        return read_gray(Path(picture))
    if isinstance(picture, Image.Image):
        return np.array(_decoded(picture, name).convert("L"))
    return gray_from_array(picture, name)


def _color(picture: Picture, name: str) -> Photo:
    """`(H, W, 3)` uint8 RGB."""
    if isinstance(picture, str | Path):
        return read_color(Path(picture))
    if isinstance(picture, Image.Image):
        return np.array(_decoded(picture, name).convert("RGB"))
    gray = gray_from_array(picture, name)  # which also checks the array
    array = np.asarray(picture)
    if array.ndim == 2:
        return np.dstack([gray] * 3)
    levels = array.astype(np.uint8)
    return levels * np.uint8(255) if array.dtype == np.bool_ else levels


def _decoded(picture: Image.Image, name: str) -> Image.Image:
    """A PIL image upright, 8 bits, without transparency; the image itself is not changed."""
    try:
        return decode_image(picture, name)
    except OSError as error:  # the file of an image that was opened and not yet read
        raise UserError(f"{name}: cannot be read: {error}") from error


def _mask(picture: Picture) -> Mask:
    """`(H, W)` bool; of whole numbers up to 1, ones are lost."""
    if isinstance(picture, str | Path):
        path = Path(picture)
        return _light_or_painted(read_gray(path), read_opacity(path))
    if isinstance(picture, Image.Image):
        gray = _gray(picture, "mask")
        transparent = picture.has_transparency_data
        alpha = np.array(opacity(upright(picture))) if transparent else None
        return _light_or_painted(gray, alpha)
    gray = gray_from_array(picture, "mask")  # which also checks the array
    return gray.astype(bool) if gray.max() <= 1 else _light_or_painted(gray, None)


def _light_or_painted(gray: Luma, alpha: Luma | None) -> Mask:
    """The painted part of a partly transparent picture, the light part of any other."""
    partly_transparent = alpha is not None and 0 < mask_from_gray(alpha).mean() < 1
    try:
        return parse_mask(gray, alpha, "auto" if partly_transparent else "white", "mask").lost
    except NoMaskError as error:
        raise UserError(f"mask: {error}") from None


def _check_sizes(**pictures: NDArray[Any]) -> None:
    """Raise a UserError unless both pictures have one size; the second is the expected one."""
    (name, one), (other_name, other) = pictures.items()
    if one.shape[:2] != other.shape[:2]:
        sizes = [f"{each.shape[1]}x{each.shape[0]} px" for each in (one, other)]
        raise UserError(f"{name}: is {sizes[0]}, expected {sizes[1]} as the {other_name}")
