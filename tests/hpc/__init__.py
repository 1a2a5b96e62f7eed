"""Tests with the real daemons of a cluster and real images: `make test-hpc`."""
