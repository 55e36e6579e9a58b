from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rechroma.errors import UserError
from rechroma.imaging.color import is_gray, to_luma
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.io import write_png
from rechroma.preparation import sources
from rechroma.preparation.sources import SOURCES, SourceListing, SourcePhoto
from rechroma.settings import Settings

MakeSettings = Callable[..., Settings]


def list_source(source: str, path: Path, settings: Settings) -> SourceListing:
    return SOURCES[source](settings.data, path)


def target_of(photo: SourcePhoto) -> np.ndarray:
    target = photo.load().target
    assert target is not None
    return target


def write(root: Path, names: list[str], photo: np.ndarray) -> None:
    for name in names:
        write_png(root / name, photo)


def test_the_settings_allow_every_source(make_settings: MakeSettings) -> None:
    for name in SOURCES:
        assert make_settings(**{"data.source": name}).data.source == name


def test_the_sample_needs_no_files_and_has_color_tiles(make_settings: MakeSettings) -> None:
    listing = list_source("sample", Path("nowhere"), make_settings())
    assert not listing.rejected
    assert len({photo.id for photo in listing.photos}) == len(listing.photos)
    assert {photo.group for photo in listing.photos} == {
        *("astronaut", "chelsea", "china", "coffee", "flower", "motorcycle_left", "rocket")
    }
    for photo in listing.photos[::50]:
        tile = target_of(photo)
        assert tile.shape == (128, 128, 3)
        assert tile.dtype == np.uint8
        assert not is_gray(tile)


