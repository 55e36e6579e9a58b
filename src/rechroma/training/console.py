"""Progress of a training on the console: a live bar on a terminal, and a line for each epoch."""

import time
from collections.abc import Iterator, Mapping, Sized
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from rich.progress import Progress, TextColumn

from rechroma.progress import bar_columns, on_terminal, terminal

Batch = TypeVar("Batch", covariant=True)


class Batches(Sized, Protocol[Batch]):
    """A data loader: batches, and their number."""

    def __iter__(self) -> Iterator[Batch]:
        """The batches of an epoch."""


class EpochDisplay:
    """Shows speed, loss, scores and the time left.

    Args:
        epochs: of the whole training.
        batch: images in a batch, of all processes together.
        shown: False prints nothing, as in all processes but the first.

    Attributes:
        loss: of the last step; whoever trains sets it.
    """

    def __init__(self, epochs: int, batch: int, shown: bool):
        self.epochs = epochs
        self.batch = batch
        self.shown = shown
        self.started = time.monotonic()
        self.first: int | None = None  # epoch of this process; a resumed training skips some
        self.loss = float("nan")

    def epoch(self, batches: Batches[Any], number: int) -> Iterator[Any]:
        """The batches of epoch `number`, counted from 1, with a live bar on a terminal."""
        if self.first is None:
            self.first, self.started = number, time.monotonic()
        if not (self.shown and on_terminal()):
            yield from batches
            return
        columns = (
            *bar_columns(),
            TextColumn("{task.fields[speed]:.0f} images/s · loss {task.fields[loss]:.4f}"),
            TextColumn("· {task.fields[left]} left"),
        )
        with Progress(*columns, console=terminal(), transient=True) as bar:
            task = bar.add_task(
                f"epoch {number}/{self.epochs}", total=len(batches), speed=0, loss=0, left="?"
            )
            started = time.monotonic()
            for done, batch in enumerate(batches, start=1):
                yield batch
                speed = done * self.batch / (time.monotonic() - started)
                left = self._left(number - 1 + done / len(batches))
                bar.update(task, completed=done, speed=speed, loss=self.loss, left=left)

    def close_epoch(self, number: int, record: Mapping[str, float]) -> None:
        """Print the line of a finished epoch.

        Args:
            number: of the epoch, counted from 1.
            record: its losses, scores and speed, as `Trainer.next_epoch` returns them; without
                `train/loss`, where every step was skipped, the loss reads nan.
        """
        if not self.shown:
            return
        loss = record.get("train/loss", float("nan"))
        skipped = f" · {record['skipped_steps']:.0f} steps skipped" * bool(record["skipped_steps"])
        print(
            f"epoch {number}/{self.epochs} · loss {loss:.4f}"
            f" · score {record['validation/score']:.4f} (ssim {record['validation/ssim']:.3f},"
            f" masked {record['validation/masked_ssim']:.3f},"
            f" hue {record['validation/hue']:.3f})"
            f" · {record['images_per_second']:.0f} images/s{skipped} · {self._left(number)} left",
            flush=True,
        )

    def _left(self, done: float) -> str:
        """The time left after `done` epochs, `H:MM:SS`, from the pace since this process began."""
        first = (self.first or 1) - 1
        pace = (time.monotonic() - self.started) / max(done - first, 1e-9)
        return str(timedelta(seconds=round(pace * (self.epochs - done))))
