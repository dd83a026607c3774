/// Seeds that have found something, with what they found. They live in every `cargo test`.
pub const FOUND: &[u64] = &[
    // A burst of small relays, handled in one poll, filled the mailbox of a member that reads before it could run.
    5, 79, 145, 150, 370,
];
