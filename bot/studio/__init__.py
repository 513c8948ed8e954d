"""The volunteers' web pages."""
