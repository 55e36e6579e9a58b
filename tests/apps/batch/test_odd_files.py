"""What `rechroma restore` does with odd files: tried out here, message in docs/odd-files.md."""

import contextlib
import io
import json
import os
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from rechroma.apps.batch.exif import read_metadata
from rechroma.apps.batch.image_file import is_restored, write_image_file
from rechroma.apps.cli.main import main
from rechroma.imaging.io import read_gray
from rechroma.models.store import save_model

PAGE = Path(__file__).resolve().parents[3] / "docs" / "odd-files.md"
HEAD = """\
# Odd files

This page lists what `rechroma restore` does with unusual files. A test,
`tests/apps/batch/test_odd_files.py`, restores all of them in one album and compares this page with
the results. No file stops an album, no output is half written, and no input is changed. The exit
code is 1 when any file failed, else 0.

| file | result | message |
| --- | --- | --- |
"""
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
HOLE = np.s_[14:38, 20:46]
NO_DAMAGE = "^no damage found, color only$"
CUT = "^cannot be read: …$"


def _gray() -> np.ndarray:
    """A photograph with noise, `(48, 64)` uint8, and a hole of the gray 60."""
    rows, columns = np.mgrid[0:48, 0:64]
    noise = np.random.default_rng(0).normal(0, 4, (48, 64))
    gray = np.clip(150 + 40 * np.sin(columns / 9) + 30 * np.cos(rows / 7) + noise, 70, 250)
    gray[HOLE] = 60
    return gray.astype(np.uint8)


GRAY = _gray()
COLOR = cv2.applyColorMap(GRAY, cv2.COLORMAP_VIRIDIS)
MASK = np.zeros(GRAY.shape, bool)
MASK[HOLE] = True
NOISE = np.random.default_rng(1).integers(80, 180, (2000, 1)).astype(np.uint8)


def saved(picture=GRAY, kind="PNG", mode=None, **options) -> bytes:
    """A picture as the bytes of a file."""
    made = Image.fromarray(picture)
    stream = io.BytesIO()
    (made.convert(mode) if mode else made).save(stream, kind, **options)
    return stream.getvalue()


def frames(kind: str, **options) -> bytes:
    others = [Image.fromarray(np.roll(GRAY, shift)).convert("RGB") for shift in (5, 9)]
    return saved(kind=kind, mode="RGB", save_all=True, append_images=others, **options)


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(exif=exif)


