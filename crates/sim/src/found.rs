/// Seeds that have found something, with what they found. They run in every `cargo test`.
pub const FOUND: &[u64] = &[
    // A burst of small relays, handled in one poll, filled the mailbox of a member that reads.
    38, 102, 219, 363,
];
