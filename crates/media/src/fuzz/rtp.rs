//! The target `rtp`: packets of up to four layers in any order, read for key frames, offered to one viewer's selector
//! and numbered for it.

mod film;
mod operation;
mod reference;
mod world;

use world::World;

use super::input::Input;

/// Runs `data`: a byte that chooses the codec, then operations; and all of it once more as pictures of H.264.
///
/// # Panics
/// If a payload is misread, a burst passes that must not, or a number goes out that the slow reference does not expect; if a
/// fragment is none.
pub fn target(data: &[u8]) {
    film::target(data);
    let mut input = Input::new(data);
    let mut world = World::new(input.byte());
    while let Some(operation) = input.operation() {
        world.perform(operation);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "rtp", super::target);
    }
}
