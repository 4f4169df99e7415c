"""The panel: a Qt desktop application over `rtvc`. Widgets live on the GUI thread; slow work is in `gui.tasks`."""
