//! What each function calls.

use insta::assert_snapshot;
use landfall_tests::calls;

#[tokio::test]
async fn what_each_function_calls_is_known() {
    let map = calls::map().await;
    println!("{map}");
    assert_snapshot!(map, @"
    connector-test
      config     GetItem Query
      secrets    connectors/*
      providers  GET:auth GET:certs GET:openid-configuration POST:token
    issuer
      config     GetItem Query
      directory  GetItem
      sessions   UpdateItem
      secrets    clients/* keys/signing
    journey-start
      config     GetItem Query
      sessions   PutItem
      secrets    clients/* keys/session
      providers  GET:openid-configuration
    oidc-callback
      config     GetItem
      directory  GetItem UpdateItem
      sessions   GetItem PutItem UpdateItem
      secrets    connectors/* keys/session
      providers  GET:certs GET:openid-configuration GET:risc-configuration GET:userinfo POST:token
    step-submit
      config     GetItem Query
      directory  ConditionCheckItem GetItem PutItem
      sessions   GetItem PutItem UpdateItem
      secrets    connectors/* keys/session
      providers  GET:certs GET:openid-configuration GET:userinfo POST:token
    ");
}
