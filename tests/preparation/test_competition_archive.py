import io
import unicodedata
import zipfile
from pathlib import Path

import pytest

from rechroma.errors import UserError
from rechroma.imaging.decode import PhotoError
from rechroma.preparation import competition_archive
from rechroma.preparation.competition_archive import inner_path, open_files, read_csv

COLUMNS = ("input_image_path", "gt_image_path")


def write_zip(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "prefix",
    ["", "./", "open/", "open/open/", "a/b/c/d/e/", "my open (1)/data/", "대회 자료/open/"],
)
@pytest.mark.parametrize("separator", ["/", "\\"])
def test_the_archive_is_read_however_deep_its_folder_is(
    tmp_path: Path, prefix: str, separator: str
) -> None:
    entries = {f"{prefix}train.csv": b"\xef\xbb\xbfa,b", f"{prefix}x/1.png": b"pixels"}
    entries = {name.replace("/", separator): content for name, content in entries.items()}
    others = {
        "__MACOSX/train.csv": b"?",
        "z/z/z/z/z/z/z/train.csv": b"deeper",
        ".old/train.csv": b"?",
    }
    files = open_files(write_zip(tmp_path / "open.zip", others | entries))
    assert files.text("train.csv") == "a,b"
    assert files.text("test.csv") is None
    opened = files.open("x/1.png")
    assert not isinstance(opened, Path)
    assert opened.read() == b"pixels"


def test_a_folder_may_hold_the_data_a_folder_of_it_or_the_archive(tmp_path: Path) -> None:
    write_zip(tmp_path / "open.zip", {"train.csv": b"from the archive"})
    assert open_files(tmp_path).text("train.csv") == "from the archive"
    (tmp_path / "open").mkdir()
    (tmp_path / "open/train.csv").write_text("from the folder inside")
    assert open_files(tmp_path).text("train.csv") == "from the folder inside"
    (tmp_path / "train.csv").write_text("from the folder")
    assert open_files(tmp_path).text("train.csv") == "from the folder"


def test_other_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected the competition's open\.zip or the folder"):
        open_files(tmp_path)
    (tmp_path / "text.zip").write_text("text")
    with pytest.raises(UserError, match="cannot be read as an archive: File is not a zip file"):
        open_files(tmp_path / "text.zip")
    with pytest.raises(UserError, match=r"holds no train\.csv"):
        open_files(write_zip(tmp_path / "other.zip", {"deep/er/test.csv": b""}))
    with pytest.raises(
        UserError, match=r"holds no train\.csv.*; it holds a/open\.zip, unpack that"
    ):
        open_files(write_zip(tmp_path / "nested.zip", {"a/open.zip": b""}))


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_names_that_are_not_marked_as_utf_8_are_read(tmp_path: Path, encoding: str) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("?" * 20 + "train.csv", b"a,b")
        packed.writestr("?" * 20 + "1.png", b"pixels")
    # The name as such a program stores it: bytes of its own encoding, no flag.
    folder = "사진".encode(encoding) + b"/"
    raw = content.getvalue().replace(b"?" * 20, folder + b"x" * (19 - len(folder)) + b"/")
    (tmp_path / "open.zip").write_bytes(raw)
    files = open_files(tmp_path)
    assert files.text("train.csv") == "a,b"
    opened = files.open("1.png")
    assert not isinstance(opened, Path)
    assert opened.read() == b"pixels"


def test_decomposed_letters_are_found_by_composed_ones(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "사진/가족.png")
    entries = {"train.csv": b"a", name: b"pixels"}
    opened = open_files(write_zip(tmp_path / "open.zip", entries)).open("사진/가족.png")
    assert not isinstance(opened, Path)
    assert opened.read() == b"pixels"


@pytest.mark.parametrize("name", ["../1.png", "/1.png", "C:\\1.png", "a\\..\\..\\1.png"])
def test_an_entry_that_leads_outside_is_missing(tmp_path: Path, name: str) -> None:
    files = open_files(write_zip(tmp_path / "open.zip", {"train.csv": b"a", name: b"pixels"}))
    with pytest.raises(PhotoError, match="is missing"):
        files.open(name)


