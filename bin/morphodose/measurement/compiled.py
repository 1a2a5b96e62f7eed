"""`morphodose.compiled`, by its earlier name."""

from morphodose.compiled import kernel_cache

__all__ = ["kernel_cache"]
