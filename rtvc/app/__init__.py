"""What the command line and the panel share: opening the engine, enrolling, devices, voices, packs, preferences.

No module here imports Qt, typer or rich. Functions run on the caller's thread and may take seconds unless they say
otherwise. Those that take long call a function with their progress; an exception that it raises abandons the work.
"""