def claiming(width: int, height: int) -> bytes:
    """A PNG whose header speaks of a picture of that size, with hardly any pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(64))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def deep(suffix: str, picture: np.ndarray) -> bytes:
    """16 bits a channel."""
    return cv2.imencode(suffix, picture.astype(np.uint16) * 257)[1].tobytes()


def painted() -> bytes:
    layer = np.zeros((*GRAY.shape, 4), np.uint8)
    layer[MASK] = (220, 30, 30, 255)
    return saved(layer)


def folder(path: Path) -> None:
    path.mkdir()
    (path / "inside the folder.png").write_bytes(saved())


def restored_before(path: Path) -> None:
    write_image_file(path, COLOR, read_metadata(Image.fromarray(COLOR)))


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


class Kind(NamedTuple):
    """An odd file.

    Attributes:
        name: in the album; where it is absolute by a leading `/`, beside the album and named.
        make: its bytes, or what makes it.
        becomes: restored, failed, or skipped without a message.
        message: what is said of it, a regular expression; empty: nothing.
        mask: bytes of its mask, where it has one.
    """

    name: str
    make: bytes | Callable[[Path], None]
    becomes: str = "restored"
    message: str = ""
    mask: bytes | None = None


NOT_ONE = "^is no picture, expected PNG, JPEG, WEBP, TIFF, BMP$"
FAILED, SKIPPED = "failed", "skipped"
GRAY_PROFILE = SRGB[:16] + b"GRAY" + SRGB[20:]
CMYK_PROFILE = SRGB[:16] + b"CMYK" + SRGB[20:]
ADOBE = SRGB[:4] + b"ADBE" + SRGB[8:]

KINDS = {
    # Formats and modes
    "gray PNG": Kind("gray.png", saved()),
    "gray BMP": Kind("bitmap.bmp", saved(kind="BMP")),
    "gray TIFF, compressed": Kind("lzw.tif", saved(kind="TIFF", compression="tiff_lzw")),
    "lossless WebP": Kind("lossless.webp", saved(kind="WEBP", lossless=True)),
    "PNG in RGB that is gray": Kind("rgb.png", saved(mode="RGB")),
    "PNG in color": Kind(
        "color.png", saved(COLOR), message="^is in color, which was replaced; --keep"
    ),
    "JPEG saved after the damage": Kind("late.jpg", saved(kind="JPEG"), message=NO_DAMAGE),
    "progressive JPEG": Kind(
        "progressive.jpg", saved(kind="JPEG", progressive=True), message=NO_DAMAGE
    ),
    "CMYK JPEG": Kind("cmyk.jpg", saved(kind="JPEG", mode="CMYK"), message=NO_DAMAGE),
    "CMYK TIFF": Kind("cmyk-lzw.tif", saved(kind="TIFF", mode="CMYK")),
    "palette PNG": Kind("palette.png", saved(mode="P")),
    "palette PNG with a transparent color": Kind(
        "palette-clear.png",
        saved(mode="P", transparency=200),
        message="^transparent parts were filled with white$",
    ),
    "1-bit PNG": Kind("1-bit.png", saved(mode="1"), message=NO_DAMAGE),
    "gray PNG with opacity, half transparent": Kind(
        "half.png",
        saved(np.dstack([GRAY, np.full_like(GRAY, 128)])),
        message="^transparent parts were filled with white$",
    ),
    "RGBA PNG, wholly opaque": Kind("opaque.png", saved(mode="RGBA")),
    "16-bit gray PNG": Kind(
        "16-bit.png", deep(".png", GRAY), message="^16 bits were reduced to 8$"
    ),
    "16-bit gray TIFF": Kind(
        "16-bit-tiff.tif", deep(".tif", GRAY), message="^16 bits were reduced to 8$"
    ),
    "16-bit RGB PNG": Kind(
        "16-bit-rgb.png", deep(".png", np.dstack([GRAY] * 3)), message="^16 bits were reduced to 8$"
    ),
    "16-bit RGB TIFF": Kind(
        "16-bit-rgb-tiff.tif",
        deep(".tif", np.dstack([GRAY] * 3)),
        message="^16 bits were reduced to 8$",
    ),
    "32-bit TIFF of values to 255": Kind("32-bit.tif", saved(GRAY.astype(np.int32), "TIFF")),
    "32-bit TIFF of values beyond 255": Kind(
        "32-bit-deep.tif",
        saved(GRAY.astype(np.int32) * 257, "TIFF"),
        message="^16 bits were reduced to 8$",
    ),
    "floating-point TIFF": Kind(
        "float.tif",
        saved(GRAY.astype(np.float32), "TIFF"),
        FAILED,
        "^holds floating-point values, expected 8 or 16 bits$",
    ),
    "animated WebP": Kind(
        "animated.webp",
        frames("WEBP", lossless=True),
        message="^only the first of 3 frames was restored$",
    ),
    "animated PNG": Kind(
        "animated-png.png", frames("PNG"), message="^only the first of 3 frames was restored$"
    ),
    "TIFF of several pages": Kind(
        "pages.tif", frames("TIFF"), message="^only the first of 3 frames was restored$"
    ),
    "JPEG of several pictures (MPO)": Kind(
        "mpo.jpg",
        frames("MPO"),
        message="^only the first of 3 frames was restored; no damage found",
    ),
    "GIF": Kind("moving.gif", saved(kind="GIF"), SKIPPED),
    "GIF called .png": Kind("gif.png", saved(kind="GIF"), FAILED, NOT_ONE),
    "HEIC": Kind("phone.heic", HEIC, SKIPPED),
    "HEIC given by its name": Kind("/phone-named.heic", HEIC, FAILED, NOT_ONE),
    "HEIC called .jpg": Kind("phone.jpg", HEIC, FAILED, NOT_ONE),
    "PDF called .png": Kind("letter.png", b"%PDF-1.7\n" + bytes(300), FAILED, NOT_ONE),
    "SVG called .png": Kind("drawing.png", b"<svg xmlns=''/>", FAILED, NOT_ONE),
    # Names
    "PNG called .jpg": Kind("wrong-suffix.jpg", saved()),
    "suffix in capitals": Kind("CAPITALS.PNG", saved()),
    "no suffix, in a folder": Kind("no-suffix", saved(), SKIPPED),
    "no suffix, given by its name": Kind("/named-without-suffix", saved()),
    "name in Korean": Kind("할머니의 사진.png", saved()),
    "name with spaces and quotes": Kind('grandma\'s  "best" one .png', saved()),
    "name with an emoji": Kind("👵🏽📷.png", saved()),
    "name with a line break": Kind("two\nlines.png", saved()),
    "name that begins with a dash": Kind("--out.png", saved()),
    "name of 255 bytes": Kind("x" * 251 + ".png", saved()),
    "hidden file": Kind(".hidden.png", saved(), SKIPPED),
    "what macOS leaves beside a photograph": Kind("._gray.png", b"\0\5\26\7", SKIPPED),
    "notes": Kind("notes.txt", b"To Grandma, 1931", SKIPPED),
    "notes, given by their name": Kind("/named-notes.txt", b"To Grandma", FAILED, NOT_ONE),
    "folder called .png": Kind("folder.png", folder),
    "link to a photograph": Kind("link.png", link("gray.png")),
    "link to nothing": Kind("broken-link.png", link("gone.png"), FAILED, "^is missing$"),
    "link to itself": Kind("loop.png", link("loop.png"), FAILED, CUT),
    "file that may not be read": Kind("unreadable.png", saved(), FAILED, CUT),
    "pipe called .png": Kind(
        "pipe.png", os.mkfifo, FAILED, "^is no picture but a pipe or a device"
    ),
    "link to a device": Kind("device.png", link("/dev/zero"), FAILED, "^is no picture but a pipe"),
    # Contents
    "empty file": Kind("empty.png", b"", FAILED, "^is empty$"),
    "text called .jpg": Kind("text.jpg", b"To Grandma, 1931", FAILED, NOT_ONE),
    "JPEG cut off": Kind("cut-jpeg.jpg", saved(kind="JPEG")[:700], FAILED, CUT),
    "PNG cut off": Kind("cut.png", saved()[:900], FAILED, CUT),
    "TIFF cut off": Kind("cut-tiff.tif", saved(kind="TIFF")[:900], FAILED, CUT),
    "header of 30000x30000 px": Kind(
        "bomb.png",
        claiming(30_000, 30_000),
        FAILED,
        "^is 30000x30000 px, expected at most 200 megapixels$",
    ),
    "header of 13000x13000 px without the pixels": Kind(
        "large-header.png", claiming(13_000, 13_000), FAILED, CUT
    ),
    "1x1 px": Kind("1x1.png", saved(GRAY[:1, :1]), message=NO_DAMAGE),
    "1x2000 px": Kind("1x2000.png", saved(NOISE), message=NO_DAMAGE),
    "2000x1 px": Kind("2000x1.png", saved(NOISE.T), message=NO_DAMAGE),
    "all of one gray": Kind("one-gray.png", saved(np.full_like(GRAY, 90)), message=NO_DAMAGE),
    "all black": Kind("black.png", saved(np.zeros_like(GRAY)), message=NO_DAMAGE),
    "all white": Kind("white.png", saved(np.full_like(GRAY, 255)), message=NO_DAMAGE),
    "restored by rechroma before": Kind("before.png", restored_before, message="^is in color"),
    "restored by rechroma before, in the folder of --out": Kind(
        "restored/before-too.png", restored_before, SKIPPED
    ),
    # Metadata
    "turned by EXIF": Kind("turned.png", turned(6)),
    "turned and mirrored by EXIF": Kind("mirrored.png", turned(7)),
    "broken EXIF": Kind(
        "broken-exif.png",
        saved(exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        message="^broken parts of the EXIF not copied$",
    ),
    "no EXIF where EXIF should be": Kind(
        "no-exif.png", saved(exif=b"Exif\0\0nothing at all"), message="^broken EXIF not copied$"
    ),
    "color profile of sRGB": Kind("srgb.png", saved(mode="RGB", icc_profile=SRGB)),
    "color profile of Adobe RGB": Kind("adobe.png", saved(mode="RGB", icc_profile=ADOBE)),
    "color profile of gray": Kind(
        "gray-profile.png",
        saved(icc_profile=GRAY_PROFILE),
        message="^color profile of kind GRAY not copied, the restored photograph is RGB$",
    ),
    "color profile of CMYK": Kind(
        "cmyk-profile.tif",
        saved(kind="TIFF", mode="CMYK", icc_profile=CMYK_PROFILE),
        message="^color profile of kind CMYK not copied",
    ),
    "broken color profile": Kind(
        "broken-profile.png", saved(icc_profile=b"short"), message="^color profile of kind unknown"
    ),
    # Masks, given with --mask
    "mask, white where lost": Kind("white-mask.png", saved(), mask=saved(MASK)),
    "mask, black where lost": Kind("black-mask.png", saved(), mask=saved(~MASK)),
    "mask, painted on a transparent layer": Kind("painted-mask.png", saved(), mask=painted()),
    "mask saved as JPEG": Kind("jpeg-mask.png", saved(), mask=saved(MASK, "JPEG", mode="L")),
    "mask of an empty file": Kind("empty-mask.png", saved(), FAILED, "^its mask is empty$", b""),
    "mask of text": Kind("text-mask.png", saved(), FAILED, "^its mask is no picture", b"text"),
    "mask of another size": Kind(
        "small-mask.png",
        saved(),
        FAILED,
        "^its mask is 64x47 px, expected 64x48 px$",
        saved(MASK[:47]),
    ),
    "mask as light as dark": Kind(
        "half-mask.png",
        saved(),
        FAILED,
        "^its mask: 50% of the mask is light, .* --mask-polarity white or black$",
        saved(np.tile([[False, True]], (48, 32))),
    ),
    "mask all black": Kind(
        "black-all-mask.png",
        saved(),
        message="^its mask is empty, color only$",
        mask=saved(MASK & False),
    ),
    "mask all white": Kind(
        "white-all-mask.png",
        saved(),
        message="^its mask is empty, color only$",
        mask=saved(MASK | True),
    ),
    "mask that is not there": Kind(
        "lonely.png", saved(), FAILED, "^its mask is missing$", None
    )._replace(mask=bytes(1)),
}
MISSING_MASK = "mask that is not there"


class Outcome(NamedTuple):
    """What came of a file; `message` without its name, its mask's, and what Pillow says."""

    becomes: str
    message: str
    source: Path
    target: Path
    lost: float


