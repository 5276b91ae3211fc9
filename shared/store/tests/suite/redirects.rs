//! The two halves of a redirect.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::{
    CallbackState, Failure, Interaction, ProviderOutcome, Redirect, Sealed, SealingKey, SecretHash, Session,
    SessionToken, SubmitKey,
};
use store::{LockId, Return, StateTaken, TurnLock};

use crate::bench::{Bench, with_store};

/// A session whose turn waits for a redirect.
struct Redirected {
    session: Session,
    state: SecretHash,
    resume: SubmitKey,
}

fn sealed<T: serde::Serialize + serde::de::DeserializeOwned>(bench: &Bench, value: &T) -> Sealed<T> {
    Sealed::seal(&SealingKey::new(&[1; 32]).unwrap(), &bench.entropy, "here", value).unwrap()
}

impl Redirected {
    async fn stored(bench: &Bench) -> Self {
        let mut session = bench.session();
        let (_, state) = CallbackState::presented(&format!("{}.secret", session.id)).unwrap();
        let state = state.hash_at(&"keycloak".parse().unwrap());
        let asked: Interaction =
            serde_json::from_str(r#"{ "connector": "keycloak", "method": "oidc", "pending": "x" }"#).unwrap();
        session.redirect = Some(Redirect::Out(state));
        session.run.pending = BTreeMap::from([(session.step.clone(), sealed(bench, &asked))]);
        bench.store.create_session(&bench.cx(), &session).await.unwrap();
        Self { session, state, resume: SubmitKey::generate(&bench.entropy) }
    }

    async fn take(&self, bench: &Bench, state: SecretHash, by: &LockId) -> Option<Session> {
        match bench.store.take_state(&bench.cx(), &self.session.id, state, by, None).await.unwrap() {
            StateTaken::Yes(session) => Some(*session),
            StateTaken::No(named) => {
                assert_eq!(named.map(|session| session.id), Some(self.session.id.clone()));
                None
            }
        }
    }

    async fn keep(&self, bench: &Bench, by: &LockId) -> bool {
        let returned = sealed(bench, &ProviderOutcome::Failed(Failure::Refused));
        let cx = bench.cx();
        let until = cx.now + TimeDelta::seconds(60);
        let back = Return { state: self.state, returned: &returned, resume: self.resume.hash(), until };
        bench.store.keep_returned(&cx, &self.session.id, &self.session.step, &back, by).await.unwrap()
    }

    /// A session whose browser has come back.
    async fn returned(bench: &Bench) -> Self {
        let away = Self::stored(bench).await;
        let by = LockId::generate(&bench.entropy);
        assert!(away.take(bench, away.state, &by).await.is_some());
        assert!(away.keep(bench, &by).await);
        away
    }

    async fn lock(&self, bench: &Bench, token: &SessionToken, resume: &SubmitKey) -> TurnLock {
        let lock = LockId::generate(&bench.entropy);
        bench.store.lock_return(&bench.cx(), &self.session.id, token, resume, lock).await.unwrap()
    }
}

#[tokio::test]
async fn a_state_is_taken_once_and_only_at_its_connector() {
    with_store(async |bench| {
        let away = Redirected::stored(&bench).await;
        let (first, second) = (LockId::generate(&bench.entropy), LockId::generate(&bench.entropy));
        let (_, state) = CallbackState::presented(&format!("{}.secret", away.session.id)).unwrap();
        assert_eq!(away.take(&bench, state.hash_at(&"another".parse().unwrap()), &first).await, None);

        let taken = away.take(&bench, away.state, &first).await.unwrap();

        assert_eq!(taken.redirect, Some(Redirect::Taken));
        assert_eq!(taken.run.pending, away.session.run.pending);
        assert_eq!(away.take(&bench, away.state, &second).await, None);
        // The SDK repeats a call without an answer.
        assert!(away.take(&bench, away.state, &first).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_state_expires_with_its_session_and_its_turn() {
    with_store(async |bench| {
        let (late, over) = (Redirected::stored(&bench).await, Redirected::stored(&bench).await);
        let locked = bench.taken(&over.session).await;
        let advanced = Session { redirect: None, ..bench.advanced(&over.session) };
        bench.store.commit(&bench.cx(), &advanced, &locked.lock, &[], 0).await.unwrap();
        assert_eq!(over.take(&bench, over.state, &LockId::generate(&bench.entropy)).await, None);

        bench.clock.advance(TimeDelta::minutes(15));
        assert_eq!(late.take(&bench, late.state, &LockId::generate(&bench.entropy)).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_redirects_outcome_is_stored_only_while_its_turn_waits() {
    with_store(async |bench| {
        let away = Redirected::stored(&bench).await;
        let (by, other) = (LockId::generate(&bench.entropy), LockId::generate(&bench.entropy));
        assert!(!away.keep(&bench, &by).await, "no request has taken its state");
        away.take(&bench, away.state, &by).await.unwrap();
        assert!(!away.keep(&bench, &other).await, "another request has taken its state");

        let locked = bench.taken(&away.session).await;
        let advanced = Session { redirect: None, ..bench.advanced(&away.session) };
        bench.store.commit(&bench.cx(), &advanced, &locked.lock, &[], 0).await.unwrap();
        assert!(!away.keep(&bench, &by).await, "its turn is over");
    })
    .await;
}

#[tokio::test]
async fn a_return_needs_session_token_and_resume() {
    with_store(async |bench| {
        let away = Redirected::returned(&bench).await;
        let (stranger, made_up) = (SessionToken::presented("another"), SubmitKey::generate(&bench.entropy));
        assert!(matches!(away.lock(&bench, &stranger, &away.resume).await, TurnLock::Absent));
        assert!(matches!(away.lock(&bench, &bench.token(), &made_up).await, TurnLock::OtherTurn(_)));

        let TurnLock::Taken(locked) = away.lock(&bench, &bench.token(), &away.resume).await else {
            panic!("not taken")
        };

        assert!(matches!(locked.session.redirect, Some(Redirect::Returned(_))));
        assert!(locked.session.run.pending.is_empty(), "the adapter's state is removed");
        assert!(matches!(away.lock(&bench, &bench.token(), &away.resume).await, TurnLock::Busy(_)));
    })
    .await;
}

#[tokio::test]
async fn the_expiry_of_resume_counts_only_for_its_first_lock() {
    with_store(async |bench| {
        let (late, repeated) = (Redirected::returned(&bench).await, Redirected::returned(&bench).await);
        let first = repeated.lock(&bench, &bench.token(), &repeated.resume).await;
        assert!(matches!(first, TurnLock::Taken(_)));

        bench.clock.advance(TimeDelta::seconds(60));

        assert!(matches!(late.lock(&bench, &bench.token(), &late.resume).await, TurnLock::OtherTurn(_)));
        let again = repeated.lock(&bench, &bench.token(), &repeated.resume).await;
        assert!(matches!(again, TurnLock::Taken(_)), "{again:?}");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_return_gets_the_same_answer() {
    with_store(async |bench| {
        let away = Redirected::returned(&bench).await;
        let TurnLock::Taken(locked) = away.lock(&bench, &bench.token(), &away.resume).await else {
            panic!("not taken")
        };
        let answered = domain::LastAnswer { token: bench.token().hash(), key: away.resume.hash() };
        let advanced = Session { redirect: None, answered: Some(answered), ..bench.advanced(&locked.session) };
        bench.store.commit(&bench.cx(), &advanced, &locked.lock, &[], 0).await.unwrap();

        assert!(matches!(away.lock(&bench, &bench.token(), &away.resume).await, TurnLock::Answered(_)));
    })
    .await;
}
