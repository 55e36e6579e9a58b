"""How well damage is detected, and how often where there is none.

python -m benchmarks.bench_finding --photos DIR... --competition DIR --limit N
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import process_time

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.photographs import default_settings
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.draw_damage import KINDS, draw_damage
from rechroma.preparation.pairs import mask_from_pair
from rechroma.settings import Damage

QUALITIES = (95, 85, 70)  # of JPEG after the damage
LOW = 0.9  # intersection over union below which a mask is counted as bad

Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Material = Callable[[Luma, np.random.Generator], Luma]


def compressed(quality: int, luma: Luma, _: np.random.Generator | None = None) -> Luma:
    """A photograph after JPEG."""
    _written, data = cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def quantized(levels: int, luma: Luma, _: np.random.Generator) -> Luma:
    """A photograph of few grays, rounded."""
    return np.rint(np.rint(luma / 255 * (levels - 1)) * 255 / (levels - 1)).astype(np.uint8)


def floored(levels: int, luma: Luma, _: np.random.Generator) -> Luma:
    """A photograph of few grays, rounded down."""
    step = 256 // levels
    return np.asarray(luma // step * step, dtype=np.uint8)


def dithered(levels: int, luma: Luma, generator: np.random.Generator) -> Luma:
    """A photograph of few grays, with noise before rounding."""
    grades = np.floor(luma / 255 * (levels - 1) + generator.random(luma.shape))
    return np.rint(np.clip(grades, 0, levels - 1) * 255 / (levels - 1)).astype(np.uint8)


def contrasted(luma: Luma, _: np.random.Generator) -> Luma:
    """A photograph of four times the contrast, black and white clipped."""
    return np.clip((luma - np.median(luma)) * 4.0 + 128, 0, 255).astype(np.uint8)


def framed(level: int | None, even: bool, luma: Luma, generator: np.random.Generator) -> Luma:
    """A photograph with a frame of 1 to 10 % of its sides."""
    height, width = luma.shape
    gray = int(generator.integers(20, 235)) if level is None else level
    shares = np.full(4, generator.uniform(0.01, 0.1)) if even else generator.uniform(0.01, 0.1, 4)
    top, bottom = (int(share * height) for share in shares[:2])
    left, right = (int(share * width) for share in shares[2:])
    framed = np.full_like(luma, gray)
    inside = np.s_[top : height - bottom, left : width - right]
    framed[inside] = luma[inside]
    return framed


def captioned(kind: str, luma: Luma, generator: np.random.Generator) -> Luma:
    """A photograph with text on a bar, on a box or on itself."""
    image = Image.fromarray(luma)
    draw = ImageDraw.Draw(image)
    words = ["Summer", "1953", "Busan", "harbor,", "the", "family", "IMG_2041", "No.", "17"]
    text = " ".join(generator.choice(words, int(generator.integers(2, 6))))
    size = int(generator.uniform(0.04, 0.1) * luma.shape[0]) + 1
    font = ImageFont.load_default(size)
    ground, ink = [(0, 255), (255, 0), (255, 40), (30, 230)][generator.integers(4)]
    _, _, width, height = font.getbbox(text)
    x = int(generator.uniform(0, 0.4) * luma.shape[1])
    y = int(generator.uniform(0, 0.85) * luma.shape[0])
    if kind == "bar":
        x, y = size, luma.shape[0] - int(1.4 * size)
        draw.rectangle([0, y, *image.size], fill=ground)
    elif kind == "box":
        draw.rectangle([x - 4, y - 4, x + width + 4, y + height + 4], fill=ground)
    draw.text((x, y), text, font=font, fill=ink)
    return np.asarray(image)


def vignetted(luma: Luma, generator: np.random.Generator) -> Luma:
    """A photograph that fades to black at its corners."""
    y, x = (np.linspace(-1, 1, side) for side in luma.shape)
    distance = np.hypot(y[:, None], x[None])
    reach, width = generator.uniform(0.6, 1.0), generator.uniform(0.15, 0.4)
    return np.asarray(luma * np.clip((reach + width - distance) / width, 0, 1)).astype(np.uint8)


def rotated(level: int, luma: Luma, generator: np.random.Generator) -> Luma:
    """A scan turned by 0.5 to 5 degrees, with wedges at its borders."""
    height, width = luma.shape
    angle = generator.uniform(0.5, 5) * generator.choice([-1, 1])
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    turned = cv2.warpAffine(luma, turn, (width, height), flags=cv2.INTER_CUBIC, borderValue=level)
    return np.asarray(turned, dtype=np.uint8)


def halftoned(cell: int, luma: Luma, _: np.random.Generator) -> Luma:
    """A photograph of black dots."""
    y, x = np.indices(luma.shape) * (np.sqrt(2) * np.pi / cell)
    threshold = (np.cos(x + y) + np.cos(x - y)) / 4 + 0.5
    return np.where(cv2.GaussianBlur(luma, (0, 0), 2) / 255 > threshold, 255, 0).astype(np.uint8)


def binary(luma: Luma, _: np.random.Generator) -> Luma:
    """A photograph in black and white."""
    return np.asarray(cv2.threshold(luma, 0, 255, cv2.THRESH_OTSU)[1], dtype=np.uint8)


def line_art(luma: Luma, _: np.random.Generator) -> Luma:
    """The edges of a photograph."""
    lines = cv2.dilate(cv2.Canny(luma, 80, 160), np.ones((2, 2), dtype=np.uint8))
    return np.asarray(255 - lines, dtype=np.uint8)


def gradient(luma: Luma, generator: np.random.Generator) -> Luma:
    """No photograph, but a gradient."""
    y, x = (np.linspace(0, 1, side) for side in luma.shape)
    slopes = generator.uniform(-1, 1, 2)
    ramp = y[:, None] * slopes[0] + x[None] * slopes[1]
    grays = 60 + generator.uniform(20, 255) * (ramp - ramp.min())
    return np.asarray(np.clip(grays, 0, 255), dtype=np.uint8)


def resized(scale: float, method: int, luma: Luma, _: np.random.Generator) -> Luma:
    """A photograph of another size."""
    size = [max(int(side * scale), 1) for side in luma.shape[::-1]]
    return np.asarray(cv2.resize(luma, size, interpolation=method), dtype=np.uint8)


def after(first: Material, quality: int, luma: Luma, generator: np.random.Generator) -> Luma:
    """A material that was saved as JPEG."""
    return compressed(quality, first(luma, generator))


MATERIALS: dict[str, Material] = {
    "as they are": lambda luma, _: luma,
    **{f"JPEG q{q}": partial(compressed, q) for q in (90, 75, 50, 30, 10)},
    **{f"{n} levels": partial(quantized, n) for n in (64, 32, 16, 8)},
    "16 levels, floor": partial(floored, 16),
    "8 levels, dithered": partial(dithered, 8),
    "contrast x 4": contrasted,
    "black frame": partial(framed, 0, True),
    "white frame": partial(framed, 255, True),
    "gray frame": partial(framed, None, True),
    "uneven gray frame": partial(framed, None, False),
    "caption bar": partial(captioned, "bar"),
    "caption box": partial(captioned, "box"),
    "caption text": partial(captioned, "text"),
    "vignette": vignetted,
    "black wedges": partial(rotated, 0),
    "white wedges": partial(rotated, 255),
    "halftone 4 px": partial(halftoned, 4),
    "halftone 8 px": partial(halftoned, 8),
    "binary": binary,
    "line art": line_art,
    "gradient": gradient,
    "half the size": partial(resized, 0.5, cv2.INTER_AREA),
    "x 2 nearest": partial(resized, 2, cv2.INTER_NEAREST),
    "x 4 nearest": partial(resized, 4, cv2.INTER_NEAREST),
    "16 levels, JPEG q75": partial(after, partial(quantized, 16), 75),
    "8 levels, JPEG q90": partial(after, partial(quantized, 8), 90),
    "contrast x 4, JPEG q75": partial(after, contrasted, 75),
    "gray frame, JPEG q75": partial(after, partial(framed, None, True), 75),
    "white wedges, JPEG q85": partial(after, partial(rotated, 255), 85),
    "caption box, JPEG q80": partial(after, partial(captioned, "box"), 80),
    "line art, JPEG q75": partial(after, line_art, 75),
}


def overlap(detected: Mask, mask: Mask) -> float:
    """Intersection over union of two masks that are not both empty."""
    return float((detected & mask).sum() / (detected | mask).sum())


def kinds_of_damage(damage: Damage) -> dict[str, Damage]:
    """Each kind alone, at the levels of the settings and at any, dark holes, several holes."""
    alone = {
        kind: damage.model_copy(update={other: float(other == kind) for other in KINDS})
        for kind in KINDS
    }
    any_level = {
        f"{kind}, 0 to 255": settings.model_copy(update={"level": (0, 255)})
        for kind, settings in alone.items()
    }
    dark = damage.model_copy(update={"level": (0, 20)})
    several = damage.model_copy(update={"holes": (2, 5), "level": (0, 255)})
    return alone | any_level | {"all, 0 to 20": dark, "2 to 5, 0 to 255": several}


def read_lumas(folders: list[Path], start: int, step: int, limit: int) -> Iterator[Luma]:
    """The photographs of the folders in gray, at most `limit` of each, evenly taken."""
    for folder in folders:
        paths = sorted(p for p in folder.rglob("*.*") if p.suffix in (".jpg", ".webp"))[start::step]
        if limit and len(paths) > limit:
            paths = [paths[int(i)] for i in np.linspace(0, len(paths) - 1, limit)]
        for path in paths:
            with Image.open(path) as file:
                yield np.asarray(file.convert("RGB").convert("L"))


def report_pairs(folder: Path) -> None:
    """Overlap on the competition's pairs, their masks taken from the difference to the target."""
    overlaps: dict[int, list[float]] = {quality: [] for quality in (100, *QUALITIES)}
    for path in sorted((folder / "train_input").glob("*.png")):
        damaged = np.asarray(Image.open(path))
        target = np.asarray(Image.open(folder / "train_gt" / path.name).convert("L"))
        mask = mask_from_pair(damaged, target)
        for quality, values in overlaps.items():
            saved = damaged if quality == 100 else compressed(quality, damaged)
            values.append(overlap(find_damage(saved), mask))
    for quality, values in overlaps.items():
        print(_row("pairs" if quality == 100 else f"pairs, JPEG q{quality}", values))
    for path in sorted((folder / "test_input").glob("*.png")):
        found = find_damage(np.asarray(Image.open(path).convert("L")))
        shapes = cv2.connectedComponents(found.astype(np.uint8))[0] - 1
        print(f"{path.name}: {shapes} shape, {found.mean():.2%}")


