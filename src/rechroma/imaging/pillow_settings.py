"""Pillow's settings and Python's warnings, which all threads share, changed for a while."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

pillow_lock = threading.RLock()
"""Held while settings of Pillow or of Python's warnings, which all threads share, are changed."""


@contextmanager
def no_pixel_limit() -> Iterator[None]:
    """Pillow's own limit is switched off while a header is read: it warns at half of ours.

    So are its warnings about broken metadata, which `apps.batch.exif` names.

    >>> with no_pixel_limit():
    ...     Image.MAX_IMAGE_PIXELS is None
    True
    """
    with pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
