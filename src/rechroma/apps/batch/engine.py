"""An album on a few threads of one process: jobs in, entries out, in the album's order.

onnxruntime, OpenCV, Pillow and zlib release Python's lock while they compute. Each photograph is
restored exactly as it would be alone.
"""

import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

import cv2
from PIL import Image

from rechroma.apps.batch.jobs import Job, ReportEntry, RestoreOptions
from rechroma.apps.batch.restore_files import restore_file
from rechroma.imaging.pillow_settings import no_pixel_limit
from rechroma.inference.restorer import Restorer
from rechroma.inference.stoppable import make_stoppable
from rechroma.progress import processors

MOST_PIXELS = (
    64_000_000  # of all photographs that are restored at once, but for a single larger one
)
SAMPLE = 16  # photographs whose headers are read to choose the number of jobs
AHEAD = 2  # photographs for each thread that are submitted before their turn


class Plan(NamedTuple):
    """How an album is divided among processors.

    Attributes:
        jobs: photographs that are restored at once.
        threads: of the CPU for each of them.
    """

    jobs: int
    threads: int


def plan_threads(photographs: int, pixels: int, cores: int, wanted: int | None = None) -> Plan:
    """The number of jobs, and as many threads for each as there are processors for.

    Args:
        photographs: in the album.
        pixels: of a typical one.
        cores: processors that may be used.
        wanted: number of jobs, or None to choose it: a photograph for each processor is the
            fastest, as far as memory allows.

    >>> plan_threads(100, 512 * 512, cores=8), plan_threads(1, 12_000_000, cores=8)
    (Plan(jobs=8, threads=1), Plan(jobs=1, threads=8))
    >>> plan_threads(100, 24_000_000, cores=8), plan_threads(100, 512 * 512, cores=8, wanted=3)
    (Plan(jobs=2, threads=4), Plan(jobs=3, threads=2))
    """
    fitting = MOST_PIXELS // max(pixels, 1)
    jobs = max(1, min(photographs, wanted or min(cores, fitting)))
    return Plan(jobs, max(1, cores // jobs))


class Engine:
    """Restores albums with one model."""

    def __init__(
        self, restorer: Restorer, options: RestoreOptions, jobs: int | None = None
    ) -> None:
        """An engine.

        Args:
            restorer: the model. On torch and on GPUs photographs are restored one by one, as these
                use all processors for one.
            options: how photographs are restored.
            jobs: photographs at once, or None to choose it for each album.
        """
        self.options = options
        self.wanted = jobs
        self._restorer = restorer
        self._parallel = (restorer.backend.engine, restorer.backend.device) == ("onnx", "cpu")
        self._restorers: dict[Plan, list[Restorer]] = {}

    def plan(self, jobs: Sequence[Job]) -> Plan:
        """How these photographs are divided among the processors."""
        cores = processors()
        if not self._parallel or len(jobs) < 2 or self.wanted == 1:
            return Plan(1, cores)
        sample = jobs[:: max(1, len(jobs) // SAMPLE)]
        pixels = median(_count_pixels(job) for job in sample)
        return plan_threads(len(jobs), int(pixels), cores, self.wanted)

    def restore(
        self, jobs: Sequence[Job], entries: list[ReportEntry]
    ) -> Generator[ReportEntry, None, None]:
        """Restore photographs; memory does not grow with their number.

        When the iterator is closed or Ctrl-C is pressed, no further photograph is begun, those
        that are not nearly done are given up, and no file is left half-written.

        Args:
            jobs: the photographs.
            entries: gets the entry of each, in the order of the jobs, before it is yielded. After
                Ctrl-C it has those of all photographs that were restored.

        Yields:
            The entry of each photograph, in the order of the jobs.
        """
        plan = self.plan(jobs)
        if plan.jobs == 1:
            for job in jobs:
                entries.append(restore_file(job, self._restorer, self.options))
                yield entries[-1]
            return
        stopped = threading.Event()
        room = _PixelRoom(MOST_PIXELS)
        own = deque(self._of_workers(plan))  # a worker takes its own restorer
        local = threading.local()

        def start() -> None:
            restorer = own.popleft()
            local.restorer = make_stoppable(restorer, stopped)

        def work(job: Job) -> ReportEntry:
            with room.take(_count_pixels(job)):
                if stopped.is_set():
                    raise KeyboardInterrupt
                return restore_file(job, local.restorer, self.options)

        pending: deque[Future[ReportEntry]] = deque()
        pool = ThreadPoolExecutor(plan.jobs, initializer=start)
        with _opencv_threads(plan.threads):
            try:
                for job in jobs:
                    pending.append(pool.submit(work, job))
                    if len(pending) > AHEAD * plan.jobs:
                        yield _move_first(pending, entries)
                while pending:
                    yield _move_first(pending, entries)
            finally:
                stopped.set()
                pool.shutdown(wait=True, cancel_futures=True)
                # Only after Ctrl-C something is left.
                entries += [
                    future.result()
                    for future in pending
                    if not future.cancelled() and not future.exception()
                ]

    def _of_workers(self, plan: Plan) -> list[Restorer]:
        """A restorer for each worker. With several threads each has its own, as they share a pool.

        They are kept for the next photographs of a watched folder.
        """
        if plan not in self._restorers:
            count = 1 if plan.threads == 1 else plan.jobs
            made = [self._restorer.with_threads(plan.threads) for _ in range(count)]
            self._restorers = {plan: made * (plan.jobs // count)}
        return self._restorers[plan]


class _PixelRoom:
    """Lets photographs in as long as they have no more than a number of pixels together.

    One that is larger is let in alone.
    """

    def __init__(self, most: int) -> None:
        self._most, self._taken = most, 0
        self._changed = threading.Condition()

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        pixels = min(pixels, self._most)
        with self._changed:
            self._changed.wait_for(lambda: self._taken + pixels <= self._most)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()


def _count_pixels(job: Job) -> int:
    """The pixels of a photograph by its header; as many as fit where Pillow cannot read it."""
    try:
        with no_pixel_limit(), Image.open(job.source) as picture:
            return picture.width * picture.height
    except Exception:  # decoders raise nearly anything; restoring it gives the error
        return 0 if not job.source.is_file() else MOST_PIXELS


def _move_first(pending: "deque[Future[ReportEntry]]", entries: list[ReportEntry]) -> ReportEntry:
    """Wait for the first of the pending photographs and add its entry."""
    entry = pending[0].result()
    entries.append(entry)
    pending.popleft()
    return entry


@contextmanager
def _opencv_threads(threads: int) -> Iterator[None]:
    """A context in which OpenCV, in the whole process, uses this number of threads."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
