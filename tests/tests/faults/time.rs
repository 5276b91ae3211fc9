//! Time that passes only where nothing else can happen, for timers and for Landfall's clock alike: a deadline of ten
//! seconds costs a test nothing, and is kept to.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use chrono::TimeDelta;
use landfall_tests::proxy::Trap;
use landfall_tests::{Answer, TestApp};
use tokio::task::yield_now;
use tokio::time::Instant;

/// What a function may take, from the request to its answer.
pub(crate) const BUDGET: Duration = Duration::from_secs(10);

/// How coarse time is while nothing happens.
pub(crate) const STEP: Duration = Duration::from_millis(250);

const FIRST_STEP: Duration = Duration::from_millis(5);

/// How often whatever could go on is looked at before time passes: loopback needs a few rounds.
const ROUNDS: u32 = 64;

/// Keeps tokio's clock in its hands until it is dropped.
pub(crate) struct Time {
    /// Tokio lets paused time pass by itself as soon as every task waits, be it for a socket; not while a thread works.
    _works: mpsc::Sender<()>,
}

impl Time {
    pub(crate) fn stop() -> Self {
        tokio::time::pause();
        let (works, until) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || until.recv());
        Self { _works: works }
    }

    /// Lets that much pass.
    pub(crate) async fn pass(&self, app: &TestApp, by: Duration) {
        app.clock.advance(TimeDelta::from_std(by).unwrap());
        tokio::time::advance(by).await;
    }

    /// What a request comes to that meets a fault.
    pub(crate) async fn strike(&self, app: &TestApp, trap: Trap, request: impl Future<Output = Answer>) -> Answer {
        app.calls.take();
        app.calls.set(Some(trap));
        let (answer, took) = self.run(app, request).await;
        app.calls.request_ends();
        assert!(app.calls.has_struck(), "{trap:?} has not happened");
        assert!(took <= BUDGET + STEP, "{trap:?} took {took:?}");
        app.calls.set(None);
        answer
    }

    /// What `work` comes to, and how long it takes.
    pub(crate) async fn run<T>(&self, app: &TestApp, work: impl Future<Output = T>) -> (T, Duration) {
        let (mut work, started) = (pin!(work), Instant::now());
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let (mut seen, mut rounds, mut step) = (app.calls.activity(), 0, FIRST_STEP);
        loop {
            // Looked at only if there is something to see: in a debug build, looking is what costs most.
            if woken.0.swap(false, Ordering::Relaxed)
                && let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return (done, started.elapsed());
            }
            yield_now().await;
            let activity = app.calls.activity();
            if activity != seen || woken.0.load(Ordering::Relaxed) {
                (seen, rounds, step) = (activity, 0, FIRST_STEP);
            } else if rounds < ROUNDS {
                rounds += 1;
            } else {
                self.pass(app, step).await;
                (rounds, step) = (0, (step * 2).min(STEP));
            }
        }
    }
}

/// Whether a task wants to be looked at again.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
