import pytest

from rechroma.errors import UserError
from rechroma.preparation.split_folders import find_folder_splits, read_split_name


def splits_of(*files: str) -> dict[str, str | None]:
    return dict(zip(files, find_folder_splits(files, "data.path").of_file, strict=True))


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (
            "train",
            "train Train TRAINING trainset Train_Images x_train 1_train 학습 train2017 color-train "
            "more extra Extra_Images 추가",
        ),
        (
            "validation",
            "val VAL valid Validate Validation_set valset dev ValImages val2017 검증 x-val",
        ),
        ("test", "test Tests TESTING test-set testset TestData 02.test 테스트 test_gt"),
        ("validation or test", "eval Evaluation held-out holdout trainval train_val"),
    ],
)
def test_spellings_of_splits_are_understood(split: str, names: str) -> None:
    for name in names.split():
        assert read_split_name(name) == (split, ()), name


@pytest.mark.parametrize(
    "name", ["Valentine", "Devon", "Testament", "contest", "restrained", "1950", "가족", "validity"]
)
def test_names_with_the_letters_of_a_split_are_none(name: str) -> None:
    assert read_split_name(name) is None


@pytest.mark.parametrize("train", ["train", "Training", "TRAIN", "train_images"])
@pytest.mark.parametrize("held_out", ["val", "Valid", "dev", "VALIDATION", "val2017"])
def test_a_held_out_folder_beside_train_is_a_split(train: str, held_out: str) -> None:
    files = (f"{train}/1.png", f"{held_out}/1.png", f"{held_out}/deep/test/2.png", "3.png")
    assert list(splits_of(*files).values()) == ["train", "validation", "validation", None]


@pytest.mark.parametrize("root", ["dataset", "a/b/c", "Train"])
def test_splits_are_found_one_folder_deeper(root: str) -> None:
    splits = splits_of(f"{root}/train/1.png", f"{root}/val/2.png", f"{root}/test/3.png")
    assert list(splits.values()) == ["train", "validation", "test"]


def test_every_class_may_have_its_splits() -> None:
    files = [f"{kind}/{split}/1.png" for kind in ("cats", "dogs") for split in ("train", "val")]
    assert list(splits_of(*files).values()) == ["train", "validation"] * 2


def test_splits_inside_train_are_splits_and_those_inside_a_held_out_folder_are_not() -> None:
    files = ("train/train/1.png", "train/val/2.png", "train/3.png", "test/train/4.png")
    assert list(splits_of(*files).values()) == ["train", "validation", "train", "test"]


def test_names_with_the_same_other_words_are_splits_of_one_set() -> None:
    files = ("DIV2K_train_HR/1.png", "DIV2K_valid_HR/1.png")
    assert list(splits_of(*files).values()) == ["train", "validation"]
    assert set(splits_of("Test of patience/1.png", "trains and cars/1.png").values()) == {None}


@pytest.mark.parametrize(
    "files", [("1.png", "a/2.png"), ("train/1.png", "a/2.png"), ("Training camp/1.png", "1.png")]
)
def test_folders_without_held_out_ones_set_no_splits(files: tuple[str, ...]) -> None:
    assert set(splits_of(*files).values()) == {None}
    assert not find_folder_splits(files, "data.path").of_folder


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (("val/1.png", "2.png"), r"data\.path: the folder val names the split validation, but no"),
        (("a/1.png", "Test/2.png"), "the folder Test names the split test, .* into train, or"),
        (("x/val/1.png", "x/test/2.png", "x/3.png"), "the folder x/test names .* into x/train"),
        (("train/val/1.png", "train/2.png"), "the folder train/val names the split validation"),
        (("train/1.png", "eval/2.png"), "the folder eval may be validation or test, .* rename it"),
        (("trainval/1.png", "test/2.png"), "the folder trainval may be validation or test"),
        (
            ("train_1.png", "val_1.png"),
            "all photographs in the folder name splits, such as train_1",
        ),
        (("a/1-train.png", "a/2_test.png", "b.png"), "in the folder a name splits"),
    ],
)
def test_what_is_unclear_stops_with_the_folder_and_the_setting(
    files: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        find_folder_splits(files, "data.path")


def test_more_photographs_to_train_on_may_be_beside_train() -> None:
    files = ("train/1.png", "more/2.png", "val/3.png", "large/4.png")
    assert list(splits_of(*files).values()) == ["train", "train", "validation", None]


def test_without_a_held_out_folder_more_is_a_folder_like_any_other() -> None:
    assert list(splits_of("more/1.png", "cats/2.png").values()) == [None, None]
