"""The parameters of the pipeline, each declared once.

`make generate` writes nextflow_schema.json, conf/parameters.config and the tables of docs/usage.md from these
declarations; commands get their flags from them (`morphodose.options.flags`).
"""
