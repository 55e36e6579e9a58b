"""Networks built by the names of their encoder and decoder."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import nn

from rechroma.errors import UserError, unknown
from rechroma.imaging.hue import HUES
from rechroma.models.imagenet import has_package, load_imagenet_weights
from rechroma.models.plain_unet import PlainUNet
from rechroma.settings import Model

logger = logging.getLogger(__name__)

# Decoders of smp that ask for an encoder with an output stride of 8 or 16, made by dilation. Timm
# has no list of the encoders that can do that: the others raise a TypeError or fail an assertion.
DILATING_DECODERS = frozenset({"deeplabv3", "deeplabv3plus", "pan"})
QUARTER_DECODERS = ("quarter", "context")  # ours, which stop at 1/4 of the resolution


def build_network(
    settings: Model, channels: int, classes: int, hues: bool = False, enlarge: bool = True
) -> nn.Module:
    """A network from `(N, channels, H, W)` to `(N, classes, H, W)`, H and W multiples of 32.

    With `hues` it returns a pair: those planes, and logits of the hue histogram, `(N, 181)` of the
    whole photograph or `(N, 181, h, w)` of each cell. Without `enlarge`, decoders that stop at 1/4
    of the resolution return their output at that size.

    Raises:
        UserError: no such encoder, decoder or ImageNet weights, a decoder that does not take the
            encoder, or weights that could not be fetched.
    """
    # The reference report's network has neither an encoder nor a decoder to choose.
    if settings.encoder == "plain":
        if settings.weights == "imagenet":
            raise UserError("model.weights is 'imagenet', but no such weights of 'plain' exist")
        return PlainUNet(channels, classes, hues)

    # Names first: a typo is reported before anything is built or fetched.
    import segmentation_models_pytorch as smp

    decoder = settings.decoder
    decoders = [*QUARTER_DECODERS, *smp.MODEL_ARCHITECTURES_MAPPING]
    if decoder not in decoders:
        raise unknown("model.decoder", decoder, decoders)
    encoder = encoder_name(settings.encoder)

    # ImageNet weights are in a Python package, which is read below, or on a hub, which smp asks.
    imagenet = settings.weights == "imagenet"
    packaged = imagenet and has_package(encoder)
    if imagenet and not packaged:
        _check_imagenet_weights(encoder)
    weights = "imagenet" if imagenet and not packaged else None
    if imagenet:
        source = "a Python package" if packaged else "a hub or its cache"
        logger.info("ImageNet weights of '%s' are read from %s", encoder, source)

    network: nn.Module
    if decoder in QUARTER_DECODERS:
        with library_refusals(encoder, decoder, weights):
            backbone = smp.encoders.get_encoder(encoder, in_channels=channels, weights=weights)
        make = _quarter_decoder(decoder)
        network = make(backbone, channels, classes, hues, settings.dropout, enlarge)
    else:
        head = {"classes": HUES + 1, "dropout": None} if hues else None
        with library_refusals(encoder, decoder, weights):
            network = smp.create_model(
                decoder,
                encoder,
                encoder_weights=weights,
                in_channels=channels,
                classes=classes,
                aux_params=head,
            )
    if packaged:
        load_imagenet_weights(network.get_submodule("encoder"), encoder)
    return network


def _quarter_decoder(name: str) -> Callable[..., nn.Module]:
    """The network of one of `QUARTER_DECODERS`."""
    if name == "context":
        from rechroma.models.context_decoder import ContextNetwork

        return ContextNetwork
    from rechroma.models.quarter_unet import QuarterUNet

    return QuarterUNet


def encoder_name(name: str, where: str = "model.encoder", own: str = "plain") -> str:
    """smp's spelling of an encoder of smp or timm.

    Args:
        name: of smp or timm.
        where: the setting that a message names.
        own: the network of ours that the setting may name too.

    Raises:
        UserError: neither library has such an encoder.
    """
    import segmentation_models_pytorch as smp
    import timm

    if name in smp.encoders.encoders:
        return name
    bare = name.removeprefix("tu-")
    if not timm.is_model(bare):
        raise unknown(where, name, [own, *smp.encoders.encoders, *timm.list_models()])
    return f"tu-{bare}"


def _check_imagenet_weights(encoder: str) -> None:
    """Raises UserError where neither smp nor timm lists ImageNet weights of `encoder`."""
    import segmentation_models_pytorch as smp
    import timm

    if encoder in smp.encoders.encoders:
        exist = "imagenet" in smp.encoders.encoders[encoder]["pretrained_settings"]
    else:
        exist = timm.is_model_pretrained(encoder.removeprefix("tu-"))
    if not exist:
        raise UserError(
            f"model.weights is 'imagenet', but no such weights of '{encoder}' exist; "
            "use model.weights: none or a file"
        )


@contextmanager
def library_refusals(
    encoder: str, decoder: str, weights: str | None, where: str = "model.encoder"
) -> Iterator[None]:
    """Turns a refusal by smp or timm into a UserError, which names the setting `where`.

    Only calls into these two libraries belong inside: an error in our own networks keeps its type
    and traceback.
    """
    # ValueError is smp's refusal: feature maps at other scales than 1/2, 1/4 … 1/32, dilation of a
    # pooling encoder, dpt without a transformer of timm, mit_b* with linknet or unetplusplus.
    # IndexError is timm's for an encoder of too few stages (nest).
    refusals: tuple[type[Exception], ...] = (ValueError, IndexError)
    if decoder in DILATING_DECODERS:
        refusals = (*refusals, TypeError, AssertionError)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # smp warns of its own spelling of timm's weights
            yield
    except OSError as error:  # before ValueError: errors of hubs may be both
        if weights is None:
            raise
        raise UserError(
            f"model.weights is 'imagenet', but the weights of '{encoder}' could not be fetched: "
            "the hub is out of reach. Connect once, or use model.weights: none or a file"
        ) from error
    except refusals as error:
        reason = str(error) or "it cannot be dilated"
        raise UserError(
            f"{where} '{encoder}' does not go with decoder '{decoder}': {reason}"
        ) from error
