from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from rechroma.deployment.load import load_model
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.draw_damage import draw_damage
from rechroma.inference import hole_filling
from rechroma.inference.backend import TorchBackend
from rechroma.inference.restorer import Restorer
from rechroma.models.store import save_model
from rechroma.progress import parallel_map


@pytest.fixture
def restorer(outspoken):
    return lambda settings: Restorer(TorchBackend(outspoken(settings)), settings.restore)


@pytest.fixture
def tiny(make_settings):
    def make(**changes):
        return make_settings(**({"model.encoder": "tu-test_resnet"} | changes))

    return make


@pytest.fixture
def damaged(photo, make_settings):
    return draw_damage(to_luma(photo), make_settings().damage, np.random.default_rng(3))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model.output": "rgb"},
        {"model.output": "chroma_bins", "restore.aim": "eye"},
        {"model.output": "chroma_bins"},
        {"model.two_stage": True},
        {"model.fill": "none", "model.mask": False},
        {"restore.size": 64},
    ],
)
def test_the_gray_outside_the_damage_comes_back_exactly(restorer, tiny, damaged, changes):
    gray, mask = damaged
    restored = restorer(tiny(**changes))(gray, mask)
    assert restored.shape == (*gray.shape, 3)
    restored_gray = np.asarray(Image.fromarray(restored).convert("L"))
    np.testing.assert_array_equal(restored_gray[~mask], gray[~mask])
    assert not np.array_equal(restored_gray[mask], gray[mask])
    assert restored.std(axis=-1).max() > 0


