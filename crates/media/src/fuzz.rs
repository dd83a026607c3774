//! What the fuzz target `rtp` runs.
