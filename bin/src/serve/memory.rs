//! Memory that was freed goes back to the system, also when nothing happens any more: the allocator looks for what
//! has been free for a second only when somebody allocates, which a server without clients does not do.

use std::time::Duration;

/// How often is looked, which is how long memory stays after the last of it was freed.
const PAUSE: Duration = Duration::from_secs(2);

/// Starts the thread that looks, for as long as the process lives. Without it the server works all the same.
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
