//! Threads for what may take long, such as job steps that decode a body of megabytes, and pages of a listing. There are
//! as many as processors, with a lower priority, so that they never keep the threads that accept connections and answer
//! all other requests from running.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use steersman_core::machine::{Discarded, Input, Page, Ran, Task};
use tokio::sync::oneshot;

use crate::shell::{Shell, decode, run};

/// The threads, which are started with the first step. The number of waiting steps is bounded by the budget for
/// bodies, since each step belongs to a large one. Beside them there is at most one page for each feed, and what the
/// listings of feeds have replaced.
#[derive(Default)]
pub(crate) struct LongSteps {
    queue: OnceLock<Sender<Waiting>>,
}

/// What waits for a thread.
enum Waiting {
    Step { shell: Arc<Shell>, task: Box<Task>, answer: Option<oneshot::Sender<Ran>> },
    Page(Arc<Shell>, Page),
    Discarded(Discarded),
}

/// The niceness of the threads: 0 is that of normal threads, 19 the lowest priority.
const NICENESS: i32 = 10;

impl LongSteps {
    /// Runs a step. If this future is dropped before the step ends, the machine still gets the outcome.
    pub(crate) async fn run(&self, shell: &Arc<Shell>, task: Task) -> Ran {
        let (id, sees) = (task.id, task.sees());
        let (answer, outcome) = oneshot::channel();
        self.enqueue(Waiting::Step { shell: Arc::clone(shell), task: Box::new(task), answer: Some(answer) });
        // A step that panics has an outcome too. There is none only if the thread itself is gone.
        outcome.await.unwrap_or_else(|_| Ran::panicked(id, sees))
    }

    /// Runs a step whose client went away.
    pub(crate) fn run_for_nobody(&self, shell: &Arc<Shell>, task: Task) {
        self.enqueue(Waiting::Step { shell: Arc::clone(shell), task: Box::new(task), answer: None });
    }

    /// Decodes a page, and gives it back to the machine.
    pub(crate) fn decode(&self, shell: &Arc<Shell>, page: Page) {
        self.enqueue(Waiting::Page(Arc::clone(shell), page));
    }

    /// Drops what the machine no longer needs.
    pub(crate) fn discard(&self, discarded: Discarded) {
        self.enqueue(Waiting::Discarded(discarded));
    }

    fn enqueue(&self, waiting: Waiting) {
        let queue = self.queue.get_or_init(start);
        // Sending fails only when all receivers are gone, and this value holds one.
        let _ = queue.send(waiting);
    }
}

fn start() -> Sender<Waiting> {
    let (queue, waiting) = channel();
    let waiting = Arc::new(Mutex::new(waiting));
    let count = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut started = 0;
    for _ in 0..count {
        let waiting = Arc::clone(&waiting);
        let thread = std::thread::Builder::new().name("long-steps".into()).spawn(move || work(&waiting));
        started += usize::from(thread.is_ok());
    }
    assert!(started > 0, "the system has a thread for long steps");
    queue
}

/// Runs steps until the server is dropped.
fn work(queue: &Mutex<Receiver<Waiting>>) {
    stand_back();
    loop {
        // One thread waits for the next step, the others for the lock that it holds meanwhile.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(Waiting::Step { shell, task, answer }) => {
                let ran = run(*task);
                let unheard = match answer {
                    Some(answer) => answer.send(ran).err(),
                    None => Some(ran),
                };
                if let Some(ran) = unheard {
                    shell.turn(None, Input::Ran(ran));
                }
            }
            Ok(Waiting::Page(shell, page)) => {
                shell.turn(None, Input::Decoded(decode(page)));
            }
            Ok(Waiting::Discarded(discarded)) => drop(discarded),
            Err(_) => return,
        }
    }
}

/// Lowers the priority of the calling thread. On systems without per-thread priorities all threads are equal.
fn stand_back() {
    #[cfg(target_os = "linux")]
    // SAFETY: the call takes numbers only; 0 is the calling thread.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
    }
}