def test_an_unpacked_folder_is_found_at_any_depth(tmp_path: Path) -> None:
    deep = tmp_path / "raw/downloads/open/open"
    deep.mkdir(parents=True)
    (deep / "train.csv").write_text("found")
    (tmp_path / "raw/linked").symlink_to(tmp_path / "raw")  # a loop
    assert open_files(tmp_path / "raw").text("train.csv") == "found"
    (deep / "train.csv").rename(tmp_path / "train.csv")
    (tmp_path / "raw/open").symlink_to(tmp_path)
    assert open_files(tmp_path / "raw").text("train.csv") == "found"


def test_an_archive_is_found_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    write_zip(tmp_path / "a/b/open.zip", {"train.csv": b"found"})
    assert open_files(tmp_path).text("train.csv") == "found"


def test_files_that_were_unpacked_with_backslashes_in_their_names_are_found(tmp_path: Path) -> None:
    (tmp_path / r"open\train.csv").write_text("found")
    (tmp_path / r"open\x\1.png").write_text("pixels")
    (tmp_path / r"..\train.csv").write_text("outside")
    files = open_files(tmp_path)
    assert files.text("train.csv") == "found"
    assert files.text("test.csv") is None
    opened = files.open("x/1.png")
    assert isinstance(opened, Path)
    assert opened.read_text() == "pixels"


def test_a_damaged_or_missing_entry_is_an_error(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "open.zip", {"train.csv": b"a", "1.png": bytes(range(256)) * 9})
    content = bytearray(path.read_bytes())
    content[content.index(b"1.png") + 40] ^= 255
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=r"1\.png: cannot be unpacked"):
        open_files(path).open("1.png")
    with pytest.raises(PhotoError, match=r"2\.png: is missing"):
        open_files(path).open("2.png")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(competition_archive, "UNPACKED_LIMIT", 1 << 20)
    path = write_zip(tmp_path / "open.zip", {"train.csv": b"a", "1.png": bytes(3 << 20)})
    with pytest.raises(PhotoError, match=r"1\.png: unpacks to 3 MiB"):
        open_files(path).open("1.png")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.png").touch()
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/train.csv").touch()
    (tmp_path / "raw/1.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(PhotoError, match=r"1\.png: leads outside the folder"):
        open_files(tmp_path / "raw").open("1.png")


@pytest.mark.parametrize(
    ("value", "path"),
    [("./train_input/1.png", "train_input/1.png"), (r".\train_input\1.png", "train_input/1.png")],
)
def test_paths_of_a_list_are_inner_paths(value: str, path: str) -> None:
    assert inner_path(value, "train.csv line 2") == path


@pytest.mark.parametrize(
    "value",
    ["../1.png", "a/../../1.png", "/etc/1.png", r"C:\1.png", r"..\1.png", r"\\host\d\1.png"],
)
def test_paths_that_lead_outside_are_refused(value: str) -> None:
    with pytest.raises(PhotoError, match=r"leads outside the data \(train\.csv line 2\)"):
        inner_path(value, "train.csv line 2")


def test_a_row_without_a_file_is_refused() -> None:
    with pytest.raises(PhotoError, match=r"train\.csv line 2: names no file"):
        inner_path("", "train.csv line 2")


def test_a_list_is_read_in_any_order_of_columns() -> None:
    text = "gt_image_path,id,input_image_path\nb/1.png,7,a/1.png \nb/2.png\n"
    assert read_csv(text, "train.csv", COLUMNS) == [
        (2, ["a/1.png", "b/1.png"]),
        (3, ["", "b/2.png"]),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input_image_path\n1.png\n", r"train\.csv lacks the column gt_image_path, its columns"),
        ("", r"lacks the column input_image_path, its columns are: none"),
        ("input_image_path,gt_image_path\n", r"train\.csv lists no photographs"),
        ('input_image_path,gt_image_path\n"' + "x" * 200_000, r"train\.csv line \d+ is no CSV"),
    ],
)
def test_a_list_that_cannot_be_used_is_an_error(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_csv(text, "train.csv", COLUMNS)


def test_a_list_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes("사진".encode("cp949"))
    with pytest.raises(UserError, match=r"train\.csv is no UTF-8 text"):
        open_files(tmp_path).text("train.csv")


def test_a_path_with_a_zero_byte_names_no_file() -> None:
    with pytest.raises(PhotoError, match=r"train\.csv line 2: names no file"):
        inner_path("a\0.png", "train.csv line 2")
