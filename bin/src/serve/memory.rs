//! Returns freed memory to the system even when the server is idle. The allocator returns what has been free for a
//! second only during an allocation, and a server without clients makes none.

use std::time::Duration;

/// The pause between two checks, which is how long memory is kept after it was freed.
const PAUSE: Duration = Duration::from_secs(2);

/// Starts the thread that checks, for as long as the process lives. The server also works if it cannot be started.
pub(super) fn give_back() {
    let looking = std::thread::Builder::new().name("give-back".into()).spawn(|| {
        loop {
            std::thread::sleep(PAUSE);
            // SAFETY: the call takes no memory of ours; it may be made on any thread at any time.
            unsafe { libmimalloc_sys::mi_collect(false) };
        }
    });
    if let Err(error) = looking {
        tracing::warn!(%error, "freed memory is given back later");
    }
}
