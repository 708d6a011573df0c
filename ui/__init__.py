"""The operator console: the only importer of Qt, imported by nobody but the command line."""
