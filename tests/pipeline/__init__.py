"""Tests that run Nextflow end to end."""
