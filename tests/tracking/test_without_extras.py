"""What needs an extra fails by the name of the package that is missing, and by nothing else."""

import subprocess
import sys

import pytest

IMPORT = """\
import importlib, sys
sys.modules[sys.argv[2]] = None  # as if it were not installed
try:
    importlib.import_module(sys.argv[1])
except ModuleNotFoundError as error:
    print(error.name)
"""


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("rechroma.tracking.store", "mlflow"),
        ("rechroma.tracking.store", "filelock"),
        ("rechroma.tracking.queries", "mlflow"),
        ("rechroma.tracking.queries", "pandas"),
        ("rechroma.tracking.registry", "mlflow"),
        ("rechroma.studies.spec", "omegaconf"),
        ("rechroma.studies.dvc_queue", "psutil"),
        ("rechroma.studies.runner", "mlflow"),
    ],
)
def test_a_missing_package_is_named(module, package):
    command = [sys.executable, "-c", IMPORT, module, package]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == package
