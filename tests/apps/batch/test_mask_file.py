import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import distance_transform_edt

from rechroma.apps.batch.mask_file import grow_mask, read_mask_file
from rechroma.errors import UserError

LOST = np.zeros((60, 80), bool)
LOST[10:30, 20:45] = True


@pytest.fixture
def saved(tmp_path):
    """Writes a picture and gives its file."""

    def save(picture, name="mask.png", **options):
        Image.fromarray(np.asarray(picture)).save(tmp_path / name, **options)
        return tmp_path / name

    return save


def levels(lost, dark=0, light=255):
    return np.where(lost, light, dark).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "polarity"),
    [
        (levels(LOST), "white where lost"),
        (levels(~LOST), "black where lost"),
        (levels(LOST, 127, 128), "white where lost"),
        (LOST, "white where lost"),
        (~LOST, "black where lost"),
        (np.dstack([levels(~LOST, 30, 220)] * 3), "black where lost"),
    ],
)
def test_the_smaller_part_is_lost(saved, picture, polarity):
    given = read_mask_file(saved(picture))
    np.testing.assert_array_equal(given.lost, LOST)
    assert given.polarity == polarity


def test_jpegs_noise_around_black_and_white_does_not_matter(saved):
    given = read_mask_file(saved(levels(~LOST), "mask.jpg", quality=30))
    wrong = given.lost != LOST
    assert not (wrong & (distance_transform_edt(LOST) > 2)).any()
    assert not (wrong & (distance_transform_edt(~LOST) > 2)).any()


@pytest.mark.parametrize("polarity", ["white", "black"])
def test_a_stated_polarity_holds_even_if_most_is_lost(saved, polarity):
    file = saved(levels(LOST))
    given = read_mask_file(file, polarity)
    np.testing.assert_array_equal(given.lost, LOST if polarity == "white" else ~LOST)
    assert given.polarity == f"{polarity} where lost"


@pytest.mark.parametrize("share", [0.42, 0.5, 0.58])
def test_an_ambiguous_mask_is_an_error_that_names_the_option(saved, share):
    half = np.zeros((10, 100), bool)
    half[:, : round(100 * share)] = True
    file = saved(levels(half))
    with pytest.raises(
        UserError,
        match=rf"mask\.png: {share:.0%} of the mask is light.*--mask-polarity white or black",
    ):
        read_mask_file(file)
    np.testing.assert_array_equal(read_mask_file(file, "white").lost, half)


@pytest.mark.parametrize("gray", [0, 255])
def test_a_mask_of_one_gray_loses_nothing(saved, gray):
    assert not read_mask_file(saved(np.full((5, 6), gray, np.uint8))).lost.any()


@pytest.mark.parametrize("paint", [(0, 0, 0), (255, 255, 255), (220, 30, 30)])
def test_the_painted_part_of_a_transparent_picture_is_lost(saved, paint):
    painted = np.zeros((60, 80, 4), np.uint8)
    painted[LOST] = (*paint, 255)
    given = read_mask_file(saved(painted))
    np.testing.assert_array_equal(given.lost, LOST)
    assert given.polarity == "painted where lost"


@pytest.mark.parametrize(("paint", "polarity"), [(255, "white"), (0, "black")])
def test_transparent_pixels_are_never_lost(saved, paint, polarity):
    painted = np.zeros((60, 80, 4), np.uint8)
    painted[5:40, 10:60] = (255 - paint,) * 3 + (255,)
    painted[LOST] = (*[paint] * 3, 255)
    given = read_mask_file(saved(painted), polarity)
    np.testing.assert_array_equal(given.lost, LOST)
    assert given.polarity == f"{polarity} where lost"


@pytest.mark.parametrize("polarity", ["auto", "white", "black"])
def test_a_transparent_layer_without_paint_loses_nothing(saved, polarity):
    assert not read_mask_file(saved(np.zeros((6, 8, 4), np.uint8)), polarity).lost.any()


def test_an_opaque_picture_with_an_alpha_channel_is_an_ordinary_mask(saved):
    opaque = np.dstack([levels(LOST)] * 3 + [np.full(LOST.shape, 255, np.uint8)])
    assert read_mask_file(saved(opaque)).polarity == "white where lost"


def test_the_orientation_of_a_mask_is_applied(saved):
    exif = Image.Exif()
    exif[0x0112] = 6
    given = read_mask_file(saved(levels(LOST), exif=exif))
    np.testing.assert_array_equal(given.lost, np.rot90(LOST, 3))


@pytest.mark.parametrize(
    ("content", "message"), [(b"", r"mask\.png: is empty"), (b"text", r"mask\.png: is no picture")]
)
def test_a_file_that_is_not_a_picture_is_named(tmp_path, content, message):
    (tmp_path / "mask.png").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_mask_file(tmp_path / "mask.png")


@pytest.mark.parametrize("px", [1, 2, 5, 17])
def test_growing_adds_every_pixel_within_the_distance(px):
    spots = np.random.default_rng(0).random((90, 70)) < 0.002
    spots[0, 0] = True
    np.testing.assert_array_equal(grow_mask(spots, px), distance_transform_edt(~spots) <= px)


def test_growing_by_zero_and_growing_an_empty_mask_change_nothing():
    np.testing.assert_array_equal(grow_mask(LOST, 0), LOST)
    assert not grow_mask(np.zeros((5, 5), bool), 500).any()
    assert grow_mask(LOST, 500).all()


def test_growing_does_not_change_the_mask_it_is_given():
    before = LOST.copy()
    assert grow_mask(LOST, 3).sum() > LOST.sum()
    np.testing.assert_array_equal(LOST, before)
