//! DynamoDB throttles, errs, does not answer, or has another transaction at the same items.

use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::proxy::{Fault, Lasting, Trap};
use landfall_tests::{Login, TestApp, data, key};
use serde_json::json;

use crate::client::{Client, End, PERSON};
use crate::time::{BUDGET, Time};

fn trap(request: usize, call: usize, fault: Fault, lasting: Lasting) -> Trap {
    Trap { request, call, service: "dynamodb", fault, lasting }
}

/// A warm login's calls to DynamoDB: the start's, the submit's (whose second call is the provider's), the redemption's.
const CALLS: [(usize, usize); 5] = [(0, 0), (1, 0), (1, 2), (1, 3), (2, 0)];

#[tokio::test]
async fn a_call_to_dynamodb_that_fails_once_is_repeated() {
    let mut app = TestApp::new().await;
    let time = Time::stop();
    for fault in [
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::ServerError,
        Fault::Throttled,
        Fault::ThrottledAccount,
        Fault::Conflict,
        Fault::Silence,
        Fault::SilenceAfter,
        Fault::Twice,
    ] {
        // The SDK tries again only as long as not too much fails.
        app.start_cold().await;
        // A new user's turn is committed by a transaction, a returning one's by a put.
        for ((request, call), returning) in CALLS.into_iter().flat_map(|call| [(call, false), (call, true)]) {
            app.delete_items_of("").await;
            Client::new(&app, &time).log_in("migrate-from-keycloak", PERSON).await;
            app.delete_items_of(if returning { "SESSION#" } else { "" }).await;
            app.calls.set(Some(trap(request, call, fault, Lasting::Once)));

            let client = Client::new(&app, &time);
            let end = client.log_in("migrate-from-keycloak", PERSON).await;

            let heard = client.heard.borrow();
            assert!(matches!(end, End::Tokens(_)) && heard.len() == 3, "{fault:?} of {request}.{call}: {heard:#?}");
            assert!(app.calls.has_struck());
            app.calls.set(None);
        }
    }
}

#[tokio::test]
async fn a_dynamodb_that_goes_on_failing_changes_nothing() {
    let mut app = TestApp::new().await;
    let time = Time::stop();
    for fault in [
        Fault::CutBefore,
        Fault::ServerError,
        Fault::Throttled,
        Fault::ThrottledAccount,
        Fault::Silence,
        Fault::Conflict,
    ] {
        app.start_cold().await;
        app.delete_items_of("").await;
        let warm = app.log_in(EMAIL, PASSWORD).await;
        app.redeem(&warm.code).await.expect(200);
        app.delete_items_of("").await;
        let session = app.start("migrate-from-keycloak").await;
        let (first, entered) = (key(1), data(EMAIL, PASSWORD));
        for call in [0, 3] {
            // A conflict of a transaction is a lost race, which is looked at again: see the sweep.
            if fault == Fault::Conflict && call == 3 {
                continue;
            }
            let before = app.items().await;
            let trap = trap(0, call, fault, Lasting::Call);
            let answer = time.strike(&app, trap, session.submit(&app, &first, &entered)).await.expect(503);
            assert_eq!((answer.code(), answer.header("retry-after")), ("unavailable", "2"), "{trap:?}");
            let attempts = app.calls.take();
            let struck = attempts.iter().filter(|attempt| attempt.number == (0, call)).count();
            // The SDK leaves a conflict to the store.
            let expected = if fault == Fault::Conflict { 4 } else { 3 };
            assert_eq!(struck, expected, "{trap:?}: {attempts:#?}");
            assert_eq!(app.items().await, before, "{trap:?}");
        }
        // Nothing is held: the same submit is answered at once.
        let done = session.submit(&app, &first, &entered).await.expect(200);
        let login = Login::of(&session, &done);

        let before = app.items().await;
        let trap = trap(0, 0, fault, Lasting::Call);
        let answer = time.strike(&app, trap, app.redeem(&login.code)).await.expect(503);
        assert_eq!((answer.code(), answer.header("retry-after")), ("unavailable", "2"), "{trap:?}");
        assert_eq!(app.items().await, before, "{trap:?}");
        app.redeem(&login.code).await.expect(200);
    }
}

#[tokio::test]
async fn a_submit_that_meets_its_own_commit_waits_for_it() {
    let app = TestApp::new().await;
    let time = Time::stop();
    app.log_in(EMAIL, PASSWORD).await;
    app.delete_items_of("").await;
    let session = app.start("migrate-from-keycloak").await;
    let (key, data) = (key(1), data(EMAIL, PASSWORD));
    let submit = || session.submit(&app, &key, &data);
    let meets_a_commit = trap(0, 0, Fault::Conflict, Lasting::Once);

    // The first gets as far as its transaction, and no word comes back from there.
    app.calls.set(Some(trap(0, 3, Fault::CrashBefore, Lasting::Once)));
    let dying = async {
        tokio::select! {
            biased;
            () = app.calls.crash() => {}
            answer = submit() => panic!("it lives: {}", answer.text),
        }
    };
    time.run(&app, dying).await;
    app.calls.request_ends();

    let meanwhile = time.strike(&app, meets_a_commit, submit()).await.expect(200);
    assert_eq!(meanwhile.body["status"], json!("processing"));

    // It lapses; the next gets through.
    time.pass(&app, BUDGET).await;
    let done = submit().await.expect(200);
    assert_eq!(done.body["status"], json!("completed"));
    let again = time.strike(&app, meets_a_commit, submit()).await.expect(200);
    assert_eq!(again.body, done.body);
    assert_eq!(app.users().await, 1);
}
