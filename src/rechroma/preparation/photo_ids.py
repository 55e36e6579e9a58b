"""The ids of photographs in a folder: unique, readable, and short enough to name a file."""

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import PurePosixPath

ID_BYTES = 196  # of an id in UTF-8, at most; with a suffix, 200 of the 255 that file systems allow
DIGEST = 12  # hexadecimal digits


def photo_ids(names: Sequence[str]) -> list[str]:
    """An id for each photograph: its path, joined by dashes, without the suffix.

    Ids differ in any case. Equal ones keep their suffix, or get a +. One that is too long, or not
    UTF-8, is cut and gets the digest of its path. Letters are composed (Unicode NFC), as macOS
    decomposes them.

    Args:
        names: paths with slashes, relative to the folder; each one once.

    >>> photo_ids(["1.png", "a/2.png", "b.jpg", "b.png"])
    ['1', 'a-2', 'b.jpg', 'b.png']
    >>> photo_ids(["long/" * 60 + "name.png"])[0][-24:]
    'ng-long-lon-4d43d33d77bf'
    """
    flat = [unicodedata.normalize("NFC", name.replace("/", "-")) for name in names]
    stems = [PurePosixPath(name).stem for name in flat]
    counts = Counter(stem.casefold() for stem in stems)
    used: set[str] = set()
    ids = []
    for name, stem, with_suffix in zip(names, stems, flat, strict=True):
        photo_id = _shorten(stem if counts[stem.casefold()] == 1 else with_suffix, name)
        while photo_id.casefold() in used:
            photo_id = _shorten(photo_id + "+", name)
        used.add(photo_id.casefold())
        ids.append(photo_id)
    return ids


def _shorten(photo_id: str, name: str) -> str:
    """An id of at most `ID_BYTES` bytes; a cut one ends with the digest of the path `name`."""
    encoded = os.fsencode(photo_id)
    is_utf8 = encoded.decode(errors="ignore").encode() == encoded
    if len(encoded) <= ID_BYTES and is_utf8:
        return photo_id
    # The digest of the path as it is on disk: two that are equal once composed stay different.
    digest = sha256(os.fsencode(name)).hexdigest()[:DIGEST]
    beginning = encoded[: ID_BYTES - DIGEST - 1].decode(errors="ignore")
    return f"{beginning}-{digest}"