def report_alarms(lumas: list[Luma], seed: int) -> None:
    """How many undamaged photographs of each material have a mask, and how large it is."""
    print("| undamaged photographs | false alarms | mean area | largest |\n|---|---|---|---|")
    for name, material in MATERIALS.items():
        areas = [
            float(find_damage(material(luma, np.random.default_rng((seed, number)))).mean())
            for number, luma in enumerate(lumas)
        ]
        alarms = np.mean(np.greater(areas, 0))
        print(f"| {name} | {alarms:.1%} | {np.mean(areas):.2%} | {max(areas):.1%} |", flush=True)


def report_damage(lumas: list[Luma], damage: Damage, seed: int) -> None:
    """Overlap of detected and drawn damage by kind and quality."""
    print(
        "| drawn damage | IoU mean | 1 % | worst | below .9 | missed |\n|---|---|---|---|---|---|"
    )
    for name, settings in kinds_of_damage(damage).items():
        drawn = [
            draw_damage(luma, settings, np.random.default_rng((seed, number)))
            for number, luma in enumerate(lumas)
        ]
        print(_row(name, [overlap(find_damage(image), mask) for image, mask in drawn]), flush=True)
        for quality in QUALITIES if name in KINDS else ():
            values = [overlap(find_damage(compressed(quality, im)), mask) for im, mask in drawn]
            print(_row(f"{name}, JPEG q{quality}", values), flush=True)


