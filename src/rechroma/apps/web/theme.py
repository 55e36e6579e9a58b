"""The look of the page: Gradio's theme, and pieces of HTML, CSS and JavaScript."""

from pathlib import Path
from typing import Any

from rechroma.apps.web.session import PREVIEW
from rechroma.apps.web.strokes import PreviewSize
from rechroma.imaging.io import data_uri
from rechroma.imaging.resize import downscale
from rechroma.imaging.types import Photo

STYLE = Path(__file__).with_name("theme.css")
FONTS = ["Inter", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"]  # no downloads


def make_theme(gr: Any) -> Any:
    """The theme, with enough contrast of its texts in light and in dark mode."""
    soft = gr.themes.Soft(
        primary_hue="teal", neutral_hue="zinc", font=FONTS, font_mono=["monospace"]
    )
    text = (
        "block_info_text_color",
        "block_label_text_color",
        "block_title_text_color",
        "link_text_color",
        "link_text_color_hover",
    )
    colors = dict.fromkeys(text, "*body_text_color") | {
        "button_primary_background_fill": "*primary_700",
        "button_primary_background_fill_hover": "*primary_800",
        "button_primary_text_color": "white",
        "block_title_background_fill": "none",
        "checkbox_background_color_selected": "*primary_700",
        "checkbox_border_color": "*neutral_500",
        "checkbox_border_color_selected": "*primary_700",
        "checkbox_label_background_fill_selected": "*checkbox_label_background_fill",
        "checkbox_label_text_color_selected": "*body_text_color",
        "slider_color": "*primary_700",
    }
    return soft.set(
        block_title_padding="0",
        **{name + mode: color for name, color in colors.items() for mode in ("", "_dark")},
    )


def step_heading(number: int, name: str) -> str:
    """The heading of a step, as HTML."""
    return f"<h2><span>{number}</span>{name}</h2>"


def status_line(sentence: str) -> str:
    """A sentence that screen readers speak when it appears, as HTML."""
    return f'<p role="status">{sentence}</p>'


def scroll_to(element_id: str) -> str:
    """JavaScript that scrolls to an element that is about to appear."""
    scroll = f'document.getElementById("{element_id}")?.scrollIntoView()'
    return f"() => setTimeout(() => {scroll}, 100)"


def add_alt_texts(element_id: str) -> str:
    """JavaScript that gives each picture in an element its file's stem as alternative text."""
    return f"""() => {{
        const waiting = setInterval(() => {{
            const pictures = document.querySelectorAll("#{element_id} img");
            for (const picture of pictures)
                picture.alt = picture.src.split("/").pop().split(".")[0];
            if (pictures.length) clearInterval(waiting);
        }}, 100);
    }}"""


def comparison_slider(before: Photo, after: Photo) -> str:
    """Two `(H, W, 3)` uint8 photos behind a slider, which arrow keys move, too, as HTML."""
    size = PreviewSize.of(after.shape, PREVIEW)
    before_uri, after_uri = (
        data_uri(downscale(photo, size.height, size.width)) for photo in (before, after)
    )
    return f"""
<div class="comparison" style="--ratio: {size.width / size.height:.4f}">
  <img src="{after_uri}" alt="The photograph restored">
  <img src="{before_uri}" alt="The photograph as it came" class="before">
  <input type="range" min="0" max="100" value="50" aria-label="How much is shown as it came"
    oninput="this.parentElement.style.setProperty('--shown', this.value + '%')">
</div>"""
