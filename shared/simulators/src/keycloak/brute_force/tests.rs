//! What Keycloak 26.7.3 counts as a failure, and what comes of it.

use super::super::bench::{ADA, BAD_CREDENTIALS, Bench, LOGIN, NAME, SEED, TOKEN, ada, demo, landfall};
use super::super::{Client, DirectGrantFlow, Requirement};
use super::*;

/// [`demo`] where the third failure locks.
fn wary() -> Realm {
    demo().brute_force_detection(3)
}

/// The same without passwords.
fn wary_of_codes() -> Realm {
    let flow = DirectGrantFlow::username_otp(Requirement::Required);
    wary().client(landfall().direct_grant_flow(flow)).user(ada().totp(SEED))
}

fn wrong() -> String {
    LOGIN.replace("correct+horse", "wrong")
}

impl Bench {
    async fn fail(&self, form: &str, times: usize) {
        for _ in 0..times {
            assert_eq!(self.refusal(form).await, BAD_CREDENTIALS);
        }
    }
}

/// What happens one after the other: `w` is a wrong password, which is refused; `r` the right one, which lets in; `x` the
/// right one, which is refused all the same; `m`, `l` and `s` are a minute, a second less, and a second.
async fn play(failure_factor: u32, script: &str) {
    let bench = Bench::new(demo().brute_force_detection(failure_factor));
    for (at, event) in script.char_indices() {
        match event {
            'w' => assert_eq!(bench.refusal(&wrong()).await, BAD_CREDENTIALS, "{script} at {at}"),
            'x' => assert_eq!(bench.refusal(LOGIN).await, BAD_CREDENTIALS, "{script} at {at}"),
            'r' => assert!(bench.lets_in(LOGIN).await, "{script} at {at}"),
            'm' => bench.wait(60),
            'l' => bench.wait(59),
            _ => bench.wait(1),
        }
    }
}

#[tokio::test]
async fn failures_lock_an_account_and_a_login_resets_the_count() {
    // The third locks for a minute, in which the right password looks wrong and nothing is counted.
    play(3, "wwwxlxsr").await;
    play(3, "wwr").await;
    play(3, &format!("{}mr", "w".repeat(20))).await;
    play(3, "wwrwwrwwr").await;
    play(0, &format!("{}r", "w".repeat(40))).await;
    // Each failure after that locks again, and for longer at every multiple, up to a quarter of an hour.
    play(3, "wwwlxswlxswlxswmlxswmmr").await;
    let longer: String = (1..=15).chain([15, 15]).map(|minutes| format!("w{}", "m".repeat(minutes))).collect();
    play(1, &format!("{longer}r")).await;
}

#[tokio::test]
async fn a_missing_or_wrong_code_counts_as_a_failed_login() {
    for (realm, login) in [(wary().user(ada().totp(SEED)), LOGIN), (wary_of_codes(), NAME)] {
        for code in ["", "&totp=", "&totp=abcdef", "reused"] {
            let bench = Bench::new(realm.clone());
            let mut form = format!("{login}{code}");
            if code == "reused" {
                form = format!("{login}&totp={}", bench.otp(0));
                assert!(bench.lets_in(&form).await);
            }
            bench.fail(&form, 3).await;
            for seconds in [0, 59] {
                bench.wait(seconds);
                let right = format!("{login}&totp={}", bench.otp(1));
                assert_eq!(bench.refusal(&right).await, BAD_CREDENTIALS, "{code}");
            }
            bench.wait(1);
            assert!(bench.lets_in(&format!("{login}&totp={}", bench.otp(1))).await, "{code}");
        }
    }
}

#[tokio::test]
async fn the_right_code_of_a_locked_user_is_not_used_up() {
    let bench = Bench::new(wary_of_codes());
    bench.keycloak.change_user("demo", "ada", |ada| ada.locked(true)).unwrap();
    let form = format!("{NAME}&totp={}", bench.otp(0));
    assert_eq!(bench.refusal(&form).await, BAD_CREDENTIALS);
    bench.keycloak.change_user("demo", "ada", |ada| ada.locked(false)).unwrap();
    assert!(bench.lets_in(&form).await);
}

#[tokio::test]
async fn what_is_not_about_the_credentials_is_no_failure() {
    let bench = Bench::new(wary_of_codes().user(ada()));
    for _ in 0..5 {
        assert_eq!(bench.post(TOKEN, NAME).await.status, 500, "a user without a second factor");
    }

    let bench = Bench::new(wary().user(ada().required_action("UPDATE_PASSWORD")));
    bench.fail(&wrong(), 2).await;
    for _ in 0..5 {
        assert_eq!(bench.refusal(LOGIN).await, "400 invalid_grant: Account is not fully set up");
    }
    bench.fail(&wrong(), 1).await;
    assert_eq!(bench.refusal(LOGIN).await, BAD_CREDENTIALS);
}

#[tokio::test]
async fn failures_lock_one_user_by_name_or_email() {
    let grace = User::new("grace").email("grace@example.org", true).name("Grace", "Hopper").password("correct horse");
    let bench = Bench::new(wary().user(grace));
    for name in ["ada", "ADA", "ada@example.org"] {
        bench.fail(&wrong().replace("=ada", &format!("={name}")), 1).await;
    }
    assert!(!bench.lets_in(LOGIN).await);
    assert!(bench.lets_in(&LOGIN.replace("=ada", "=grace")).await);
}

#[tokio::test]
async fn a_lock_holds_in_every_flow() {
    for (otp, then) in [(Requirement::Disabled, 200), (Requirement::Conditional, 200), (Requirement::Required, 500)] {
        let codes = Client::confidential("codes", "secret").direct_grants(true);
        let bench = Bench::new(wary().client(codes.direct_grant_flow(DirectGrantFlow::username_otp(otp))));
        let form = NAME.replace("=landfall", "=codes");
        bench.fail(&wrong(), 3).await;
        assert_eq!(bench.refusal(&form).await, BAD_CREDENTIALS, "{otp:?}");
        bench.wait(60);
        assert_eq!(bench.post(TOKEN, &form).await.status, then, "{otp:?}");
    }
}

#[tokio::test]
async fn an_administrator_unlocks_at_once_and_with_a_clean_slate() {
    let bench = Bench::new(wary());
    bench.fail(&wrong(), 3).await;
    bench.keycloak.change_user("demo", "ada", |ada| ada.locked(false)).unwrap();
    bench.fail(&wrong(), 2).await;
    assert!(bench.lets_in(LOGIN).await);
}

#[tokio::test]
async fn browser_logins_count_as_failures_and_are_locked() {
    let bench = Bench::new(demo().brute_force_detection(3).user(ada().totp(SEED)));
    let person = bench.person();
    let page = person.authorize("").await;
    let page = person.submit(&page, "username=ada&password=wrong").await;
    let page = person.submit(&page, ADA).await;
    let page = person.submit(&page, "otp=abcdef").await;
    bench.fail(&wrong(), 1).await;

    let answer = person.submit(&page, &format!("otp={}", bench.otp(0))).await;
    assert_eq!(answer.error(), "Invalid authenticator code.");
    let other = bench.person();
    let page = other.authorize("").await;
    assert_eq!(other.submit(&page, ADA).await.error(), "Invalid username or password.");

    bench.wait(60);
    let page = other.log_in("").await;
    assert!(other.submit(&page, &format!("otp={}", bench.otp(0))).await.callback().contains_key("code"));
    bench.fail(&wrong(), 2).await;
    assert!(bench.lets_in(&format!("{LOGIN}&totp={}", bench.otp(1))).await, "the browser login made up for the rest");
}
