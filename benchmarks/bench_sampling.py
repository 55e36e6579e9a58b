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

from benchmarks.photographs import photographs, prepare, shipped
from benchmarks.timing import Measurement, medians_ms, one_thread
from rechroma.data.training_set import Sample, TrainingSet
from rechroma.settings import Damage

FILE_SIDE = 512  # px, as the competition's PNG files
SAMPLES = 16  # in one timed call
REPEATS = 15
TARGET = 20.0


class PlainSamples:
    """What a dataset class does that reads the original files anew for each sample.

    Args:
        files: RGB photographs as PNG.
        side: of the samples, px.
        places: along it, whose hues are counted.
        damage: kinds, sizes and grays of the shapes.
    """

    def __init__(self, files: list[Path], side: int, places: int, damage: Damage):
        self.files = files
        self.side = side
        self.places = places
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
        rows = [
            np.array_split(row, self.places, axis=1) for row in np.array_split(hsv, self.places)
        ]
        places = np.array([[self._shares(place) for place in row] for row in rows])
        return places.transpose(2, 0, 1)

    def _shares(self, hsv: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = hsv.reshape(-1, 3)
        colored = pixels[pixels[:, 1] > 0, 0]
        counts = np.append(np.bincount(colored, minlength=180), len(pixels) - len(colored))
        return (counts / len(pixels)).astype(np.float32)

    def _draw(self, gray: Image.Image, mask: Image.Image) -> None:
        """One shape of one gray into `gray`, and in white into `mask`."""
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


def measure() -> Measurement:
    """Both ways, a batch of samples at a time, with the shipped settings."""
    settings = shipped()
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
            for index in range(SAMPLES):
                ours[epoch, index]

        def draw_plainly() -> None:
            for index in range(SAMPLES):
                plain[index]

        plain_ms, ours_ms = medians_ms([draw_plainly, draw_ours], REPEATS)
    return Measurement(
        f"training sample of {ours.side} x {ours.side} px",
        plain_ms / SAMPLES,
        ours_ms / SAMPLES,
        TARGET,
    )


if __name__ == "__main__":
    print(measure())
