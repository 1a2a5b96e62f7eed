"""The report: one page that says what was found in a screen and whether it is sound.

`inputs` reads the tables, one module per section turns them into a `parts.Section`, and `page` puts the
sections into views by Jinja2. `tiles` reads the images, each once; `script` and `style` are for the browser.
"""
