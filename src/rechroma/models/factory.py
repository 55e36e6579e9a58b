"""Networks built by the names of their encoder and decoder."""

import warnings

from torch import nn

from rechroma.errors import UserError, unknown
from rechroma.imaging.hue import HUES
from rechroma.models.imagenet import has_package, load_imagenet_weights
from rechroma.models.plain_unet import PlainUNet
from rechroma.settings import Model


def build_network(settings: Model, channels: int, classes: int, hues: bool = False) -> nn.Module:
    """A network from `(N, channels, H, W)` to `(N, classes, H, W)`, H and W multiples of 32.

    With `hues` it gives a pair: that, and logits of the hue histogram, `(N, 181)` of the whole
    photograph or `(N, 181, h, w)` of places.
    """
    if settings.encoder == "plain":
        if settings.weights == "imagenet":
            raise UserError("model.weights is 'imagenet', but no such weights of 'plain' exist")
        return PlainUNet(channels, classes, hues)
    import segmentation_models_pytorch as smp

    decoders = ["quarter", *smp.MODEL_ARCHITECTURES_MAPPING]
    if settings.decoder not in decoders:
        raise unknown("model.decoder", settings.decoder, decoders)
    encoder = _encoder_name(settings.encoder)
    packaged = settings.weights == "imagenet" and has_package(encoder)
    weights = "imagenet" if settings.weights == "imagenet" and not packaged else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # smp's remarks on its own spelling of timm's weights
            network: nn.Module
            if settings.decoder == "quarter":
                from rechroma.models.quarter_unet import QuarterUNet

                network = QuarterUNet(encoder, weights, channels, classes, hues, settings.dropout)
            else:
                network = smp.create_model(
                    settings.decoder,
                    encoder,
                    encoder_weights=weights,
                    in_channels=channels,
                    classes=classes,
                    aux_params={"classes": HUES + 1, "dropout": None} if hues else None,
                )
    except KeyError as error:
        raise UserError(f"model.encoder '{encoder}': {error.args[0]}") from error
    except (OSError, RuntimeError) as error:
        if weights is None:
            raise UserError(
                f"model.encoder '{encoder}' with decoder '{settings.decoder}': {error}"
            ) from error
        raise UserError(
            f"model.weights is 'imagenet', but the weights of '{encoder}' could not be fetched: "
            "the hub is out of reach. Connect once, or use model.weights: none or a file"
        ) from error
    except (TypeError, ValueError, AttributeError, AssertionError) as error:
        raise UserError(
            f"model.encoder '{encoder}' does not go with decoder '{settings.decoder}': {error}"
        ) from error
    if packaged:
        load_imagenet_weights(network.get_submodule("encoder"), encoder)
    return network


def _encoder_name(name: str) -> str:
    """smp's spelling of an encoder of smp or timm."""
    import segmentation_models_pytorch as smp
    import timm

    if name in smp.encoders.encoders:
        return name
    bare = name.removeprefix("tu-")
    if not timm.is_model(bare):
        raise unknown("model.encoder", name, ["plain", *smp.encoders.encoders, *timm.list_models()])
    return f"tu-{bare}"
