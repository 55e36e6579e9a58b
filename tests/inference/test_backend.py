import numpy as np
import pytest
import torch

from rechroma.inference.backend import (
    NetworkOutput,
    TorchBackend,
    chroma_planes,
    luma_plane,
    rgb_planes,
)
from rechroma.models import precision
from rechroma.settings import Choices


@pytest.fixture
def backend(tiny_settings, outspoken):
    return lambda **changes: TorchBackend(outspoken(tiny_settings(**changes)), exact=True)


@pytest.fixture
def noise():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (64, 96)).astype(np.uint8), generator.random((64, 96)) < 0.3


def test_the_output_is_that_of_the_network_for_one_photograph(backend, noise):
    luma, mask = noise
    output = backend()(luma, mask)
    with torch.inference_mode():
        prediction = backend().network(
            torch.from_numpy(luma)[None, None], torch.from_numpy(mask)[None, None]
        )
    np.testing.assert_array_equal(output.color, prediction.color[0].numpy())
    np.testing.assert_allclose(output.hues, prediction.hues[0].softmax(dim=0).numpy(), rtol=1e-6)
    assert output.hues.shape == (181, 2, 3)
    np.testing.assert_allclose(output.hues.sum(axis=0), 1, rtol=1e-5)


def test_a_network_without_hues_has_none(backend, noise):
    assert backend(**{"model.hues": False})(*noise).hues is None


def test_bfloat16_is_used_where_it_pays_unless_exact(backend, noise, monkeypatch):
    monkeypatch.setattr(precision, "pays_bfloat16", lambda _: True)
    exact = backend()
    rounded = TorchBackend(exact.network)
    assert exact.model == rounded.model == exact.network.settings
    np.testing.assert_array_equal(exact(*noise).color, exact(*noise).color)
    assert not np.array_equal(exact(*noise).color, rounded(*noise).color)


def test_bins_are_decoded_at_a_temperature_over_the_same_pixels(backend):
    # Sides that are no multiples of 4: the last bins are partly outside of the photograph.
    luma, mask = np.full((41, 50), 90, np.uint8), np.zeros((41, 50), bool)
    bins = backend(**{"model.output": "chroma_bins", "model.hues": False})
    output = bins(luma, mask)
    assert output.bins.shape == (265, 11, 13)
    mean = chroma_planes(output, "chroma_bins")
    np.testing.assert_array_equal(mean, output.color[1:])

    def decode(temperature):
        return chroma_planes(output, "chroma_bins", Choices(False, temperature, 0, "smooth"))

    np.testing.assert_allclose(decode(1), mean, atol=2e-3)
    low, high = (np.abs(decode(temperature)) for temperature in (0.3, 3.0))
    assert low.shape == mean.shape
    assert low.mean() > np.abs(mean).mean() > high.mean()


@pytest.mark.parametrize("kind", ["luma_chroma", "rgb"])
def test_planes_of_both_kinds_of_output_agree(kind):
    rgb = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    ycbcr = np.concatenate(
        [
            luma_plane(NetworkOutput(rgb, None), "rgb")[None],
            chroma_planes(NetworkOutput(rgb, None), "rgb"),
        ]
    )
    output = NetworkOutput(rgb if kind == "rgb" else ycbcr, None)
    np.testing.assert_allclose(luma_plane(output, kind), ycbcr[0], atol=1e-6)
    np.testing.assert_allclose(chroma_planes(output, kind), ycbcr[1:], atol=1e-6)
    np.testing.assert_allclose(rgb_planes(output, kind), rgb, atol=1e-6)


def test_a_backend_says_what_it_is(backend):
    assert (backend().engine, backend().device) == ("torch", "cpu")


def test_a_number_of_threads_is_set_when_the_network_runs(backend, noise, monkeypatch):
    numbers = []
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    plain = backend()
    plain(*noise)
    assert numbers == []
    two = plain.with_threads(2)
    two(*noise)
    assert numbers == [2]
    assert (two.network, two.exact) == (plain.network, plain.exact)
