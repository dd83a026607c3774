//! Random numbers of the crypto library: keys that descriptions tell, and numbers of streams.

/// `N` random bytes. `None` if the machine has no randomness.
pub(crate) fn bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    dimpl::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes).ok()?;
    Some(bytes)
}