def _row(name: str, overlaps: list[float]) -> str:
    low, missed = np.mean(np.less(overlaps, LOW)), np.mean(np.equal(overlaps, 0))
    return (
        f"| {name} | {np.mean(overlaps):.4f} | {np.percentile(overlaps, 1):.3f} "
        f"| {min(overlaps):.3f} | {low:.1%} | {missed:.1%} |"
    )


def report_speed(luma: Luma) -> None:
    """Milliseconds of one thread, for a photograph and for one of 12 megapixels."""
    for size in ((512, 512), (4000, 3000)):
        image = cv2.resize(luma, size, interpolation=cv2.INTER_CUBIC)
        find_damage(image[:64, :64])  # whatever is loaded at the first call
        start = process_time()
        find_damage(image)
        print(f"{size[0]} x {size[1]} px: {1000 * (process_time() - start):.1f} ms")


def main() -> None:
    """Print the tables for the folders on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, nargs="+", metavar="DIR", default=[])
    parser.add_argument("--competition", type=Path, metavar="DIR")
    parser.add_argument("--limit", type=int, default=0, help="photographs of each folder; 0: all")
    parser.add_argument("--every", type=int, default=1, help="of so many photographs, one is used")
    parser.add_argument("--start", type=int, default=0, help="the first photograph that is used")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    arguments = parser.parse_args()
    if not arguments.photos and not arguments.competition:
        parser.error("no photographs are named, expected --photos DIR... or --competition DIR")
    for folder in filter(None, [*arguments.photos, arguments.competition]):
        if not folder.is_dir():
            parser.error(f"'{folder}' is no folder, expected one of photographs")
    cv2.setNumThreads(1)
    if arguments.competition:
        report_pairs(arguments.competition)
    if arguments.photos:
        lumas = list(
            read_lumas(arguments.photos, arguments.start, arguments.every, arguments.limit)
        )
        print(f"{len(lumas)} photographs")
        report_speed(lumas[0])
        report_alarms(lumas, arguments.seed)
        report_damage(lumas, default_settings().damage, arguments.seed)


if __name__ == "__main__":
    main()
