import numpy as np
import torch

from rechroma.data.finder_samples import FinderSamples, SamplesFrom


def make_samples(photos, settings, **changes):
    return FinderSamples(
        photos, settings.print_damage, settings.damage, settings.finder, settings.seed, **changes
    )


def test_a_sample_is_a_print_and_the_groups_of_its_damage(gray_photos, finder_settings):
    samples = make_samples(gray_photos, finder_settings())
    assert len(samples) == 24
    luma, groups = samples[0]
    assert luma.shape == (1, 64, 64) and luma.dtype == torch.uint8
    assert groups.shape == (64, 64) and groups.max() <= 4
    assert any(samples[index].groups.any() for index in range(8))


def test_a_sample_depends_on_its_number_alone(gray_photos, finder_settings):
    one, other = (make_samples(gray_photos, finder_settings()) for _ in range(2))
    _ = one[5]
    assert torch.equal(one[7].luma, other[7].luma)
    assert not torch.equal(one[7].luma, one[8].luma)


def test_photographs_that_are_kept_back_are_in_no_training_sample(gray_photos, finder_settings):
    settings = finder_settings()
    training = make_samples(gray_photos, settings)
    kept_back = make_samples(gray_photos, settings, kept_back=True)
    assert len(kept_back) == 3
    assert not set(training.numbers) & set(kept_back.numbers)
    assert len(training.numbers) + len(kept_back.numbers) == len(gray_photos)


def test_crops_are_taken_from_small_photographs_too(gray_photos, finder_settings):
    samples = make_samples(gray_photos, finder_settings(crop=256))
    assert samples[0].luma.shape == (1, 256, 256)


def test_the_sampler_starts_where_a_training_was_interrupted():
    assert list(SamplesFrom(3, 6)) == [3, 4, 5]
    assert len(SamplesFrom(3, 6)) == 3


def test_undamaged_prints_are_among_them(gray_photos, make_settings):
    settings = make_settings(**{"print_damage.undamaged": 1.0, "finder.crop": 64})
    samples = make_samples(gray_photos, settings)
    assert not any(np.any(samples[index].groups.numpy()) for index in range(5))
