//! The watches of one HTTP/2 connection. Every request begins in a task of its own, so that requests run side by side.
//! A watch that waits for events costs next to nothing when one comes, except for the waking of its task and the
//! sending of its frame. So the connection's own task takes it over: an event for many watches of a connection then
//! wakes one task, which sends all their frames together.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use steersman_core::limits;
use tokio::time::Sleep;

use super::activity::RequestActivity;

const WRITE_STALL: Duration = Duration::from_millis(limits::WRITE_STALL_MILLIS);

type Sending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The work on one request and the sending of its answer. It ends when the client has read nothing of the answer for
/// too long. Dropping it then resets the stream, and what was still to be sent is dropped.
pub(super) struct Answering {
    sending: Sending,
    stream: Arc<RequestActivity>,
    /// How many parts of the answer were handed over when the timer began.
    stall: Option<(u32, Pin<Box<Sleep>>)>,
}

impl Answering {
    pub(super) fn new(sending: Sending, stream: Arc<RequestActivity>) -> Self {
        Self { sending, stream, stall: None }
    }

    /// Whether it is a watch that waits for events.
    pub(super) fn is_idle_watch(&self) -> bool {
        self.stream.is_idle_watch()
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.sending.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        loop {
            let Some(parts) = self.stream.untaken() else { return Poll::Pending };
            let (seen, timer) =
                self.stall.get_or_insert_with(|| (parts, Box::pin(tokio::time::sleep(WRITE_STALL))));
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if *seen == parts {
                return Poll::Ready(());
            }
            self.stall = None;
        }
    }
}

/// The watches that a connection's task has taken over. Dropping this ends them.
pub(super) struct Watches {
    by_number: BTreeMap<u64, AdoptedWatch>,
    last: u64,
    mail: WatchMail,
    /// Kept for its capacity.
    woken: Vec<u64>,
}

struct AdoptedWatch {
    answering: Answering,
    flag: Arc<WatchWaker>,
    /// The same as the flag, as polling needs it.
    waker: Waker,
}

/// What others tell the connection's task about its watches.
#[derive(Clone, Default)]
pub(super) struct WatchMail {
    news: Arc<Mutex<News>>,
}

#[derive(Default)]
struct News {
    /// Watches to take over.
    adopted: Vec<Answering>,
    /// The numbers of watches that can go on.
    woken: Vec<u64>,
    /// The connection's task, while it waits.
    task: Option<Waker>,
    /// The connection has ended.
    is_closed: bool,
}

/// Wakes the connection's task for the HTTP/2 library, except while the task is about to run the library anyway: every
/// frame that a watch hands over would wake it once more.
pub(super) struct LibraryWaker {
    mail: WatchMail,
    comes_next: AtomicBool,
}

impl LibraryWaker {
    pub(super) fn new(mail: WatchMail) -> Arc<Self> {
        Arc::new(Self { mail, comes_next: AtomicBool::new(false) })
    }

    /// The library will be run after what the caller does now. Or, with false, it is run now, and a wake counts again.
    pub(super) fn set_comes_next(&self, comes_next: bool) {
        self.comes_next.swap(comes_next, Ordering::AcqRel);
    }
}

impl Wake for LibraryWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // An exchange and not a load: it happens either before the exchange with which the library's run begins, so
        // that the library sees what it is woken for, or after it, and then the task is woken.
        if !self.comes_next.fetch_or(false, Ordering::AcqRel) {
            WatchMail::tell(self.mail.lock());
        }
    }
}

/// Wakes one watch.
struct WatchWaker {
    number: u64,
    is_woken: AtomicBool,
    mail: WatchMail,
}

impl WatchMail {
    /// Gives a watch to the connection's task, or ends it if the connection has ended.
    pub(super) fn adopt(&self, watch: Answering) {
        let mut news = self.lock();
        if news.is_closed {
            drop(news);
            // It may wake other watches, so it is dropped when nothing is locked.
            drop(watch);
            return;
        }
        news.adopted.push(watch);
        Self::tell(news);
    }

    fn wake(&self, number: u64) {
        let mut news = self.lock();
        news.woken.push(number);
        Self::tell(news);
    }

    fn tell(mut news: MutexGuard<'_, News>) {
        let task = news.task.take();
        drop(news);
        if let Some(task) = task {
            task.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, News> {
        // Nothing can panic while it is locked.
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for WatchWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            self.mail.wake(self.number);
        }
    }
}

impl Watches {
    pub(super) fn new(mail: WatchMail) -> Self {
        Self { by_number: BTreeMap::new(), last: 0, mail, woken: Vec::new() }
    }

