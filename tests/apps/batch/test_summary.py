import json

from rechroma.apps.batch.jobs import ReportEntry
from rechroma.apps.batch.summary import summarize_entries


def test_the_report_counts_by_status_and_lists_all_photographs():
    entries = [
        ReportEntry(
            *("a.png", "new/a.png", "restored", 128, 96, 0.5, 0.1),
            mask="found",
            warnings=["a warning"],
            digest="5eed",
        ),
        ReportEntry("b.png", "new/b.png", "skipped"),
        ReportEntry("c.png", "new/c.png", error="c.png: is empty"),
    ]
    report = json.loads(json.dumps(summarize_entries(entries, "mine")))
    photographs = report.pop("photographs")
    assert report == {
        "model": "mine",
        "restored": 1,
        "color_only": 0,
        "doubtful": 0,
        "skipped": 1,
        "failed": 1,
        "failed_by_reason": {"is empty": 1},
        "skipped_by_suffix": {},
        "masks_beside": 0,
    }
    assert photographs[0] == {
        "photo": "a.png",
        "restored": "new/a.png",
        "status": "restored",
        "width": 128,
        "height": 96,
        "seconds": 0.5,
        "lost": 0.1,
        "mask": "found",
        "mask_file": "",
        "color_only": False,
        "found": {},
        "tone": "",
        "border": [],
        "cropped": False,
        "notes": [],
        "warnings": ["a warning"],
        "doubts": [],
        "error": "",
        "reason": "",
    }
    assert photographs[2]["error"] == "c.png: is empty"


def test_only_an_internal_error_has_a_traceback_in_the_report():
    entries = [
        ReportEntry("a.png", "new/a.png", error="a.png: is empty"),
        ReportEntry("b.png", "new/b.png", error="internal error", traceback="Traceback: …"),
    ]
    first, second = summarize_entries(entries, "mine")["photographs"]
    assert "traceback" not in first
    assert second["traceback"] == "Traceback: …"
