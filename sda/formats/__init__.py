"""Bytes on disk and the values they mean."""
