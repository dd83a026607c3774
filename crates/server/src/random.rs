use patchbay_dialect_kit::Random;

/// The operating system's random numbers, fetched in blocks.
#[derive(Default)]
pub(crate) struct SystemRandom {
    block: [u64; 16],
    left: usize,
}

impl Random for SystemRandom {
    /// # Panics
    /// If the operating system has no randomness to give: nothing that needs a secret may go on without.
    fn next_u64(&mut self) -> u64 {
        if self.left == 0 {
            for word in &mut self.block {
                *word = getrandom::u64().expect("the operating system gives random numbers");
            }
            self.left = self.block.len();
        }
        self.left -= 1;
        std::mem::take(&mut self.block[self.left])
    }
}
