"""The doors, one file a channel: vendor's request -> Inbound, Fitted -> vendor's answer. Nothing of a vendor goes further."""
