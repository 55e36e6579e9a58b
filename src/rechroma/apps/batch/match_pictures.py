"""Pictures matched to photographs by name: masks, targets, restored ones. One rule for all."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import NamedTuple

from rechroma.errors import UserError
from rechroma.imaging.formats import EXPECTED
from rechroma.imaging.io import list_photos

# image1_mask.png, image1_mask001.png, image1-mask.png: masks of image1.
MASK_NAME = re.compile(r"(?P<stem>.+?)[_\-. ]+mask(?:[_\-. ]?\d+)?", re.IGNORECASE | re.DOTALL)

Key = tuple[str, ...]  # the parts of a relative path, normalized


class Matched(NamedTuple):
    """The picture of one photograph.

    Attributes:
        picture: its file; None where none can be told.
        by_name_alone: whether only the file names match, in different folders.
        problem: why there is none, to follow the path of the photograph; empty if there is one.
    """

    picture: Path | None = None
    by_name_alone: bool = False
    problem: str = ""


def match_pictures(photos: Mapping[Path, PurePath], folder: Path, kind: str) -> dict[Path, Matched]:
    """The picture of each photograph in a folder and its subfolders.

    The path of a picture within the folder is that of its photograph within the album; suffixes,
    and the two ways in which Unicode spells some letters, do not count. `a.tif.png` is the picture
    of `a.tif`, as rechroma writes it where `a.jpg` is beside it. Where no path fits, the file name
    alone is enough if one photograph and one picture have it. `a_mask.png` counts as `a.png`.

    Args:
        photos: the path within its album, by photograph.
        folder: of the pictures; photographs in it are none of them.
        kind: what the pictures are, in errors: `mask`.

    Raises:
        UserError: the folder is missing or holds no picture.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     (Path(root) / "1950").mkdir()
    ...     (Path(root) / "1950/a.png").touch()
    ...     album = {Path(f"{year}/a.jpg"): Path(f"{year}/a.jpg") for year in (1950, 1951)}
    ...     matches = match_pictures(album, Path(root), "mask")
    ...     [match.picture is not None for match in matches.values()]
    [True, False]
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder, expected one with pictures")
    inputs = {real_place(photo) for photo in photos}
    pictures = [path for path in list_photos(folder) if real_place(path) not in inputs]
    if not pictures:
        raise UserError(f"{folder} holds no pictures, {EXPECTED}")
    index = _Index(pictures, folder)
    groups = _group(photos)
    names = Counter(key[-1] for key in map(stem_key, photos.values()))
    matches = {}
    for photo, relative in photos.items():
        key = stem_key(relative)
        siblings = [_full_key(photos[each]) for each in groups[key]]
        paths = index.find(_full_key(relative), key, siblings) or index.find_tail(photo)
        alone = not paths and names[key[-1]] == 1
        if alone:
            paths = index.by_name.get(key[-1], [])
        matches[photo] = _choose(paths, alone and len(relative.parts) > 1, photo, index, kind)
    return _unshared(matches, kind)


def mask_beside(name: PurePath, stems: Mapping[Key, Path]) -> Path | None:
    """The photograph that a file named like a mask lies beside; None for other names.

    Args:
        name: the path of the file.
        stems: photographs by the normalized parts of their path without suffix.

    >>> photos = {stem_key(Path("album/image1.jpg")): Path("album/image1.jpg")}
    >>> print(mask_beside(Path("album/image1_mask001.png"), photos))
    album/image1.jpg
    """
    match = MASK_NAME.fullmatch(name.stem)
    return stems.get(stem_key(name.with_name(match["stem"] + ".png"))) if match else None


def real_place(path: Path) -> Path:
    """The path of a file in its real folder; the file itself may be a link, even to itself.

    >>> real_place(Path("/gone/../a.png"))
    PosixPath('/a.png')
    """
    return path.parent.resolve() / path.name


