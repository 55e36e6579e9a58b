"""What the page in the browser looks like: Gradio's theme, and the parts that Gradio lacks."""

from pathlib import Path
from typing import Any

from rechroma.apps.web.mask_overlay import Preview
from rechroma.apps.web.session import PREVIEW
from rechroma.imaging.io import data_uri
from rechroma.imaging.resize import downscale
from rechroma.imaging.types import Photo

STYLE = Path(__file__).with_name("theme.css")
FONTS = ["Inter", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"]  # no downloads


def make_theme(gr: Any) -> Any:
    """The theme, with letters that stand out in light and in dark mode."""
    soft = gr.themes.Soft(
        primary_hue="teal", neutral_hue="zinc", font=FONTS, font_mono=["monospace"]
    )
    text = ("block_label_text_color", "link_text_color", "link_text_color_hover")
    colors = dict.fromkeys(text, "*body_text_color") | {
        "button_primary_background_fill": "*primary_700",
        "button_primary_background_fill_hover": "*primary_800",
        "button_primary_text_color": "white",
    }
    return soft.set(
        **{name + mode: each for name, each in colors.items() for mode in ("", "_dark")}
    )


def step_heading(number: int, name: str) -> str:
    """The heading of a step, as HTML."""
    return f"<h2><span>{number}</span>{name}</h2>"


def status_line(sentence: str) -> str:
    """A sentence that screen readers speak when it appears, as HTML."""
    return f'<p role="status">{sentence}</p>'


def editor_height(height: int, width: int) -> str:
    """As high as a photograph of these px is on any screen, with room for the tools, as CSS."""
    return f"clamp(17rem, min(100vw - 10rem, 800px) * {height / width:.3f} + 5rem, 85vh)"


def scroll_to(identity: str) -> str:
    """JavaScript that brings a step into view once it is there."""
    return (
        f"""() => setTimeout(() => document.getElementById("{identity}")?.scrollIntoView(), 100)"""
    )


def name_pictures(identity: str) -> str:
    """JavaScript that calls each picture of a strip by its file, for who cannot see it."""
    return f"""() => {{
        const waiting = setInterval(() => {{
            const pictures = document.querySelectorAll("#{identity} img");
            for (const picture of pictures)
                picture.alt = picture.src.split("/").pop().split(".")[0];
            if (pictures.length) clearInterval(waiting);
        }}, 100);
    }}"""


def comparison_slider(before: Photo, after: Photo) -> str:
    """Two `(H, W, 3)` uint8 photos over each other, and a slider that keys move too, as HTML."""
    size = Preview.of(after.shape, PREVIEW)
    seen_before, seen_after = (
        data_uri(downscale(photo, size.height, size.width)) for photo in (before, after)
    )
    return f"""
<div class="comparison" style="--ratio: {size.width / size.height:.4f}">
  <img src="{seen_after}" alt="The photograph restored">
  <img src="{seen_before}" alt="The photograph as it came" class="before">
  <input type="range" min="0" max="100" value="50" aria-label="How much is shown as it came"
    oninput="this.parentElement.style.setProperty('--shown', this.value + '%')">
</div>"""
