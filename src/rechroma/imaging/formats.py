"""Image formats: their suffixes, and which format the first bytes of a file are in."""

import re

# Pillow's name of each format that is read, and its suffixes; the first is the usual one.
FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".jfi"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
    "AVIF": (".avif",),
    "PPM": (".pgm", ".ppm", ".pbm", ".pnm"),
    "TGA": (".tga",),
    "HEIF": (".heic", ".heif", ".hif"),
}
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
EXPECTED = "expected PNG, JPEG, WebP, TIFF, BMP, GIF, JPEG 2000, AVIF, PNM, TGA or HEIC"

# Raw files of cameras. They begin as a TIFF whose first picture is a small preview.
RAW_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("3fr", "arw", "cr2", "dcr", "dng", "erf", "iiq", "k25", "kdc", "mef", "mos", "nef"),
        *("nrw", "orf", "pef", "rw2", "rwl", "sr2", "srf", "srw", "thm"),
    )
)
# Further suffixes of pictures: a file of that name is meant to be a picture, never a folder.
OTHER_SUFFIXES = RAW_SUFFIXES | frozenset(
    f".{name}"
    for name in (
        *("ai", "apng", "cr3", "eps", "exr", "hdr", "ico", "jxl", "jxr", "mpo", "pcx", "pdf"),
        *("pfm", "psb", "psd", "svg", "xcf"),
    )
)

HEAD_BYTES = 64  # of a file, that tell its format
MAGIC = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG"),
    (re.compile(rb"\xff\xd8\xff"), "JPEG"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WEBP"),
    # TIFF in either byte order; `+` is BigTIFF.
    (re.compile(rb"II[*+]\0|MM\0[*+]"), "TIFF"),
    # The size of the second header of a BMP keeps out texts that begin with BM.
    (re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), "BMP"),
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"), "JPEG2000"),
    # Brands of the two formats that are kept in MPEG-4 boxes; the main brand comes first.
    (re.compile(rb"....ftyp(avif|avis|(mif1|msf1).{4,40}avi[fs])", re.DOTALL), "AVIF"),
    (re.compile(rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL), "HEIF"),
)
# Beginnings that texts may have, too: they count under the suffixes of their format alone.
WEAK_MAGIC = (
    (re.compile(rb"P[1-6]\s"), "PPM"),
    (re.compile(rb"[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"), "DIB"),
    (re.compile(rb".[\0\1][\1-\3\x09-\x0b]", re.DOTALL), "TGA"),
)
WEAK_SUFFIXES = {"PPM": FORMATS["PPM"], "DIB": (".dib",), "TGA": FORMATS["TGA"]}


def identify_format(head: bytes, suffix: str = "") -> str | None:
    """The format that a file of these first bytes is in, by Pillow's name; None if in none.

    Args:
        head: its first `HEAD_BYTES` bytes.
        suffix: of its name, in small letters. It decides only where the bytes do not.

    >>> identify_format(b"GIF89a", ".png")
    'GIF'
    >>> identify_format(b"P5 64 48 255 ", ".pgm"), identify_format(b"P5 64 48 255 ", ".txt")
    ('PPM', None)
    """
    for magic, name in MAGIC:
        if magic.match(head):
            return name
    for magic, name in WEAK_MAGIC:
        if suffix in WEAK_SUFFIXES[name] and magic.match(head):
            return name
    return None


def is_photo_name(suffix: str, head: bytes) -> bool:
    """Whether a file of a folder is a photograph: by its suffix, else by its first bytes.

    A file of another suffix that begins like a TIFF is none: most are raw files of cameras.

    >>> is_photo_name(".jpg_large", b"\\xff\\xd8\\xff\\xe0")
    True
    >>> is_photo_name(".nef", b"II*\\0"), is_photo_name(".txt", b"To Grandma")
    (False, False)
    """
    if suffix in SUFFIXES:
        return True
    if suffix in RAW_SUFFIXES:
        return False
    name = identify_format(head)
    return name is not None and (name != "TIFF" or suffix == "" or suffix.startswith(".tif"))
