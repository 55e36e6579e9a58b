"""What was done with an album, in counts: for the terminal and for the report."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rechroma.apps.batch.jobs import ReportEntry
from rechroma.progress import format_duration

LOST_SHOWN = 0.25  # of a photograph, at least, whose share is shown without another reason


@dataclass
class Counts:
    """The numbers of photographs and files.

    Attributes:
        restored: in all.
        color_only: of the restored ones, those that had lost nothing.
        doubtful: of the restored ones, those that have doubts.
        skipped: restored before, and unchanged.
        failed: in all.
        failed_by_reason: the failed ones by kind of error.
        skipped_by_suffix: files of the folders that are no photographs.
        masks_beside: files named like masks of a photograph, beside it, that were not used.
    """

    restored: int = 0
    color_only: int = 0
    doubtful: int = 0
    skipped: int = 0
    failed: int = 0
    failed_by_reason: dict[str, int] = field(default_factory=dict)
    skipped_by_suffix: dict[str, int] = field(default_factory=dict)
    masks_beside: int = 0


def count_entries(
    entries: Iterable[ReportEntry],
    skipped_by_suffix: Mapping[str, int] | None = None,
    masks_beside: int = 0,
) -> Counts:
    """Count photographs by what was done with them.

    >>> count_entries([ReportEntry("a.png", "new/a.png", "restored", color_only=True)]).color_only
    1
    """
    counts = Counts(skipped_by_suffix=dict(skipped_by_suffix or {}), masks_beside=masks_beside)
    reasons: Counter[str] = Counter()
    for entry in entries:
        setattr(counts, entry.status, getattr(counts, entry.status) + 1)
        if entry.status == "restored":
            counts.color_only += entry.color_only
            counts.doubtful += bool(entry.doubts)
        elif entry.status == "failed":
            reasons[entry.reason or short_reason(entry.error, [entry.photo])] += 1
    counts.failed_by_reason = dict(reasons.most_common())
    return counts


def summarize_entries(
    entries: list[ReportEntry], model: str, counts: Counts | None = None
) -> dict[str, Any]:
    """The JSON report: the model, the counts, and all entries."""
    photographs = [asdict(entry) for entry in entries]
    for photograph in photographs:
        del photograph["digest"]
        if not photograph["traceback"]:
            del photograph["traceback"]
    return {"model": model, **asdict(counts or count_entries(entries)), "photographs": photographs}


def short_reason(error: str, paths: Iterable[str] = ()) -> str:
    """The kind of an error: its message without files, numbers and advice.

    >>> short_reason("album/a.png: is 300x200 px, expected at most 100", ["album/a.png"])
    'is … px'
    """
    for path in sorted(filter(None, paths), key=len, reverse=True):
        error = error.replace(f"{path}: ", "").replace(path, "…")
    clause = re.split(r"[,;:]\s|\s\(", error, maxsplit=1)[0]
    return re.sub(r"\d[\dx]*%?", "…", clause)


def entry_line(entry: ReportEntry, alone: bool = False) -> str:
    """The line about one photograph on the terminal; empty where nothing matters.

    Args:
        entry: its result.
        alone: whether it is the only photograph, about which all is said.

    >>> entry_line(ReportEntry("a.png", "b.png", "restored", lost=0.5, mask="found"))
    'a.png: 50% lost, found by rule'
    >>> entry_line(ReportEntry("a.png", "b.png", "restored", lost=0.1, mask="found"))
    ''
    """
    if entry.status != "restored":
        return ""
    parts = list(entry.warnings)
    if entry.lost and (alone or entry.doubts or parts or entry.lost >= LOST_SHOWN):
        source = f"mask {entry.mask_file}" if entry.mask_file else found_groups(entry)
        parts.insert(0, f"{format_share(entry.lost)} lost, {source}")
    if alone:
        parts += entry.notes
    return f"{entry.photo}: {'; '.join(parts)}" if parts else ""


def found_groups(entry: ReportEntry) -> str:
    """Which groups of damage were found, largest first; holes of one gray are found by rule.

    >>> found_groups(ReportEntry("a.png", "b.png", found={"line": 0.01, "flat": 0.2}))
    'found: flat 20%, line 1.0%'
    """
    if not entry.found.keys() - {"flat"}:
        return "found by rule"
    groups = sorted(entry.found.items(), key=lambda group: -group[1])
    return "found: " + ", ".join(f"{name} {format_share(share)}" for name, share in groups)


def format_share(share: float) -> str:
    """A share in percent, never 0 % of what there is.

    >>> format_share(0.123), format_share(0.0123), format_share(0.00001)
    ('12%', '1.2%', 'less than 0.1%')
    """
    if share < 0.001:
        return "less than 0.1%"
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def summary_rows(counts: Counts) -> list[tuple[str, str]]:
    """The table of counts: what, and how many; details of a row follow it, indented.

    >>> summary_rows(Counts(restored=3, doubtful=1))
    [('restored', '3'), ('  doubtful', '1')]
    """
    rows = [
        ("restored", counts.restored),
        ("  color only", counts.color_only),
        ("  doubtful", counts.doubtful),
        ("skipped, done before", counts.skipped),
        ("failed", counts.failed),
        *((f"  {reason}", count) for reason, count in counts.failed_by_reason.items()),
        ("masks beside, not used", counts.masks_beside),
        ("no photographs", sum(counts.skipped_by_suffix.values())),
        *((f"  {suffix}", count) for suffix, count in counts.skipped_by_suffix.items()),
    ]
    return [(name, str(count)) for name, count in rows if count]


def summary_text(counts: Counts, seconds: float) -> str:
    """The counts as lines of text, as they are printed where there is no terminal.

    >>> print(summary_text(Counts(restored=3, doubtful=1, skipped_by_suffix={".txt": 2}), 61))
    3 restored in 1:01
      of these 1 doubtful
      no photographs: 2 .txt
    """
    done = [
        f"{count} {status}"
        for status in ("restored", "skipped", "failed")
        if (count := getattr(counts, status))
    ]
    lines = [f"{', '.join(done) or 'nothing restored'} in {format_duration(seconds)}"]
    kinds = {"color only": counts.color_only, "doubtful": counts.doubtful}
    if any(kinds.values()):
        lines.append(f"  of these {_join(kinds)}")
    if counts.failed_by_reason:
        lines.append(f"  failed: {_join(counts.failed_by_reason)}")
    if counts.masks_beside:
        lines.append(f"  masks beside photographs, not used: {counts.masks_beside}")
    if counts.skipped_by_suffix:
        lines.append(f"  no photographs: {_join(counts.skipped_by_suffix)}")
    return "\n".join(lines)


def _join(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)