def test_tiles_that_may_be_held_out_do_not_overlap(make_settings: MakeSettings) -> None:
    listing = list_source("sample", Path("nowhere"), make_settings())
    covered: Counter[tuple[str, int, int]] = Counter()
    for photo in listing.photos:
        if not photo.training_only:
            stem, top, left = photo.id.rsplit("-", 2)
            covered[stem, int(top) // 128, int(left) // 128] += 1
            assert int(top) % 128 == int(left) % 128 == 0
    assert set(covered.values()) == {1}
    assert len(covered) < len(listing.photos) / 2


def test_the_id_of_a_tile_is_its_position(make_settings: MakeSettings) -> None:
    from skimage.data import astronaut

    tiles = {each.id: each for each in list_source("sample", Path(), make_settings()).photos}
    np.testing.assert_array_equal(
        target_of(tiles["astronaut-100-64-192"]), astronaut()[64:192, 192:320]
    )


def test_a_package_without_its_photographs_is_reported(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SAMPLE", {"skimage": ("data/none.png",), "no_package": ("a",)})
    listing = list_source("sample", Path(), make_settings())
    assert not listing.photos
    assert [file for file, _ in listing.rejected] == ["skimage/data/none.png", "no_package/a"]


def test_a_folder_lists_its_pictures_at_any_depth(
    make_settings: MakeSettings, photo: np.ndarray, tmp_path: Path
) -> None:
    write(tmp_path, ["b.png", "a/1.png", "a/deep/2.png"], photo)
    listing = list_source("photos", tmp_path, make_settings())
    assert [each.file for each in listing.photos] == ["a/1.png", "a/deep/2.png", "b.png"]
    assert [each.id for each in listing.photos] == ["a-1", "a-deep-2", "b"]
    assert {each.split for each in listing.photos} == {None}
    np.testing.assert_array_equal(target_of(listing.photos[0]), photo)


def test_ids_are_unique_in_any_case(
    make_settings: MakeSettings, photo: np.ndarray, tmp_path: Path
) -> None:
    write(tmp_path, ["1.bmp", "1.png", "a/x.png", "a-x.png", "A-X.png", "b.png"], photo)
    ids = [each.id for each in list_source("photos", tmp_path, make_settings()).photos]
    assert len({each.casefold() for each in ids}) == 6
    assert {"1.bmp", "1.png", "b"} < set(ids)


def test_gray_photographs_are_rejected(
    make_settings: MakeSettings, photo: np.ndarray, tmp_path: Path
) -> None:
    write_png(tmp_path / "gray.png", to_luma(photo))
    (listed,) = list_source("photos", tmp_path, make_settings()).photos
    with pytest.raises(PhotoError, match=r"^gray\.png: is gray, expected a color photograph$"):
        listed.load()


def test_folders_named_after_splits_are_the_splits(
    make_settings: MakeSettings, photo: np.ndarray, tmp_path: Path
) -> None:
    write(tmp_path, ["train/1.png", "validation/1.png", "validation/test/2.png"], photo)
    write(tmp_path, ["large/3.png", "4.png"], photo)
    listing = list_source("photos", tmp_path, make_settings())
    assert {each.file: each.split for each in listing.photos} == {
        "train/1.png": None,
        "validation/1.png": "validation",
        "validation/test/2.png": "validation",
    }
    assert dict(listing.rejected) == dict.fromkeys(
        ["large/3.png", "4.png"], "is in none of the folders train, validation"
    )


def test_a_folder_train_alone_is_no_split(
    make_settings: MakeSettings, photo: np.ndarray, tmp_path: Path
) -> None:
    write(tmp_path, ["train/1.png", "other/2.png"], photo)
    listing = list_source("photos", tmp_path, make_settings())
    assert [each.file for each in listing.photos] == ["other/2.png", "train/1.png"]


def test_a_link_out_of_the_folder_is_rejected(
    make_settings: MakeSettings, photo: np.ndarray, tmp_path: Path
) -> None:
    write(tmp_path, ["raw/1.png", "private/2.png"], photo)
    (tmp_path / "raw/link.png").symlink_to(tmp_path / "private/2.png")
    (tmp_path / "raw/folder").symlink_to(tmp_path / "private")
    listing = list_source("photos", tmp_path / "raw", make_settings())
    assert [each.file for each in listing.photos] == ["1.png"]
    assert [file for file, _ in listing.rejected] == ["folder/2.png", "link.png"]


def test_a_missing_folder_is_an_error(make_settings: MakeSettings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.path is '.*none', which does not exist; expected"):
        list_source("photos", tmp_path / "none", make_settings())


def write_lists(root: Path, train: list[str], test: list[str] | None = None) -> None:
    root.mkdir(exist_ok=True)
    (root / "train.csv").write_text("\n".join(["input_image_path,gt_image_path", *train]) + "\n")
    if test is not None:
        (root / "test.csv").write_text("\n".join(["input_image_path", *test]) + "\n")


def test_pairs_and_inputs_are_read_from_the_lists(
    make_settings: MakeSettings, photo: np.ndarray, tmp_path: Path
) -> None:
    write_lists(tmp_path, ["./train_input/T_0.png,./train_gt/T_0.png"], ["./test_input/E_0.png"])
    write(tmp_path, ["train_gt/T_0.png"], photo)
    damaged = to_luma(photo)
    damaged[10:20, 10:20] = 7
    for name in ("train_input/T_0.png", "test_input/E_0.png"):
        write_png(tmp_path / name, damaged)
    pair, unlabeled = list_source("competition", tmp_path, make_settings()).photos
    assert (pair.id, pair.file, pair.split) == ("T_0", "train_input/T_0.png", None)
    assert (unlabeled.id, unlabeled.split) == ("E_0", "unlabeled")
    np.testing.assert_array_equal(target_of(pair), photo)
    np.testing.assert_array_equal(pair.load().damaged, damaged)
    assert unlabeled.load().target is None
    np.testing.assert_array_equal(unlabeled.load().damaged, damaged)


def test_invalid_rows_are_rejected_with_their_reason(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    rows = [
        "a/1.png,b/1.png",
        "A/1.PNG,b/1.png",
        "../2.png,b/2.png",
        "a/3.png,/etc/3.png",
        "a/4.png",
    ]
    write_lists(tmp_path, rows, ["c/1.png"])
    listing = list_source("competition", tmp_path, make_settings())
    assert [each.id for each in listing.photos] == ["1"]
    assert listing.rejected == [
        ("A/1.PNG", "is listed again in train.csv"),
        ("../2.png", "leads outside the data (train.csv line 4)"),
        ("/etc/3.png", "leads outside the data (train.csv line 5)"),
        ("train.csv line 6", "names no file"),
        ("c/1.png", "is listed again in test.csv"),
    ]


def test_a_pair_of_two_sizes_or_without_target_is_rejected(
    make_settings: MakeSettings, photo: np.ndarray, tmp_path: Path
) -> None:
    write_lists(tmp_path, ["a/1.png,b/1.png", "a/2.png,b/2.png"])
    write(tmp_path, ["a/1.png", "a/2.png"], photo)
    write_png(tmp_path / "b/1.png", photo[:50])
    first, second = list_source("competition", tmp_path, make_settings()).photos
    with pytest.raises(PhotoError, match=r"a/1\.png: is 128x96 px, but b/1\.png is 128x50 px"):
        first.load()
    with pytest.raises(PhotoError, match=r"b/2\.png: is missing"):
        second.load()


def test_the_test_list_may_be_missing_but_not_its_column(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    write_lists(tmp_path, ["a/1.png,b/1.png"])
    assert len(list_source("competition", tmp_path, make_settings()).photos) == 1
    (tmp_path / "test.csv").write_text("path\nc/1.png\n")
    with pytest.raises(UserError, match=r"test\.csv lacks the column input_image_path"):
        list_source("competition", tmp_path, make_settings())


def test_a_name_that_is_too_long_for_a_file_is_rejected(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    write_lists(tmp_path, ["a/1.png,b/1.png", f"a/{'사' * 70}.png,b/2.png"])
    listing = list_source("competition", tmp_path, make_settings())
    assert [each.id for each in listing.photos] == ["1"]
    assert [reason for _, reason in listing.rejected] == ["has a name of more than 200 bytes"]
