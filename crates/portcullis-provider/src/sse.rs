//! Server-sent events, decoded at whatever byte boundaries the network chose.
