//! The store's tests: the guarantees of each conditional write, against an engine that speaks DynamoDB's protocol.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod bench;
mod redirects;

use std::net::Ipv4Addr;

use chrono::TimeDelta;
use domain::identity::hash_parts;
use domain::{
    AuthorizationCode, Clock, Identifier, IssuedCode, JourneyDocument, Session, SessionId, SessionToken, Status,
    SubmitKey,
};
use serde_json::json;
use store::sessions::{Redemption, TurnAnswer};
use store::{CommitError, DirectoryWrite, LockId, Lost, Redeemed, Saved, StoreError, TurnLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::bench::{bench_at, with_store};

fn lost(result: Result<(), CommitError>) -> Vec<Lost> {
    match result {
        Err(CommitError::Lost(lost)) => lost,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_is_read_as_it_was_written() {
    with_store(async |bench| {
        let session = bench.stored().await;
        let read = bench.store.get_session(&bench.cx(), &session.id, &bench.token()).await.unwrap();
        assert_eq!(read, Some((session, false)));
    })
    .await;
}

#[tokio::test]
async fn a_session_is_absent_for_another_token_or_after_expiry() {
    with_store(async |bench| {
        let session = bench.stored().await;
        let other = SessionToken::presented("another");
        assert_eq!(bench.store.get_session(&bench.cx(), &session.id, &other).await.unwrap(), None);
        assert!(matches!(bench.lock_with(&session, 1, &other, &bench.key()).await, TurnLock::Absent));

        bench.clock.advance(TimeDelta::minutes(15));
        assert_eq!(bench.store.get_session(&bench.cx(), &session.id, &bench.token()).await.unwrap(), None);
        assert!(matches!(bench.lock(&session).await, TurnLock::Absent));
    })
    .await;
}

#[tokio::test]
async fn a_turn_is_locked_once_until_the_lock_expires() {
    with_store(async |bench| {
        let session = bench.stored().await;
        let first = bench.taken(&session).await;
        assert!(matches!(bench.lock(&session).await, TurnLock::Busy(_)));

        bench.clock.advance(TimeDelta::seconds(10));
        bench.taken(&session).await;

        let late = bench.store.commit(&bench.cx(), &bench.advanced(&session), &first.lock, &[], 0).await;
        assert_eq!(lost(late), [Lost::Turn]);
    })
    .await;
}

#[tokio::test]
async fn a_released_lock_leaves_the_session_as_it_was() {
    with_store(async |bench| {
        let session = bench.stored().await;
        let locked = bench.taken(&session).await;
        bench.store.release(&bench.cx(), &locked).await.unwrap();
        assert_eq!(bench.taken(&session).await.session, session);
        // A second release does not remove another request's lock.
        bench.store.release(&bench.cx(), &locked).await.unwrap();
        assert!(matches!(bench.lock(&session).await, TurnLock::Busy(_)));
    })
    .await;
}

#[tokio::test]
async fn only_the_same_token_and_key_repeat_the_last_answer() {
    with_store(async |bench| {
        let session = bench.stored().await;
        let locked = bench.taken(&session).await;
        let advanced = bench.advanced(&session);
        bench.store.commit(&bench.cx(), &advanced, &locked.lock, &[], 0).await.unwrap();

        assert!(matches!(bench.lock(&session).await, TurnLock::Answered(now) if *now == advanced));
        let other_key = SubmitKey::try_from("f".repeat(32)).unwrap();
        assert!(matches!(bench.lock_with(&session, 1, &bench.token(), &other_key).await, TurnLock::OtherTurn(_)));
        assert!(matches!(bench.lock_with(&session, 7, &bench.token(), &bench.key()).await, TurnLock::OtherTurn(_)));
        let answer = TurnAnswer { turn: 2, step: &"other".parse().unwrap(), token: &bench.token(), key: &bench.key() };
        let lock = LockId::generate(&bench.entropy);
        let other_turn = bench.store.lock_turn(&bench.cx(), &session.id, &answer, lock).await.unwrap();
        assert!(matches!(other_turn, TurnLock::OtherTurn(_)));
    })
    .await;
}

#[tokio::test]
async fn a_commit_sent_twice_is_done_once_and_succeeds_twice() {
    with_store(async |bench| {
        let session = bench.stored().await;
        let locked = bench.taken(&session).await;
        for _ in 0..2 {
            bench.store.commit(&bench.cx(), &bench.advanced(&session), &locked.lock, &[], 0).await.unwrap();
        }
        let session = bench.stored().await;
        let locked = bench.taken(&session).await;
        let (user, link) = bench.user("ada");
        let writes = [DirectoryWrite::CreateUser(user), DirectoryWrite::CreateLink(link)];
        for _ in 0..2 {
            bench.store.commit(&bench.cx(), &bench.advanced(&session), &locked.lock, &writes, 0).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_call_that_the_sdk_repeats_gets_the_same_answer() {
    with_store(async |bench| {
        let session = bench.stored().await;
        let lock = LockId::generate(&bench.entropy);
        let answer = TurnAnswer { turn: 1, step: &"ask".parse().unwrap(), token: &bench.token(), key: &bench.key() };
        for _ in 0..2 {
            let locked = bench.store.lock_turn(&bench.cx(), &session.id, &answer, lock.clone()).await.unwrap();
            assert!(matches!(locked, TurnLock::Taken(_)));
        }
        // A start that arrives late does not undo the turn.
        let advanced = bench.advanced(&session);
        bench.store.commit(&bench.cx(), &advanced, &lock, &[], 0).await.unwrap();
        bench.store.create_session(&bench.cx(), &session).await.unwrap();
        let read = bench.store.get_session(&bench.cx(), &session.id, &bench.token()).await.unwrap();
        assert_eq!(read, Some((advanced, false)));
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_would_duplicate_an_account_writes_nothing() {
    with_store(async |bench| {
        let (ada, ada_link) = bench.user("ada");
        bench.provision(&ada, &ada_link, Some("ada@example.org")).await.unwrap();

        let (again, again_link) = bench.user("ada");
        let identifier = Identifier::email("ADA@example.org").unwrap();
        let both = bench.provision(&again, &again_link, Some("ADA@example.org")).await;
        assert_eq!(lost(both), [Lost::Link, Lost::Identifier(identifier.clone())]);
        assert_eq!(bench.store.get_user(&bench.cx(), &again.id).await.unwrap(), None);
        assert_eq!(bench.store.get_link(&bench.cx(), &ada_link.key).await.unwrap(), Some(ada_link));
        assert_eq!(bench.store.get_identifier(&bench.cx(), &identifier).await.unwrap(), Some(ada.id.clone()));
        assert_eq!(bench.store.get_user(&bench.cx(), &ada.id).await.unwrap(), Some(ada));

        let session = bench.stored().await;
        let locked = bench.taken(&session).await;
        let check = [DirectoryWrite::RequireUnreserved(identifier.clone())];
        let unreserved = bench.store.commit(&bench.cx(), &bench.advanced(&session), &locked.lock, &check, 0).await;
        assert_eq!(lost(unreserved), [Lost::Identifier(identifier)]);
        assert!(matches!(bench.lock(&session).await, TurnLock::Busy(_)), "the session did not advance");
    })
    .await;
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_only_with_all_credentials() {
    with_store(async |bench| {
        let id = SessionId::generate(bench.clock.now(), &bench.entropy);
        let code = AuthorizationCode::from_derived(&id, &[7; 32]);
        let expires_at = bench.clock.now() + TimeDelta::minutes(2);
        let issued = IssuedCode { hash: code.hash(), expires_at, redeemed_at: None };
        let session = Session { id: id.clone(), status: Status::Completed, code: Some(issued), ..bench.session() };
        bench.store.create_session(&bench.cx(), &session).await.unwrap();
        let by = LockId::generate(&bench.entropy);
        let redeem_as = async |by: &LockId, client: &str, redirect_uri: &str, code_challenge: &str| {
            let client_id = client.parse().unwrap();
            let redemption =
                Redemption { session: &id, code: &code, client_id: &client_id, redirect_uri, code_challenge };
            bench.store.redeem(&bench.cx(), &redemption, by).await.unwrap()
        };
        let redeem = async |client: &str, redirect_uri: &str, code_challenge: &str| {
            redeem_as(&LockId::generate(&bench.entropy), client, redirect_uri, code_challenge).await
        };
        let after = "https://shop.example/after";

        assert!(matches!(redeem("other", after, "challenge").await, Redeemed::No));
        assert!(matches!(redeem("shop", "https://shop.example/", "challenge").await, Redeemed::No));
        assert!(matches!(redeem("shop", after, "other").await, Redeemed::No));
        // Repeated by the SDK after a lost answer: redeemed once, by this request.
        assert!(matches!(redeem_as(&by, "shop", after, "challenge").await, Redeemed::Yes(_)));
        assert!(matches!(redeem_as(&by, "shop", after, "challenge").await, Redeemed::Yes(_)));
        assert!(matches!(redeem_as(&by, "shop", after, "challenge").await, Redeemed::Yes(s) if s.revoked.is_none()));
        assert!(matches!(redeem("shop", after, "challenge").await, Redeemed::Again(_)));
        let revoked = |redeemed| matches!(redeemed, Redeemed::Again(s) if s.revoked == Some(bench.clock.now()));
        assert!(revoked(redeem("shop", after, "other").await));
    })
    .await;
}

#[tokio::test]
async fn a_journey_gets_a_new_version_only_when_it_changes() {
    with_store(async |bench| {
        let journey = |start: &str| -> JourneyDocument {
            serde_json::from_value(json!({ "format": 1, "id": "login", "start": start, "steps": {} })).unwrap()
        };
        let id = "login".parse().unwrap();
        let revision = async || bench.store.revision(&bench.cx(), &journey("a").into()).await.unwrap();
        let save = async |start: &str, read| bench.store.save(&bench.cx(), &journey(start).into(), read).await.unwrap();
        let live = async || bench.store.get_live_version(&bench.cx(), &id).await.unwrap();
        assert_eq!((save("a", None).await, live().await), (Saved::Done, Some(1)));
        let first = revision().await;
        assert_eq!((save("a", first).await, live().await, revision().await), (Saved::Done, Some(1), first));
        assert_eq!((save("b", first).await, live().await), (Saved::Done, Some(2)));
        // Of two saves that read the same revision one wins, and a version never changes.
        for late in [None, first] {
            assert_eq!((save("c", late).await, live().await), (Saved::Conflict, Some(2)));
        }
        assert_eq!(bench.store.get_journey(&bench.cx(), &id, 2).await.unwrap(), Some(journey("b")));
        assert_eq!(bench.store.get_journey(&bench.cx(), &id, 1).await.unwrap(), Some(journey("a")));
        assert_eq!(bench.store.get_journey(&bench.cx(), &id, 3).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn any_server_error_may_be_retried() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let bench = bench_at(&listener);
    let (cx, id) = (bench.cx(), bench.session().id);
    let broken = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert_ne!(stream.read(&mut request).await.unwrap(), 0);
        stream.write_all(b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
    };
    let token = bench.token();
    let (read, ()) = tokio::join!(bench.store.get_session(&cx, &id, &token), broken);
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
}

#[tokio::test]
async fn existing_tables_are_not_changed() {
    with_store(async |bench| {
        let session = bench.stored().await;
        bench.store.create_missing_tables().await.unwrap();
        assert!(bench.store.get_session(&bench.cx(), &session.id, &bench.token()).await.unwrap().is_some());
    })
    .await;
}

#[test]
fn separators_in_an_email_do_not_merge_identifiers() {
    let emails = ["a#b@c", "a#@c", "#b@c", "a@b"];
    let keys: std::collections::BTreeSet<_> =
        emails.iter().map(|email| store::keys::identifier(&Identifier::email(email).unwrap()).pk).collect();
    assert_eq!(keys.len(), emails.len());
    assert_ne!(hash_parts(&["a", "b"]), hash_parts(&["ab", ""]));
}
