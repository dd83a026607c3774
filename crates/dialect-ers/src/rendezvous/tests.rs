//! Unit tests of the rendezvous server: what transcripts cannot show.
