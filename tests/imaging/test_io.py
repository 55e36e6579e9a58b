import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from rechroma.errors import UserError
from rechroma.imaging.color import is_gray, to_luma
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.io import (
    encode_png,
    gray_from_array,
    is_inside,
    list_photos,
    read_color,
    read_gray,
    read_opacity,
    write_png,
)
from rechroma.imaging.resize import center_square, downscale


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


def encoded(photo: np.ndarray, kind: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(photo).convert(mode).save(stream, format=kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("suffix", "kind", "options", "largest_error"),
    [
        (".png", "PNG", {}, 0),
        (".tif", "TIFF", {}, 0),
        (".bmp", "BMP", {}, 0),
        (".webp", "WEBP", {"lossless": True}, 0),
        (".jpg", "JPEG", {"quality": 100, "subsampling": 0}, 6),
    ],
)
def test_every_format_gives_its_pixels_in_rgb_order(
    photo: np.ndarray,
    tmp_path: Path,
    suffix: str,
    kind: str,
    options: dict[str, object],
    largest_error: int,
) -> None:
    file = tmp_path / f"photo{suffix}"
    file.write_bytes(encoded(photo, kind, **options))
    read = read_color(file)
    assert read.dtype == np.uint8
    assert np.abs(read.astype(int) - photo).max() <= largest_error


@pytest.mark.parametrize("extension", [".png", ".tiff"])
def test_sixteen_bits_give_their_high_byte(photo: np.ndarray, extension: str) -> None:
    deep = photo.astype(np.uint16) * 256 + 200
    color = cv2.imencode(extension, deep[..., ::-1])[1].tobytes()
    gray = cv2.imencode(extension, deep[..., 0])[1].tobytes()
    np.testing.assert_array_equal(read_color(io.BytesIO(color)), photo)
    np.testing.assert_array_equal(read_gray(io.BytesIO(gray)), photo[..., 0])


@pytest.mark.parametrize("scale", [1, 257])
def test_integers_of_32_bits_are_on_the_scale_that_their_values_need(
    photo: np.ndarray, scale: int
) -> None:
    gray = photo[..., 0]
    stream = io.BytesIO(encoded(gray.astype(np.int32) * scale, "TIFF", mode="I"))
    np.testing.assert_array_equal(read_gray(stream), gray)
    np.testing.assert_array_equal(read_color(stream)[..., 1], gray)


def test_sixteen_bits_are_not_taken_for_eight_where_all_is_dark(photo: np.ndarray) -> None:
    dark = cv2.imencode(".png", photo[..., 0].astype(np.uint16))[1].tobytes()
    assert not read_gray(io.BytesIO(dark)).any()


def test_cmyk_is_read_as_color(photo: np.ndarray) -> None:
    read = read_color(io.BytesIO(encoded(photo, "TIFF", mode="CMYK")))
    assert np.abs(read.astype(int) - photo).max() <= 1
    jpeg = read_color(io.BytesIO(encoded(photo, "JPEG", mode="CMYK", quality=95)))
    assert np.abs(jpeg.astype(int) - photo).mean() < 6


def test_a_transparent_palette_color_stands_on_white(photo: np.ndarray) -> None:
    palette = Image.fromarray(photo).quantize(16)
    stream = io.BytesIO()
    palette.save(stream, format="PNG", transparency=bytes([0] + [255] * 15))
    read = read_color(stream)
    clear = np.asarray(palette) == 0
    assert clear.any()
    assert (read[clear] == 255).all()
    np.testing.assert_array_equal(read[~clear], np.asarray(palette.convert("RGB"))[~clear])


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    clear = Image.new("RGBA", (4, 4), (0, 100, 200, 0))
    clear.putpixel((1, 2), (0, 100, 200, 51))
    stream = io.BytesIO()
    clear.save(stream, format="PNG")
    read = read_color(stream)
    assert read[0, 0].tolist() == [255, 255, 255]
    assert read[2, 1].tolist() == [204, 224, 244]


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 3), (8, 1)])
def test_exif_orientation_is_applied(photo: np.ndarray, orientation: int, turns: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_color(io.BytesIO(encoded(photo, exif=exif.tobytes())))
    np.testing.assert_array_equal(read, np.rot90(photo, turns))


def test_luma_is_pillows_gray(photo: np.ndarray) -> None:
    expected = np.asarray(Image.fromarray(photo).convert("L"))
    np.testing.assert_array_equal(to_luma(photo), expected)
    np.testing.assert_array_equal(read_gray(io.BytesIO(encoded(photo))), expected)


def test_gray_files_keep_their_values(photo: np.ndarray) -> None:
    gray = to_luma(photo)
    for mode in ("L", "RGB", "LA"):
        read = read_gray(io.BytesIO(encoded(gray, mode=mode)))
        np.testing.assert_array_equal(read, gray)


def test_an_array_is_read_as_its_file_is(photo: np.ndarray) -> None:
    gray = to_luma(photo)
    for picture in (photo, gray, gray > 128):
        expected = read_gray(io.BytesIO(encode_png(picture)))
        for values in (picture, picture.tolist()):
            found = gray_from_array(values, "photo")
            assert found.dtype == np.uint8
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 5, 4), np.uint8), r"array of shape \(4, 5, 4\) and type uint8, expected"),
        (np.zeros((1, 4, 5, 3), np.uint8), r"shape \(1, 4, 5, 3\)"),
        (np.zeros((0, 5), np.uint8), r"shape \(0, 5\)"),
        (np.zeros((4, 5)), "type float64"),
        ([["a"]], "type <U1"),
        ([[2**70]], "type object"),
        ([[1, 2], [3]], r"is no regular array, expected \(H, W\) gray or \(H, W, 3\) RGB"),
        ([[-1, 255]], "is an array of numbers from -1 to 255, expected .* from 0 to 255"),
        ([[0, 256]], "is an array of numbers from 0 to 256"),
    ],
)
def test_an_odd_array_is_one_clear_line(values: object, message: str) -> None:
    with pytest.raises(PhotoError, match=f"photo: is .*{message.removeprefix('is ')}"):
        gray_from_array(values, "photo")


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