def test_without_keeping_the_gray_known_pixels_are_the_networks_too(restorer, tiny, damaged):
    gray, mask = damaged
    restored = restorer(tiny(**{"model.output": "rgb", "model.keep_gray": False}))(gray, mask)
    restored_gray = np.asarray(Image.fromarray(restored).convert("L"))
    assert not np.array_equal(restored_gray[~mask], gray[~mask])


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (33, 7), (70, 201)])
def test_any_size_can_be_restored(restorer, tiny, shape):
    gray = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    mask = np.zeros(shape, bool)
    mask[: shape[0] // 2, : shape[1] // 2] = True
    restored = restorer(tiny(**{"restore.size": 64}))(gray, mask)
    restored_gray = np.asarray(Image.fromarray(restored).convert("L"))
    np.testing.assert_array_equal(restored_gray[~mask], gray[~mask])


def test_for_the_eye_bins_are_decoded_and_for_the_score_hues_are_transferred(
    restorer, tiny, damaged
):
    model = {"model.output": "chroma_bins"}
    aims = {aim: restorer(tiny(**model, **{"restore.aim": aim})) for aim in ("eye", "score")}
    plain = {"restore.hues": False, "restore.temperature": 1, "restore.vividness": 0}
    mean = restorer(tiny(**model, **plain))(*damaged)
    pictures = {aim: each(*damaged) for aim, each in aims.items()}
    for one, other in (("eye", "score"), ("score", "eye")):
        np.testing.assert_array_equal(aims[one].with_aim(other)(*damaged), pictures[other])
        assert not np.array_equal(pictures[one], mean)
    # Without hues, the aim `score` has the mean color; without a temperature, so has the eye.
    unchanged = restorer(tiny(**model, **{"restore.hues": False}))(*damaged)
    np.testing.assert_array_equal(unchanged, mean)
    quiet = restorer(tiny(**model, **plain, **{"restore.aim": "eye"}))(*damaged)
    np.testing.assert_array_equal(quiet, mean)


def test_painted_colors_stay_as_they_are_for_the_eye(restorer, tiny, damaged):
    for_eye = restorer(tiny()).with_aim("eye")(*damaged)
    np.testing.assert_array_equal(for_eye, restorer(tiny(**{"restore.hues": False}))(*damaged))
    kept = restorer(tiny(**{"restore.hues": True}))
    np.testing.assert_array_equal(kept.with_aim("eye")(*damaged), kept(*damaged))


def test_an_aim_is_one_of_two(echo):
    with pytest.raises(UserError, match="aim is 'ear', expected one of: eye, score"):
        echo().with_aim("ear")


def test_a_saved_model_restores_the_same(restorer, tiny, damaged, tmp_path):
    # Without hue transfer: where two assignments are equally good, the last digit decides, and the
    # memory format of a loaded network changes that digit.
    settings = tiny(**{"restore.hues": False})
    first = restorer(settings)
    save_model(first.backend.network, settings.restore, tmp_path)
    second = load_model(tmp_path)
    pictures = [each(*damaged).astype(int) for each in (first, second)]
    np.testing.assert_allclose(*pictures, rtol=0, atol=1)
    hues = [each.backend(*damaged).hues for each in (first, second)]
    np.testing.assert_allclose(*hues, rtol=1e-4)


def test_half_precision_hardly_changes_a_photograph(restorer, tiny, damaged, tmp_path):
    settings = tiny(**{"restore.hues": False})  # for the same reason
    full = restorer(settings)
    save_model(full.backend.network, settings.restore, tmp_path, half=True)
    restored = load_model(tmp_path)(*damaged).astype(int)
    assert np.abs(restored - full(*damaged)).mean() < 1


def smooth(height, width):
    """A photograph without a sharp edge or one gray for long: `(height, width)` uint8."""
    coarse = np.random.default_rng(5).integers(20, 236, (5, 6)).astype(np.float32)
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(fine, 0, 255).astype(np.uint8)


def disc(height, width, radius):
    drawn = np.zeros((height, width), np.uint8)
    return cv2.circle(drawn, (width // 2, height // 3), radius, 1, cv2.FILLED).astype(bool)


@pytest.fixture(params=[(512, 2048), (48, 64), (48, 96), (16, 2048)], ids=str)
def limits(request, monkeypatch):
    """`hole_size`; that and `SEAM_SIZE` also so small that small photographs are reduced."""
    hole_size, seam_size = request.param
    monkeypatch.setattr(hole_filling, "SEAM_SIZE", seam_size)
    return hole_size


@pytest.mark.parametrize("radius", [3, 25])
@pytest.mark.parametrize("shape", [(150, 230), (301, 170)])
def test_known_gray_is_exact_and_holes_are_filled_whatever_the_sizes_of_the_views(
    echo, limits, shape, radius
):
    target, mask = smooth(*shape), disc(*shape, radius)
    damaged = np.where(mask, 7, target).astype(np.uint8)
    restored = replace(echo(), hole_size=limits)(damaged, mask)
    restored_gray = np.asarray(Image.fromarray(restored).convert("L"))
    np.testing.assert_array_equal(restored_gray[~mask], target[~mask])
    mean = target[~mask].mean()
    error, error_of_mean = (
        np.abs(gray - target.astype(float))[mask].mean() for gray in (restored_gray, mean)
    )
    assert error < 0.7 * error_of_mean


def test_a_photograph_larger_than_every_view_keeps_its_known_gray(echo):
    target = smooth(900, 2400)
    mask = disc(900, 2400, 130) | np.roll(disc(900, 2400, 40), 900, axis=1)
    mask[450, 200:2200] = True
    restorer = echo(more=0.05)
    restored = restorer(np.where(mask, 7, target).astype(np.uint8), mask)
    restored_gray = np.asarray(Image.fromarray(restored).convert("L"))
    np.testing.assert_array_equal(restored_gray[~mask], target[~mask])
    assert np.abs(restored_gray[mask].astype(int) - target[mask]).mean() < 25
    assert len(restorer.backend.seen) >= 3  # the whole and each hole; the line needs no network
    assert max(max(shape) for shape in restorer.backend.seen) == restorer.settings.size


@pytest.mark.parametrize("hole_size", [512, 48, 24])
def test_a_ramp_has_no_step_at_the_border_of_a_hole(echo, hole_size):
    ramp = np.tile(np.linspace(20, 235, 240).round().astype(np.uint8), (200, 1))
    mask = disc(200, 240, 40)
    restorer = replace(echo(chroma=(0, 0)), hole_size=hole_size)
    gray = restorer(np.where(mask, 7, ramp).astype(np.uint8), mask)[..., 0].astype(int)
    for axis, gradient in ((0, 0.0), (1, 215 / 239)):
        jumps = np.abs(np.diff(gray, axis=axis))[np.diff(mask, axis=axis)]
        # The fill is no perfect ramp; with its seam open, a view of 24 px would leave 7 levels.
        assert jumps.mean() < gradient + 2.5


def test_the_network_runs_once_on_a_small_photograph(echo, damaged):
    restorer = echo()
    restorer(*damaged)
    assert restorer.backend.seen == [damaged[0].shape]


@pytest.mark.parametrize("size", [(96, 128), (600, 900)])
def test_keeping_the_color_changes_no_known_pixel(echo, size):
    generator = np.random.default_rng(0)
    photo = generator.integers(0, 256, (*size, 3)).astype(np.uint8)
    mask = disc(*size, 20)
    mask[5, 5:-5] = True
    before = photo.copy()
    restored = echo().keep_color(photo, mask)
    np.testing.assert_array_equal(photo, before)
    np.testing.assert_array_equal(restored[~mask], photo[~mask])
    assert (restored[mask] != photo[mask]).any(axis=-1).mean() > 0.9


@pytest.mark.parametrize("size", [(96, 128), (600, 900), (1200, 900)])
@pytest.mark.parametrize("color", [(180, 90, 40), (30, 60, 150)])
def test_a_hole_in_one_color_gets_that_color_whatever_the_network_paints(echo, size, color):
    photo = np.full((*size, 3), color, np.uint8)
    mask = disc(*size, min(size) // 6)
    spoiled = np.where(mask[..., None], np.uint8(200), photo)
    restored = echo(chroma=(0.2, -0.2)).keep_color(spoiled, mask).astype(int)
    # 6 levels of gray are Telea's own; the color follows the gray.
    assert np.abs(restored[mask] - color).max() <= 10


def test_without_a_hole_the_photograph_is_returned_and_the_network_does_not_run(echo, photo):
    restorer = echo()
    restored = restorer.keep_color(photo, np.zeros(photo.shape[:2], bool))
    np.testing.assert_array_equal(restored, photo)
    assert restored is not photo
    assert restorer.backend.seen == []


def test_a_smaller_restorer_has_half_the_sizes_down_to_a_least_one(echo, damaged):
    whole = echo()
    sizes, hole_sizes, each = [], [], whole
    while each is not None:
        sizes.append(each.settings.size)
        hole_sizes.append(each.hole_size)
        each, last = each.smaller(), each
    assert sizes == [128, 64, 32]
    assert hole_sizes == [512, 256, 128]
    last(*damaged)
    assert max(last.backend.seen[-1]) == 32
    assert whole.settings.size == 128


def test_a_number_of_threads_reaches_network_and_bands_and_changes_no_photograph(echo, monkeypatch):
    def counted(function, items, threads):
        numbers.append(threads)
        return parallel_map(function, items, threads)

    numbers = []
    monkeypatch.setattr("rechroma.inference.enlarge.parallel_map", counted)
    target, mask = smooth(900, 1200), disc(900, 1200, 60)
    every = echo()
    single = every.with_threads(1)
    assert single.backend.threads == 1
    np.testing.assert_array_equal(single(target, mask), every(target, mask))
    assert single.smaller().threads == 1
    assert numbers == [1, None]


@pytest.fixture
def deep(damaged):
    """The damaged photograph with noise in its low bytes, `(96, 128)` uint16, and its mask."""
    gray, mask = damaged
    noise = np.random.default_rng(4).integers(0, 256, gray.shape).astype(np.uint16)
    return gray.astype(np.uint16) * 256 + noise, mask


@pytest.mark.parametrize("changes", [{}, {"model.output": "rgb"}, {"restore.size": 64}])
def test_16_bit_gray_outside_the_damage_is_kept_exactly(restorer, tiny, deep, changes):
    gray, mask = deep
    restored = restorer(tiny(**changes))(gray, mask)
    assert (restored.shape, restored.dtype) == ((*gray.shape, 3), np.uint16)
    np.testing.assert_array_equal(to_luma(restored)[~mask], gray[~mask])
    assert restored.std(axis=-1).max() > 0


def test_16_bits_are_restored_as_their_high_bytes(restorer, tiny, damaged, deep):
    restore = restorer(tiny())
    gray, mask = damaged
    shallow, restored = restore(gray, mask), restore(deep[0], mask)
    difference = np.abs(restored / 257 - shallow)
    assert difference.max() < 4
    # Holes have the same 256 levels of gray.
    np.testing.assert_array_equal(to_luma(restored)[mask], to_luma(shallow)[mask] * np.uint16(257))


def test_a_network_that_keeps_no_gray_gives_16_bits_too(restorer, tiny, deep):
    settings = tiny(**{"model.output": "rgb", "model.keep_gray": False})
    assert restorer(settings)(*deep).dtype == np.uint16


def test_keeping_16_bit_color_changes_no_known_pixel(echo, photo):
    deep = photo.astype(np.uint16) * 257 - np.uint16(3)
    mask = np.zeros(photo.shape[:2], bool)
    mask[20:50, 30:70] = True
    restored = echo(more=0.1).keep_color(deep, mask)
    assert restored.dtype == np.uint16
    np.testing.assert_array_equal(restored[~mask], deep[~mask])
    shallow = echo(more=0.1).keep_color((deep >> 8).astype(np.uint8), mask)
    np.testing.assert_array_equal(restored[mask], shallow[mask] * np.uint16(257))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_with_texture_known_gray_is_exact_and_a_hole_is_as_grainy_as_its_surroundings(echo, dtype):
    noise = np.random.default_rng(2).normal(120, 30, (150, 200)).clip(0, 255).astype(np.uint8)
    mask = disc(150, 200, 25)
    damaged = np.where(mask, 7, noise).astype(dtype) * dtype(257 if dtype == np.uint16 else 1)
    smooth, texture = (echo().with_holes(holes)(damaged, mask) for holes in ("smooth", "texture"))
    np.testing.assert_array_equal(to_luma(texture)[~mask], damaged[~mask])
    spread = damaged[~mask].std()
    assert to_luma(smooth)[mask].std() < 0.5 * spread
    assert 0.7 * spread < to_luma(texture)[mask].std() < 1.3 * spread


def test_with_texture_the_network_colors_what_is_in_the_hole(echo, damaged):
    restorer = echo().with_holes("texture")
    gray, _ = damaged
    restorer(gray, disc(*gray.shape, 20))
    assert restorer.backend.seen == [gray.shape] * 2


def test_keeping_the_color_with_texture_continues_a_pattern_of_colors(echo):
    stripes = np.tile(
        np.repeat(np.array([(200, 40, 30), (20, 60, 180)], np.uint8), 4, axis=0), (16, 1)
    )
    photo = np.tile(stripes[None], (96, 1, 1))
    mask = disc(96, 128, 20)
    restored = (
        echo()
        .with_holes("texture")
        .keep_color(np.where(mask[..., None], 9, photo).astype(np.uint8), mask)
    )
    np.testing.assert_array_equal(restored[~mask], photo[~mask])
    assert np.abs(restored.astype(int) - photo)[mask].mean() < 12


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (20, 20)])
def test_the_smallest_photographs_are_restored_with_texture(echo, shape):
    gray, mask = np.full(shape, 90, np.uint8), np.zeros(shape, bool)
    mask[0, 0] = True
    mask[shape[0] // 3 :, shape[1] // 3 :] = shape != (1, 1)
    assert echo().with_holes("texture")(gray, mask).shape == (*shape, 3)
