"""The packages that only an extra of rechroma installs, and the error for one that is missing.

Restoring, finding damage and scoring need none of them.
"""

from importlib.util import find_spec
from traceback import walk_tb

from rechroma.errors import UserError

# Import name: the smallest extra that installs the package.
EXTRAS = {
    "albumentations": "train",
    "dvc": "pipeline",
    "filelock": "pipeline",
    "gradio": "web",
    "joblib": "pipeline",
    "lightning_fabric": "train",
    "matplotlib": "pipeline",
    "mlflow": "pipeline",
    "omegaconf": "pipeline",
    "onnx": "train",
    "packaging": "pipeline",
    "pandas": "train",
    "pillow_heif": "heif",
    "psutil": "pipeline",
    "safetensors": "train",
    "scipy": "train",
    "scmrepo": "pipeline",
    "segmentation_models_pytorch": "train",
    "skimage": "train",
    "sklearn": "train",
    "sqlalchemy": "pipeline",
    "tabulate": "train",
    "timm": "train",
    "torch": "train",
    "torchvision": "train",
}
# Wings that need `pipeline` as a whole, which includes `train`: whatever they miss first, one
# installation is enough.
PIPELINE_WINGS = ("rechroma.studies", "rechroma.tracking")


def missing_package(error: ModuleNotFoundError) -> UserError | None:
    """The error that names the extra to install, None if `error` is not about an extra's package.

    A missing module inside an installed package is an error of the program, so None too.

    >>> print(missing_package(ModuleNotFoundError(name="rechroma.colour")))
    None
    """
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS or find_spec(package) is not None:
        return None
    importers = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    in_pipeline = any(name.startswith(PIPELINE_WINGS) for name in importers)
    extra = "pipeline" if in_pipeline else EXTRAS[package]
    return UserError(
        f"this needs {package}, which is not installed: pip install 'rechroma[{extra}]'"
    )
