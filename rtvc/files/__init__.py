"""Conversion of audio files."""
