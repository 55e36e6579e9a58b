"""A training sample from packed photographs, against opening, resizing and drawing with Pillow."""

import random
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from benchmarks.photographs import default_settings, photographs, prepare
from benchmarks.timing import Measurement, medians_ms, one_thread
from rechroma.data.training_set import Sample, TrainingSet
from rechroma.settings import Damage

FILE_SIDE = 512  # px, as the competition's PNG files
QUICK_SIDE = 64  # px
SAMPLES = 16  # in one timed call
REPEATS = 15
GOAL = 20.0


class PlainSamples:
    """A dataset that reads the original file again for each sample.

    Args:
        files: RGB photographs as PNG.
        side: of the samples, px.
        cells: of the hue histograms, along each side.
        damage: kinds, sizes and grays of the shapes.
    """

    def __init__(self, files: list[Path], side: int, cells: int, damage: Damage):
        self.files = files
        self.side = side
        self.cells = cells
        self.damage = damage
        self.random = random.Random(0)

    def __getitem__(self, index: int) -> Sample:
        with Image.open(self.files[index % len(self.files)]) as file:
            photo = file.convert("RGB").resize((self.side, self.side))
        if self.random.random() < 0.5:
            photo = ImageOps.mirror(photo)
        gray = photo.convert("L")
        mask = Image.new("L", gray.size)
        self._draw(gray, mask)
        return Sample(
            torch.from_numpy(np.array(gray))[None],
            torch.from_numpy(np.array(mask))[None] > 127,
            torch.from_numpy(np.array(photo)).permute(2, 0, 1),
            torch.from_numpy(self._hues(np.array(photo))),
        )

    def _hues(self, photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        hsv = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)
        rows = [np.array_split(row, self.cells, axis=1) for row in np.array_split(hsv, self.cells)]
        # (cells, cells, 181) shares of the hues, and of gray
        shares = np.array([[self._shares(cell) for cell in row] for row in rows])
        return shares.transpose(2, 0, 1)

    def _shares(self, hsv: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = hsv.reshape(-1, 3)
        colored = pixels[pixels[:, 1] > 0, 0]
        counts = np.append(np.bincount(colored, minlength=180), len(pixels) - len(colored))
        return (counts / len(pixels)).astype(np.float32)

    def _draw(self, gray: Image.Image, mask: Image.Image) -> None:
        """Draw one shape: in one gray into `gray`, in white into `mask`."""
        damage = self.damage
        kinds = ("rectangle", "circle", "polygon")
        (kind,) = self.random.choices(kinds, [getattr(damage, kind) for kind in kinds])
        low, high = {
            "rectangle": damage.rectangle_side,
            "circle": damage.circle_diameter,
            "polygon": damage.polygon_extent,
        }[kind]
        width = round(self.random.uniform(low, high) * self.side)
        height = width if kind == "circle" else round(self.random.uniform(low, high) * self.side)
        left = self.random.randint(0, self.side - width)
        top = self.random.randint(0, self.side - height)
        box = (left, top, left + width - 1, top + height - 1)
        vertices = [
            (left + self.random.random() * width, top + self.random.random() * height)
            for _ in range(self.random.randint(*damage.polygon_vertices))
        ]
        for picture, level in ((gray, self.random.randint(*damage.level)), (mask, 255)):
            draw = ImageDraw.Draw(picture)
            if kind == "rectangle":
                draw.rectangle(box, fill=level)
            elif kind == "circle":
                draw.ellipse(box, fill=level)
            else:
                draw.polygon(vertices, fill=level)


def measure(quick: bool = False) -> Measurement:
    """The measurement of both ways with the default settings."""
    settings = default_settings()
    samples, repeats = (1, 1) if quick else (SAMPLES, REPEATS)
    if quick:
        data = settings.data.model_copy(update={"size": QUICK_SIDE})
        settings = settings.model_copy(update={"data": data})
    with TemporaryDirectory() as temporary, one_thread():
        folder = Path(temporary)
        prepare(folder, settings)
        files = []
        for number, photo in enumerate(photographs(FILE_SIDE)):
            files.append(folder / f"{number}.png")
            Image.fromarray(photo).save(files[-1])
        ours = TrainingSet(folder, settings)
        plain = PlainSamples(files, ours.side, ours.cells, settings.damage)
        epochs = count(1)

        def draw_ours() -> None:
            epoch = next(epochs)
            for index in range(samples):
                ours[epoch, index]

        def draw_plainly() -> None:
            for index in range(samples):
                plain[index]

        plain_ms, ours_ms = medians_ms([draw_plainly, draw_ours], repeats)
    return Measurement(
        f"training sample of {ours.side} x {ours.side} px",
        plain_ms / samples,
        ours_ms / samples,
        GOAL,
    )


if __name__ == "__main__":
    print(measure())
