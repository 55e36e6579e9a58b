"""A broken file uploaded to the page, or sent to the model as MLflow serves it."""

import base64
import json
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image

from rechroma.apps.web.handlers import Handlers
from rechroma.inference.restorer import Restorer

from .seeds import gray_photo, hole_mask, saved

FIELDS = ("photo of row 0: ", "mask of row 0: ")  # at the start of a refusal of the service
Answer = tuple[str, str]  # fault and message, as of `drive.Outcome`


class PageError(Exception):
    """Stands for Gradio's error, which the page shows."""

    def __init__(self, message: str, print_exception: bool) -> None:
        super().__init__(message)
        assert not print_exception


def _component(**properties: Any) -> SimpleNamespace:
    return SimpleNamespace(**properties)


# What the handlers of the page use of Gradio.
GRADIO = SimpleNamespace(
    Error=PageError,
    Checkbox=_component,
    CheckboxGroup=_component,
    Column=_component,
    DownloadButton=_component,
    Slider=_component,
)


def use_page(restorer: Restorer, upload: Path, out: Path, variant: int) -> Answer:
    """Upload a file to the page, correct its mask in one of four ways, and restore it.

    The message of a refusal is that of the page; it is empty where the file was restored.
    """
    handlers = Handlers(GRADIO, restorer, out)
    weights: tuple[Any, ...] = ("flat", 0.5, ["flat"])
    try:
        session, *_ = handlers.open_photograph(str(upload), *weights)
        dot = {"tool": "brush", "size": 1, "points": [[0, 0]]}
        corrections = (
            {"photo": session.name},
            {"photo": session.name, "strokes": [dot | {"tool": "eraser", "size": 1000}]},
            {"photo": session.name, "strokes": [dot]},
            None,  # a request without them
        )[variant]
        out.mkdir()
        *_, download, _ = handlers.restore_photograph(
            session, json.dumps(corrections), *weights, variant == 1
        )
    except PageError as error:
        if out.exists() and not any(out.iterdir()):
            out.rmdir()
        message = unescape(str(error))
        # It may hide everything in a photograph of one gray.
        others = ("Everything is marked as damaged", "The corrections cannot be read")
        named = message.startswith((f"{upload.name}: ", *others))
        if not named or "memory" in message:
            return f"the page shows: {message}", message
        return "", f"{upload.name}: {message}"
    with Image.open(download.value) as restored:
        restored.load()
        expected = session.shape[::-1]
        return ("" if restored.size == expected else f"is {restored.size}"), ""


def ask_service(restorer: Restorer, content: bytes, variant: int) -> Answer:
    """Send a file as a photograph or a mask, as base64 text or bytes."""
    import pandas as pd
    from mlflow.exceptions import MlflowException

    from rechroma.deployment.mlflow_pyfunc import PyfuncRestorer

    sound = saved(gray_photo(), "PNG"), saved(hole_mask(), "PNG")
    row: dict[str, str | bytes] = (
        {"photo": _as_text(content)},
        {"photo": content, "mask": sound[1]},
        {"photo": _as_text(sound[0]), "mask": _as_text(content)},
        {"photo": content.decode("latin-1")},
    )[variant]
    try:
        answer = PyfuncRestorer(restorer).predict(pd.DataFrame([row]))
    except MlflowException as error:
        named = error.message.startswith(FIELDS)
        fine = named and error.get_http_status_code() == 400 and "memory" not in error.message
        return "" if fine else f"the service answers: {error.message}", error.message
    (restored,) = answer["restored"]
    return "" if base64.b64decode(restored).startswith(b"\x89PNG") else "is no PNG", ""


def _as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()
