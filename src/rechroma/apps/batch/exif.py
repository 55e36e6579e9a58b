"""The metadata of an image file: EXIF, color profile, resolution, captions."""

import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from PIL import Image
from PIL.ExifTags import IFD, Base

from rechroma.apps.batch.captions import Captions, read_captions
from rechroma.imaging.decode import OpenedImage
from rechroma.imaging.pillow_settings import pillow_lock

PROCESSING_SOFTWARE = Base.ProcessingSoftware  # the program that edited a picture; no camera
INCH = 2  # value of ResolutionUnit
ROTATED = range(5, 9)  # values of Orientation that exchange width and height
IFDS = (IFD.Exif, IFD.GPSInfo)  # the directories below the main one that are kept
# Tags of the main directory that people and cameras write. The others lay out a TIFF's pixels.
DESCRIPTIVE = frozenset(
    {
        Base.DocumentName,
        Base.ImageDescription,
        Base.Make,
        Base.Model,
        Base.XResolution,
        Base.YResolution,
        Base.ResolutionUnit,
        Base.Software,
        Base.DateTime,
        Base.Artist,
        Base.HostComputer,
        Base.Rating,
        Base.RatingPercent,
        Base.Copyright,
        Base.XPTitle,
        Base.XPComment,
        Base.XPAuthor,
        Base.XPKeywords,
        Base.XPSubject,
    }
)
# Size of the file that the camera wrote, px: wrong for any other file.
CAMERA_SIZE = frozenset({Base.ExifImageWidth, Base.ExifImageHeight})


class Metadata(NamedTuple):
    """The metadata that a restored photograph takes from its original.

    Attributes:
        exif: without orientation (the pixels are upright), thumbnail and layout; may be empty.
        profile: an ICC profile of RGB, or None.
        dpi: horizontal and vertical resolution, dots an inch, or None.
        warnings: one for each part that cannot be copied.
        captions: XMP, IPTC, comments and texts.
    """

    exif: Image.Exif
    profile: bytes | None
    dpi: tuple[float, float] | None
    warnings: tuple[str, ...]
    captions: Captions = Captions()


def read_metadata(opened: OpenedImage) -> Metadata:
    """The metadata of an opened image, without its broken parts; a warning names these."""
    picture = opened.picture
    notes = []
    rotated = False
    with pillow_lock, warnings.catch_warnings(record=True) as pillow_warnings:
        warnings.simplefilter("always")
        try:
            exif = _keep_descriptive(picture.getexif())
            exif.tobytes()  # what cannot be written again is broken, too
            rotated = picture.getexif().get(Base.Orientation) in ROTATED
        except Exception:  # Pillow raises nearly anything on broken EXIF
            exif = Image.Exif()
            notes.append("broken EXIF not copied")
    if pillow_warnings and not notes:
        notes.append("broken parts of the EXIF not copied")
    profile = opened.side_data.profile or picture.info.get("icc_profile")
    # The restored photograph is RGB. An ICC profile names its color space in bytes 16 to 19.
    if profile and profile[16:20] != b"RGB ":
        space = profile[16:20].decode("ascii", "replace").strip() or "unknown"
        notes.append(f"color profile of kind {space} not copied, the restored photograph is RGB")
        profile = None
    dpi = _dpi(picture, exif)
    dpi = dpi[::-1] if dpi and rotated else dpi
    return Metadata(exif, profile or None, dpi, tuple(notes), read_captions(opened))


def has_ifds(exif: Image.Exif) -> bool:
    """Whether the EXIF holds the camera's settings or a GPS position."""
    return any(exif.get_ifd(tag) for tag in IFDS)


def sign_exif(metadata: Metadata) -> Image.Exif:
    """The EXIF of a restored photograph: the original's, its resolution, rechroma as editor."""
    exif = _keep_descriptive(metadata.exif)
    if metadata.dpi:
        exif[Base.XResolution], exif[Base.YResolution] = metadata.dpi
        exif[Base.ResolutionUnit] = INCH
    exif[PROCESSING_SOFTWARE] = signature()
    return exif


def signature() -> str:
    """The name and version of rechroma that it leaves in its files.

    >>> signature().split()[0]
    'rechroma'
    """
    try:
        return f"rechroma {version('rechroma')}"
    except PackageNotFoundError:  # the modules inside a registered MLflow model
        return "rechroma"


def is_signed(picture: Image.Image) -> bool:
    """Whether rechroma wrote an opened picture."""
    comment = picture.info.get("comment", b"")  # the only place in JPEG 2000
    if picture.format == "JPEG2000" and comment.startswith(b"rechroma"):
        return True
    try:
        with pillow_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `read_metadata` names broken EXIF
            software = picture.getexif().get(PROCESSING_SOFTWARE, "")
    except Exception:  # Pillow raises nearly anything on broken EXIF; rechroma writes none
        return False
    return str(software).startswith("rechroma")


def _keep_descriptive(exif: Image.Exif) -> Image.Exif:
    kept = Image.Exif()
    for tag, value in exif.items():
        if tag in DESCRIPTIVE:
            kept[tag] = _as_stored(value)
    for ifd in IFDS:
        values = {tag: value for tag, value in exif.get_ifd(ifd).items() if tag not in CAMERA_SIZE}
        if values:
            kept.get_ifd(ifd).update(values)
    return kept


def _as_stored(value: Any) -> Any:
    """A text beyond ASCII as the bytes of the file: Pillow reads Latin-1 and writes ASCII."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("latin-1", "replace")
    return value


def tiff_exif(exif: Image.Exif) -> Image.Exif:
    """The EXIF in the form that Pillow's TIFF writer takes without loss of letters.

    >>> exif = Image.Exif()
    >>> exif[Base.Artist] = "김".encode()
    >>> tiff_exif(exif)[Base.Artist].decode()
    '김'
    """
    loaded = Image.Exif()
    loaded.load(exif.tobytes())
    for tag, value in list(loaded.items()):
        loaded[tag] = _as_stored(value)
    return loaded


def _dpi(picture: Image.Image, exif: Image.Exif) -> tuple[float, float] | None:
    dpi: Any = picture.info.get("dpi")
    if dpi is None and exif.get(Base.ResolutionUnit, INCH) == INCH:  # WebP has it in EXIF alone
        dpi = exif.get(Base.XResolution), exif.get(Base.YResolution)
    try:
        horizontal, vertical = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):  # a tag of any type, 0/0 among them
        return None
    return (horizontal, vertical) if 0 < horizontal < 1e5 and 0 < vertical < 1e5 else None
