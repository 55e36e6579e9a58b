"""What the page takes as a photograph: uploaded files alone."""

from pathlib import Path
from typing import Any

from rechroma.errors import UserError


def refuse_addresses(component: Any) -> None:
    """Let a component take only uploaded files; Gradio fetches one that is named by a URL."""
    move_to_cache = component.async_move_resource_to_block_cache

    async def move_file_to_cache(file: str | Path | None) -> str | None:
        if str(file).startswith(("http:", "https:")):
            raise UserError("expected an uploaded file, got the address of one")
        moved: str | None = await move_to_cache(file)
        return moved

    component.async_move_resource_to_block_cache = move_file_to_cache
