"""What the report says about the kind of a photograph: its tone, and its border."""

from rechroma.apps.batch.jobs import ReportEntry, RestoreOptions
from rechroma.imaging.scan_border import Box
from rechroma.inference.restore_photo import Kind


def describe_kind(
    kind: Kind, border: Box | None, options: RestoreOptions, entry: ReportEntry
) -> None:
    """Say in the entry what colors the photograph has and what becomes of them; also its border.

    >>> entry = ReportEntry("a.png", "b.png")
    >>> describe_kind(Kind("sepia", False), Box(9, 8, 90, 92), RestoreOptions(crop=True), entry)
    >>> entry.tone, entry.border, entry.warnings
    ('sepia', [9, 8, 90, 92], [])
    >>> entry.notes
    ['toned print (sepia): its tint was removed', 'its border was cut off']
    """
    entry.tone = kind.tone
    if kind.tone == "color" and options.color == "auto":
        entry.warnings.append(
            "looks like a color photograph: keeping its color; --recolor colors it anew"
        )
    elif kind.tone not in ("gray", "color") and not kind.keeps_color:
        entry.notes.append(f"toned print ({kind.tone}): its tint was removed")
    if border is None:
        return
    entry.border, entry.cropped = list(border), options.crop
    if options.crop:
        entry.notes.append("its border was cut off")
    elif not kind.keeps_color:
        entry.notes.append("its border stays gray; --crop cuts it off")
