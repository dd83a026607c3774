//! The side of a media server: the runtime API (ers.md part 2), its client of a rendezvous server, and what it serves.
