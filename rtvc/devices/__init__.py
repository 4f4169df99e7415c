"""Microphones, outputs and the virtual microphone."""
