"""Sphinx: `./run docs`."""

from importlib.metadata import version as installed_version

project = "Portal"
author = copyright = "The portal's authors"
version = release = installed_version("erp-portal")

extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"Portal {version}"
exclude_patterns = ["_build"]
