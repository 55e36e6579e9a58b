"""Small sound image files of every format, of a damaged photograph of 64x48 px."""

import io
from functools import cache

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

HOLE = np.s_[14:30, 14:52]


def gray_photo() -> np.ndarray:
    """`(48, 64)` uint8, with a hole of the gray 60."""
    rows, columns = np.mgrid[0:48, 0:64]
    noise = np.random.default_rng(0).normal(0, 4, (48, 64))
    gray = np.clip(150 + 40 * np.sin(columns / 9) + 30 * np.cos(rows / 7) + noise, 70, 250)
    gray[HOLE] = 60
    return gray.astype(np.uint8)


def hole_mask() -> np.ndarray:
    """`(48, 64)` uint8, 255 where the photograph is lost."""
    mask = np.zeros((48, 64), np.uint8)
    mask[HOLE] = 255
    return mask


def saved(picture: np.ndarray, kind: str, mode: str | None = None, **options: object) -> bytes:
    made = Image.fromarray(picture)
    stream = io.BytesIO()
    (made.convert(mode) if mode else made).save(stream, kind, **options)
    return stream.getvalue()


def _tiff(picture: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, picture, **options)
    return stream.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x013B], exif[0x010E] = 6, "Grandma", "at the sea"
    exif.get_ifd(0x8769)[0x829A] = 0.01
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def _captioned_png(gray: np.ndarray, profile: bytes) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "Grandma")
    info.add_text("Comment", "at the sea " * 9, zip=True)
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    return saved(gray, "PNG", pnginfo=info, icc_profile=profile, exif=_exif(), dpi=(300, 300))


@cache
def seed_files() -> dict[str, tuple[str, bytes]]:
    """Suffix and content of each file by its name; the same on every run."""
    gray = gray_photo()
    color = cv2.applyColorMap(gray, cv2.COLORMAP_VIRIDIS)
    deep = gray.astype(np.uint16) * 257
    alpha = np.dstack([color, np.roll(gray, 9)])
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = _exif().tobytes()
    frames = {"save_all": True, "append_images": [Image.fromarray(gray[::-1])]}
    _, deep_color = cv2.imencode(".png", color.astype(np.uint16) * 257)
    return {
        "png-gray": (".png", saved(gray, "PNG")),
        "png-captions": (".png", _captioned_png(gray, profile)),
        "png-16": (".png", saved(deep, "PNG")),
        "png-16-color": (".png", deep_color.tobytes()),
        "png-palette": (".png", saved(color, "PNG", "P", transparency=3)),
        "png-alpha": (".png", saved(alpha, "PNG")),
        "png-bits": (".png", saved(gray, "PNG", "1")),
        "jpeg": (".jpg", saved(gray, "JPEG", quality=90)),
        "jpeg-color": (".jpg", saved(color, "JPEG", exif=exif, icc_profile=profile, comment="sea")),
        "jpeg-progressive": (".jpg", saved(color, "JPEG", progressive=True)),
        "jpeg-cmyk": (".jpg", saved(color, "JPEG", "CMYK")),
        "jpeg-restarts": (".jpg", saved(gray, "JPEG", restart_marker_blocks=4)),
        "tiff": (".tif", saved(gray, "TIFF", exif=_exif())),
        "tiff-lzw": (".tif", saved(color, "TIFF", compression="tiff_lzw")),
        "tiff-deflate": (".tif", saved(color, "TIFF", compression="tiff_adobe_deflate")),
        "tiff-jpeg": (".tif", saved(color, "TIFF", compression="jpeg")),
        "tiff-fax": (".tif", saved(gray, "TIFF", "1", compression="group4")),
        "tiff-16": (".tif", _tiff(deep)),
        "tiff-16-zlib": (".tif", _tiff(np.dstack([deep] * 3), compression="zlib", predictor=True)),
        "tiff-16-planes": (
            ".tif",
            _tiff(np.stack([deep] * 3), planarconfig="separate", photometric="rgb"),
        ),
        "tiff-float": (".tif", _tiff(gray.astype(np.float32) / 255)),
        "tiff-signed": (".tif", _tiff(gray.astype(np.int16) * 100)),
        "tiff-big": (".tif", _tiff(deep, bigtiff=True, tile=(16, 16), byteorder=">")),
        "webp": (".webp", saved(color, "WEBP", exif=exif)),
        "webp-lossless": (".webp", saved(alpha, "WEBP", lossless=True)),
        "gif": (".gif", saved(gray, "GIF", **frames)),
        "bmp": (".bmp", saved(color, "BMP")),
        "dib": (".dib", saved(gray, "DIB")),
        "pgm": (".pgm", saved(gray, "PPM")),
        "pgm-16": (".pgm", b"P5 64 48 65535\n" + deep.astype(">u2").tobytes()),
        "pgm-text": (".pgm", b"P2 64 48 255\n" + b" ".join(b"%d" % g for g in gray.ravel())),
        "tga": (".tga", saved(alpha, "TGA", compression="tga_rle")),
        "jp2": (".jp2", saved(color, "JPEG2000")),
        "jp2-16": (".jp2", saved(deep, "JPEG2000")),
        "avif": (".avif", saved(color, "AVIF", exif=exif, speed=10)),
    }
