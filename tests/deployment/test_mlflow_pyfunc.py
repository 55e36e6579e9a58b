import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from picture_files import decode, file, text

from rechroma.deployment.load import load_model
from rechroma.deployment.mlflow_pyfunc import PyfuncRestorer, _load_pyfunc
from rechroma.deployment.request_limits import RequestLimits
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import save_model


def show_input(damaged, lost):
    """A restorer whose picture is its input: the gray, and the mask in red."""
    return np.dstack([np.where(lost, 255, 0).astype(np.uint8), damaged, damaged])


show_input.with_aim = lambda _: show_input


def serve(table):
    """The restored photographs of a table, by `show_input`."""
    answer = PyfuncRestorer(show_input).predict(pd.DataFrame(table))
    assert list(answer) == ["restored"]
    return [decode(each) for each in answer["restored"]]


def test_a_served_model_restores_as_the_model_does(damaged, hole, tiny_settings, tmp_path):
    settings = tiny_settings()
    torch.manual_seed(0)
    save_model(RestorationNetwork(settings.model), settings.restore, tmp_path)
    model = _load_pyfunc(str(tmp_path))
    answer = model.predict(pd.DataFrame({"photo": [text(damaged)]}))
    expected = load_model(tmp_path, aim="eye")(damaged, hole)
    assert np.array_equal(decode(answer["restored"][0]), expected)


def test_a_request_may_ask_for_the_aim(damaged, echo):
    aims = []

    class Noting:
        def with_aim(self, aim):
            aims.append(aim)
            return echo().with_aim(aim)

    table = pd.DataFrame({"photo": [text(damaged)]})
    for params in ({"aim": "score"}, {"output": "png"}, None):
        PyfuncRestorer(Noting()).predict(table, params)
    assert aims == ["score", "eye", "eye"]
    with pytest.raises(MlflowException, match="aim is 'ear', expected one of: eye, score"):
        PyfuncRestorer(Noting()).predict(table, {"aim": "ear"})


@pytest.mark.parametrize("mask", ["", b"", None, float("nan"), [], np.zeros((0, 0))], ids=repr)
def test_without_a_mask_the_damage_is_detected(damaged, hole, mask):
    (restored,) = serve({"photo": [text(damaged, "BMP")], "mask": [mask]})
    assert np.array_equal(restored, show_input(damaged, hole))


def test_a_given_mask_is_used_light_is_lost(damaged):
    given = np.zeros(damaged.shape, bool)
    given[:5] = True
    mask = text(np.where(given, 128, 127).astype(np.uint8))
    (restored,) = serve({"photo": [text(damaged)], "mask": [mask]})
    assert np.array_equal(restored, show_input(damaged, given))


@pytest.mark.parametrize(
    "as_given",
    [
        text,
        file,
        np.array,
        np.ndarray.tolist,
        lambda gray: gray.astype(np.int64),
        lambda gray: base64.encodebytes(file(gray)).decode(),  # in lines
    ],
    ids=["base64", "bytes", "array", "lists", "wide integers", "base64 in lines"],
)
def test_a_photograph_may_be_a_file_or_an_array(damaged, hole, as_given):
    (restored,) = serve({"photo": [as_given(damaged)]})
    assert np.array_equal(restored, show_input(damaged, hole))


class KeepsColor:
    """A restorer that keeps the color of photographs in color."""

    def with_aim(self, _aim):
        return self

    def __call__(self, damaged, lost):
        return show_input(damaged, lost)

    def keep_color(self, photo, _lost):
        return photo


@pytest.mark.parametrize("as_given", [text, file, np.array, np.ndarray.tolist])
def test_a_photograph_in_color_keeps_it_unless_it_is_to_be_replaced(photo, as_given):
    given = np.zeros(photo.shape[:2], bool)
    model = PyfuncRestorer(KeepsColor())
    table = pd.DataFrame({"photo": [as_given(photo)], "mask": [given]})
    for color, expected in (
        ("auto", photo),
        ("keep", photo),
        ("replace", show_input(to_luma(photo), given)),
    ):
        answer = model.predict(table, {"output": "array", "color": color})
        assert np.array_equal(answer["restored"][0], expected)


def test_an_unknown_way_of_coloring_is_refused(damaged):
    table = pd.DataFrame({"photo": [text(damaged)]})
    with pytest.raises(MlflowException, match="color is 'kept', did you mean 'keep'"):
        PyfuncRestorer(show_input).predict(table, {"color": "kept"})


