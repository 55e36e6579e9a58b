"""Step 2 of the page: which damage is found, and the photograph with it, to be corrected."""

import json
from pathlib import Path
from typing import Any

from rechroma.apps.batch.kinds_picture import HAND
from rechroma.apps.web.damage_status import NAMES
from rechroma.apps.web.session import MaskSession
from rechroma.apps.web.theme import step_heading
from rechroma.inference.find_choices import FILLED, FOUND, SENSITIVITY, Find, groups_of

SCRIPT = Path(__file__).with_name("mask_editor.js")
FIND_CHOICES: list[tuple[str, Find]] = [
    ("Automatic", "auto"),
    ("Flat areas", "flat"),
    ("Scratches, spots and tears, too", "lines"),
    ("Nothing", "none"),
]
EDITOR = f"""
<div class="mask-editor" style="--hand: rgb{HAND}">
  <div class="tools" role="toolbar" aria-label="Tools">
    <button data-choose="move" aria-label="Move">Move</button>
    <button data-choose="brush" aria-label="Brush">Brush</button>
    <button data-choose="eraser" aria-label="Eraser">Eraser</button>
    <button class="undo" disabled>Undo</button>
    <span class="scales">
      <label>Size <input type="range" class="size" min="2" max="200" value="30"></label>
      <button class="out" aria-label="Smaller">&minus;</button>
      <output class="zoom">100%</output>
      <button class="in" aria-label="Larger">+</button>
    </span>
  </div>
  <div class="view"><div class="stage">
    <img alt="The photograph"><canvas aria-label="Its damage, painted"></canvas>
    <div class="cursor"></div>
  </div></div>
</div>"""


class DamageStep:
    """The components of step 2.

    Attributes:
        column: all of them, hidden until a photograph is opened.
        status: the sentence about what was found.
        find: a choice of `FIND`.
        sensitivity: 0 to 1.
        groups: the groups that are filled.
        editor: the photograph and its damage; its value is of `editor_value`.
        corrections: never shown; the strokes that the editor sends.
        keep_color: whether the color is kept.
        restore: the button.
        cancel: the button, shown instead while the page works.
        buttons: both of them.
        weights: what is looked for, the sensitivity, and the groups that are filled.
    """

    def __init__(self, gr: Any):
        with gr.Column(visible=False, elem_classes="step", elem_id="damage") as self.column:
            gr.HTML(step_heading(2, "Damage"), elem_classes="heading")
            self.find = gr.Radio(FIND_CHOICES, value="auto", label="Look for", elem_id="find")
            self.sensitivity = gr.Slider(
                0,
                1,
                SENSITIVITY,
                step=0.01,
                label="Sensitivity",
                info="Left: only what is certain. Right: whatever may be damage.",
                buttons=[],
                visible=False,
                elem_id="sensitivity",
            )
            self.groups = gr.CheckboxGroup(
                [(NAMES[group].capitalize(), group) for group in FOUND],
                value=list(FILLED),
                label="Fill",
                visible=False,
                elem_id="groups",
            )
            self.status = gr.HTML(elem_classes="status")
            self.editor = gr.HTML(
                html_template=EDITOR,
                js_on_load=SCRIPT.read_text(encoding="utf-8"),
                apply_default_css=False,
                elem_id="editor",
            )
            self.corrections = gr.Textbox(visible=False)
            self.keep_color = gr.Checkbox(
                label="Keep its color, restore only the damage", elem_id="keep-color"
            )
            self.restore = gr.Button("Restore", variant="primary", elem_id="restore")
            self.cancel = gr.Button("Cancel", visible=False, elem_id="cancel")
        self.buttons = [self.restore, self.cancel]
        self.weights = [self.find, self.sensitivity, self.groups]


def editor_value(
    session: MaskSession, find: Find, sensitivity: float, groups: tuple[str, ...]
) -> str:
    """The value of the editor, which shows some groups of the found damage, as JSON."""
    return json.dumps(
        {
            "photo": session.name,
            "picture": session.picture,
            "weights": {"sensitivity": sensitivity, "groups": groups},
            **session.preview.browser_data(groups_of(find)),
        }
    )
