"""The report: one page that says what was found in a screen and whether it is sound (issue step 8).

`inputs` reads the tables, one module per section turns them into a `parts.Section`, and `page` hands
the sections to MultiQC. Only `page` knows MultiQC; a section is plain data and can be tested without it.
"""
