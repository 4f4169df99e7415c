"""The sections of the live page: widgets joined to the session."""
