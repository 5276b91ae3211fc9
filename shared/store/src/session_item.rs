//! The item of a session. Attributes that conditions compare are at the top level; the rest is in two maps.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AuthorizationRequest, IssuedCode, LastAnswer, Redirect, Sealed, Session, Status};

use crate::StoreError;
use crate::item::{Item, NewItem, bytes, map, millis, number, seconds, text};
use crate::keys;
use crate::tables::EXPIRES_AT;

pub(crate) fn write(session: &Session) -> Result<HashMap<String, AttributeValue>, StoreError> {
    let mut item = NewItem::at(&keys::session(&session.id));
    item.set(EXPIRES_AT, seconds(session.expires_at));
    item.set("status", text(session.status.as_str()));
    item.set("turn", number(session.turn));
    item.set("step", text(session.step.as_str()));
    item.set("token", bytes(session.token.as_bytes()));
    item.set_some("answered_token", session.answered.map(|answered| bytes(answered.token.as_bytes())));
    item.set_some("answered_key", session.answered.map(|answered| bytes(answered.key.as_bytes())));
    item.set_some("code", session.code.map(|code| bytes(code.hash.as_bytes())));
    item.set_some("code_until", session.code.map(|code| millis(code.expires_at)));
    item.set_some("code_redeemed", session.code.and_then(|code| code.redeemed_at).map(millis));
    item.set_some("revoked", session.revoked.map(millis));
    // The callback writes the other attributes of the redirect, and only those.
    item.set_some(
        "redirect_state",
        session.redirect.as_ref().and_then(Redirect::out).map(|state| bytes(state.as_bytes())),
    );
    item.set("request", map("session", &session.request)?);
    item.set("run", map("session", &session.run)?);
    Ok(item.build())
}

/// Decodes the attributes that a call returned.
pub(crate) fn from(attributes: Option<HashMap<String, AttributeValue>>) -> Result<Session, StoreError> {
    read(&Item::read("session", attributes.unwrap_or_default())?)
}

pub(crate) fn read(item: &Item) -> Result<Session, StoreError> {
    let answered = match (item.optional_hash("answered_token")?, item.optional_hash("answered_key")?) {
        (Some(token), Some(key)) => Some(LastAnswer { token, key }),
        _ => None,
    };
    let code = match (item.optional_hash("code")?, item.optional_millis("code_until")?) {
        (Some(hash), Some(expires_at)) => {
            Some(IssuedCode { hash, expires_at, redeemed_at: item.optional_millis("code_redeemed")? })
        }
        _ => None,
    };
    let redirect = match (item.bytes("returned"), item.bytes("state_by"), item.optional_hash("redirect_state")?) {
        (Some(returned), ..) => Some(Redirect::Returned(Sealed::from_bytes(returned.to_vec()))),
        (None, Some(_), _) => Some(Redirect::Taken),
        (None, None, Some(state)) => Some(Redirect::Out(state)),
        (None, None, None) => None,
    };
    let unknown = || StoreError::Corrupt { item: "session", reason: "attribute status".into() };
    Ok(Session {
        id: item.id(keys::SESSION)?,
        expires_at: item.seconds(EXPIRES_AT)?,
        status: Status::find(item.text("status")?).ok_or_else(unknown)?,
        turn: item.number("turn")?,
        step: item.parsed("step")?,
        token: item.hash("token")?,
        answered,
        code,
        revoked: item.optional_millis("revoked")?,
        redirect,
        request: item.map::<AuthorizationRequest>("request")?,
        run: item.map("run")?,
    })
}