class Album(NamedTuple):
    """What came of the album: its exit code, all that was shown, and each outcome."""

    code: object
    shown: str
    outcomes: dict[str, Outcome]
    before: dict[str, bytes]
    desk: Path


def path_of(kind: Kind) -> Path:
    if kind.mask is not None:
        return Path("masked") / kind.name
    return Path(kind.name[1:]) if kind.name.startswith("/") else Path("album") / kind.name


def contents(top: Path) -> dict[str, bytes]:
    """Every file below, but for those that cannot be read, by its path."""
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


def deny(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As without permission: root, as whom tests run in containers, may read everything."""
    real = Image.open

    def opened(source, *arguments, **options):
        if isinstance(source, Path) and source.name == name:
            raise PermissionError(13, "Permission denied", str(source))
        return real(source, *arguments, **options)

    monkeypatch.setattr(Image, "open", opened)


def row_of(kind: Kind, rows: dict[str, dict]) -> Outcome:
    source = path_of(kind)
    if kind.make is folder:
        source /= "inside the folder.png"
    row = rows.get(str(source))
    if row is None:
        return Outcome(SKIPPED, "", source, source, 0.0)
    message = "; ".join([*row["warnings"], *filter(None, [row["error"]])])
    mask = Path("masks") / f"{source.stem}.png"
    message = message.replace(f"{source}: ", "").replace(f"its mask {mask}", "its mask")
    message = message.replace(f"{mask}: is", "its mask is").replace(f"{mask}:", "its mask:")
    message = re.sub("cannot be read: .*", "cannot be read: …", message, flags=re.DOTALL)
    return Outcome(row["status"], message, source, Path(row["restored"]), row["lost"])


@pytest.fixture(scope="module")
def album(tmp_path_factory, tiny_settings, outspoken):
    """All odd files, restored by the command: those with masks in a second go."""
    desk = tmp_path_factory.mktemp("desk")
    settings = tiny_settings(**{"restore.size": 64, "model.hues": False})
    save_model(outspoken(settings), settings.restore, desk / "tiny")
    shown = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(shown):
        patch.chdir(desk)
        named = []
        for name in ("album/restored", "masked", "masks"):
            Path(name).mkdir(parents=True)
        for title, kind in KINDS.items():
            path = path_of(kind)
            if isinstance(kind.make, bytes):
                path.write_bytes(kind.make)
            else:
                kind.make(path)
            if kind.mask is not None and title != MISSING_MASK:
                (Path("masks") / f"{path.stem}.png").write_bytes(kind.mask)
            named += [str(path)] if kind.name.startswith("/") else []
        before = contents(desk)
        deny(patch, "unreadable.png")
        codes, rows = [], {}
        for *chosen, report in (
            ("album", *named, "--out", "album/restored", "album.json"),
            ("masked", "--mask", "masks", "--out", "masked-restored", "masked.json"),
        ):
            with pytest.raises(SystemExit) as end:
                main(["restore", *chosen, "--model", "tiny", "--report", report])
            codes.append(end.value.code)
            assert Path(report).exists(), shown.getvalue()
            message = json.loads(Path(report).read_text(encoding="utf-8"))
            rows |= {row["photo"]: row for row in message["photographs"]}
    outcomes = {title: row_of(kind, rows) for title, kind in KINDS.items()}
    return Album(codes, shown.getvalue(), outcomes, before, desk)


@pytest.mark.parametrize("title", KINDS)
def test_an_odd_file_comes_to_what_is_said_of_it(album, title):
    kind, outcome = KINDS[title], album.outcomes[title]
    assert outcome.becomes == kind.becomes, outcome
    assert re.search(kind.message, outcome.message) if kind.message else not outcome.message, (
        outcome
    )


@pytest.mark.parametrize("title", [title for title in KINDS if KINDS[title].becomes == "restored"])
def test_a_restored_one_is_whole_and_keeps_what_is_known(album, title):
    outcome = album.outcomes[title]
    target = read_gray(album.desk / outcome.source)
    with Image.open(album.desk / outcome.target) as picture:
        assert picture.format == "PNG"
        again = np.asarray(picture.convert("L"))
    assert again.shape == target.shape
    assert (again == target).mean() >= 1 - outcome.lost - 1e-6
    assert is_restored(album.desk / outcome.target)


@pytest.mark.parametrize(("title", "turns"), [("turned by EXIF", 3), ("gray PNG", 0)])
def test_a_turned_one_stands_upright(album, title, turns):
    with Image.open(album.desk / album.outcomes[title].target) as picture:
        again = np.asarray(picture.convert("L"))
    known = np.rot90(~MASK, turns)
    np.testing.assert_array_equal(again[known], np.rot90(GRAY, turns)[known])


def test_failures_make_the_exit_code_and_are_all_named(album):
    assert album.code == [1, 1]
    assert "Traceback" not in album.shown
    assert "a fault of rechroma" not in album.shown
    failed = [each for each in album.outcomes.values() if each.becomes == FAILED]
    named = [line for line in album.shown.splitlines() if line.startswith("rechroma: ")]
    assert len(named) == len(failed)


def test_every_file_stays_as_it_was_and_nothing_is_half_written(album):
    after = contents(album.desk)
    assert {name: after[name] for name in album.before} == album.before
    made = {
        each.target.as_posix() for each in album.outcomes.values() if each.becomes == "restored"
    }
    assert set(after) - set(album.before) == made | {"album.json", "masked.json"}


def test_profiles_of_rgb_go_along(album):
    for title, profile in (("color profile of sRGB", SRGB), ("color profile of Adobe RGB", ADOBE)):
        with Image.open(album.desk / album.outcomes[title].target) as picture:
            assert picture.info["icc_profile"] == profile


def page(outcomes: dict[str, Outcome]) -> str:
    lines = [f"| {title} | {each.becomes} | {each.message} |" for title, each in outcomes.items()]
    return HEAD + "\n".join(lines) + "\n"


def test_the_page_of_odd_files_tells_what_really_happens(album):
    message = page(album.outcomes)
    if os.environ.get("RECHROMA_WRITE_DOCS"):
        PAGE.write_text(message, encoding="utf-8")
    assert message == PAGE.read_text(encoding="utf-8"), (
        "docs/odd-files.md is out of date: run this file with RECHROMA_WRITE_DOCS=1"
    )


def test_a_name_that_is_no_text_is_restored_and_reported(tmp_path, album, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"album/caf\xe9.png")
    Path("album").mkdir()
    try:
        Path(name).write_bytes(saved())
    except OSError:
        pytest.skip("this file system takes no such names")
    with pytest.raises(SystemExit) as end:
        main(
            [
                *("restore", "album", "--out", "new", "--report", "report.json"),
                *("--model", str(album.desk / "tiny")),
            ]
        )
    assert end.value.code == 0
    (row,) = json.loads(Path("report.json").read_text(encoding="utf-8"))["photographs"]
    assert row["photo"] == name
    assert Path(row["restored"]).exists()
