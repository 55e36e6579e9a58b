"""Arrays that everything here is made of."""

import numpy as np
from numpy.typing import NDArray

Photo = NDArray[np.uint8]  # (H, W, 3) RGB
Luma = NDArray[np.uint8]  # (H, W) gray
Mask = NDArray[np.bool_]  # (H, W), True where lost
Planes = NDArray[np.float32]  # (C, H, W)
