"""Which files of an album are restored, into which files, with which masks."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import NamedTuple

from rechroma.apps.batch.image_file import check_out, format_of, is_restored
from rechroma.apps.batch.match_pictures import mask_beside, real_place, stem_key
from rechroma.errors import UserError
from rechroma.imaging.album import list_album
from rechroma.imaging.formats import EXPECTED


class NoPhotosError(UserError):
    """The paths name no photograph."""


class Album(NamedTuple):
    """The photographs to restore, and the other files of their folders.

    Attributes:
        outputs: the file to write, by photograph.
        relative: the path within its source, by photograph.
        beside: files named like masks of a photograph, beside it (`a_mask.png`), by photograph.
        skipped: files that are no photographs.
    """

    outputs: dict[Path, Path]
    relative: dict[Path, PurePath]
    beside: dict[Path, list[Path]]
    skipped: list[Path]


def plan_album(
    sources: Iterable[Path],
    out: Path,
    suffix: str = ".png",
    masks_out: Path | None = None,
    mask: Path | None = None,
) -> Album:
    """The photographs in files and folders, each with the file to write.

    Files that rechroma wrote into `out` or `masks_out`, and the masks, are not photographs to
    restore, even if they lie inside a source. Where two photographs would become the same file, as
    `a.jpg` and `a.tif`, they become `a.jpg.png` and `a.tif.png`.

    Args:
        sources: photographs, and folders of them; the folders below are kept below `out`.
        out: a folder, or for a single photograph a file whose suffix names its format.
        suffix: of the output files, where `out` is a folder.
        masks_out: the folder that masks are written into.
        mask: a mask, or a folder of masks.

    Raises:
        NoPhotosError: the sources hold no photograph.
        UserError: `out` is one file for several photographs, or a picture in a format that is not
            written.
    """
    sources = list(sources)
    check_out(out)
    is_file = format_of(out) is not None and not out.is_dir()
    if out.exists() and not out.is_dir() and not is_file:
        raise UserError(f"{out} is a file, expected a folder to write into")
    album = _list_files(sources, [out, *filter(None, [masks_out])], mask)
    if not album.relative:
        raise NoPhotosError(f"no photograph found in these paths, {EXPECTED}")
    if is_file and len(album.relative) > 1:
        raise UserError(
            f"{out} is one file for {len(album.relative)} photographs, expected a folder"
        )
    for photo, relative in album.relative.items():
        album.outputs[photo] = out if is_file else out / relative.with_suffix(suffix)
    if not is_file:
        _tell_apart(album.outputs, suffix)
    return album


def _list_files(sources: list[Path], written: list[Path], mask: Path | None) -> Album:
    """The album without its outputs."""
    results = [real_place(folder) for folder in written]
    tops = {real_place(source) for source in sources}
    masks = real_place(mask) if mask else None
    # Masks beside their photographs are told by their names, and not by their folder.
    if masks and any(top.is_relative_to(masks) for top in tops if top != masks or top.is_dir()):
        masks = None
    album = Album({}, {}, defaultdict(list), [])
    for source in sources:
        listing = list_album(source)
        top = source if source.is_dir() else source.parent
        for path in listing.photos:
            real = real_place(path)
            inside = any(real.is_relative_to(folder) for folder in results)
            is_mask = masks is not None and real.is_relative_to(masks)
            if path == source or not (is_mask or (inside and is_restored(path))):
                album.relative[path] = path.relative_to(top)
        album.skipped.extend(
            path
            for path in listing.skipped
            if not any(real_place(path).is_relative_to(folder) for folder in results)
        )
    stems = {stem_key(path): path for path in album.relative}
    for path in list(album.relative):
        photo = mask_beside(path, stems)
        if photo is not None:
            album.beside[photo].append(path)
            del album.relative[path]
    return album


def _tell_apart(outputs: dict[Path, Path], suffix: str) -> None:
    """Give photographs with the same output file the output `a.tif.png`, if their names differ."""
    owners: dict[Path, list[Path]] = defaultdict(list)
    for path, target in outputs.items():
        owners[target].append(path)
    for target, paths in owners.items():
        names = Counter(path.name for path in paths)
        for path in paths:
            if len(names) > 1 and names[path.name] == 1:
                outputs[path] = target.with_name(path.name + suffix)


def find_clashes(outputs: dict[Path, Path]) -> dict[Path, str]:
    """An error message for each photograph whose output file is that of another, too.

    >>> find_clashes({Path("a/b.png"): Path("new/b.png"), Path("b.png"): Path("new/b.png")})[
    ...     Path("b.png")
    ... ]
    'a/b.png and b.png would both become new/b.png, rename one'
    """
    owners: dict[Path, list[str]] = {}
    for path, target in outputs.items():
        owners.setdefault(target, []).append(str(path))
    messages = {}
    for path, target in outputs.items():
        *others, last = owners[target]
        if others:
            both, renamed = ("both", "one") if len(others) == 1 else ("all", "all but one")
            sources = f"{', '.join(others)} and {last}"
            messages[path] = f"{sources} would {both} become {target}, rename {renamed}"
    return messages


def check_overwriting(inputs: Iterable[Path], written: Iterable[Path], option: str) -> None:
    """Check that no file to write is an input.

    Args:
        inputs: photographs and masks.
        written: files to write.
        option: that chooses them, in the error.

    Raises:
        UserError: one is.

    >>> check_overwriting([Path("a.png")], [Path("new/a.png")], "--out")
    """
    identities = {_identity(path) for path in inputs if path.exists()}
    for target in written:
        if target.exists() and _identity(target) in identities:
            raise UserError(f"{target} would be overwritten, choose another folder with {option}")


def count_suffixes(paths: Iterable[Path]) -> dict[str, int]:
    """The number of files by suffix in small letters, the most frequent first.

    >>> count_suffixes([Path("a.TXT"), Path("b.nef"), Path("c.txt"), Path("README")])
    {'.txt': 2, '.nef': 1, 'no suffix': 1}
    """
    counts = Counter(path.suffix.lower() or "no suffix" for path in paths)
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def _identity(path: Path) -> tuple[int, int]:
    """Equal for two names of one file."""
    status = path.stat()
    return status.st_dev, status.st_ino
