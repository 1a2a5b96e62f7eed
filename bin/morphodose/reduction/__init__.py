"""Cells in few coordinates: feature selection, PCA, UMAP, in memory that does not grow with the cells."""