def stem_key(path: PurePath) -> Key:
    """The parts of a path without the suffix of its file, normalized (Unicode NFC).

    >>> stem_key(Path("1950/a.PNG"))
    ('1950', 'a')
    """
    parts = [unicodedata.normalize("NFC", part) for part in path.parts]
    return (*parts[:-1], PurePath(parts[-1]).stem)


class _Index:
    """Pictures by their path within a folder, and by their names."""

    def __init__(self, pictures: Iterable[Path], folder: Path) -> None:
        self.by_key: dict[Key, list[Path]] = defaultdict(list)
        self.by_name: dict[str, list[Path]] = defaultdict(list)
        self.by_path: dict[Key, Path] = {}
        self.folder = folder
        for path in pictures:
            relative = path.relative_to(folder)
            key = stem_key(relative)
            self.by_path[_full_key(relative)] = path
            stems = [key]
            if named := MASK_NAME.fullmatch(key[-1]):
                stems.append((*key[:-1], named["stem"]))
            for stem in stems:
                self.by_key[stem].append(path)
                self.by_name[stem[-1]].append(path)

    def find(self, own: Key, stem: Key, siblings: list[Key]) -> list[Path]:
        """The pictures whose path is that of a photograph.

        Args:
            own: the path of the photograph within the album.
            stem: the same without suffix.
            siblings: the paths of all photographs that are the same without suffix.
        """
        # The picture of a.tif is a.tif.png, as rechroma names it beside a.jpg, else a.png; or
        # a.tif, where that of a.jpg is a.jpg.
        if told_apart := self.by_key.get(own):
            return told_apart
        same = self.by_key.get(stem, [])
        if len(siblings) > 1 and all(each in self.by_path for each in siblings):
            return [self.by_path[own]]
        return same

    def find_tail(self, photo: Path) -> list[Path]:
        """The pictures whose path ends that of a photograph, whose album may be a part of theirs.

        One folder at least must be the same.
        """
        whole = stem_key(photo.absolute())
        tails = (self.by_key.get(whole[start:], []) for start in range(len(whole) - 1))
        return next(filter(None, tails), [])


def _choose(paths: list[Path], alone: bool, photo: Path, index: _Index, kind: str) -> Matched:
    """The only candidate, or the problem that there are none or several."""
    if len(paths) == 1:
        return Matched(paths[0], alone)
    if paths:
        listed = " and ".join(str(path) for path in paths[:3])
        return Matched(problem=f"{listed} may each be its {kind}, expected one of them alone")
    stem = stem_key(photo)[-1]
    where = "in the same subfolder as in the album" if index.by_name.get(stem) else "there"
    return Matched(problem=f"{index.folder} holds no {kind} for it, expected {stem}.png {where}")


def _unshared(matches: dict[Path, Matched], kind: str) -> dict[Path, Matched]:
    """The matches without those of one picture to several photographs."""
    owners: dict[Path, list[Path]] = defaultdict(list)
    for photo, match in matches.items():
        if match.picture:
            owners[match.picture].append(photo)
    result = {}
    for photo, match in matches.items():
        same = owners[match.picture] if match.picture else []
        if len(same) > 1:
            others = " and ".join(str(other) for other in same)
            problem = f"{match.picture} may be the {kind} of {others}, name it {photo.name}.png"
            match = Matched(problem=problem)
        result[photo] = match
    return result


def _group(photos: Mapping[Path, PurePath]) -> dict[Key, list[Path]]:
    """Photographs of the same path within their albums, but for the suffix."""
    groups: dict[Key, list[Path]] = defaultdict(list)
    for photo, relative in photos.items():
        groups[stem_key(relative)].append(photo)
    return groups


def _full_key(path: PurePath) -> Key:
    """The parts of a path, normalized, the suffix of its file in small letters."""
    *folders, name = (unicodedata.normalize("NFC", part) for part in path.parts)
    return (*folders, PurePath(name).stem + PurePath(name).suffix.lower())
