"""The broken input of number `index` of a run with the seed `seed`, and what is done with it."""

from dataclasses import dataclass

import numpy as np

from .archives import odd_csv, odd_zip, pair_files
from .mutate import mutate
from .seeds import gray_photo, hole_mask, saved, seed_files

# What is done with the input, and how often.
SHARES = {
    "restore": 0.58,  # restore_file, with a stand-in for the network
    "mask": 0.12,  # restore_file, of a sound photograph with a broken mask
    "mask-alone": 0.05,  # read_mask_file
    "find-mask": 0.06,  # the command
    "command": 0.03,  # rechroma restore, with the bundled model
    "page": 0.06,  # the handlers of the page: uploaded, its mask corrected, restored
    "archive": 0.06,  # preparation
    "csv": 0.04,  # preparation
}
# Tried by themselves, as importing what they need takes seconds.
SLOW_KINDS = ("service",)  # the model as MLflow serves it
FORMATS = ("png", "png", "png", "jpg", "tif", "webp", "jp2")


@dataclass(frozen=True)
class Case:
    """One broken input.

    Attributes:
        kind: what is done with it, of `SHARES`.
        name: of the broken file among `files`.
        files: content of each file by its path in an empty folder.
        note: what is broken, for the message.
        suffix: of the restored file.
        variant: one of the options, 0 to 3.
    """

    kind: str
    name: str
    files: dict[str, bytes]
    note: str
    suffix: str = "png"
    variant: int = 0


def make_case(seed: int, index: int, kind: str | None = None) -> Case:
    """The same case for the same numbers, on every machine with the same libraries.

    Its kind is drawn by `SHARES` unless it is given, such as `service`.
    """
    rng = np.random.default_rng([seed, index])
    drawn = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    kind = kind or drawn
    if kind == "archive":
        content, note = odd_zip(pair_files(), rng)
        return Case(kind, "open.zip", {"open.zip": content}, note)
    if kind == "csv":
        files = dict(pair_files())
        files["train.csv"], note = odd_csv(files["train.csv"], rng)
        return Case(kind, "train.csv", files, note)
    seeds = dict(seed_files())
    if kind.startswith("mask"):
        mask = hole_mask()
        seeds |= {"mask": (".png", saved(mask, "PNG")), "mask-jpeg": (".jpg", saved(mask, "JPEG"))}
        seeds |= {"mask-bits": (".png", saved(mask, "PNG", "1"))}
    seed_name = list(seeds)[int(rng.integers(len(seeds)))]
    suffix, sound = seeds[seed_name]
    broken, how = mutate(sound, suffix, rng)
    if rng.random() < 0.05:
        suffix = str(rng.choice([".png", ".jpg", ".tga", ".dib", ".pgm", ".tif"]))
    name = ("mask" if kind.startswith("mask") else "photo") + suffix
    files = {name: broken}
    if kind == "mask":
        files["photo.png"] = saved(gray_photo(), "PNG")
        if name == "photo.png":
            raise AssertionError("a mask is not named photo.png")
    note = f"{seed_name}: {how}"
    return Case(kind, name, files, note, str(rng.choice(FORMATS)), int(rng.integers(4)))
