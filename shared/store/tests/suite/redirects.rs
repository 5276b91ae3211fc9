//! The two halves of a redirect.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::{
    Asked, CallbackState, Failure, Redirect, Returned, Sealed, SealingKey, SecretHash, Session, SessionToken, SubmitKey,
};
use store::{Claim, ClaimId, Return};

use crate::bench::{Bench, with_store};

/// A session whose turn waits for a redirect.
struct Away {
    session: Session,
    state: SecretHash,
    resume: SubmitKey,
}

fn sealed<T: serde::Serialize + serde::de::DeserializeOwned>(bench: &Bench, value: &T) -> Sealed<T> {
    Sealed::seal(&SealingKey::new(&[1; 32]).unwrap(), &bench.entropy, "here", value).unwrap()
}

impl Away {
    async fn stored(bench: &Bench) -> Self {
        let mut session = bench.session();
        let (_, state) = CallbackState::presented(&format!("{}.secret", session.id)).unwrap();
        let state = state.hash_at(&"keycloak".parse().unwrap());
        let asked: Asked =
            serde_json::from_str(r#"{ "connector": "keycloak", "method": "oidc", "pending": "x" }"#).unwrap();
        session.redirect = Some(Redirect::Out(state));
        session.run.asked = BTreeMap::from([(session.step.clone(), sealed(bench, &asked))]);
        bench.store.create_session(&bench.cx(), &session).await.unwrap();
        Self { session, state, resume: SubmitKey::generate(&bench.entropy) }
    }

    async fn take(&self, bench: &Bench, state: SecretHash, by: &ClaimId) -> Option<Session> {
        bench.store.take_state(&bench.cx(), &self.session.id, state, by).await.unwrap()
    }

    async fn keep(&self, bench: &Bench, by: &ClaimId) -> bool {
        let returned = sealed(bench, &Returned::Failed(Failure::Refused));
        let cx = bench.cx();
        let until = cx.now + TimeDelta::seconds(60);
        let back = Return { state: self.state, returned: &returned, resume: self.resume.hash(), until };
        bench.store.keep_returned(&cx, &self.session.id, &self.session.step, &back, by).await.unwrap()
    }

    /// One whose browser is back.
    async fn returned(bench: &Bench) -> Self {
        let away = Self::stored(bench).await;
        let by = ClaimId::generate(&bench.entropy);
        assert!(away.take(bench, away.state, &by).await.is_some());
        assert!(away.keep(bench, &by).await);
        away
    }

    async fn claim(&self, bench: &Bench, token: &SessionToken, resume: &SubmitKey) -> Claim {
        let claim = ClaimId::generate(&bench.entropy);
        bench.store.claim_return(&bench.cx(), &self.session.id, token, resume, claim).await.unwrap()
    }
}

#[tokio::test]
async fn a_state_is_taken_once_and_only_at_its_connector() {
    with_store(async |bench| {
        let away = Away::stored(&bench).await;
        let (first, second) = (ClaimId::generate(&bench.entropy), ClaimId::generate(&bench.entropy));
        let (_, state) = CallbackState::presented(&format!("{}.secret", away.session.id)).unwrap();
        assert_eq!(away.take(&bench, state.hash_at(&"another".parse().unwrap()), &first).await, None);

        let taken = away.take(&bench, away.state, &first).await.unwrap();

        assert_eq!(taken.redirect, Some(Redirect::Taken));
        assert_eq!(taken.run.asked, away.session.run.asked);
        assert_eq!(away.take(&bench, away.state, &second).await, None);
        // The SDK repeats what it got no answer to.
        assert!(away.take(&bench, away.state, &first).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_state_dies_with_its_session_and_with_its_turn() {
    with_store(async |bench| {
        let (late, over) = (Away::stored(&bench).await, Away::stored(&bench).await);
        let claimed = bench.taken(&over.session).await;
        let advanced = Session { redirect: None, ..bench.advanced(&over.session) };
        bench.store.commit(&bench.cx(), &advanced, &claimed.claim, &[], 0).await.unwrap();
        assert_eq!(over.take(&bench, over.state, &ClaimId::generate(&bench.entropy)).await, None);

        bench.clock.advance(TimeDelta::minutes(15));
        assert_eq!(late.take(&bench, late.state, &ClaimId::generate(&bench.entropy)).await, None);
    })
    .await;
}

#[tokio::test]
async fn what_a_redirect_brought_is_kept_only_while_its_turn_waits() {
    with_store(async |bench| {
        let away = Away::stored(&bench).await;
        let (by, other) = (ClaimId::generate(&bench.entropy), ClaimId::generate(&bench.entropy));
        assert!(!away.keep(&bench, &by).await, "nobody has taken its state");
        away.take(&bench, away.state, &by).await.unwrap();
        assert!(!away.keep(&bench, &other).await, "somebody else has taken its state");

        let claimed = bench.taken(&away.session).await;
        let advanced = Session { redirect: None, ..bench.advanced(&away.session) };
        bench.store.commit(&bench.cx(), &advanced, &claimed.claim, &[], 0).await.unwrap();
        assert!(!away.keep(&bench, &by).await, "its turn is over");
    })
    .await;
}

#[tokio::test]
async fn a_return_needs_both_halves() {
    with_store(async |bench| {
        let away = Away::returned(&bench).await;
        let (stranger, made_up) = (SessionToken::presented("another"), SubmitKey::generate(&bench.entropy));
        assert!(matches!(away.claim(&bench, &stranger, &away.resume).await, Claim::Absent));
        assert!(matches!(away.claim(&bench, &bench.token(), &made_up).await, Claim::Elsewhere(_)));

        let Claim::Taken(claimed) = away.claim(&bench, &bench.token(), &away.resume).await else { panic!("not taken") };

        assert!(matches!(claimed.session.redirect, Some(Redirect::Returned(_))));
        assert!(claimed.session.run.asked.is_empty(), "what its adapter had to remember is done with");
        assert!(matches!(away.claim(&bench, &bench.token(), &away.resume).await, Claim::Busy(_)));
    })
    .await;
}

#[tokio::test]
async fn how_late_a_return_may_be_is_asked_of_its_first_claim_only() {
    with_store(async |bench| {
        let (late, repeated) = (Away::returned(&bench).await, Away::returned(&bench).await);
        let first = repeated.claim(&bench, &bench.token(), &repeated.resume).await;
        assert!(matches!(first, Claim::Taken(_)));

        bench.clock.advance(TimeDelta::seconds(60));

        assert!(matches!(late.claim(&bench, &bench.token(), &late.resume).await, Claim::Elsewhere(_)));
        let again = repeated.claim(&bench, &bench.token(), &repeated.resume).await;
        assert!(matches!(again, Claim::Taken(_)), "{again:?}");
    })
    .await;
}

#[tokio::test]
async fn a_return_that_was_answered_is_answered_again() {
    with_store(async |bench| {
        let away = Away::returned(&bench).await;
        let Claim::Taken(claimed) = away.claim(&bench, &bench.token(), &away.resume).await else { panic!("not taken") };
        let answered = domain::Answered { token: bench.token().hash(), key: away.resume.hash() };
        let advanced = Session { redirect: None, answered: Some(answered), ..bench.advanced(&claimed.session) };
        bench.store.commit(&bench.cx(), &advanced, &claimed.claim, &[], 0).await.unwrap();

        assert!(matches!(away.claim(&bench, &bench.token(), &away.resume).await, Claim::Answered(_)));
    })
    .await;
}
