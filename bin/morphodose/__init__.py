"""Library shared by the morphodose commands in `bin/`: pure functions on arrays and tables."""
