"""What is allowed of drawn shapes in exact files, and in files that were compressed after."""

from typing import NamedTuple


class Rules(NamedTuple):
    """What is allowed, by what the file went through after the damage."""

    faint: int  # gray levels, at most, by which a photograph fades into its flat parts
    openings: tuple[int, ...]  # px; necks through which a shape may run into parts of its gray
    gaps: int  # inside a shape, at most; boxes with text have more
    straight: float  # px by which a line of the outline may be off a straight one
    line: float  # px, at least, from corner to corner of the outline, on average
    round: float  # the same for small shapes: of the square root of the outline's length
    faint_share: float  # of the border that may be faint
    faint_large: float  # the same for large shapes
    clipped_blur: float  # the same as blur for black and white regions
    blur: float  # of the step at the border that may go on one pixel further out
    clipped_rival: float  # the same as rival for black and white shapes
    aligned: float  # of the border that may lie on the grid of JPEG's blocks
    thinnest: float  # px, from the middle to the border, of shapes without long straight lines
    rival: float  # of the thickness of a shape: other regions so thick can make it doubtful
    shapes: int  # drawn in one photograph, at most, of similar thickness
    stands_out: bool  # black and white shapes may be found among others if they are very clear


EXACT = Rules(
    faint=3,
    openings=(3, 7, 13),
    gaps=3,
    straight=1.0,
    line=8.0,
    round=0.65,
    faint_share=0.3,
    faint_large=0.5,
    clipped_blur=0.25,
    blur=0.25,
    clipped_rival=0.5,
    aligned=0.9,
    thinnest=3.0,
    rival=0.5,
    shapes=8,
    stands_out=True,
)
COMPRESSED = EXACT._replace(
    openings=(3,),
    gaps=1,
    straight=2.0,
    line=13.0,
    round=1.0,
    faint_share=0.25,
    faint_large=0.25,
    clipped_blur=0.15,
    blur=0.5,
    clipped_rival=0.2,
    aligned=0.5,
    thinnest=8.0,
    rival=0.4,
    shapes=4,
    stands_out=False,
)
