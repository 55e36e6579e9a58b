"""Folders that are splits: a user's `train/` beside `val/`, in any spelling and at any depth."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from rechroma.errors import UserError
from rechroma.preparation.splits import HELD_OUT, TEST, TRAIN, VALIDATION

UNCLEAR = "validation or test"  # of a name that does not tell which of them

SPELLINGS = {
    TRAIN: "train trains trained training trainings trn more extra extras 학습 훈련 추가",
    VALIDATION: "val vals valid valids validate validating validation validations dev devel 검증",
    TEST: "test tests tested testing testings tst 테스트 시험",
    UNCLEAR: "eval evals evaluate evaluation evaluations heldout holdout trainval valtest 평가",
}
"""The words that name each split; case, digits and separators make no difference."""
FILLERS = (
    "set sets split splits part data dataset datasets folder dir image images img imgs photo "
    "photos picture pictures pic pics color colors colour colours original originals raw gt "
    "target targets truth x 사진 데이터"
)
"""Words beside them that do not matter: `train_images`, `valset`."""

_SPLIT_OF = {word: split for split, words in SPELLINGS.items() for word in words.split()}
_FILLERS = frozenset(FILLERS.split())
_JOINED = re.compile(
    rf"({'|'.join(sorted(_SPLIT_OF, key=len, reverse=True))})"
    rf"({'|'.join(sorted(_FILLERS, key=len, reverse=True))})"
)
_WORD = re.compile(r"[^\W\d_]+")
_CAPITAL_INSIDE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_HELD_OUT_WORD = re.compile(r"\b(held|hold)[ _-]?out\b")


class SplitName(NamedTuple):
    """What the name of a folder tells about splits.

    Attributes:
        split: train, validation, test or `UNCLEAR`.
        rest: the other words; folders that are splits of one set have the same ones.
    """

    split: str
    rest: tuple[str, ...]


def read_split_name(name: str) -> SplitName | None:
    """The split in the name of a folder; None if none of its words names one.

    >>> read_split_name("Validation Set")
    SplitName(split='validation', rest=())
    >>> read_split_name("val2017")
    SplitName(split='validation', rest=())
    >>> read_split_name("DIV2K_train_HR")
    SplitName(split='train', rest=('div', 'k', 'hr'))
    >>> read_split_name("Valentine") is None
    True
    """
    # Words end where letters end, and before a capital inside: `TrainImages`.
    text = _CAPITAL_INSIDE.sub(" ", unicodedata.normalize("NFKC", name)).casefold()
    words = _WORD.findall(_HELD_OUT_WORD.sub("heldout", text))
    splits, rest = set(), []
    for word in words:
        joined = _JOINED.fullmatch(word)
        split = _SPLIT_OF.get(joined[1] if joined else word)
        if split:
            splits.add(split)
        elif word not in _FILLERS:
            rest.append(word)
    if not splits:
        return None
    return SplitName(splits.pop() if len(splits) == 1 else UNCLEAR, tuple(rest))


class FolderSplits(NamedTuple):
    """The splits that folders set.

    Attributes:
        of_file: the split of each file; None for a file in none of the folders.
        of_folder: the split of each folder that is one, by its path; empty: no folder is a split.
    """

    of_file: list[str | None]
    of_folder: dict[str, str]


def find_folder_splits(files: Sequence[str], where: str) -> FolderSplits:
    """The splits that are set by folders: one that names `train`, beside one that is held out.

    They may be at any depth, and inside a `train`. What is inside a held-out folder is held out.

    Args:
        files: paths of photographs with slashes, relative to the folder of all of them.
        where: the setting that names that folder, at the start of messages.

    Raises:
        UserError: a folder names a held-out split without a `train` beside it, or does not tell
            which split it is; or files of several splits are in one folder.
    """
    subfolders: dict[PurePosixPath, set[str]] = {}
    for file in files:
        for folder in list(PurePosixPath(file).parents)[:-1]:
            subfolders.setdefault(folder.parent, set()).add(folder.name)
    # From the top, so that folders inside a held-out one are not looked at.
    of_folder: dict[PurePosixPath, str] = {}
    for parent in sorted(subfolders, key=lambda folder: (len(folder.parts), folder)):
        if _split_of(parent, of_folder) not in HELD_OUT:
            siblings = _sibling_splits(parent, sorted(subfolders[parent]), where)
            of_folder |= {parent / name: split for name, split in siblings.items()}
    of_file = [_split_of(PurePosixPath(file), of_folder) for file in files]
    _check_names(zip(files, of_file, strict=True), where)
    return FolderSplits(of_file, {str(folder): split for folder, split in of_folder.items()})


def _split_of(path: PurePosixPath, of_folder: Mapping[PurePosixPath, str]) -> str | None:
    """The split of the innermost folder around `path`, itself included, that is one."""
    around = (path, *path.parents)
    return next((of_folder[folder] for folder in around if folder in of_folder), None)


def _sibling_splits(parent: PurePosixPath, names: Sequence[str], where: str) -> dict[str, str]:
    """The split of each of the folders `names` in `parent` that is one; empty without held-out."""
    parsed = {name: split for name in names if (split := read_split_name(name))}
    # A name with other words counts only beside another split of the same words.
    kinds = {(split.rest, split.split) for split in parsed.values()}
    splits = {
        name: split
        for name, (split, rest) in parsed.items()
        if not rest or any(other != split for words, other in kinds if words == rest)
    }
    held_out = [name for name, split in splits.items() if split != TRAIN]
    if not held_out:
        return {}
    place = "" if parent == PurePosixPath() else f"{parent}/"
    unclear = [name for name in held_out if splits[name] == UNCLEAR]
    if unclear:
        raise UserError(
            f"{where}: the folder {place}{unclear[0]} may be validation or test, expected a name "
            "like train, validation or test; rename it"
        )
    if TRAIN not in splits.values():
        raise UserError(
            f"{where}: the folder {place}{held_out[0]} names the split {splits[held_out[0]]}, but "
            f"no folder beside it names train; put the photographs to train on into {place}train, "
            f"or rename {held_out[0]} if it is no split"
        )
    return splits


def _check_names(files: Iterable[tuple[str, str | None]], where: str) -> None:
    """Check that no folder to train on has files that all name splits: `train_1.png`, `val_1.png`.

    Raises:
        UserError: one has.
    """
    names: dict[PurePosixPath, list[str]] = {}
    for file, split in files:
        if split in (None, TRAIN):
            names.setdefault(PurePosixPath(file).parent, []).append(PurePosixPath(file).stem)
    for folder, stems in names.items():
        splits = [read_split_name(stem) for stem in stems]
        kinds = {split.split for split in splits if split}
        if None not in splits and len(kinds) > 1:
            place = "the folder" if folder == PurePosixPath() else f"the folder {folder}"
            raise UserError(
                f"{where}: the names of all photographs in {place} name splits, such as "
                f"{stems[0]} and {stems[-1]}; put them into folders train, validation and test"
            )
