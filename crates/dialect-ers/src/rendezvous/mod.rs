//! The rendezvous server (ers.md part 1): rooms of one idle media server each, and the players that are paired with it.
