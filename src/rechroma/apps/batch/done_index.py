"""Which photographs are done: digests of what each restored file was made of, beside them."""

import json
import logging
import time
from collections.abc import Iterable
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.batch.image_file import format_of
from rechroma.apps.batch.jobs import Job, ReportEntry, RestoreOptions
from rechroma.deployment.bundled_finder import finder_digest
from rechroma.inference.find_choices import uses_network
from rechroma.models.card import WEIGHTS
from rechroma.outputs import write_json

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer

INDEX = ".rechroma.json"  # in the folder of the restored photographs
SAVE_EVERY = 10.0  # s; what a killed run has not saved is restored again
VERSION = 1
BYTES = 16  # of a digest

logger = logging.getLogger(__name__)


class DoneIndex:
    """Digests by restored file, in a hidden file of the output folder.

    It holds paths within that folder and digests alone, so it survives moving and renaming of the
    folders, and tells nothing about them.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     index = DoneIndex(Path(folder))
    ...     index.add(ReportEntry("a.jpg", f"{folder}/a.png", "restored", digest="5eed"))
    ...     index.save()
    ...     DoneIndex(Path(folder)).digests
    {'a.png': '5eed'}
    """

    def __init__(self, out: Path, write: bool = True) -> None:
        """Read the index of `out`, a folder or one file in it.

        Args:
            out: as `--out`.
            write: whether `save` writes it.
        """
        self.folder = out.parent if format_of(out) and not out.is_dir() else out
        self.write = write
        self.digests: dict[str, str] = {}
        self._saved = time.monotonic()
        self._changed = False
        try:
            content = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
            if content["version"] == VERSION:
                self.digests = {str(name): str(each) for name, each in content["files"].items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            logger.info("%s is ignored: %r", self.folder / INDEX, error)

    def annotate(self, jobs: Iterable[Job]) -> list[Job]:
        """The jobs, each with the digest of what its file was made of, empty if unknown."""
        return [job._replace(done=self.digests.get(self._name(job.target), "")) for job in jobs]

    def add(self, entry: ReportEntry) -> None:
        """Note a restored photograph; the index is saved now and then."""
        if entry.status != "restored" or not entry.digest:
            return
        self.digests[self._name(Path(entry.restored))] = entry.digest
        self._changed = True
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the index, if anything was added."""
        if not (self.write and self._changed):
            return
        try:
            files = dict(sorted(self.digests.items()))
            write_json(self.folder / INDEX, {"version": VERSION, "files": files})
        except OSError as error:  # then all of them are restored again
            logger.warning("%s cannot be written: %s", self.folder / INDEX, error)
        self._saved, self._changed = time.monotonic(), False

    def _name(self, target: Path) -> str:
        return target.relative_to(self.folder).as_posix()


def model_digest(restorer: "Restorer") -> str:
    """A digest of a model: its weights and its settings.

    >>> from rechroma.deployment.load import load_model
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> len(model_digest(load_model(BUNDLED_FOLDER)))
    32
    """
    backend = restorer.backend
    digest = blake2b(repr((backend.model, restorer.settings)).encode(), digest_size=BYTES)
    file, network = getattr(backend, "file", None), getattr(backend, "network", None)
    if file is not None:
        digest.update(file.read_bytes())
        weights = file.with_name(WEIGHTS)  # which some ONNX files share
        if weights.is_file():
            digest.update(weights.read_bytes())
    elif network is not None:
        for name, tensor in sorted(network.state_dict().items()):
            digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def job_digest(job: Job, options: RestoreOptions) -> str:
    """A digest of all that a restored photograph depends on: contents, options and model.

    It is empty where there is no index, and for what is no readable file.
    """
    files = [job.source, *filter(None, [job.mask])]
    if not options.model or not all(file.is_file() for file in files):
        return ""
    digest = blake2b(options.model.encode(), digest_size=BYTES)
    wanted = (options.color, options.polarity, options.grow, options.depth)
    kind = (options.tone, options.crop)
    made = (job.target.suffix.lower(), options.side_by_side, job.mask_out is not None)
    digest.update(repr((*wanted, *kind, *made)).encode())
    if job.mask is None:
        network = finder_digest() if uses_network(options.find) else ""
        sensitivity = options.sensitivity if network else 0
        groups = sorted(options.groups)
        digest.update(repr((options.find, sensitivity, network, groups)).encode())
    for file in files:
        try:
            with file.open("rb") as stream:
                content = file_digest(stream, lambda: blake2b(digest_size=BYTES))
        except OSError:  # which restoring it raises again
            return ""
        digest.update(b"file" + content.digest())
    return digest.hexdigest()


def is_done(job: Job, digest: str) -> bool:
    """Whether the restored file exists, and was made of what `digest` stands for."""
    return bool(job.done) and job.done == digest and job.target.exists()
