//! The shell drives the machine: it is the only place where inputs go in and effects come out.
//!
//! A request runs on its connection's task from its first byte to its answer. The machine is locked only to give it
//! an input and to take the effects; steps run outside the lock. Effects for other jobs go to their mailboxes under a
//! second lock, which is taken before the first one is released. So frames keep the machine's order although the
//! machine already takes the next input.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use steersman_core::answer::Response;
use steersman_core::config::{JobId, Note};
use steersman_core::kinds::Kind;
use steersman_core::limits;
use steersman_core::machine::{
    CollectionFigures, DecodedPage, Drain, Effect, Input, Machine, Page, Ran, Task,
};
use steersman_core::store::{Feed, Rev, StoreError, Stored};
use steersman_core::value::Text;
use steersman_core::wire::{BodyError, Request};
use steersman_core::world::{Changes, World};
use tokio::sync::{Notify, watch};
use tokio::{runtime::Handle, task::AbortHandle, time::Instant};

use crate::clock::Clock;
use crate::conversation::Conversation;
use crate::driven::Driven;
use crate::frame::SharedFrame;
use crate::issuer::{TokenKeys, TokenSigner};
use crate::long_steps::LongSteps;
use crate::mailbox::{Mail, Mailboxes};
use crate::metrics::{Metrics, RequestKind, TurnTimes};
use crate::note_log::NoteLog;
use crate::outcall::OutcallClient;
use crate::record::Recorder;
use crate::store::{FeedInput, Store, StoreFigures};
use crate::turn::{Later, Turn};

/// The running server: one machine, its stores and its clients.
pub struct Shell {
    driven: Mutex<Driven>,
    /// Must be locked after `driven`, never before it.
    mailboxes: Mutex<Mailboxes>,
    /// One store for each feed, in the order of the feeds' numbers.
    stores: Vec<Arc<dyn Store>>,
    clock: Clock,
    last_job: AtomicU64,
    timer: Arc<Notify>,
    runtime: Handle,
    ready: watch::Sender<bool>,
    /// None in the in-process server, where everything runs on the caller's threads.
    long_steps: Option<LongSteps>,
    /// Set, with the reason, when a store can never work again.
    failed: watch::Sender<Option<Text>>,
    /// Tasks that listen to the health of the stores. They hold the stores, so they are aborted with the shell.
    listening: Mutex<Vec<AbortHandle>>,
    log: NoteLog,
    outcalls: OutcallClient,
    tokens: TokenKeys,
    pub metrics: Metrics,
}

/// What is known of a step besides its outcome.
#[derive(Default)]
struct AfterStep {
    /// What a store has answered to the read that the step asks for: the machine gets it under the same lock, so that a
    /// GET locks the machine once less.
    read: Option<Stored>,
    /// How long the step took.
    took: Option<Duration>,
}

impl Shell {
    /// Starts a machine on its stores (the index is the feed's number). Must be called inside a tokio runtime. The
    /// server ends when nothing holds the shell any more: no listener, no request, no stream.
    pub fn start(
        machine: Machine,
        stores: Vec<Arc<dyn Store>>,
        metrics: Metrics,
        recorder: Option<Recorder>,
    ) -> Arc<Self> {
        Self::start_with(machine, stores, metrics, recorder, Clock::start(), Some(LongSteps::default()))
    }

    pub(crate) fn start_with(
        machine: Machine,
        stores: Vec<Arc<dyn Store>>,
        metrics: Metrics,
        recorder: Option<Recorder>,
        clock: Clock,
        long_steps: Option<LongSteps>,
    ) -> Arc<Self> {
        let shell = Arc::new(Self {
            driven: Mutex::new(Driven { machine, recorder, armed: None, times: TurnTimes::default() }),
            mailboxes: Mutex::default(),
            stores,
            clock,
            last_job: AtomicU64::new(0),
            timer: Arc::default(),
            runtime: Handle::current(),
            ready: watch::Sender::new(false),
            long_steps,
            failed: watch::Sender::new(None),
            listening: Mutex::default(),
            log: NoteLog::default(),
            outcalls: OutcallClient::new(),
            tokens: TokenKeys::default(),
            metrics,
        });
        tokio::spawn(keep_time(Arc::downgrade(&shell), Arc::clone(&shell.timer)));
        shell.turn(None, Input::Start);
        shell.listen_to_health();
        shell
    }

