//! Who gets a place, and who has to make room.
