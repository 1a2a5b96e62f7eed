"""Reading and judging of a screen's design: samplesheet, plate map, file names, planes."""
