from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from rechroma.apps.batch import image_file, restore_files
from rechroma.apps.batch.image_file import is_restored
from rechroma.apps.batch.jobs import Job, RestoreOptions
from rechroma.apps.batch.restore_files import restore_file
from rechroma.imaging.color import to_luma
from rechroma.imaging.io import read_color, read_gray

HOLE = np.s_[20:50, 30:70]
ALLOCATOR = (
    "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory"
)
SHORT_OF_MEMORY = [
    MemoryError(),
    np._core._exceptions._ArrayMemoryError((10**6, 10**6), np.dtype(float)),
    RuntimeError(f"{ALLOCATOR}: you tried to allocate 268435456 bytes."),
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    cv2.error("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate"),
]


@pytest.fixture(autouse=True)
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def job(damaged, desk):
    Image.fromarray(damaged).save("old.png")
    return Job(desk / "old.png", desk / "new" / "old.png")


class Limited:
    """A backend that fails on inputs larger than `limit` px."""

    def __init__(self, backend, limit, error):
        self.backend, self.model = backend, backend.model
        self.limit, self.error = limit, error

    def __call__(self, luma, mask):
        if max(luma.shape) > self.limit:
            raise self.error
        return self.backend(luma, mask)


@pytest.fixture
def limited(echo):
    def make(limit, error):
        restorer = echo()
        return replace(restorer, backend=Limited(restorer.backend, limit, error))

    return make