    fn listen_to_health(self: &Arc<Self>) {
        let listen = |(index, store): (usize, &Arc<dyn Store>)| {
            let (shell, store, feed) = (Arc::downgrade(self), Arc::clone(store), Feed(index as u8));
            let teller = shell.clone();
            let sink = move |health| {
                if let Some(shell) = teller.upgrade() {
                    shell.turn(None, Input::Health(feed, health));
                }
            };
            let listening = tokio::spawn(async move {
                let why = store.watch_health(Arc::new(sink)).await;
                if let Some(shell) = shell.upgrade() {
                    shell.failed.send_replace(Some(why));
                }
            });
            listening.abort_handle()
        };
        let handles = self.stores.iter().enumerate().map(listen).collect();
        *self.listening.lock().unwrap_or_else(PoisonError::into_inner) = handles;
    }

    /// Answers one request. Its body is polled only when the machine asks for it. With `Body::Stream` the conversation
    /// continues with frames. Dropping the future or the conversation tells the machine that the client went away.
    pub async fn request<F>(self: &Arc<Self>, request: Request, body: Pin<&mut F>) -> (Response, Conversation)
    where
        F: Future<Output = Result<Bytes, BodyError>>,
    {
        let id = self.next_job();
        let kind = RequestKind::of(&request.method);
        self.converse(id, kind, Input::Request(id, request), body).await
    }

