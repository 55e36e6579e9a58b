"""The public Python API: what `import rechroma` offers.

Photographs and masks are given as paths, as PIL images or as arrays. Paths and PIL images are
turned as their EXIF orientation says.
"""

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import get_args

from PIL import Image

from rechroma import metrics
from rechroma.apps.damage_request import find_requested
from rechroma.apps.model_catalog import default_model, load_named_model
from rechroma.apps.pictures import Picture, check_sizes, to_color, to_gray, to_mask
from rechroma.errors import UserError, unknown
from rechroma.imaging.color import to_luma
from rechroma.imaging.toned import COLOR, Color
from rechroma.imaging.types import Mask
from rechroma.inference.even_tone import EVEN_TONE, EvenTone
from rechroma.inference.find_choices import FILLED, SENSITIVITY, Find
from rechroma.inference.restore_photo import restore_photo
from rechroma.inference.restorer import Restorer
from rechroma.metrics import Scores
from rechroma.settings import Aim, Holes


def load_model(
    name: str | Path | None = None, backend: str = "auto", device: str = "auto", aim: Aim = "eye"
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
        aim: what photographs are restored for: `eye`, what people prefer, or `score`, the
            competition's official score.

    Raises:
        UserError: there is no such model, its backend is not installed, or `aim` is none of these.

    >>> load_model("models/none")
    Traceback (most recent call last):
    rechroma.errors.UserError: models/none holds no model, expected model.json and ...
    """
    return load_named_model(None if name is None else str(name), backend, device, aim)[1]


def restore(
    photo: Picture,
    mask: Picture | None = None,
    model: Restorer | str | Path | None = None,
    *,
    aim: Aim | None = None,
    find: Find = "auto",
    sensitivity: float = SENSITIVITY,
    groups: Collection[str] = FILLED,
    color: Color = "auto",
    tone: EvenTone = "off",
    crop: bool = False,
    holes: Holes | None = None,
) -> Image.Image:
    """A photograph with its color and its lost part, at its own size.

    Args:
        photo: the damaged photograph: a file, a PIL image, or an array, `(H, W)` gray or
            `(H, W, 3)` RGB, of whole numbers from 0 to 255.
        mask: where it is lost, of the same size: light, True or 1 where lost; of a picture painted
            on a transparent layer, the painted part. None finds the damage as `find_damage`.
        model: a loaded model, or the argument of `load_model`. A model in a folder or a file is
            loaded once, and again when it has changed.
        aim: as for `load_model`; None: that of a loaded model, else `eye`.
        find: as for `find_damage`, as are `sensitivity` and `groups`; without a mask alone.
        color: `auto`: photographs in color keep it; `keep`: all keep theirs; `replace`: none.
        tone: `auto` evens stains that `find="lines"` finds, and faded grays; `off`: neither.
        crop: whether a plain border is cut off.
        holes: `auto`, `smooth` or `texture`, what is around goes on; None: as of the model.

    Returns:
        An RGB image. Unless the tone is evened, its gray (`convert("L")`) is that of the photograph
        wherever it is not lost.

    Raises:
        UserError: a picture cannot be read, sizes differ, all is lost, or an option is unknown.

    >>> import numpy as np
    >>> gray = np.full((48, 64), 90, np.uint8)
    >>> restored = restore(gray, mask=np.zeros((48, 64), bool))
    >>> restored.size
    (64, 48)
    >>> bool((np.array(restored.convert("L")) == gray).all())
    True
    """
    options = (color, COLOR), (tone, EVEN_TONE), (holes or "auto", get_args(Holes))
    for name, (value, known) in zip(("color", "tone", "holes"), options, strict=True):
        if value not in known:
            raise unknown(name, str(value), known)
    pixels = to_color(photo, "photo")
    if mask is None:
        lost, damage, *_ = find_requested(to_luma(pixels), find, sensitivity, groups)
    else:
        lost, damage = to_mask(mask), None
    check_sizes(mask=lost, photo=pixels)
    if lost.all():
        raise UserError("mask: hides the whole photograph, expected some of it known")
    restorer = _chosen_model(model, aim, holes)
    restored = restore_photo(restorer, pixels, lost, damage, color=color, even=tone, crop=crop)
    return Image.fromarray(restored)


def _chosen_model(
    model: Restorer | str | Path | None, aim: Aim | None, holes: Holes | None
) -> Restorer:
    """The model that `restore` is asked for, set to what is asked of it."""
    restorer = model if isinstance(model, Restorer) else _load_cached(model, aim or "eye")
    restorer = restorer.with_aim(aim) if aim else restorer
    return restorer.with_holes(holes) if holes else restorer


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

    >>> import numpy as np
    >>> gray = np.random.default_rng(0).integers(100, 200, (64, 64)).astype(np.uint8)
    >>> gray[20:40, 10:30] = 50
    >>> int(find_damage(gray).sum())
    400
    """
    return find_requested(to_gray(photo, "photo"), find, sensitivity, groups).mask


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

    >>> import numpy as np
    >>> photo = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    >>> round(score(photo, photo, np.eye(16, dtype=bool)).score, 6)
    1.0
    """
    colors = to_color(target, "target"), to_color(restored, "restored")
    check_sizes(restored=colors[1], target=colors[0])
    lost = to_mask(mask)
    check_sizes(mask=lost, target=colors[0])
    return metrics.score(*colors, lost)


def _load_cached(name: str | Path | None, aim: Aim) -> Restorer:
    """As `load_model`; a folder or file that has not changed is loaded once."""
    path = default_model()[1] if name is None else Path(name)
    if not path.exists():  # an MLflow address, or an error
        return load_model(name, aim=aim)
    files = [path, *path.iterdir()] if path.is_dir() else [path]
    return _load_once(path.resolve(), aim, max(file.stat().st_mtime_ns for file in files))


@lru_cache(maxsize=2)
def _load_once(path: Path, aim: Aim, changed: int) -> Restorer:  # noqa: ARG001, part of the key
    return load_model(path, aim=aim)
