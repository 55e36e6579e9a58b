"""The page on which people vote: one HTML file with its pictures, which asks no other address."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import cv2

from rechroma.apps.blind.pairs import Pair
from rechroma.apps.blind.photographs import BlindPhoto
from rechroma.apps.blind.sides import Side
from rechroma.errors import UserError
from rechroma.imaging.io import data_uri
from rechroma.imaging.resize import downscale, fit_shape
from rechroma.imaging.types import Photo

TEMPLATE = Path(__file__).with_name("page.html")
DATA = "{{data}}"  # its place in the template
LIMIT = 60_000_000  # bytes of a page: more is too much for the browser of a phone
SHAPE_TOLERANCE = 0.02  # by which the sides of a ready picture may differ from the photograph's
ID_DIGITS = 12


@dataclass
class Deck:
    """The pictures of a page, as `data:` URIs of JPEGs without metadata.

    Attributes:
        pairs: in the order in which they are shown; drawn when all pictures are there.
        pictures: by the indices of photograph and side.
        size: of all pictures, bytes.
    """

    pairs: Sequence[Pair] = ()
    pictures: dict[tuple[int, int], str] = field(default_factory=dict)
    size: int = 0

    def add(self, photo: int, pictures: Sequence[Photo]) -> None:
        """Add the pictures of a photograph, one for each side.

        Raises:
            UserError: the page would get too large.
        """
        for side, picture in enumerate(pictures):
            uri = data_uri(picture)
            self.pictures[photo, side] = uri
            self.size += len(uri)
        if self.size > LIMIT:
            photos = len({photo for photo, _ in self.pictures})
            raise UserError(
                f"--blind: the page would be larger than {LIMIT // 10**6} MB after {photos} "
                f"photographs; expected --limit {max(1, photos - 1)} or less, or a smaller --size"
            )

    def shown(self, pair: Pair) -> tuple[str, str]:
        """The left and the right picture of a pair."""
        return self.pictures[pair.photo, pair.left], self.pictures[pair.photo, pair.right]

    def page_id(self) -> str:
        """The id of the page: the digest of what it shows, in which order."""
        digest = sha256()
        for pair in self.pairs:
            digest.update(pair.id.encode())
            for picture in self.shown(pair):
                digest.update(picture.encode())
        return digest.hexdigest()[:ID_DIGITS]


def pictures_of(photo: BlindPhoto, sides: Sequence[Side], size: int) -> list[Photo]:
    """The picture of each side, all of one size: `(h, w, 3)` uint8 RGB.

    None is enlarged: where a ready picture is smaller than `size`, so are all.

    Args:
        photo: the photograph.
        sides: the sides.
        size: longer side, px, at most.

    Raises:
        UserError: a picture has not the shape of the photograph.
    """
    pictures = [side.restore(photo) for side in sides]
    for side, picture in zip(sides, pictures, strict=True):
        height, width = picture.shape[:2]
        expected_height, expected_width = photo.damaged.shape
        if abs(width * expected_height / (height * expected_width) - 1) > SHAPE_TOLERANCE:
            raise UserError(
                f"{photo.file}: its picture of {side.name} is {width}x{height} px, expected the "
                f"shape of the photograph, {expected_width}x{expected_height} px"
            )
    longest = min(size, *(max(picture.shape[:2]) for picture in pictures))
    height, width = fit_shape(photo.damaged.shape, longest)
    return [_resize(picture, height, width) for picture in pictures]


def _resize(picture: Photo, height: int, width: int) -> Photo:
    """The picture at this size; a rounding of sides may ask for one px more than it has."""
    if height <= picture.shape[0] and width <= picture.shape[1]:
        return downscale(picture, height, width)
    resized: Photo = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
    return resized


def render_page(deck: Deck) -> str:
    """The page as HTML. It holds pairs with opaque ids, their pictures, and nothing else of them.

    >>> pair = Pair("0a", photo=0, left=1, right=0)
    >>> deck = Deck([pair], {(0, 0): "data:one", (0, 1): "data:two"})
    >>> '"pictures": ["data:two", "data:one"]' in render_page(deck)
    True
    """
    # A picture of several pairs is stored once, where it is first shown: no order tells the sides.
    places: dict[str, int] = {}
    pairs = []
    for pair in deck.pairs:
        left, right = (places.setdefault(uri, len(places)) for uri in deck.shown(pair))
        pairs.append({"id": pair.id, "left": left, "right": right})
    content = {"page": deck.page_id(), "pairs": pairs, "pictures": list(places)}
    return TEMPLATE.read_text(encoding="utf-8").replace(DATA, json.dumps(content))
