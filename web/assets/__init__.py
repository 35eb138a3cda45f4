"""The browser's sources, and the program that bundles them."""
