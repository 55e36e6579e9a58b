"""From a source of photographs to prepared data: listed, validated, split and written."""
