"""How things are said: catalogs of sentences, GSM-7, fitting a reply to a channel."""