    pub(crate) fn next_job(&self) -> JobId {
        JobId(self.last_job.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Begins a job with an input, and does what the machine asks for until it answers.
    pub(crate) async fn converse<F>(
        self: &Arc<Self>,
        id: JobId,
        kind: RequestKind,
        mut input: Input,
        mut body: Pin<&mut F>,
    ) -> (Response, Conversation)
    where
        F: Future<Output = Result<Bytes, BodyError>>,
    {
        let mut conversation = Conversation::new(Arc::clone(self), id, kind);
        let mut long_steps: Option<&LongSteps> = None;
        let mut after = AfterStep::default();
        loop {
            let mail = match self.turn_with(Some(&mut conversation), input, std::mem::take(&mut after)) {
                Some(mail) => mail,
                None => match conversation.mail().await {
                    Ok(mail) => mail,
                    Err(stored) => {
                        input = Input::Stored(id, stored);
                        continue;
                    }
                },
            };
            match mail {
                Mail::Run(task) => {
                    let began = std::time::Instant::now();
                    let ran = match long_steps {
                        Some(long_steps) => long_steps.run(self, task).await,
                        None => run(task),
                    };
                    after.took = Some(began.elapsed());
                    after.read = ran.read().and_then(|(feed, op)| self.store(feed)?.answer_now(op));
                    input = Input::Ran(ran);
                }
                Mail::Store(feed, op) => match conversation.perform(feed, op).await {
                    Ok(stored) => input = Input::Stored(id, stored),
                    Err(Mail::Respond(response)) => return conversation.answered(response),
                    Err(mail) => unreachable!("only a timeout overtakes a store: {mail:?}"),
                },
                Mail::Body => match conversation.body(body.as_mut()).await {
                    Ok(body) => {
                        long_steps = self.long_steps_for(&body);
                        input = Input::Body(id, body);
                    }
                    Err(Mail::Respond(response)) => return conversation.answered(response),
                    Err(mail) => unreachable!("only a timeout overtakes a body: {mail:?}"),
                },
                Mail::Sign(text) => input = Input::Signed(id, self.tokens.signer.sign(&text)),
                Mail::Verify(token) => input = Input::Verified(id, self.tokens.verifier.verify(&token)),
                Mail::Respond(response) => return conversation.answered(response),
                Mail::Frame(_) | Mail::Close => unreachable!("no frame comes before the response"),
            }
        }
    }

    /// Gives the shell the key that service account tokens are signed with. It is the one whose public part the
    /// machine's configuration has, and does not change.
    pub fn sign_with(&self, signer: TokenSigner) {
        self.tokens.signer.set(signer);
    }

    /// Returns when the machine has reported that it is ready.
    pub async fn ready(&self) {
        // Waiting fails only if the sender is gone, and this shell holds it.
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// Begins to shut down: readiness fails from here on, and everything else is served as before.
    pub fn initiate_shutdown(self: &Arc<Self>) {
        self.turn(None, Input::ShutdownInitiated);
    }

    /// Returns the reason when a store can never work again. The server is useless then.
    pub async fn failed(&self) -> Text {
        let mut failed = self.failed.subscribe();
        let found = failed.wait_for(Option::is_some).await.map(|why| why.clone());
        match found {
            Ok(Some(why)) => why,
            // Waiting fails only if the sender is gone, and this shell holds it.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Takes no new requests from here on, and closes the watches some at a time.
    pub fn drain(self: &Arc<Self>, drain: Drain) {
        self.turn(None, Input::Drain(drain));
    }

    /// Closes the stores and ends a recording.
    pub async fn close(&self) {
        for store in &self.stores {
            store.close().await;
        }
        let recorder = self.driven().recorder.take();
        if let Some(recorder) = recorder {
            recorder.finish();
        }
    }

    /// How many requests are not answered yet, plus how many watches are open.
    pub fn open_requests(&self) -> usize {
        self.driven().machine.open_requests()
    }

    /// Whether the server itself has writes under way. They should be settled before it ends.
    pub fn is_writing(&self) -> bool {
        self.driven().machine.is_writing()
    }

    /// The current snapshot of the world.
    pub(crate) fn world(&self) -> Arc<World> {
        Arc::clone(self.driven().machine.world())
    }

    /// Whether a bearer token belongs to a user, as far as that is known without asking anybody.
    pub(crate) fn knows_token(&self, token: &str) -> bool {
        self.tokens.verifier.knows(token) || self.world().config.authentication.line(token).is_some()
    }

    /// The threads for the steps of a request, if they should not run on the connection's thread: a request with a
    /// large body has long steps.
    fn long_steps_for(&self, body: &Result<Bytes, BodyError>) -> Option<&LongSteps> {
        let is_long = body.as_ref().is_ok_and(|body| body.len() >= limits::LONG_STEP_BODY_BYTES);
        self.long_steps.as_ref().filter(|_| is_long)
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How many bytes each store takes on disk, by feed.
    pub fn store_sizes(&self) -> impl Iterator<Item = u64> + '_ {
        self.stores.iter().map(|store| store.size_bytes())
    }

    /// What each store in this process measures of itself, with the number of its feed.
    pub(crate) fn store_figures(&self) -> impl Iterator<Item = (usize, StoreFigures)> + '_ {
        self.stores.iter().enumerate().filter_map(|(feed, store)| Some((feed, store.figures()?)))
    }

    /// How long the machine was locked, and steps took.
    pub(crate) fn turn_times(&self) -> TurnTimes {
        self.driven().times.clone()
    }

    /// What the machine keeps for watchers, by collection.
    pub(crate) fn collection_figures(&self) -> Vec<(Arc<Kind>, CollectionFigures)> {
        self.driven().machine.collection_figures()
    }

    /// Gives the machine one input and carries out its effects. The first effect on the job `own` that is not part of
    /// its stream is returned, for the caller to do. If there is none, the job has a mailbox from here on.
    pub(crate) fn turn(self: &Arc<Self>, own: Option<&mut Conversation>, input: Input) -> Option<Mail> {
        self.turn_with(own, input, AfterStep::default())
    }

    /// Like `turn`, after a step.
    fn turn_with(
        self: &Arc<Self>,
        own: Option<&mut Conversation>,
        input: Input,
        after: AfterStep,
    ) -> Option<Mail> {
        let mut driven = self.driven();
        let is_tick = matches!(input, Input::Tick);
        let began = Instant::now();
        let now = self.clock.at(began);
        let mut effects = driven.handle(now, input);
        if let (Some(stored), Some(own)) = (after.read, own.as_deref()) {
            // The machine does not ask when the request has been answered or given up meanwhile.
            let asked = |effect: &Effect| matches!(effect, Effect::Store(id, ..) if *id == own.id());
            if let Some(at) = effects.iter().position(asked) {
                effects.remove(at);
                effects.append(&mut driven.handle(now, Input::Stored(own.id(), stored)));
            }
        }
        let rearm = driven.rearm(is_tick);
        after.took.into_iter().for_each(|took| driven.times.step(took));
        driven.times.turn(began.elapsed());
        let id = own.as_deref().map(Conversation::id);
        let mut turn = Turn { own: id, mail: None, waiting: Vec::new(), after: Vec::new() };
        let waits = own.filter(|own| own.has_no_mailbox() && turn.needs_mailbox(&effects));
        if waits.is_none() && effects.iter().all(|effect| turn.is_private(effect)) {
            drop(driven);
            effects.into_iter().for_each(|effect| self.perform(effect, None, &mut turn));
        } else {
            let mut mailboxes = self.mailboxes();
            drop(driven);
            if let Some(own) = waits {
                own.open(&mut mailboxes);
            }
            effects.into_iter().for_each(|effect| self.perform(effect, Some(&mut mailboxes), &mut turn));
        }
        // Tasks are woken last, so that a client that is sent several frames finds all of them at once.
        turn.waiting.drain(..).for_each(Waker::wake);
        if rearm {
            self.timer.notify_one();
        }
        for later in turn.after {
            self.perform_later(later);
        }
        turn.mail
    }

    fn perform(self: &Arc<Self>, effect: Effect, mailboxes: Option<&mut Mailboxes>, turn: &mut Turn) {
        let (id, mail) = match effect {
            Effect::Run(task) => (task.id, Mail::Run(task)),
            Effect::Store(id, feed, op) => (id, Mail::Store(feed, op)),
            Effect::Call(id, index, call) => {
                turn.after.push(Later::Call(id, index, call));
                return;
            }
            Effect::Dial(id, dial) => {
                turn.after.push(Later::Dial(id, dial));
                return;
            }
            Effect::CancelCalls(id) => {
                turn.after.push(Later::CancelCalls(id));
                return;
            }
            Effect::Body(id) => (id, Mail::Body),
            Effect::Sign(id, text) => (id, Mail::Sign(text)),
            Effect::Verify(id, token) => (id, Mail::Verify(token)),
            Effect::Respond(id, response) => (id, Mail::Respond(response)),
            Effect::Close(id) => (id, Mail::Close),
            Effect::Frame { to, frame } => {
                let mailboxes = mailboxes.expect("frames are not private");
                let frame = SharedFrame::new(frame);
                for id in to {
                    mailboxes.deliver(id, Mail::Frame(Arc::clone(&frame)), &mut turn.waiting);
                }
                return;
            }
            Effect::Decode(page) => {
                turn.after.push(Later::Decode(page));
                return;
            }
            Effect::Discard(discarded) => {
                turn.after.push(Later::Discard(discarded));
                return;
            }
            Effect::Follow { feed, prefix, after } => {
                turn.after.push(Later::Follow { feed, prefix, after });
                return;
            }
            Effect::RequestProgress(feed) => {
                turn.after.push(Later::RequestProgress(feed));
                return;
            }
            Effect::Note(note) => {
                self.metrics.note(&note);
                if note == Note::Ready {
                    self.ready.send_replace(true);
                }
                self.log.write(&note);
                return;
            }
        };
        if turn.own == Some(id) && turn.mail.is_none() && !matches!(mail, Mail::Close) {
            turn.mail = Some(mail);
            return;
        }
        let undelivered = match mailboxes {
            Some(mailboxes) => mailboxes.deliver(id, mail, &mut turn.waiting),
            None => self.mailboxes().deliver(id, mail, &mut turn.waiting),
        };
        turn.after.extend(undelivered.and_then(|mail| Later::without_client(id, mail)));
    }

    fn perform_later(self: &Arc<Self>, later: Later) {
        match later {
            Later::Run(task) => match &self.long_steps {
                // Its client is gone, so nothing says whether the step is long; it must not run on this thread.
                Some(long_steps) => long_steps.run_for_nobody(self, task),
                None => {
                    let shell = Arc::clone(self);
                    self.runtime.spawn(async move { shell.turn(None, Input::Ran(run(task))) });
                }
            },
            Later::Store(id, feed, op) => {
                let shell = Arc::clone(self);
                self.runtime.spawn(async move {
                    let stored = match shell.store(feed) {
                        Some(store) => match store.answer_now(&op) {
                            Some(stored) => stored,
                            None => store.perform(op).await,
                        },
                        None => no_such_store(feed),
                    };
                    shell.turn(None, Input::Stored(id, stored))
                });
            }
            Later::Call(id, index, call) => self.outcalls.begin(self, id, index, call),
            Later::Dial(id, dial) => self.outcalls.dial(self, id, dial),
            Later::CancelCalls(id) => self.outcalls.cancel(id),
            Later::Decode(page) => match &self.long_steps {
                Some(long_steps) => long_steps.decode(self, page),
                None => {
                    let shell = Arc::clone(self);
                    self.runtime.spawn(async move { shell.turn(None, Input::Decoded(decode(page))) });
                }
            },
            Later::Discard(discarded) => match &self.long_steps {
                Some(long_steps) => long_steps.discard(discarded),
                None => drop(discarded),
            },
            Later::Follow { feed, prefix, after } => self.follow(feed, prefix, after),
            Later::RequestProgress(feed) => {
                if let Some(store) = self.store(feed) {
                    store.request_progress(feed);
                }
            }
        }
    }

    fn follow(self: &Arc<Self>, feed: Feed, prefix: Bytes, after: Rev) {
        let Some(store) = self.store(feed) else { return };
        let shell = Arc::downgrade(self);
        let sink = move |input: FeedInput| {
            let Some(shell) = shell.upgrade() else { return };
            match input {
                FeedInput::Changed(batch) => {
                    Changes::from(batch).parts(limits::CHANGES_AT_ONCE).for_each(|part| shell.changed(part));
                }
                FeedInput::Lost(feed, why) => {
                    shell.turn(None, Input::Lost(feed, why));
                }
            }
        };
        store.follow(feed, prefix, after, Arc::new(sink));
    }

    /// Gives the machine changes of a feed, whose values are decoded before it is locked.
    fn changed(self: &Arc<Self>, mut changes: Changes) {
        if !changes.batch().events.is_empty() {
            let world = self.world();
            // Should this panic, then the machine panics at the same value, after a recording has noted it.
            let _ = catch_unwind(AssertUnwindSafe(|| changes.decode(&world)));
        }
        self.turn(None, Input::Changed(changes));
    }

    pub(crate) fn store(&self, feed: Feed) -> Option<&Arc<dyn Store>> {
        self.stores.get(usize::from(feed.0))
    }

    pub(crate) fn outcalls(&self) -> &OutcallClient {
        &self.outcalls
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Forgets a job's mailbox, so that later mail finds no client. What the machine asked for in it and was not
    /// begun is done all the same. The machine must have answered the job, or know that its client is gone.
    pub(crate) fn forget(self: &Arc<Self>, id: JobId) {
        let mailbox = self.mailboxes().close(id);
        for mail in mailbox.into_iter().flat_map(|mailbox| mailbox.empty()) {
            if let Some(later) = Later::without_client(id, mail) {
                self.perform_later(later);
            }
        }
    }

    fn driven(&self) -> MutexGuard<'_, Driven> {
        self.driven.lock().unwrap_or_else(|_| abort("machine"))
    }

    pub(crate) fn mailboxes(&self) -> MutexGuard<'_, Mailboxes> {
        self.mailboxes.lock().unwrap_or_else(|_| abort("mailboxes"))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for listening in self.listening.get_mut().unwrap_or_else(PoisonError::into_inner).iter() {
            listening.abort();
        }
        // Wakes the timer task, which ends when it finds the shell gone.
        self.timer.notify_one();
    }
}

/// Gives the machine a tick whenever it wants one, for as long as the shell exists.
async fn keep_time(shell: Weak<Shell>, timer: Arc<Notify>) {
    loop {
        let Some(shell) = shell.upgrade() else { return };
        let wake = shell.driven().armed.map(|at| shell.clock.instant(at));
        match wake {
            None => {
                drop(shell);
                timer.notified().await;
            }
            Some(at) if at <= Instant::now() => {
                shell.turn(None, Input::Tick);
                drop(shell);
                tokio::task::yield_now().await;
            }
            Some(at) => {
                drop(shell);
                tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = timer.notified() => {}
                }
            }
        }
    }
}

/// Runs a step on this thread. A panic becomes an outcome, which the machine answers with 500.
pub(crate) fn run(task: Task) -> Ran {
    let (id, sees) = (task.id, task.sees());
    catch_unwind(AssertUnwindSafe(|| task.run())).unwrap_or_else(|_| Ran::panicked(id, sees))
}

/// Decodes a page of a listing. The server cannot go on without it.
pub(crate) fn decode(page: Page) -> DecodedPage {
    catch_unwind(AssertUnwindSafe(|| page.run())).unwrap_or_else(|_| abort("listing of a store"))
}

pub(crate) fn no_such_store(feed: Feed) -> Stored {
    Stored::Failed(StoreError::Internal(format!("no store for feed {}", feed.0).into()))
}

/// Ends the process. A panic while a lock was held leaves state that cannot be trusted; the next start reads the store.
fn abort<T>(what: &str) -> T {
    tracing::error!("a panic has damaged the {what}; the process ends");
    std::process::abort()
}
