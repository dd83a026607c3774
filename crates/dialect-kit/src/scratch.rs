use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What the scratch keeps: enough for any offer, so that it does not allocate per message; a larger payload gives its
/// memory back.
const KEPT_BYTES: usize = 64 * 1024;

/// Lends the thread's empty buffer, where a payload is put together before it becomes a body. One per thread, since a
/// session handles one frame at a time and an idle connection should keep no buffer.
///
/// # Panics
/// If it is asked for while it is lent.
pub fn with_scratch<T>(use_it: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        let done = use_it(scratch);
        scratch.clear();
        scratch.shrink_to(KEPT_BYTES);
        done
    })
}
