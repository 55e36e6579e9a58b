import numpy as np
import pytest

from rechroma.imaging.print_damage.noise import fractal_noise, noise_along, smooth_noise


@pytest.mark.parametrize("cell", [0.5, 1, 3, 16])
def test_noise_has_mean_0_and_deviation_about_1(cell: float) -> None:
    planes = [
        make((200, 300), cell, np.random.default_rng(seed))
        for seed in range(10)
        for make in (smooth_noise, fractal_noise)
    ]
    assert all(plane.shape == (200, 300) and plane.dtype == np.float32 for plane in planes)
    assert np.mean(planes) == pytest.approx(0, abs=0.1)
    assert np.std(planes) == pytest.approx(1, abs=0.25)


def test_hills_are_as_wide_as_their_cell() -> None:
    for cell in (2, 8):
        plane = smooth_noise((256, 256), cell, np.random.default_rng(0))
        near = np.mean(plane[:, :-1] * plane[:, 1:]) / plane.var()
        far = np.mean(plane[:, : -3 * cell] * plane[:, 3 * cell :]) / plane.var()
        assert near > 0.5
        assert abs(far) < 0.15


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_noise_has_any_size(shape: tuple[int, int]) -> None:
    assert fractal_noise(shape, 30, np.random.default_rng(0)).shape == shape
    assert noise_along(shape[1], 4, np.random.default_rng(0)).shape == (shape[1],)


def test_no_octave_is_an_error() -> None:
    with pytest.raises(ValueError, match="octaves is 0"):
        fractal_noise((4, 4), 2, np.random.default_rng(0), octaves=0)
