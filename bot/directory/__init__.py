"""content/contacts/*.csv -> the contacts of a county."""
