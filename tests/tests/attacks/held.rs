//! Requests that stop in the middle, so that a race has one outcome.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use landfall_tests::TestApp;

/// Drives `request` until the provider has received its password, and no further: it goes on when it is awaited.
///
/// The turn is then locked and not yet answered, for as long as the test likes.
pub(crate) async fn until_the_provider_is_asked<F: Future>(app: &TestApp, mut request: Pin<&mut F>) {
    let asked = app.subject.requests().len();
    poll_fn(|cx| {
        if app.subject.requests().len() > asked {
            return Poll::Ready(());
        }
        assert!(request.as_mut().poll(cx).is_pending(), "the request was answered without asking the provider");
        // Not woken by what the provider receives: looked at again after every other task had a turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