ODD_FILES: dict[str, tuple[Callable[[np.ndarray], bytes], str]] = {
    "truncated.png": (lambda photo: encoded(photo)[:4000], r"cannot be read"),
    "truncated.jpg": (
        lambda photo: encoded(photo, "JPEG")[:1500],
        r"cannot be read: image file is truncated",
    ),
    "text.png": (lambda _: b"not a picture", r"text\.png: is no picture, expected PNG, JPEG"),
    "empty.png": (lambda _: b"", r"empty\.png: is empty"),
    "bomb.png": (
        lambda _: png_claiming(30000, 30000),
        r"is 30000x30000 px, expected at most 200 megapixels",
    ),
    "large-header.png": (lambda _: png_claiming(12000, 12000), r"cannot be read"),
    "gif.png": (lambda photo: encoded(photo, "GIF", mode="P"), r"is no picture"),
    "float.tif": (
        lambda photo: encoded(photo[..., 0].astype(np.float32), "TIFF", mode="F"),
        r"floating-point values",
    ),
}


@pytest.mark.parametrize("name", ODD_FILES)
def test_an_odd_file_is_one_clear_line(photo: np.ndarray, tmp_path: Path, name: str) -> None:
    make, message = ODD_FILES[name]
    file = tmp_path / name
    file.write_bytes(make(photo))
    with pytest.raises(PhotoError, match=message) as caught:
        read_color(file)
    assert "\n" not in str(caught.value)
    with pytest.raises(PhotoError, match=message):
        read_color(io.BytesIO(make(photo)), name)


@pytest.mark.parametrize("listed", [True, False])
def test_a_pipe_is_named_and_not_waited_for(tmp_path: Path, listed: bool) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    (file,) = list_photos(tmp_path) if listed else [pipe]
    for read in (read_color, read_gray, read_opacity):
        with pytest.raises(PhotoError, match=r"pipe\.png: is no picture but a pipe or a device"):
            read(file)


