"""Feature maps of a frozen encoder, computed once for each sample and kept on disk.

An encoder that does not learn gives the same features for the same sample, epoch after epoch. With
`train.views` samples repeat, and only the decoder is computed for them.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rechroma.models.restoration import RestorationNetwork

DIGEST = 16  # bytes; name of a sample
LARGEST = 65504.0  # of half precision

logger = logging.getLogger(__name__)


def store_features(network: RestorationNetwork, views: int, folder: Path) -> None:
    """Let the frozen encoders of a network keep their features in a folder, while it is trained.

    Its weights and their names stay. In evaluation mode the encoders compute as before.

    Args:
        network: to be trained; copies of it, such as a moving average, are to be made before.
        views: `train.views`; without them samples do not repeat, and nothing is kept.
        folder: is made where it is missing; features in it are used.
    """
    if views == 0:
        return
    # Of several processes each has samples and files of its own.
    rank = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
    networks = {"gray": network.gray_network, "color": network.color_network}
    for name, part in networks.items():
        encoder = getattr(part, "encoder", None)
        if encoder is None or any(each.requires_grad for each in encoder.parameters()):
            continue
        levels = getattr(part, "levels", None)
        stored = StoredFeatures(encoder.forward, folder / f"{name}-{rank}.features", levels)
        encoder.forward = _While(network, stored, encoder.forward)
        logger.info("features of the %s network's encoder are kept in %s", name, stored.file)


class StoredFeatures:
    """The feature maps of an encoder by the content of its input, in a file.

    Args:
        encode: from `(N, channels, H, W)` planes to feature maps `(N, C, h, w)`.
        file: is appended to; a record that was cut off by a crash is written anew.
        levels: the numbers of the maps that are needed; others are empty. None: all.

    Attributes:
        computed: how many samples were computed, and not read.
    """

    def __init__(
        self,
        encode: Callable[[Tensor], Sequence[Tensor]],
        file: Path,
        levels: Sequence[int] | None = None,
    ):
        self.encode, self.file, self.levels = encode, file, levels
        self.shapes: list[tuple[int, ...]] = []
        self.rows: dict[bytes, int] = {}
        self.computed = 0
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    def __call__(self, planes: Tensor) -> list[Tensor]:
        """The feature maps of `(N, channels, H, W)` planes, without a gradient."""
        if not self.shapes:
            self._start(planes[:1])
        digests = [_digest(sample) for sample in planes]
        missing = [row for row, digest in enumerate(digests) if digest not in self.rows]
        if missing:
            self._append([digests[row] for row in missing], self._needed(planes[missing]))
        records = np.stack([self._read(digest) for digest in digests])  # (N, values)
        maps, start = [], 0
        for shape in self.shapes:
            stop = start + int(np.prod(shape))
            values = torch.from_numpy(records[:, start:stop]).reshape(len(planes), *shape)
            maps.append(values.to(planes.device, torch.float32))
            start = stop
        return maps

    def _start(self, sample: Tensor) -> None:
        """The shape of a record, and the records in the file."""
        self.shapes = [tuple(each.shape[1:]) for each in self._needed(sample)]
        self.size = DIGEST + 2 * sum(int(np.prod(shape)) for shape in self.shapes)
        with self.file.open("rb") as stream:
            count = self.file.stat().st_size // self.size
            for row in range(count):
                stream.seek(row * self.size)
                self.rows[stream.read(DIGEST)] = row

    def _needed(self, planes: Tensor) -> list[Tensor]:
        """The encoder's maps for planes, those that are not needed of no size."""
        with torch.no_grad():
            maps = self.encode(planes)
        needed = range(len(maps)) if self.levels is None else self.levels
        return [
            each.float() if level in needed else each.new_zeros((len(planes), 0))
            for level, each in enumerate(maps)
        ]

    def _append(self, digests: Sequence[bytes], maps: Sequence[Tensor]) -> None:
        flat = torch.cat([each.flatten(1) for each in maps], dim=1).clamp(-LARGEST, LARGEST)
        with self.file.open("r+b") as stream:
            for digest, values in zip(digests, flat.half().cpu().numpy(), strict=True):
                row = len(self.rows)
                stream.seek(row * self.size)
                stream.write(digest + values.tobytes())
                self.rows[digest] = row
                self.computed += 1

    def _read(self, digest: bytes) -> np.ndarray:
        with self.file.open("rb") as stream:
            stream.seek(self.rows[digest] * self.size + DIGEST)
            return np.frombuffer(stream.read(self.size - DIGEST), np.float16)


class _While:
    """An encoder's forward method: `stored` while `network` is trained, else `computed`."""

    def __init__(
        self,
        network: nn.Module,
        stored: Callable[[Tensor], Sequence[Tensor]],
        computed: Callable[[Tensor], Sequence[Tensor]],
    ):
        self.network, self.stored, self.computed = network, stored, computed

    def __call__(self, planes: Tensor) -> Sequence[Tensor]:
        return self.stored(planes) if self.network.training else self.computed(planes)


def _digest(sample: Tensor) -> bytes:
    """The name of a sample by its content."""
    values = sample.detach().float().cpu().contiguous().numpy()
    return hashlib.blake2b(values.tobytes(), digest_size=DIGEST).digest()
