"""Features of single cells, with CellProfiler's names, on cp_measure and its numba kernels.

`morphodose.measurement.field.measure_field` is the way in; each other module holds one family.
"""
