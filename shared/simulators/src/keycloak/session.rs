//! Sessions: who is signed in, where, and since when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::visit::Visit;
use super::{State, cookies};

/// "SSO Session Idle" and "SSO Session Max" of a fresh realm.
const IDLE: TimeDelta = TimeDelta::minutes(30);
const LONGEST: TimeDelta = TimeDelta::hours(10);

/// A login, by its `sid`.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) realm: String,
    pub(super) username: String,
    /// Where tokens of this session are good. A code that is used twice takes its client away, and nothing else.
    pub(super) clients: BTreeSet<String>,
    /// The cookie that stands for it; a direct grant has none.
    pub(super) cookie: Option<String>,
    /// When the password was last given.
    pub(super) authenticated: DateTime<Utc>,
    pub(super) started: DateTime<Utc>,
    pub(super) used: DateTime<Utc>,
}

impl Session {
    /// A session that begins now, at one client.
    pub(super) fn new(realm: &str, username: &str, client: &str, now: DateTime<Utc>) -> Self {
        Self {
            realm: realm.into(),
            username: username.into(),
            clients: BTreeSet::from([client.to_owned()]),
            cookie: None,
            authenticated: now,
            started: now,
            used: now,
        }
    }

    fn is_alive(&self, now: DateTime<Utc>) -> bool {
        now - self.used < IDLE && now - self.started < LONGEST
    }
}

/// The session that the browser's cookie stands for; one of a user who is gone or disabled ends here.
pub(super) fn current(state: &mut State, visit: &Visit<'_>) -> Option<(String, Session)> {
    let cookie = cookies::IDENTITY.get(visit)?;
    let (sid, session) = find(&state.sessions, &visit.realm.name, cookie)?;
    let user = visit.realm.users.get(&session.username).filter(|user| user.enabled);
    if user.is_none() || !session.is_alive(visit.call.now) {
        state.sessions.remove(&sid);
        return None;
    }
    Some((sid, session))
}

fn find(sessions: &BTreeMap<String, Session>, realm: &str, cookie: &str) -> Option<(String, Session)> {
    let same = |session: &Session| session.realm == realm && session.cookie.as_deref() == Some(cookie);
    sessions.iter().find(|(_, session)| same(session)).map(|(sid, session)| (sid.clone(), session.clone()))
}
