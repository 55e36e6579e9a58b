import logging

import numpy as np
import pytest

from rechroma.data.gray_photos import LONGEST, GrayPhotos, pack_photos
from rechroma.errors import UserError
from rechroma.imaging.io import write_png


def test_photographs_are_packed_once_in_order_and_in_gray(tmp_path, luma):
    write_png(tmp_path / "photos/a.png", luma)
    write_png(tmp_path / "photos/b.png", luma[:40, :30])
    folder = pack_photos([tmp_path / "photos"], tmp_path / "cache")
    photos = GrayPhotos(folder)
    assert len(photos) == 2
    assert np.array_equal(photos[0], luma)
    assert np.array_equal(photos[1], luma[:40, :30])
    changed = (folder / "pixels.bin").stat().st_mtime_ns
    assert pack_photos([tmp_path / "photos"], tmp_path / "cache") == folder
    assert (folder / "pixels.bin").stat().st_mtime_ns == changed


def test_large_photographs_are_reduced(tmp_path):
    write_png(tmp_path / "photos/a.png", np.zeros((20, LONGEST + 10), np.uint8))
    photos = GrayPhotos(pack_photos([tmp_path / "photos"], tmp_path / "cache"))
    assert photos[0].shape[1] == LONGEST


def test_unreadable_files_are_skipped(tmp_path, luma, caplog):
    write_png(tmp_path / "photos/a.png", luma)
    (tmp_path / "photos/b.png").write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        photos = GrayPhotos(pack_photos([tmp_path / "photos"], tmp_path / "cache"))
    assert len(photos) == 1
    assert "b.png" in caplog.text


def test_a_folder_without_photographs_gets_a_message(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(UserError, match="no photograph is there"):
        pack_photos([tmp_path / "photos"], tmp_path / "cache")
