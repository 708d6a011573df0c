"""Scenes, fonts and icons: data only, read through importlib.resources."""
