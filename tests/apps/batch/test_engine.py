import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from rechroma.apps.batch import engine as engines
from rechroma.apps.batch.engine import Engine, Plan, plan_threads
from rechroma.apps.batch.jobs import Job, ReportEntry, RestoreOptions
from rechroma.deployment.load import load_model
from rechroma.imaging.io import read_color
from rechroma.models.weights import BUNDLED_FOLDER


@pytest.fixture(autouse=True)
def at_desk(desk):
    """Albums are in an empty folder."""


@pytest.fixture(autouse=True)
def four_processors(monkeypatch):
    monkeypatch.setattr(engines, "processors", lambda: 4)


@pytest.fixture(scope="module")
def bundled():
    return load_model(BUNDLED_FOLDER)


def album(damaged: np.ndarray, count: int) -> list[Job]:
    """Photographs that all differ, the even ones much larger."""
    jobs = []
    for number in range(count):
        picture = np.roll(damaged, 5 * number, axis=1)
        if number % 2 == 0:
            picture = cv2.resize(picture, (260, 200), interpolation=cv2.INTER_NEAREST)
        Image.fromarray(picture).save(f"{number}.png")
        jobs.append(Job(Path(f"{number}.png"), Path(f"new/{number}.png")))
    return jobs


class Fake:
    """A backend of 'onnx' on the CPU that calls `work` instead of a network."""

    engine, device = "onnx", "cpu"

    def __init__(self, backend, work):
        self.backend, self.work, self.model = backend, work, backend.model

    def __call__(self, luma, mask):
        self.work()
        return self.backend(luma, mask)

    def with_threads(self, threads):  # noqa: ARG002
        return self


@pytest.fixture
def faking(echo):
    """A restorer that calls a function before it restores each photograph."""

    def make(work):
        restorer = echo()
        return type(restorer)(Fake(restorer.backend, work), restorer.settings)

    return make


@pytest.mark.parametrize(
    ("photographs", "pixels", "cores", "wanted", "plan"),
    [
        (100, 512 * 512, 2, None, Plan(2, 1)),
        (3, 512 * 512, 16, None, Plan(3, 5)),
        (1, 12_000_000, 16, None, Plan(1, 16)),
        (100, 12_000_000, 16, None, Plan(5, 3)),
        (100, 200_000_000, 16, None, Plan(1, 16)),
        (100, 512 * 512, 2, 4, Plan(4, 1)),
        (2, 512 * 512, 8, 4, Plan(2, 4)),
    ],
)
def test_jobs_times_threads_is_the_number_of_processors(photographs, pixels, cores, wanted, plan):
    assert plan_threads(photographs, pixels, cores, wanted) == plan


def test_results_on_several_threads_are_those_of_one_and_in_order(damaged, bundled):
    jobs = album(damaged, 7)
    pictures = []
    for count in (1, 4):
        entries: list[ReportEntry] = []
        yielded = list(Engine(bundled, RestoreOptions(), count).restore(jobs, entries))
        assert yielded == entries
        assert [entry.photo for entry in entries] == [str(job.source) for job in jobs]
        assert {entry.status for entry in entries} == {"restored"}
        pictures.append([job.target.read_bytes() for job in jobs])
    assert pictures[0] == pictures[1]


def test_photographs_are_restored_at_once_and_opencv_keeps_its_threads(damaged, faking):
    barrier = threading.Barrier(2, timeout=20)  # passes if two are there at once
    before = cv2.getNumThreads()
    entries: list[ReportEntry] = []
    options = RestoreOptions()
    list(Engine(faking(barrier.wait), options, jobs=2).restore(album(damaged, 4), entries))
    assert [entry.error for entry in entries] == [""] * 4
    assert cv2.getNumThreads() == before


def test_torch_and_gpus_get_one_photograph_after_the_other(damaged, faking):
    jobs = album(damaged, 3)
    restorer = faking(lambda: None)
    assert Engine(restorer, RestoreOptions()).plan(jobs) == Plan(3, 1)
    assert Engine(restorer, RestoreOptions(), jobs=1).plan(jobs) == Plan(1, 4)
    for engine, device in (("torch", "cpu"), ("onnx", "cuda")):
        restorer.backend.engine, restorer.backend.device = engine, device
        assert Engine(restorer, RestoreOptions(), jobs=3).plan(jobs) == Plan(1, 4)


def test_few_photographs_wait_for_their_turn(damaged, faking, monkeypatch):
    begun = []
    monkeypatch.setattr(
        engines, "restore_file", lambda job, *_: begun.append(job) or ReportEntry("", "")
    )
    running = Engine(faking(lambda: None), RestoreOptions(), 2).restore(album(damaged, 40), [])
    next(running)
    running.close()
    assert len(begun) <= 2 * engines.AHEAD + 2


def test_a_photograph_too_large_for_the_others_waits_until_it_is_alone(
    damaged, faking, monkeypatch
):
    monkeypatch.setattr(engines, "MOST_PIXELS", 260 * 200)
    inside, most = [], []

    def work():
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.02)
        inside.pop()

    jobs = album(damaged, 6)[::2]
    entries: list[ReportEntry] = []
    list(Engine(faking(work), RestoreOptions(), 3).restore(jobs, entries))
    assert [entry.error for entry in entries] == [""] * 3
    assert max(most) == 1


def test_a_photograph_that_fails_stops_no_other(damaged, bundled):
    jobs = album(damaged, 3)
    Path("1.png").write_bytes(b"no picture")
    jobs.append(Job(Path("missing.png"), Path("new/missing.png")))
    entries: list[ReportEntry] = []
    list(Engine(bundled, RestoreOptions(), 2).restore(jobs, entries))
    assert [entry.status for entry in entries] == ["restored", "failed", "restored", "failed"]


def test_after_ctrl_c_nothing_is_begun_and_what_is_complete_has_its_entry(damaged, faking):
    first, released = threading.Event(), threading.Event()
    calls = []

    def work():
        calls.append(1)
        if len(calls) == 1:  # the first photograph takes long, the others get done
            first.set()
            released.wait(20)

    entries: list[ReportEntry] = []
    running = Engine(faking(work), RestoreOptions(), 2).restore(album(damaged, 30), entries)
    interrupt = threading.Thread(target=lambda: (first.wait(20), released.set()))
    interrupt.start()
    next(running)
    with pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt)
    interrupt.join()
    complete = sorted(path.name for path in Path("new").iterdir())
    assert sorted(Path(entry.restored).name for entry in entries) == complete
    assert 1 <= len(complete) < 10
    assert all(read_color(Path("new") / name).any() for name in complete)