def written(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("error", SHORT_OF_MEMORY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("options", [RestoreOptions(), RestoreOptions(color="keep")])
def test_short_memory_lowers_the_input_size_with_a_warning(job, limited, damaged, error, options):
    entry = restore_file(job, limited(64, error), options)
    assert (entry.status, entry.error) == ("restored", "")
    assert entry.warnings == ["memory ran short: the network ran at 64 px instead of 128"]
    mask = np.zeros(damaged.shape, bool)
    mask[HOLE] = True
    assert np.array_equal(read_gray(job.target)[~mask], damaged[~mask])


@pytest.mark.parametrize("error", SHORT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test_without_enough_memory_nothing_is_written_and_the_error_names_the_size(
    job, limited, desk, error
):
    job = job._replace(mask_out=desk / "masks" / "old.png")
    entry = restore_file(job, limited(0, error), RestoreOptions(side_by_side=True))
    assert entry.status == "failed"
    assert "old.png: memory ran out at 128x96 px, nothing was written; close" in entry.error
    assert written(desk) == ["old.png"]


def test_a_photograph_too_large_to_be_read_is_reported_without_a_size(job, echo, desk, monkeypatch):
    def short(_):
        raise MemoryError

    monkeypatch.setattr(restore_files, "read_image_file", short)
    entry = restore_file(job, echo(), RestoreOptions())
    assert "old.png: memory ran out, nothing was written" in entry.error
    assert written(desk) == ["old.png"]


def test_an_error_other_than_of_memory_is_not_retried(job, limited, desk):
    restorer = limited(100, ValueError("wrong shape"))
    entry = restore_file(job, restorer, RestoreOptions())
    assert entry.error.endswith("old.png: internal error, ValueError: wrong shape")
    assert restorer.backend.backend.seen == []
    assert written(desk) == ["old.png"]


@pytest.mark.parametrize("error", [KeyError("x"), AssertionError(), ZeroDivisionError("by 0")])
def test_an_internal_error_fails_one_photograph_and_its_traceback_is_logged_and_reported(
    job, limited, photo, desk, caplog, error
):
    Image.fromarray(photo[:40, :40]).convert("L").save("small.png")
    small = Job(desk / "small.png", desk / "new" / "small.png")
    restorer = limited(64, error)
    entries = [restore_file(each, restorer, RestoreOptions()) for each in (job, small)]
    assert [entry.status for entry in entries] == ["failed", "restored"]
    assert type(error).__name__ in entries[0].error
    assert entries[0].traceback.startswith("Traceback (most recent call last):\n")
    assert type(error).__name__ in entries[0].traceback
    assert entries[1].traceback == ""
    (record,) = caplog.records
    assert record.getMessage() == f"{job.source}: internal error"
    assert record.exc_info[1] is error
    assert written(desk / "new") == ["small.png"]


def test_an_interrupt_is_not_caught(job, limited, desk):
    with pytest.raises(KeyboardInterrupt):
        restore_file(job, limited(0, KeyboardInterrupt()), RestoreOptions())
    assert written(desk) == ["old.png"]


def test_a_full_disk_is_reported_and_leaves_nothing(job, echo, desk, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(image_file, "write_png", full)
    entry = restore_file(job, echo(), RestoreOptions())
    full = f"{job.target}: No space left on device; nothing of this photograph was written"
    assert entry.error == f"{full}, make room and run it again"
    assert entry.reason == "no space left on the disk"
    assert written(desk) == ["old.png"]


def test_a_picture_too_wide_for_its_format_leaves_nothing_at_all(echo, desk):
    Image.fromarray(np.full((1, 16_384), 80, np.uint8)).save("wide.png")
    job = Job(desk / "wide.png", desk / "new/wide.webp", mask_out=desk / "new/mask.png")
    entry = restore_file(job, echo(), RestoreOptions(side_by_side=True))
    assert "webp holds at most 16383 px each way, the photograph is 16384x1 px" in entry.error
    assert written(desk) == ["wide.png"]


def test_a_photograph_not_yet_restored_is_not_skipped(job, echo):
    assert restore_file(job, echo(), RestoreOptions(skip_done=True)).status == "restored"


def test_a_photograph_gone_since_it_was_restored_fails(job, echo):
    restore_file(job, echo(), RestoreOptions(model="m"))
    job.source.unlink()
    entry = restore_file(job._replace(done="x"), echo(), RestoreOptions(skip_done=True, model="m"))
    assert entry.status == "failed"
    assert "old.png" in entry.error


@pytest.mark.parametrize(("shown", "size"), [(1600, (256, 96)), (64, (128, 48))])
def test_side_by_side_are_before_and_after_reduced(job, echo, damaged, monkeypatch, shown, size):
    monkeypatch.setattr(restore_files, "SHOWN_SIDE", shown)
    restore_file(job, echo(), RestoreOptions(side_by_side=True))
    with Image.open(job.target.with_name("old-side-by-side.png")) as picture:
        assert picture.size == size
        before = np.asarray(picture)[:, : size[0] // 2]
        after = np.asarray(picture)[:, size[0] // 2 :]
    expected = cv2.resize(damaged, before.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.array_equal(before, np.dstack([expected] * 3))
    whole = np.asarray(Image.open(job.target))
    assert (
        np.abs(after - cv2.resize(whole, after.shape[1::-1], interpolation=cv2.INTER_AREA)).max()
        <= 1
    )
    assert is_restored(job.target.with_name("old-side-by-side.png"))


def test_a_color_photograph_keeps_its_color_unless_it_is_to_be_replaced(echo, photo, desk):
    known = np.ones(photo.shape[:2], bool)
    known[HOLE] = False
    Image.fromarray(photo).save("old.png")
    Image.fromarray(~known).save("mask.png")
    job = Job(desk / "old.png", desk / "new.png", desk / "mask.png")
    message = "looks like a color photograph: keeping its color; --recolor colors it anew"
    for color, warnings in (("auto", [message]), ("keep", [])):
        entry = restore_file(job, echo(), RestoreOptions(color))
        assert (entry.tone, entry.warnings) == ("color", warnings)
        assert np.array_equal(read_color(job.target)[known], photo[known])
        assert not np.array_equal(read_color(job.target)[HOLE], photo[HOLE])
    assert restore_file(job, echo(), RestoreOptions("replace")).warnings == []
    assert not np.array_equal(read_color(job.target)[known], photo[known])
    assert np.array_equal(read_gray(job.target)[known], to_luma(photo)[known])


def test_an_undamaged_color_photograph_is_written_as_it_is(echo, photo, desk):
    Image.fromarray(photo).save("old.png")
    job = Job(desk / "old.png", desk / "new.png")
    entry = restore_file(job, echo(), RestoreOptions())
    assert entry.warnings[0] == "no damage found, nothing to restore"
    assert np.array_equal(read_color(job.target), photo)


def test_a_toned_print_is_restored_from_its_gray_with_a_note(echo, damaged, desk):
    toned = (damaged[..., None] * np.array([1, 0.9, 0.75])).astype(np.uint8)
    known = np.ones(damaged.shape, bool)
    known[HOLE] = False
    Image.fromarray(toned).save("old.png")
    Image.fromarray(~known).save("mask.png")
    job = Job(desk / "old.png", desk / "new.png", desk / "mask.png")
    entry = restore_file(job, echo(), RestoreOptions())
    assert (entry.tone, entry.warnings, entry.doubts) == ("sepia", [], [])
    assert entry.notes == ["toned print (sepia): its tint was removed"]
    assert np.array_equal(read_gray(job.target)[known], to_luma(toned)[known])
    restore_file(job, echo(), RestoreOptions("keep"))
    assert np.array_equal(read_color(job.target)[known], toned[known])


def test_a_border_stays_gray_and_is_cut_off_on_request(echo, damaged, desk):
    scan = np.full((120, 160), 250, np.uint8)
    scan[12:108, 16:144] = damaged
    Image.fromarray(scan).save("old.png")
    job = Job(desk / "old.png", desk / "new.png", mask_out=desk / "mask.png")
    entry = restore_file(job, echo(), RestoreOptions())
    assert (entry.border, entry.cropped) == ([16, 12, 144, 108], False)
    assert entry.notes == ["its border stays gray; --crop cuts it off"]
    whole = read_color(job.target)
    assert (whole[:12] == 250).all()
    assert (whole[:, 144:] == 250).all()
    cropped = restore_file(job, echo(), RestoreOptions(crop=True, side_by_side=True))
    assert (cropped.border, cropped.cropped) == (entry.border, True)
    assert np.array_equal(read_color(job.target), whole[12:108, 16:144])
    assert read_gray(job.mask_out).shape == scan.shape  # fits the file that it is of
    with Image.open("new-side-by-side.png") as picture:
        assert picture.size == (256, 96)


def test_faded_grays_are_stretched_on_request(echo, damaged, desk):
    faded = (90 + damaged * 0.4).astype(np.uint8)
    Image.fromarray(faded).save("old.png")
    job = Job(desk / "old.png", desk / "new.png")
    assert restore_file(job, echo(), RestoreOptions()).notes == []
    entry = restore_file(job, echo(), RestoreOptions(tone="auto"))
    assert [note.split(":")[0] for note in entry.notes] == ["faded"]
    assert read_gray(job.target).std() > 1.5 * faded.std()


def test_the_mask_that_was_used_is_written_grown(job, echo, desk):
    job = job._replace(mask_out=desk / "masks" / "old.png")
    entry = restore_file(job, echo(), RestoreOptions(grow=3))
    lost = read_gray(job.mask_out) == 255
    expected = np.zeros((96, 128), np.uint8)
    expected[HOLE] = 1
    distance = cv2.distanceTransform(1 - expected, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    assert np.array_equal(lost, distance <= 3)
    assert entry.lost == pytest.approx(lost.mean(), abs=1e-6)


@pytest.mark.parametrize(
    ("mask", "options", "message"),
    [
        (np.zeros((96, 128)), RestoreOptions(), "its mask is empty, color only"),
        (
            np.zeros((96, 128)),
            RestoreOptions(color="keep"),
            "its mask is empty, nothing to restore",
        ),
        (None, RestoreOptions(), "no damage found, color only"),
    ],
)
def test_a_photograph_without_damage_has_a_warning(echo, photo, desk, mask, options, message):
    Image.fromarray(photo).convert("L").save("old.png")
    job = Job(desk / "old.png", desk / "new.png")
    if mask is not None:
        Image.fromarray(mask.astype(np.uint8)).save("mask.png")
        job = job._replace(mask=desk / "mask.png")
    assert restore_file(job, echo(), options).warnings == [message]


@pytest.mark.parametrize(
    ("mask", "polarity", "message"),
    [
        (np.zeros((96, 128)), "black", "its mask hides everything, expected some of it known"),
        (np.zeros((95, 128)), "auto", "mask.png is 128x95 px, expected 128x96 px"),
        (np.tile([0, 255], (96, 64)), "auto", "say which with --mask-polarity white or black"),
        (None, "auto", "mask.png is missing"),
    ],
)
def test_a_mask_that_does_not_fit_is_an_error(job, echo, desk, mask, polarity, message):
    if mask is not None:
        Image.fromarray(mask.astype(np.uint8)).save("mask.png")
    entry = restore_file(
        job._replace(mask=desk / "mask.png"), echo(), RestoreOptions(polarity=polarity)
    )
    assert entry.status == "failed"
    assert message in entry.error
    assert not job.target.exists()
