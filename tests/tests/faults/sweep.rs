//! Every call of a flow fails in every way.

use std::collections::BTreeMap;

use landfall_tests::TestApp;
use landfall_tests::proxy::{Call, Fault, Trap};

use crate::client::{Client, End, PERSON, Person};
use crate::invariants::{check_calls, check_items};
use crate::time::Time;

/// A flow, and who goes through it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flow<'a> {
    pub(crate) name: &'static str,
    pub(crate) journey: &'static str,
    /// Whether the user has been here before.
    pub(crate) returning: bool,
    pub(crate) person: Person<'a>,
    /// Whether all of it fails; else what is this flow's own: neither what an instance reads once, nor the start and the
    /// redemption of the code, which are the same in every flow.
    pub(crate) whole: bool,
}

impl Flow<'_> {
    /// Tries all of it.
    #[expect(clippy::print_stdout, reason = "how much was tried is what one wants to know of it")]
    pub(crate) async fn sweep(self, app: &mut TestApp) {
        let time = Time::stop();
        if self.returning {
            Client::new(app, &time).log_in("migrate-from-keycloak", PERSON).await;
        }
        let calls = self.without_a_fault(app, &time).await;
        let (mut tried, mut ends) = (0, BTreeMap::<_, usize>::new());
        for call in &calls {
            let (request, number) = call.number;
            for (fault, lasting) in Fault::all(call) {
                let trap = Trap { request, call: number, service: call.service, fault, lasting };
                let end = self.with(app, &time, trap, call).await;
                *ends.entry(end.kind()).or_default() += 1;
                tried += 1;
            }
        }
        println!("{}: {} calls, {tried} points: {ends:?}", self.name, calls.len());
        let expected: usize = calls.iter().map(|call| Fault::all(call).len()).sum();
        assert!(tried >= expected && expected >= calls.len() * 9, "{tried} of {expected}");
    }

    /// The calls of the flow on an instance that has just started.
    async fn without_a_fault(self, app: &mut TestApp, time: &Time) -> Vec<Call> {
        self.prepare(app).await;
        let client = Client::new(app, time);
        let end = client.log_in(self.journey, self.person).await;
        assert!(matches!(end, End::Tokens(_)), "{end:?}");
        let calls = client.calls.borrow().concat();
        // A browser's calls are none of ours.
        let ours = calls.into_iter().filter(|call| call.function.is_some());
        let own = |call: &Call| !call.is_remembered() && !matches!(call.function, Some("journey-start" | "issuer"));
        ours.filter(|call| self.whole || own(call)).collect()
    }

    async fn prepare(self, app: &mut TestApp) {
        app.delete_items_of(if self.returning { "SESSION#" } else { "" }).await;
        app.start_cold().await;
        app.calls.set(None);
    }

    async fn with(self, app: &mut TestApp, time: &Time, trap: Trap, call: &Call) -> End {
        self.prepare(app).await;
        app.calls.set(Some(trap));
        let client = Client::new(app, time);
        let end = client.log_in(self.journey, self.person).await;
        let place = || {
            format!(
                "{}: {:?} {} at {trap:?}: {end:?} {:#?}",
                self.name,
                call.function,
                call.operation,
                client.heard.borrow()
            )
        };
        assert!(app.calls.has_struck(), "{}", place());
        app.calls.set(None);
        check_calls(&client.calls.borrow());
        let users = check_items(app).await;
        match &end {
            End::Tokens(subject) => {
                assert_eq!(users.iter().collect::<Vec<_>>(), [subject], "{}", place());
                return end;
            }
            // The provider is away; or it has seen the code before, since it came twice.
            End::Rejected(code) => {
                let came_twice = trap.fault == Fault::Twice && call.parameter("code").is_some();
                let said = if came_twice { "access_denied" } else { "try_later" };
                assert_eq!((code.as_str(), call.service), (said, "provider"), "{}", place());
            }
            // It may have been used, and the answer lost.
            End::Refused(code) => {
                assert_eq!((code.as_str(), call.function), ("invalid_grant", Some("issuer")), "{}", place());
            }
        }
        // The fault is over: the next login succeeds, as the same user.
        let again = Client::new(app, time).log_in(self.journey, self.person).await;
        let End::Tokens(subject) = again else { panic!("{} and then {again:?}", place()) };
        let now = check_items(app).await;
        assert_eq!(now.iter().collect::<Vec<_>>(), [&subject], "{}", place());
        assert!(users.is_subset(&now), "{}", place());
        end
    }
}
