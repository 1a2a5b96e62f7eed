"""Which planes a file holds, and their pixels: TIFF, OME-TIFF, OME-Zarr, CZI, ND2, LIF."""
