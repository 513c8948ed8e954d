"""Text -> what it means: language, crisis, places, intent. Nothing here keeps the text."""
