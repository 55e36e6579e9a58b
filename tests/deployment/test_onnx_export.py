import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from rechroma.apps.cli.main import main
from rechroma.deployment import onnx_export
from rechroma.deployment.load import load_model
from rechroma.deployment.onnx_backend import load_onnx
from rechroma.deployment.onnx_export import add_onnx, compare_with_torch, export_onnx
from rechroma.errors import UserError
from rechroma.inference.backend import TorchBackend
from rechroma.models.card import METADATA, ONNX, ONNX_SUM, WEIGHTS_SUM, read_card
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import StoredModel, save_model, sha256_of


@pytest.mark.parametrize(
    "changes",
    [
        {"model.two_stage": True, "model.segmentation": True, "model.decoder": "unet"},
        {"model.output": "rgb", "model.hues": False},
        {"model.mask": False, "model.keep_gray": False, "model.fill": "none"},
    ],
)
def test_networks_with_other_outputs_are_exported_too(
    tiny_settings, untrained, noise, tmp_path, changes
):
    settings = tiny_settings(**changes)
    stored = untrained(settings)
    export_onnx(stored, tmp_path / "other.onnx")
    backend, restore = load_onnx(tmp_path / "other.onnx")
    assert (backend.model, restore) == (settings.model, settings.restore)
    luma, mask = noise((70, 45))
    expected = TorchBackend(stored.network, exact=True)(luma, mask)
    np.testing.assert_allclose(backend(luma, mask).color, expected.color, rtol=1e-5, atol=1e-5)
    assert (backend(luma, mask).hues is None) == (not settings.model.hues)


def test_the_difference_from_torch_is_tolerable(exported, damaged):
    stored, file = exported
    difference = compare_with_torch(file, stored, damaged, damaged == 60)
    assert difference.tolerable
    assert difference.changed < 0.01
    assert not difference._replace(hues=0.01).tolerable


def test_the_same_model_gives_the_same_file(exported, tmp_path):
    stored, file = exported
    export_onnx(stored, tmp_path / "again.onnx", {"license": "to be had"})
    assert (tmp_path / "again.onnx").read_bytes() == file.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.onnx"]


def test_the_card_with_its_extra_entries_is_in_the_files_metadata(exported):
    stored, file = exported
    restorer = load_model(file)
    assert (restorer.backend.model, restorer.settings) == (
        stored.network.settings,
        stored.restore,
    )
    (entry,) = onnx.load(file).metadata_props
    assert entry.key == METADATA
    assert json.loads(entry.value)["license"] == "to be had"


def test_a_folder_gets_its_file_and_the_sum_on_its_card(exported, tmp_path):
    stored, file = exported
    save_model(stored.network, stored.restore, tmp_path, extra={"license": "to be had"})
    before = read_card(tmp_path)
    added = add_onnx(tmp_path)
    assert added == tmp_path / ONNX
    assert onnx.load(added).graph == onnx.load(file).graph
    assert read_card(tmp_path) == {**before, ONNX_SUM: sha256_of(added)}
    (entry,) = onnx.load(added).metadata_props
    assert not {WEIGHTS_SUM, ONNX_SUM} & json.loads(entry.value).keys()


def test_a_model_saved_again_loses_the_file_of_its_earlier_weights(exported, tmp_path):
    stored, _ = exported
    save_model(stored.network, stored.restore, tmp_path)
    add_onnx(tmp_path)
    save_model(stored.network, stored.restore, tmp_path)
    assert not (tmp_path / ONNX).exists()
    assert ONNX_SUM not in read_card(tmp_path)


def test_a_missing_onnx_is_named_with_its_remedy(exported, tmp_path, monkeypatch):
    stored, _ = exported
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"needs onnx to be .* pip install 'rechroma\[train\]'"):
        export_onnx(stored, tmp_path / "new.onnx")


class ScaledByWidth(RestorationNetwork):
    """A network whose output depends on the photograph's width, a constant to a trace."""

    def forward(self, luma, mask):
        prediction = super().forward(luma, mask)
        return prediction._replace(color=prediction.color * (float(luma.shape[-1]) / 32))


def test_a_network_that_a_trace_gets_wrong_is_refused(tiny_settings, tmp_path):
    settings = tiny_settings()
    network = ScaledByWidth(settings.model).eval()
    with pytest.raises(UserError, match=r"cannot be written as ONNX for any size: at .* differ"):
        export_onnx(StoredModel(network, settings.restore), tmp_path / "wrong.onnx")
    assert not list(tmp_path.iterdir())


def test_a_network_that_the_exporter_refuses_keeps_the_reason(tiny_settings, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise NotImplementedError("no such operator")

    settings = tiny_settings()
    stored = StoredModel(RestorationNetwork(settings.model).eval(), settings.restore)
    monkeypatch.setattr(torch.onnx, "export", refuse)
    with pytest.raises(UserError, match="for any size: no such operator") as caught:
        export_onnx(stored, tmp_path / "new.onnx")
    assert isinstance(caught.value.__cause__, NotImplementedError)


def test_the_command_compares_on_photographs_of_ones_own(
    exported, photo, tmp_path, monkeypatch, capsys
):
    stored, _ = exported
    save_model(stored.network, stored.restore, tmp_path / "mine", extra={"license": "to be had"})
    Image.fromarray(photo).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    command = ["export", "--onnx", "out/x.onnx", "--model", "mine", "--check", "."]
    with pytest.raises(SystemExit, match="0"):
        main(command)
    shown = capsys.readouterr()
    assert "photo.png, 128x96 px: color " in shown.out
    assert "maximum of 1 photographs: color " in shown.out
    assert shown.err == "model: mine\nlicense: to be had\n"
    card = json.loads(onnx.load("out/x.onnx").metadata_props[0].value)
    assert card["license"] == "to be had"

    monkeypatch.setattr(onnx_export, "export_onnx", lambda *_: None)
    monkeypatch.setattr(onnx_export, "TOLERANCE", -1.0)
    with pytest.raises(SystemExit, match="1"):
        main(command)
    assert "x.onnx differs from torch by more than" in capsys.readouterr().err
    assert Path("out/x.onnx").exists()


def test_the_file_must_be_named_as_onnx(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["export", "--onnx", str(tmp_path / "x.bin")])
    assert "expected a name that ends in .onnx" in capsys.readouterr().err
