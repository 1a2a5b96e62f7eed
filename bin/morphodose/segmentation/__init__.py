"""Segmentation of cells and nuclei with Cellpose 3, and what is done with the masks."""
