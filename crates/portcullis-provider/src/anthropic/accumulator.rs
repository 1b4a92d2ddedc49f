//! A Messages stream becomes the whole message it stands for.
