"""Odd archives and lists of the competition's data."""

import io
import struct
import warnings
import zipfile
from functools import cache

import cv2
import numpy as np

from rechroma.imaging.color import to_luma

from .seeds import gray_photo, saved

PHOTOS = 8


@cache
def pair_files() -> dict[str, bytes]:
    """Sound data: color photographs of 64 px, and their damaged grays."""
    files = {}
    rows = ["id,input_image_path,gt_image_path"]
    for number in range(PHOTOS):
        generator = np.random.default_rng(number)
        coarse = generator.integers(0, 255, (4, 4, 3), dtype=np.uint8)
        color = cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC)
        gray = to_luma(color).copy()
        gray[10:30, 10:40] = 60
        files[f"train_input/{number}.png"] = saved(gray, "PNG")
        files[f"train_gt/{number}.png"] = saved(color, "PNG")
        rows.append(f"{number},./train_input/{number}.png,./train_gt/{number}.png")
    files["train.csv"] = "\n".join(rows).encode()
    files["test_input/t.png"] = saved(gray_photo(), "PNG")
    files["test.csv"] = b"id,input_image_path\nt,./test_input/t.png\n"
    return files


def odd_csv(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """A list that is broken in one way, and the name of that way."""
    lines = content.split(b"\n")
    row = int(rng.integers(len(lines)))
    odd = {
        "nul": lambda: content.replace(b"train_input/1", b"train_input/\0"),
        "quote": lambda: content.replace(b",", b',"', 3),
        "utf-16": lambda: content.decode().encode("utf-16"),
        "no header": lambda: b"\n".join(lines[1:]),
        "empty": lambda: b"",
        "short row": lambda: b"\n".join([*lines[:row], lines[row].split(b",")[0], *lines[row:]]),
        "long row": lambda: b"\n".join([*lines, lines[-1] + b",a,b,c" * 9]),
        "long field": lambda: b"\n".join([*lines, b"9," + b"x" * 200_000 + b",y"]),
        "long name": lambda: b"\n".join([*lines, b"9," + b"x" * 5_000 + b".png,y.png"]),
        "outside": lambda: content.replace(b"./train_gt/1", b"../../train_gt/1"),
        "absolute": lambda: content.replace(b"./train_gt/1", b"/etc/passwd"),
        "drive": lambda: content.replace(b"./train_gt/1", b"C:\\train_gt\\1"),
        "repeated": lambda: b"\n".join([*lines, *lines[1:]]),
        "folder": lambda: content.replace(b"./train_gt/1.png", b"./train_gt"),
        "header again": lambda: content.replace(b"id,", b"input_image_path,", 1),
        "blank lines": lambda: content.replace(b"\n", b"\r\n\r\n"),
        "old line ends": lambda: content.replace(b"\n", b"\r"),
        "tabs": lambda: content.replace(b",", b"\t"),
        "noise": lambda: rng.bytes(300),
    }
    name = list(odd)[int(rng.integers(len(odd)))]
    return odd[name](), f"csv: {name}"


def odd_zip(files: dict[str, bytes], rng: np.random.Generator) -> tuple[bytes, str]:
    """An archive that is odd in one way, and the name of that way."""
    ways = (
        *("bomb", "outside", "absolute", "repeated", "encrypted", "method", "cut"),
        *("bytes", "wrong size", "wrong checksum", "links", "folder as file", "empty", "many"),
    )
    way = ways[int(rng.integers(len(ways)))]
    name = "train_gt/1.png" if rng.random() < 0.7 else "train.csv"
    extra: list[tuple[str, bytes]] = []
    match way:
        case "bomb":
            return _zip_bomb(name), f"zip: {way} {name}"
        case "outside":
            extra = [("../../evil.png", files["train_gt/1.png"]), ("../train.csv", b"a")]
        case "absolute":
            extra = [("/tmp/evil.png", files["train_gt/1.png"]), ("C:/train.csv", b"a")]
        case "repeated":
            extra = [(name, b"other"), (name.upper(), b"other")]
        case "folder as file":
            extra = [("train_gt", b"a"), ("train.csv/a", b"b")]
        case "many":
            extra = [(f"x/{number}", b"") for number in range(3000)]
        case "empty":
            files = {}
    stream = io.BytesIO()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
    ):
        warnings.simplefilter("ignore")  # of repeated names
        for entry, content in [*files.items(), *extra]:
            info = zipfile.ZipInfo(entry)
            info.compress_type = zipfile.ZIP_DEFLATED
            if way == "links" and entry == name:
                info.external_attr = 0o120777 << 16
                content = b"/etc/passwd"
            packed.writestr(info, content)
    return _changed(stream.getvalue(), way, name.encode(), rng), f"zip: {way}"


def _changed(content: bytes, way: str, name: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    # An entry's fields stand before its name: in the directory 46 bytes, at the content 30.
    local, central = content.find(name) - 30, content.rfind(name) - 46
    if way == "encrypted":
        changed[local + 6] |= 1
        changed[central + 8] |= 1
    elif way == "method":
        changed[central + 10] = changed[local + 8] = int(rng.integers(1, 100))
    elif way == "wrong size":
        size = int(rng.choice([0, 1, 100, 2**27, 2**32 - 2]))
        changed[central + 24 : central + 28] = struct.pack("<I", size)
    elif way == "wrong checksum":
        changed[central + 16] ^= 1
    elif way == "cut":
        changed = changed[: int(rng.integers(len(changed)))]
    elif way == "bytes":
        for _ in range(int(rng.integers(1, 20))):
            back = min(len(changed), 1500) if rng.random() < 0.6 else len(changed)
            changed[-int(rng.integers(1, back))] = int(rng.integers(256))
    return bytes(changed)


@cache
def _zip_bomb(name: str) -> bytes:
    """An entry of 300 MB in an archive of 1.4 MB."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for entry, content in pair_files().items():
            packed.writestr(entry, bytes(300 << 20) if entry == name else content)
    return stream.getvalue()
