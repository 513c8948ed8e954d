"""The rooms: one file answers one intent, or one family of them. Rooms know no channel and no other room."""
