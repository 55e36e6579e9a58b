"""Where a training diverged and recovered: losses that are not finite, or that jump."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

# An epoch diverges when its mean loss exceeds the lowest mean before it by this factor, or the loss
# of one of its steps its own mean by that one. In the first epoch, which every training begins with
# a high loss, only skipped steps count.
MEAN_JUMP, STEP_JUMP = 1.5, 4.0


class DivergentInterval(NamedTuple):
    """Epochs in a row, counted from 1, in which a training diverged.

    Attributes:
        began: the first of them.
        recovered: the first epoch after them; None when the training ended before.
        why: the reason, to be read.
    """

    began: int
    recovered: int | None
    why: str

    def __str__(self) -> str:
        """`epoch 3: 2 steps skipped; recovered at 4`."""
        end = "never recovered" if self.recovered is None else f"recovered at {self.recovered}"
        return f"epoch {self.began}: {self.why}; {end}"


def find_divergence(history: Sequence[Mapping[str, float]]) -> list[DivergentInterval]:
    """The divergent intervals of a training, in order.

    Args:
        history: a record for each epoch with `train/loss`, `train/loss_peak` (of one step) and
            `skipped_steps`; epochs whose steps were all skipped lack the first two.
    """
    # Why each epoch diverged, empty where it did not.
    reasons: list[str] = []
    lowest = float("inf")
    for epoch, record in enumerate(history, start=1):
        reasons.append(_why_divergent(record, lowest, first=epoch == 1))
        lowest = min(lowest, record.get("train/loss", float("inf")))
    # Neighboring divergent epochs make one interval, with the first one's reason.
    intervals: list[DivergentInterval] = []
    diverging = False
    for epoch, why in enumerate(reasons, start=1):
        if why and not diverging:
            intervals.append(DivergentInterval(epoch, None, why))
        elif diverging and not why:
            intervals[-1] = intervals[-1]._replace(recovered=epoch)
        diverging = bool(why)
    return intervals


def _why_divergent(record: Mapping[str, float], lowest: float, first: bool) -> str:
    """Why an epoch is divergent; empty if it is not. `lowest` is the lowest loss before it."""
    skipped = int(record.get("skipped_steps", 0))
    if skipped:
        return f"{skipped} steps skipped"
    if first:
        return ""
    loss = record.get("train/loss", float("nan"))
    if loss > MEAN_JUMP * lowest:
        return f"loss {loss:.3g} after {lowest:.3g}"
    peak = record.get("train/loss_peak", loss)
    if peak > STEP_JUMP * loss:
        return f"a step's loss {peak:.3g} in a mean of {loss:.3g}"
    return ""
