"""How much one request to the served model may ask for."""

import os
from dataclasses import dataclass, fields

from rechroma.errors import UserError

PREFIX = "RECHROMA_SERVE_"


@dataclass(frozen=True)
class RequestLimits:
    """The limits of a request; each is set by an environment variable of the server.

    Attributes:
        rows: photographs of one request; `RECHROMA_SERVE_ROWS`.
        megabytes: of one picture file, in 10^6 bytes; `RECHROMA_SERVE_MEGABYTES`.
        megapixels: of one photograph, in 10^6 pixels; `RECHROMA_SERVE_MEGAPIXELS`.
        seconds: of one request; `RECHROMA_SERVE_SECONDS`. Fewer than the 60 after which MLflow
            answers by itself and names no row.
    """

    rows: int = 16
    megabytes: int = 100
    megapixels: int = 50
    seconds: int = 50

    @classmethod
    def from_environment(cls) -> "RequestLimits":
        """The limits that the environment variables set, or the defaults.

        Raises:
            UserError: a variable is no whole number above 0.

        >>> RequestLimits.from_environment().rows
        16
        """
        return cls(**{each.name: _read(each.name, getattr(cls, each.name)) for each in fields(cls)})

    def check_rows(self, rows: int) -> None:
        """Raise a UserError for a request of too many rows."""
        if rows > self.rows:
            raise UserError(
                f"the request has {rows} rows, expected at most {self.rows}; "
                f"send several requests ({PREFIX}ROWS of the server sets the limit)"
            )

    def check_bytes(self, size: int, name: str) -> None:
        """Raise a UserError for a picture file of too many bytes, which errors call `name`."""
        if size > self.megabytes * 10**6:
            raise UserError(
                f"{name}: has {size} bytes, expected at most {self.megabytes} MB "
                f"({PREFIX}MEGABYTES of the server sets the limit)"
            )

    def check_pixels(self, height: int, width: int, name: str) -> None:
        """Raise a UserError for an array of too many pixels, which errors call `name`."""
        if height * width > self.pixels:
            raise UserError(
                f"{name}: is {width}x{height} px, expected at most {self.megapixels} megapixels "
                f"({PREFIX}MEGAPIXELS of the server sets the limit)"
            )

    @property
    def pixels(self) -> int:
        """The limit of pixels of one photograph."""
        return self.megapixels * 10**6


def _read(name: str, default: int) -> int:
    variable = PREFIX + name.upper()
    text = os.environ.get(variable, str(default))
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise UserError(f"{variable} is '{text}', expected a whole number above 0")
    return int(text)
