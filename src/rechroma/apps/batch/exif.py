"""What a picture file says beside its pixels: EXIF, color profile, resolution."""

import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from PIL import Image

PROCESSING_SOFTWARE = 0x000B  # EXIF: what a picture was processed with; cameras leave it alone
IFDS = (0x8769, 0x8825)  # EXIF's own pictures of the camera's settings, and of the place
PIXELS_ACROSS, PIXELS_DOWN = 0xA002, 0xA003  # in the camera's part, of the file as it was
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, INCH = 0x011A, 0x011B, 0x0128, 2
ORIENTATION, ON_ITS_SIDE = 0x0112, range(5, 9)  # the values that exchange width and height
# What people and cameras write: document, description, make, model, resolution, software, date,
# artist, host, rating, copyright, title to subject. The rest of a TIFF's tags lays out its pixels.
DESCRIPTIVE = frozenset(
    [
        269,
        270,
        271,
        272,
        282,
        283,
        296,
        305,
        306,
        315,
        316,
        18246,
        18249,
        33432,
        *range(40091, 40096),
    ]
)


class Metadata(NamedTuple):
    """What is carried over from a photograph to the restored one.

    Attributes:
        exif: without orientation (the pixels are upright), preview and layout; may be empty.
        profile: an ICC profile of RGB, or None.
        dpi: horizontal and vertical resolution, dots an inch, or None.
        left_out: what could not be carried over, in words.
    """

    exif: Image.Exif
    profile: bytes | None
    dpi: tuple[float, float] | None
    left_out: tuple[str, ...]


def read_metadata(picture: Image.Image) -> Metadata:
    """The metadata of an opened picture; broken parts are left out and named."""
    left_out = []
    on_its_side = False
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        try:
            exif = _keep_descriptive(picture.getexif())
            exif.tobytes()
            on_its_side = picture.getexif().get(ORIENTATION) in ON_ITS_SIDE
        except Exception:  # Pillow raises nearly anything on broken EXIF
            exif = Image.Exif()
            left_out.append("broken EXIF left out")
    if doubts and not left_out:
        left_out.append("broken parts of the EXIF left out")
    profile = picture.info.get("icc_profile")
    if profile and profile[16:20] != b"RGB ":
        kind = profile[16:20].decode("ascii", "replace").strip() or "unknown"
        left_out.append(f"color profile of kind {kind} left out, the restored photograph is RGB")
        profile = None
    dpi = _dpi(picture, exif)
    return Metadata(
        exif, profile or None, dpi[::-1] if dpi and on_its_side else dpi, tuple(left_out)
    )


def has_ifds(exif: Image.Exif) -> bool:
    """Whether there is more than the plain tags: the camera's settings, or the place."""
    return any(exif.get_ifd(tag) for tag in IFDS)


def sign_exif(kept: Metadata) -> Image.Exif:
    """The EXIF for the restored picture: it has the resolution, and says what processed it."""
    copy = _keep_descriptive(kept.exif)
    if kept.dpi:
        copy[X_RESOLUTION], copy[Y_RESOLUTION] = kept.dpi
        copy[RESOLUTION_UNIT] = INCH
    try:
        made_by = f"rechroma {version('rechroma')}"
    except PackageNotFoundError:  # the modules alone, as MLflow carries them
        made_by = "rechroma"
    copy[PROCESSING_SOFTWARE] = made_by
    return copy


def is_signed(picture: Image.Image) -> bool:
    """Whether rechroma wrote an opened picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken EXIF is named when the photograph is read
            made_by = picture.getexif().get(PROCESSING_SOFTWARE, "")
    except Exception:  # broken EXIF is none of ours
        return False
    return str(made_by).startswith("rechroma")


def _keep_descriptive(exif: Image.Exif) -> Image.Exif:
    kept = Image.Exif()
    for tag, value in exif.items():
        if tag in DESCRIPTIVE:
            kept[tag] = value
    for tag in IFDS:
        part = {
            name: value
            for name, value in exif.get_ifd(tag).items()
            if name not in (PIXELS_ACROSS, PIXELS_DOWN)
        }
        if part:
            kept.get_ifd(tag).update(part)
    return kept


def _dpi(picture: Image.Image, exif: Image.Exif) -> tuple[float, float] | None:
    dpi: Any = picture.info.get("dpi")
    if dpi is None and exif.get(RESOLUTION_UNIT, INCH) == INCH:  # WebP has no place of its own
        dpi = exif.get(X_RESOLUTION), exif.get(Y_RESOLUTION)
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e5 and 0 < down < 1e5 else None
