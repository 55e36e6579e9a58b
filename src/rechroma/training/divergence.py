"""Where a training left its way and came back: losses that are not finite, or that leap."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

# An epoch is out of its way when its mean loss is so much more than the least mean before it, or
# the loss of one of its steps so much more than its own mean. The first epoch, which every training
# begins high, is judged by its skipped steps alone.
MEAN_LEAP, STEP_LEAP = 1.5, 4.0


class DivergentInterval(NamedTuple):
    """Epochs, counted from 1, in which a training was out of its way.

    Attributes:
        began: the first of them.
        recovered: the first epoch that was calm again; None when none was.
        why: in words.
    """

    began: int
    recovered: int | None
    why: str

    def __str__(self) -> str:
        """`epoch 3: 2 steps skipped; recovered at 4`."""
        end = "never recovered" if self.recovered is None else f"recovered at {self.recovered}"
        return f"epoch {self.began}: {self.why}; {end}"


def find_divergence(history: Sequence[Mapping[str, float]]) -> list[DivergentInterval]:
    """The spells of a training.

    Args:
        history: a record an epoch with `train/loss`, `train/loss_peak` (of one step) and
            `skipped_steps`; epochs whose steps were all skipped lack the first two.
    """
    found: list[DivergentInterval] = []
    lowest = float("inf")
    reasons = []
    for epoch, record in enumerate(history, start=1):
        reasons.append(_why_divergent(record, lowest, first=epoch == 1))
        lowest = min(lowest, record.get("train/loss", float("inf")))
    for epoch, why in enumerate(reasons, start=1):
        if not why or (epoch > 1 and reasons[epoch - 2]):
            continue
        calm = (after for after in range(epoch + 1, len(reasons) + 1) if not reasons[after - 1])
        found.append(DivergentInterval(epoch, next(calm, None), why))
    return found


def _why_divergent(record: Mapping[str, float], lowest: float, first: bool) -> str:
    skipped = int(record.get("skipped_steps", 0))
    if skipped:
        return f"{skipped} steps skipped"
    loss = record.get("train/loss", float("nan"))
    if first:
        return ""
    if loss > MEAN_LEAP * lowest:
        return f"loss {loss:.3g} after {lowest:.3g}"
    peak = record.get("train/loss_peak", loss)
    if peak > STEP_LEAP * loss:
        return f"a step's loss {peak:.3g} in a mean of {loss:.3g}"
    return ""
