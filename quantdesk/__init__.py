"""What a user types; and the face for notebooks, `qd.open_desk()`."""
