use patchbay_dialect_kit::Random;

/// Where the process's random numbers come from.
pub(crate) enum Entropy {
    /// The operating system, through a block that each thread fetches for itself.
    System,
    /// One seeded source, so that a simulation draws the same numbers again.
    #[cfg(feature = "sim")]
    Seeded(std::sync::Mutex<Box<dyn Random + Send>>),
}

impl Entropy {
    /// Calls `with` with the source; `system` is the thread's own block.
    pub(crate) fn lend(&self, system: &mut SystemRandom, with: impl FnOnce(&mut dyn Random)) {
        match self {
            Self::System => with(system),
            #[cfg(feature = "sim")]
            Self::Seeded(source) => {
                let mut source = source.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                with(&mut **source);
            }
        }
    }
}

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