@pytest.mark.parametrize(
    "as_given",
    [
        np.array,
        np.ndarray.tolist,
        file,
        lambda mask: np.where(mask, 128, 127).astype(np.uint8),
        lambda mask: np.where(mask, 255, 0).tolist(),
        lambda mask: np.dstack([np.where(mask, 255, 0).astype(np.uint8)] * 3),
        lambda mask: mask.astype(np.uint8),
        lambda mask: mask.astype(int).tolist(),
        lambda mask: text(mask.astype(np.uint8)),
        lambda mask: file(np.where(mask, 255, 0).astype(np.uint8), "JPEG"),
        lambda mask: text(np.dstack([np.where(mask, 200, 0).astype(np.uint8)] * 4)),
    ],
    ids=[
        "bool",
        "bool lists",
        "file",
        "levels",
        "lists of levels",
        "color",
        "0 and 1",
        "lists of 0 and 1",
        "a file of 0 and 1",
        "JPEG",
        "a transparent layer",
    ],
)
def test_a_mask_may_be_an_array_true_or_light_is_lost(damaged, as_given):
    given = np.zeros(damaged.shape, bool)
    given[:5] = True
    (restored,) = serve({"photo": [damaged], "mask": [as_given(given)]})
    assert np.array_equal(restored, show_input(damaged, given))


def test_the_answer_may_be_arrays(damaged, hole):
    table = pd.DataFrame({"photo": [damaged, damaged]})
    answer = PyfuncRestorer(show_input).predict(table, {"output": "array"})
    for restored in answer["restored"]:
        assert restored.dtype == np.uint8
        assert np.array_equal(restored, show_input(damaged, hole))


def test_each_row_keeps_its_mask_and_size(damaged, hole):
    small = damaged[:40, :60]
    given = np.zeros(small.shape, bool)
    table = {
        "photo": [text(damaged), text(small)],
        "mask": ["", text(np.zeros(small.shape, np.uint8))],
    }
    first, second = serve(table)
    assert np.array_equal(first, show_input(damaged, hole))
    assert np.array_equal(second, show_input(small, given))


PICTURE = text(np.zeros((9, 8), np.uint8))
ARRAY = r"expected \(H, W\) gray or \(H, W, 3\) RGB of whole numbers from 0 to 255"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"photo": "old.jpg"},
            "photo of row 0: expected a picture file as base64 .* got 'old.jpg'",
        ),
        ({"photo": "Grün"}, "photo of row 0: expected a picture file as base64 text"),
        ({"photo": None}, "photo of row 0: expected a picture file .* or an array, got NoneType"),
        ({"photo": 7}, "photo of row 0: expected a picture file .* or an array, got int"),
        ({"photo": ""}, "photo of row 0: is empty"),
        ({"photo": b"no picture"}, "photo of row 0: is no picture, expected PNG"),
        ({"photo": base64.b64encode(b"no picture").decode()}, "photo of row 0: is no picture"),
        ({"photo": [[1, 2], [3]]}, f"photo of row 0: is no regular array, {ARRAY}"),
        ({"photo": np.zeros((9, 8, 4), np.uint8)}, rf"shape \(9, 8, 4\) and type uint8, {ARRAY}"),
        ({"photo": np.zeros((9, 8), np.float32)}, rf"shape \(9, 8\) and type float32, {ARRAY}"),
        ({"photo": [[0, 300]]}, f"photo of row 0: is an array of numbers from 0 to 300, {ARRAY}"),
        ({"photo": PICTURE, "mask": "?"}, "mask of row 0: expected a picture file as base64 text"),
        ({"photo": PICTURE, "mask": [0, 255]}, r"mask of row 0: is an array of shape \(2,\)"),
        (
            {"photo": PICTURE, "mask": np.arange(72, dtype=np.uint8).reshape(9, 8) * 3},
            "mask of row 0: has 72 levels and no clear edge, expected a mask of two levels",
        ),
        (
            {"photo": PICTURE, "mask": np.ones((9, 8), bool)},
            "mask of row 0: hides the whole photograph, expected some of it known",
        ),
        ({"mask": PICTURE}, "the request has 0 columns 'photo', expected one"),
        (
            {"photo": PICTURE, "mask": text(np.zeros((8, 9), np.uint8))},
            r"mask of row 0: expected its photograph's size \(9, 8\), got \(8, 9\)",
        ),
    ],
)
def test_a_row_that_cannot_be_restored_is_one_clear_message(row, message):
    table = pd.DataFrame([row])
    with pytest.raises(MlflowException, match=message) as caught:
        PyfuncRestorer(show_input).predict(table)
    assert caught.value.get_http_status_code() == 400


