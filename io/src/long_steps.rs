//! Threads for steps that may take long, such as decoding a body of megabytes. There are as many as processors, and
//! they come last: the threads that accept connections and answer everybody else are never kept from running.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use steersman_core::machine::{Input, Ran, Task};
use tokio::sync::oneshot;

use crate::shell::{Shell, run};

/// The threads, which start with the first step. How many steps wait is bounded by the bytes of bodies that the
/// server takes at once, since each belongs to a large one.
#[derive(Default)]
pub(crate) struct LongSteps {
    queue: OnceLock<Sender<Waiting>>,
}

/// A step that waits for a thread.
struct Waiting {
    shell: Arc<Shell>,
    task: Task,
    answer: Option<oneshot::Sender<Ran>>,
}

/// How much the threads stand back: 0 is everybody else's, 19 the most.
const NICENESS: i32 = 10;

impl LongSteps {
    /// Runs a step. When this is dropped before its end, the machine hears of the outcome all the same.
    pub(crate) async fn run(&self, shell: &Arc<Shell>, task: Task) -> Ran {
        let (id, sees) = (task.id, task.sees());
        let (answer, outcome) = oneshot::channel();
        self.enqueue(Waiting { shell: Arc::clone(shell), task, answer: Some(answer) });
        // A step that panics is an outcome too: only a thread that is gone gives none.
        outcome.await.unwrap_or_else(|_| Ran::panicked(id, sees))
    }

    /// Runs a step whose client is gone.
    pub(crate) fn run_for_nobody(&self, shell: &Arc<Shell>, task: Task) {
        self.enqueue(Waiting { shell: Arc::clone(shell), task, answer: None });
    }

    fn enqueue(&self, waiting: Waiting) {
        let queue = self.queue.get_or_init(start);
        // The threads end only when the queue does, which this holds.
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

/// Runs steps until the server is gone.
fn work(queue: &Mutex<Receiver<Waiting>>) {
    stand_back();
    loop {
        // One waits for the next step, the others for it to have been taken.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Waiting { shell, task, answer }) = next else { return };
        let ran = run(task);
        let unheard = match answer {
            Some(answer) => answer.send(ran).err(),
            None => Some(ran),
        };
        if let Some(ran) = unheard {
            shell.turn(None, Input::Ran(ran));
        }
    }
}

/// Lets other threads go before this one. Where the system has no such thing, all are equal.
fn stand_back() {
    #[cfg(target_os = "linux")]
    // SAFETY: the call takes numbers only; 0 is the calling thread.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
    }
}
