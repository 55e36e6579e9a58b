import numpy as np
import pytest

from rechroma.imaging.depth import (
    DepthError,
    Samples,
    as_depth,
    scale_samples,
    to_8_bits,
    to_16_bits,
)

RAMP = np.arange(0, 65536, 5, dtype=np.uint16)  # up to 65535


def scaled(values: np.ndarray, bits: int, **options) -> tuple[np.ndarray, tuple[str, ...]]:
    """The gray levels, `(N,)`, of `(N,)` samples, and the warnings."""
    levels, notes = scale_samples(Samples(values.reshape(1, -1, 1), bits, **options))
    return levels.ravel(), notes


def test_16_bits_stay_exactly() -> None:
    levels, notes = scaled(RAMP, 16)
    np.testing.assert_array_equal(levels, RAMP)
    assert levels.dtype == np.uint16
    assert not notes


def test_8_bits_stay_exactly_and_8_bits() -> None:
    levels, notes = scaled(np.arange(256, dtype=np.uint8), 8)
    np.testing.assert_array_equal(levels, np.arange(256))
    assert levels.dtype == np.uint8
    assert not notes


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_bits_that_the_file_states_are_scaled_to_all_of_16(bits: int) -> None:
    values = np.array([0, 2**bits // 2, 2**bits - 1], np.uint16)
    levels, notes = scaled(values, bits)
    assert levels[[0, 2]].tolist() == [0, 65535]
    assert int(levels[1]) == pytest.approx(32768, abs=32)
    assert not notes


def test_white_is_zero_at_every_depth() -> None:
    for values, bits in (
        (np.array([0, 1, 255], np.uint8), 8),
        (np.array([0, 257, 65535], np.uint16), 16),
        (np.array([0, 16, 4095], np.uint16), 12),
        (np.array([0, 257 * 65537, 2**32 - 1], np.uint32), 32),
    ):
        levels, notes = scaled(values, bits, white_is_zero=True)
        top = 255 if bits == 8 else 65535
        assert levels[[0, 2]].tolist() == [top, 0]
        assert int(levels[1]) == pytest.approx(top - top / 255, abs=2)
        assert not notes


@pytest.mark.parametrize(("highest", "taken"), [(200, 8), (255, 8), (256, 10), (4095, 12)])
def test_few_levels_are_taken_for_a_smaller_depth_with_a_warning(highest: int, taken: int) -> None:
    levels, notes = scaled(np.array([0, highest], np.uint16), 16)
    assert int(levels[1]) == pytest.approx(65535 * highest / (2**taken - 1), abs=1)
    assert notes == (
        f"uses only levels to {highest} of its 16 bits, which were taken for {taken} bits",
    )


def test_a_dark_file_stays_dark_with_a_warning() -> None:
    levels, notes = scaled(np.array([0, 9000], np.uint16), 16)
    assert levels.tolist() == [0, 9000]
    assert notes == ("is very dark: uses only levels to 9000 of its 16 bits",)


def test_an_all_black_file_has_no_warning() -> None:
    assert scaled(np.zeros(4, np.uint16), 16)[1] == ()


def test_a_stated_depth_counts_and_statistics_do_not() -> None:
    values = np.array([0, 3000], np.uint16)
    assert scaled(values, 16, stated=(0, 4095))[0][1] == round(3000 * 65535 / 4095)
    bright = np.array([7, 60000], np.uint16)
    assert scaled(bright, 16, stated=(7, 60000))[0].tolist() == [7, 60000]
    assert scaled(bright, 16, stated=(0, 4095))[0].tolist() == [7, 60000]  # contradicted


def test_signed_samples_begin_where_black_is() -> None:
    above, notes = scaled(np.array([0, 32767], np.int16), 16)
    assert above.tolist() == [0, 65535]
    assert notes == ("16 signed bits, black was taken for 0",)
    below, notes = scaled(np.array([-32768, 0, 32767], np.int16), 16)
    assert below.tolist() == [0, 32768, 65535]
    assert notes == ("16 signed bits, black was taken for -32768",)
    assert scaled(np.array([-128, 0, 127], np.int8), 8)[0].tolist() == [0, 128, 255]


def test_negative_samples_of_32_bits_have_no_known_range() -> None:
    with pytest.raises(DepthError, match="whole numbers from -5 to 9, expected none below 0"):
        scaled(np.array([-5, 9], np.int32), 32)


@pytest.mark.parametrize("white", [1, 255, 65535])
def test_floats_are_scaled_by_the_smallest_usual_white(white: int) -> None:
    values = np.array([0, 0.5, 1]) * white
    levels, notes = scaled(values, 64)
    assert levels.tolist() == [0, 32768, 65535]
    assert notes == (f"floating-point values, white was taken for {white}",)


def test_floats_of_a_stated_range_have_no_warning() -> None:
    levels, notes = scaled(np.array([-2.0, 0, 2], np.float32), 32, stated=(-2, 2))
    assert levels.tolist() == [0, 32768, 65535]
    assert not notes


@pytest.mark.parametrize("value", [-0.5, 1e6, np.nan, np.inf])
def test_floats_of_no_known_range_are_refused(value: float) -> None:
    with pytest.raises(DepthError, match="holds floating-point values"):
        scaled(np.array([0.5, value]), 64)


def test_opacity_is_scaled_by_its_own_range() -> None:
    picture = np.array([[[4095, 65535]]], np.uint16)
    levels, _ = scale_samples(Samples(picture, 16))
    assert levels.tolist() == [[[65535, 65535]]]


def test_8_and_16_bits_convert_into_each_other() -> None:
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_8_bits(to_16_bits(levels)), levels)
    assert to_16_bits(levels)[[0, 255]].tolist() == [0, 65535]
    assert as_depth(levels, like=levels) is levels