    /// Continues the watches that were woken. The context's task is woken when there are more.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) {
        let mut woken = std::mem::take(&mut self.woken);
        let adopted = {
            let mut news = self.mail.lock();
            std::mem::swap(&mut news.woken, &mut woken);
            match &mut news.task {
                Some(task) => task.clone_from(context.waker()),
                None => news.task = Some(context.waker().clone()),
            }
            std::mem::take(&mut news.adopted)
        };
        for answering in adopted {
            self.last += 1;
            let number = self.last;
            let flag = WatchWaker { number, is_woken: AtomicBool::new(false), mail: self.mail.clone() };
            let flag = Arc::new(flag);
            let waker = Waker::from(Arc::clone(&flag));
            self.by_number.insert(number, AdoptedWatch { answering, flag, waker });
            // Whatever would have woken it meanwhile has woken the task that it had before.
            woken.push(number);
        }
        for number in woken.drain(..) {
            let Some(watch) = self.by_number.get_mut(&number) else { continue };
            // A wake that comes from now on counts: what it tells of may be missed by the poll that has begun.
            watch.flag.is_woken.store(false, Ordering::Release);
            if watch.answering.poll(&mut Context::from_waker(&watch.waker)).is_ready() {
                self.by_number.remove(&number);
            }
        }
        self.woken = woken;
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        let (adopted, task) = {
            let mut news = self.mail.lock();
            news.is_closed = true;
            (std::mem::take(&mut news.adopted), news.task.take())
        };
        // They hold this mail, and may wake other watches while they end, so nothing is locked.
        drop((adopted, task));
        self.by_number.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::activity::{Activity, UnderWay};
    use std::future::{pending, poll_fn};
    use std::sync::atomic::AtomicUsize;
    use tokio::time::Instant;

    /// Work that notes how often it is polled and ends when it is told to.
    fn work(polls: &Arc<Mutex<Vec<Waker>>>, ends: &Arc<AtomicBool>) -> Sending {
        let (polls, ends) = (Arc::clone(polls), Arc::clone(ends));
        Box::pin(poll_fn(move |context| {
            polls.lock().expect("the list").push(context.waker().clone());
            match ends.load(Ordering::Relaxed) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }))
    }

    #[test]
    fn a_watch_is_polled_when_it_was_woken_and_ends_with_the_connection() {
        let mail = WatchMail::default();
        let mut watches = Watches::new(mail.clone());
        let mut context = Context::from_waker(Waker::noop());
        let activity = Activity::new();
        let adopt = || {
            let (polls, ends) = (Arc::default(), Arc::default());
            let request = UnderWay::begin(&activity);
            mail.adopt(Answering::new(work(&polls, &ends), request.stream()));
            (polls, ends)
        };
        let (first, second) = (adopt(), adopt());
        let polled = || [&first, &second].map(|watch| watch.0.lock().expect("the list").len());
        watches.poll(&mut context);
        assert_eq!(polled(), [1, 1], "each is polled with its new waker");
        watches.poll(&mut context);
        assert_eq!(polled(), [1, 1], "nothing was woken");
        let waker = second.0.lock().expect("the list").pop().expect("a waker");
        waker.wake_by_ref();
        waker.wake_by_ref();
        watches.poll(&mut context);
        assert_eq!(polled(), [1, 1], "the second one was polled once more");
        second.1.store(true, Ordering::Relaxed);
        waker.wake();
        watches.poll(&mut context);
        assert_eq!(watches.by_number.len(), 1, "the second one has ended");
        let late = Arc::clone(&first.1);
        drop(watches);
        assert_eq!(Arc::strong_count(&late), 2, "the connection keeps no watch");
        let (_, ends) = adopt();
        assert_eq!(Arc::strong_count(&ends), 1, "nor does it take one over after its end");
    }

    #[test]
    fn the_library_is_not_woken_when_it_comes_next_anyway() {
        struct Count(AtomicUsize);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let task = Waker::from(Arc::clone(&count));
        let mail = WatchMail::default();
        let mut watches = Watches::new(mail.clone());
        let library = LibraryWaker::new(mail);
        let woken = |library: &Arc<LibraryWaker>| {
            library.wake_by_ref();
            count.0.swap(0, Ordering::Relaxed)
        };
        library.set_comes_next(true);
        watches.poll(&mut Context::from_waker(&task));
        assert_eq!(woken(&library), 0, "it comes next");
        library.set_comes_next(false);
        assert_eq!((woken(&library), woken(&library)), (1, 0), "the task is woken, once until it runs");
        watches.poll(&mut Context::from_waker(&task));
        assert_eq!(woken(&library), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_reset_if_the_client_stalls_but_not_if_the_server_does() {
        let activity = Activity::new();
        let request = UnderWay::begin(&activity);
        let stream = request.stream();
        let began = Instant::now();
        let parts = async move {
            for _ in 0..3 {
                tokio::time::sleep(3 * WRITE_STALL).await;
                for _ in 0..3 {
                    request.hands_over(1);
                    tokio::time::sleep(WRITE_STALL * 2 / 3).await;
                }
                request.waits();
            }
            request.hands_over(1);
            pending::<()>().await;
        };
        // Keeps the paused clock moving, since nothing else wakes the task in this test.
        let ticks = async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let future = async move {
            tokio::join!(parts, ticks);
        };
        let mut answering = Answering::new(Box::pin(future), stream);
        poll_fn(|context| answering.poll(context)).await;
        let until_last = 3 * (3 * WRITE_STALL + 2 * WRITE_STALL);
        let took = began.elapsed();
        assert!(took >= until_last + WRITE_STALL && took <= until_last + 2 * WRITE_STALL, "{took:?}");
    }
}
