"""A photograph's metadata in each image format: what it can hold, and how it is written."""

from PIL import Image
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngInfo

from rechroma.apps.batch.captions import (
    IPTC_TAG,
    XMP_TAG,
    Captions,
    iptc_segment,
    iptc_text,
    merge_texts,
)
from rechroma.apps.batch.exif import Metadata, has_ifds, sign_exif, signature, tiff_exif
from rechroma.imaging.png_chunks import XMP_KEY, text_body

NO_IPTC = ("webp", "avif", "jpeg2000")
EXIF_TEXTS = ("tiff", "webp", "avif")  # formats whose only place for a text is EXIF's description
JPEG_BYTES = 65_000  # of EXIF, XMP, IPTC or a comment in a JPEG, at most


def fit_metadata(metadata: Metadata, name: str) -> tuple[Metadata, tuple[str, ...]]:
    """The metadata that the format `name` can hold, and a warning for each other part.

    >>> plain = Metadata(Image.Exif(), None, None, (), Captions(iptc=b"abc"))
    >>> fit_metadata(plain, "webp")[1]
    ('IPTC not copied, webp cannot hold it',)
    """
    dropped: list[str] = []
    captions = metadata.captions
    # IPTC.
    if captions.iptc and name in NO_IPTC:
        dropped.append("IPTC")
        captions = captions._replace(iptc=None)
    # Texts become EXIF's description where there is no other place and none is there.
    if captions.texts and name in EXIF_TEXTS:
        description = metadata.exif.get(Base.ImageDescription)
        text = merge_texts(captions.texts)
        if not description:
            exif = sign_exif(metadata)  # a copy
            exif[Base.ImageDescription] = text.encode()
            metadata = metadata._replace(exif=exif)
        elif description not in (text, text.encode()):
            dropped.append(", ".join(key for key, _ in captions.texts))
        captions = captions._replace(texts=())
    if name == "jpeg2000":
        has_exif = bool(len(metadata.exif))
        parts = {"EXIF": has_exif, "color profile": metadata.profile, "XMP": captions.xmp}
        dropped += [part for part, content in parts.items() if content]
        metadata = metadata._replace(exif=Image.Exif(), profile=None, dpi=None)
        captions = captions._replace(xmp=None)
    if name == "jpeg":
        metadata, captions = _fit_jpeg(metadata, captions, dropped)
    holds = f"{name} cannot hold it" if name != "jpeg" else "a JPEG holds 64 KB of it"
    warnings = tuple(f"{part} not copied, {holds}" for part in dropped)
    return metadata._replace(captions=captions), warnings


def _fit_jpeg(
    metadata: Metadata, captions: Captions, dropped: list[str]
) -> tuple[Metadata, Captions]:
    if len(sign_exif(metadata).tobytes()) > JPEG_BYTES:
        dropped.append("EXIF")
        metadata = metadata._replace(exif=Image.Exif())
    if captions.xmp and len(captions.xmp) > JPEG_BYTES:
        dropped.append("XMP")
        captions = captions._replace(xmp=None)
    if captions.iptc and len(captions.iptc) > JPEG_BYTES:
        dropped.append("IPTC")
        captions = captions._replace(iptc=None)
    if len(merge_texts(captions.texts).encode()) > JPEG_BYTES:
        dropped.append(", ".join(key for key, _ in captions.texts))
        captions = captions._replace(texts=())
    return metadata, captions


def metadata_options(name: str, metadata: Metadata) -> dict[str, object]:
    """Pillow's options that write metadata, of `fit_metadata`, in the format `name`.

    >>> sorted(metadata_options("webp", Metadata(Image.Exif(), None, (300, 300), ())))
    ['dpi', 'exif']
    """
    captions = metadata.captions
    if name == "jpeg2000":
        return {"comment": "\n".join(filter(None, [signature(), merge_texts(captions.texts)]))}
    exif = sign_exif(metadata)
    options: dict[str, object] = {}
    if name == "tiff":
        for tag, content in ((XMP_TAG, captions.xmp), (IPTC_TAG, captions.iptc)):
            if content:
                exif[tag] = content
    elif captions.xmp and name != "png":
        options["xmp"] = captions.xmp
    if name == "png" and (texts := png_texts(metadata)):
        options["pnginfo"] = info = PngInfo()
        for body in texts:
            info.add(b"iTXt", body)
    if name == "jpeg" and captions.iptc:
        options["extra"] = iptc_segment(captions.iptc)
    if name == "jpeg" and captions.texts:
        options["comment"] = merge_texts(captions.texts).encode()
    options["exif"] = tiff_exif(exif) if name == "tiff" else exif.tobytes()
    if name == "tiff" and has_ifds(exif):
        options["compression"] = None  # Pillow cannot write them into compressed TIFFs
    if metadata.profile:
        options["icc_profile"] = metadata.profile
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    return options


def png_texts(metadata: Metadata) -> list[bytes]:
    """The captions as bodies of iTXt chunks.

    >>> captions = Captions(texts=(("Title", "Grandma"),))
    >>> png_texts(Metadata(Image.Exif(), None, None, (), captions))[0][:5]
    b'Title'
    """
    captions = metadata.captions
    texts = list(captions.texts)
    if captions.iptc:
        texts.append(iptc_text(captions.iptc))
    if captions.xmp:
        texts.append((XMP_KEY, captions.xmp.decode("utf-8", "replace")))
    return [text_body(keyword, text) for keyword, text in texts]