@pytest.mark.filterwarnings("ignore:unclosed file")  # Pillow leaves the pipe to be collected
def test_a_pipe_that_a_shell_hands_over_is_read(photo: np.ndarray) -> None:
    small = photo[:20, :30]
    reading, writing = os.pipe()
    os.write(writing, encoded(small))
    os.close(writing)
    np.testing.assert_array_equal(read_color(Path(f"/dev/fd/{reading}")), small)
    os.close(reading)


def test_a_link_to_a_device_is_named(tmp_path: Path) -> None:
    (tmp_path / "zeros.png").symlink_to("/dev/zero")
    with pytest.raises(PhotoError, match="is no picture but a pipe or a device"):
        read_color(tmp_path / "zeros.png")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.png: is missing"):
        read_color(tmp_path / "absent.png")


def test_pillows_own_limit_is_back_after_reading(photo: np.ndarray) -> None:
    before = Image.MAX_IMAGE_PIXELS
    read_color(io.BytesIO(encoded(photo)))
    assert before == Image.MAX_IMAGE_PIXELS


def test_lists_pictures_below_a_folder_in_order(tmp_path: Path) -> None:
    wanted = ["a/2.JPG", "a/b/1.webp", "c.tiff", "z.bmp"]
    for name in [*wanted, "notes.txt", ".hidden.png", ".cache/3.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [file.relative_to(tmp_path).as_posix() for file in list_photos(tmp_path)] == wanted


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/photo.png").touch()
    (tmp_path / "a/back").symlink_to(tmp_path)
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    listed = list_photos(tmp_path)
    assert [file.name for file in listed] == ["photo.png", "self.png"]
    assert not is_inside(tmp_path / "self.png", tmp_path)


def test_a_file_lists_itself_and_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "one.png").touch()
    assert list_photos(tmp_path / "one.png") == [tmp_path / "one.png"]
    with pytest.raises(UserError, match="does not exist"):
        list_photos(tmp_path / "none")


def test_links_into_dvcs_cache_count_as_inside(tmp_path: Path) -> None:
    cached = tmp_path / "cache/files/md5/ab" / ("c" * 30)
    cached.parent.mkdir(parents=True)
    cached.touch()
    (tmp_path / "elsewhere.png").touch()
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "cached.png").symlink_to(cached)
    (raw / "outside.png").symlink_to(tmp_path / "elsewhere.png")
    assert is_inside(raw / "cached.png", raw)
    assert not is_inside(raw / "outside.png", raw)


def test_square_is_the_center_reduced(photo: np.ndarray) -> None:
    np.testing.assert_array_equal(center_square(photo, 96), photo[:, 16:112])
    small = center_square(photo, 32)
    means = photo[:, 16:112].reshape(32, 3, 32, 3, 3).mean(axis=(1, 3))
    assert small.shape == (32, 32, 3)
    assert np.abs(small - means).mean() < 3


def test_square_refuses_to_enlarge(photo: np.ndarray) -> None:
    with pytest.raises(ValueError, match="128x96 px, expected at least 97 px"):
        center_square(photo, 97)


def test_reducing_does_not_alias() -> None:
    checkers = (np.indices((128, 128)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = downscale(np.stack([checkers] * 3, axis=-1), 48, 48)
    assert np.abs(small[4:-4, 4:-4].astype(int) - 128).max() < 16


def test_written_pictures_come_back(photo: np.ndarray, tmp_path: Path) -> None:
    gray = to_luma(photo)
    write_png(tmp_path / "new/photo.png", photo)
    write_png(tmp_path / "new/gray.png", gray)
    write_png(tmp_path / "new/mask.png", gray > 128)
    np.testing.assert_array_equal(read_color(tmp_path / "new/photo.png"), photo)
    np.testing.assert_array_equal(read_gray(tmp_path / "new/gray.png"), gray)
    mask = read_gray(tmp_path / "new/mask.png")
    np.testing.assert_array_equal(mask, np.where(gray > 128, 255, 0))
    assert len(list((tmp_path / "new").iterdir())) == 3


def test_a_failed_writing_leaves_the_old_picture(photo: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    write_png(file, photo)
    with pytest.raises(TypeError):
        write_png(file, photo.astype(np.complex64))
    np.testing.assert_array_equal(read_color(file), photo)
    assert [each.name for each in tmp_path.iterdir()] == ["photo.png"]
