import io

import cv2
import numpy as np
import pytest
import torch
from picture_files import encoded
from PIL import Image

from rechroma.imaging.color import is_gray, merge_luma_chroma, to_luma, to_rgb, to_ycbcr
from rechroma.imaging.io import read_color, read_gray


def gray_of(photo: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(photo).convert("L"))


def chroma_of(photo: np.ndarray) -> np.ndarray:
    rgb = torch.from_numpy(photo).permute(2, 0, 1)[None] / 255
    return to_ycbcr(rgb)[0, 1:].numpy()


def test_every_luma_with_any_chroma_keeps_its_gray():
    generator = np.random.default_rng(0)
    luma = np.repeat(np.arange(256, dtype=np.uint8), 400).reshape(256, 400)
    for strength in (0.02, 0.2, 0.5):
        chroma = generator.uniform(-strength, strength, (2, 256, 400)).astype(np.float32)
        np.testing.assert_array_equal(gray_of(merge_luma_chroma(luma, chroma)), luma)


def test_a_photograph_merged_from_its_own_luma_and_chroma_is_nearly_itself(photo):
    merged = merge_luma_chroma(gray_of(photo), chroma_of(photo))
    difference = np.abs(merged.astype(int) - photo)
    assert difference.max() <= 2
    assert difference.mean() < 0.5


def test_no_chroma_is_exactly_gray():
    luma = np.arange(256, dtype=np.uint8).reshape(16, 16)
    merged = merge_luma_chroma(luma, np.zeros((2, 16, 16), np.float32))
    np.testing.assert_array_equal(merged, np.repeat(luma[..., None], 3, axis=2))


def test_a_color_outside_rgb_keeps_its_hue():
    luma = np.full((1, 1), 200, np.uint8)
    chroma = np.array([[[-0.1]], [[0.4]]], np.float32)
    beyond, within = merge_luma_chroma(luma, chroma), merge_luma_chroma(luma, chroma / 4)
    assert beyond.max() == 255
    hues = [int(cv2.cvtColor(color, cv2.COLOR_RGB2HSV)[0, 0, 0]) for color in (beyond, within)]
    assert abs(hues[0] - hues[1]) <= 1


def test_luma_is_the_one_of_pillow(photo):
    rgb = torch.from_numpy(photo).permute(2, 0, 1)[None] / 255
    luma = to_ycbcr(rgb)[0, 0].numpy() * 255
    assert np.abs(luma - gray_of(photo)).max() < 0.51


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_rgb_to_luma_and_chroma_and_back_is_the_identity(photo, channel):
    rgb = torch.from_numpy(photo).permute(2, 0, 1)[None] / 255
    torch.testing.assert_close(to_rgb(to_ycbcr(rgb))[:, channel], rgb[:, channel])


def test_luma_is_pillows_gray(photo: np.ndarray) -> None:
    expected = np.asarray(Image.fromarray(photo).convert("L"))
    np.testing.assert_array_equal(to_luma(photo), expected)
    np.testing.assert_array_equal(read_gray(io.BytesIO(encoded(photo))), expected)


def test_gray_content_in_a_color_file_is_recognized(photo: np.ndarray) -> None:
    gray = to_luma(photo)
    assert is_gray(np.stack([gray] * 3, axis=-1))
    jpeg = encoded(np.stack([gray, gray, gray], axis=-1), "JPEG", quality=60)
    assert is_gray(read_color(io.BytesIO(jpeg)))


def test_color_is_not_taken_for_gray(photo: np.ndarray) -> None:
    assert not is_gray(photo)
    faint = np.stack([to_luma(photo)] * 3, axis=-1)
    faint[:10, :10] = [200, 100, 100]
    assert not is_gray(faint)


def test_every_16_bit_luma_with_any_chroma_keeps_its_gray() -> None:
    generator = np.random.default_rng(0)
    luma = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    for strength in (0.02, 0.2, 0.5):
        chroma = generator.uniform(-strength, strength, (2, 256, 256)).astype(np.float32)
        merged = merge_luma_chroma(luma, chroma)
        assert merged.dtype == np.uint16
        np.testing.assert_array_equal(to_luma(merged), luma)


def test_16_bit_luma_is_the_weighted_sum_of_pillow(photo: np.ndarray) -> None:
    deep = photo.astype(np.uint16) * 257
    error = to_luma(deep).astype(int) - to_luma(photo).astype(int) * 257
    assert np.abs(error).max() <= 129  # half a level of 8 bits
    np.testing.assert_array_equal(to_luma(np.repeat(deep[..., :1], 3, axis=2)), deep[..., 0])


def test_16_bit_color_is_finer_than_8_bit_color() -> None:
    luma = np.full((1, 1000), 30000, np.uint16)
    chroma = np.stack([np.linspace(0, 0.01, 1000), np.zeros(1000)])[:, None].astype(np.float32)
    assert len(np.unique(merge_luma_chroma(luma, chroma)[..., 2])) > 900


def test_16_bit_gray_is_recognized(photo: np.ndarray) -> None:
    deep = photo.astype(np.uint16) * 257
    assert not is_gray(deep)
    assert is_gray(np.repeat(deep[..., :1], 3, axis=2))
