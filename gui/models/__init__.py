"""The panel's models, one per concern. All live on the GUI thread; slow work runs in tasks."""
