"""Segmentation of cells and nuclei with Cellpose, and what is done with the masks."""