def test_the_message_names_the_row():
    table = pd.DataFrame({"photo": [PICTURE, "?"]})
    with pytest.raises(MlflowException, match="photo of row 1: "):
        PyfuncRestorer(show_input).predict(table)


def test_an_unknown_output_is_one_clear_message():
    table = pd.DataFrame({"photo": [PICTURE]})
    with pytest.raises(MlflowException, match="output is 'jpeg', expected one of: array, png"):
        PyfuncRestorer(show_input).predict(table, {"output": "jpeg"})


LIMITS = RequestLimits(rows=2, megabytes=1, megapixels=1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"photo": [PICTURE] * 3},
            "the request has 3 rows, expected at most 2; send several requests "
            r"\(RECHROMA_SERVE_ROWS of the server sets the limit\)",
        ),
        ({"photo": [PICTURE, bytes(10**6 + 1)]}, "photo of row 1: has 1000001 bytes, .* 1 MB"),
        ({"photo": ["A" * 1_333_340]}, "photo of row 0: has 1000005 bytes, expected at most 1 MB"),
        (
            {"photo": [text(np.zeros((1000, 1001), np.uint8))]},
            "photo of row 0: is 1001x1000 px, expected at most 1 megapixels .*_MEGAPIXELS",
        ),
        ({"photo": [np.zeros((1000, 1001), np.uint8)]}, "photo of row 0: is 1001x1000 px"),
        (
            {"photo": [PICTURE], "mask": [text(np.zeros((1000, 1001), np.uint8))]},
            "mask of row 0: is 1001x1000 px",
        ),
    ],
)
def test_a_request_beyond_a_limit_names_field_and_limit(table, message):
    with pytest.raises(MlflowException, match=message) as caught:
        PyfuncRestorer(show_input, LIMITS).predict(pd.DataFrame(table))
    assert caught.value.get_http_status_code() == 400


def test_the_environment_sets_the_limits(monkeypatch):
    monkeypatch.setenv("RECHROMA_SERVE_ROWS", "3")
    assert PyfuncRestorer(show_input).limits == RequestLimits(rows=3)
    monkeypatch.setenv("RECHROMA_SERVE_MEGABYTES", "-1")
    with pytest.raises(UserError, match="RECHROMA_SERVE_MEGABYTES is '-1', expected a whole"):
        PyfuncRestorer(show_input)


def test_a_request_that_takes_too_long_names_the_row():
    end = threading.Event()

    def restore(damaged, lost):
        if damaged.shape == (3, 4):
            end.wait()
        return show_input(damaged, lost)

    restore.with_aim = lambda _: restore
    photos = [np.zeros((2, 2), np.uint8), np.zeros((3, 4), np.uint8)]
    table = pd.DataFrame({"photo": photos})
    message = "photo of row 1: the request took longer than 1 s; send fewer .*_SERVE_SECONDS"
    with pytest.raises(MlflowException, match=message) as caught:
        PyfuncRestorer(restore, RequestLimits(seconds=1)).predict(table)
    end.set()
    assert caught.value.get_http_status_code() == 400


def test_requests_at_the_same_time_get_their_own_pictures():
    generator = np.random.default_rng(0)
    photos = [generator.integers(0, 256, (40 + each, 60), dtype=np.uint8) for each in range(8)]
    model = PyfuncRestorer(show_input)

    def ask(photo):
        table = pd.DataFrame({"photo": [photo], "mask": [np.zeros(photo.shape, bool)]})
        return decode(model.predict(table)["restored"][0])[..., 1]

    with ThreadPoolExecutor(4) as users:
        for photo, answer in zip(photos, users.map(ask, photos), strict=True):
            assert np.array_equal(answer, photo)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(PICTURE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=12,
)
LEVELS = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(-1, 256), min_size=width, max_size=width), min_size=1, max_size=4
    )
)
FIELD = ODD | LEVELS


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries({}, optional={"photo": FIELD, "mask": FIELD, "other": ODD}),
        max_size=3,
    ),
    output=st.sampled_from(["png", "array"]) | ODD,
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_json_is_a_result_or_one_message(rows, output):
    try:
        answer = PyfuncRestorer(KeepsColor()).predict(pd.DataFrame(rows), {"output": output})
    except MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE"
        error.message.encode()
    else:
        assert len(answer["restored"]) == len(rows)
