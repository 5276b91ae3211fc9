//! Names that resolve, or later resolve, to forbidden addresses.

use std::sync::Mutex;
use std::vec::IntoIter;

use super::*;

/// The answers to successive look-ups; after the last one there are no addresses.
type Answers = Arc<Mutex<IntoIter<&'static [&'static str]>>>;

/// A client whose look-ups get these answers in order.
fn resolving(reach: Reach, answers: Vec<&'static [&'static str]>) -> (Egress, Answers) {
    let answers: Answers = Arc::new(Mutex::new(answers.into_iter()));
    let asked = Arc::clone(&answers);
    let lookup = move |_name| {
        let next = asked.lock().unwrap().next().unwrap_or_default();
        async move { Ok(next.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect()) }
    };
    (Egress::resolving(reach, lookup).unwrap(), answers)
}

#[tokio::test]
async fn this_machine_is_refused_by_address_and_by_name() {
    let (listener, url) = listen().await;
    let port = listener.local_addr().unwrap().port();
    let egress = Egress::new(Reach::Public).unwrap();
    let refusal = |url: Url| async { egress.send(&request(LATER), Request::get(url)).await.unwrap_err() };

    assert_eq!(refusal(url).await, EgressError::Refused(Refusal::Scheme));
    for host in ["127.0.0.1", "[::1]", "2130706433", "localhost", "localhost.", "[::ffff:7f00:1]", "127.0.0.1."] {
        let url = Url::parse(&format!("https://{host}:{port}/")).unwrap();
        assert_eq!(refusal(url).await, EgressError::Refused(Refusal::Address), "{host}");
    }
}

#[tokio::test]
async fn the_checked_addresses_are_the_ones_that_are_called() {
    let (listener, url) = listen().await;
    let url = Url::parse(&format!("http://localhost:{}/", url.port().unwrap())).unwrap();
    let (egress, answers) = resolving(Reach::Local, vec![&["127.0.0.1"], &["10.0.0.1"], &["169.254.169.254"]]);
    let cx = request(LATER);
    let peer = async {
        let (mut stream, _) = read_request(&listener).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await.unwrap();
    };
    let (answer, ()) = tokio::join!(egress.send(&cx, Request::get(url.clone())), peer);
    assert_eq!(answer.unwrap().status.as_u16(), 200);
    assert_eq!(answers.lock().unwrap().len(), 2);

    // The next connection gets other addresses, which are checked again.
    for left in [1, 0] {
        let refused = egress.send(&cx, Request::get(url.clone())).await.unwrap_err();
        assert_eq!(refused, EgressError::Refused(Refusal::Address));
        assert_eq!(answers.lock().unwrap().len(), left);
    }
}

#[tokio::test]
async fn a_name_with_an_internal_address_is_refused_without_a_connection() {
    let (listener, url) = listen().await;
    let url = Url::parse(&format!("https://id.example:{}/", url.port().unwrap())).unwrap();
    let inside: [&[&str]; 9] = [
        &["127.0.0.1"],
        &["8.8.8.8", "127.0.0.1"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["0.0.0.0"],
        &["169.254.169.254"],
        &["fd00:ec2::254"],
        &["10.20.0.1", "127.0.0.1"],
    ];
    for reach in [Reach::Public, Reach::Networks("10.20.0.0/16".parse().unwrap())] {
        let (egress, _) = resolving(reach, inside.to_vec());
        for addresses in inside {
            let refused = egress.send(&request(LATER), Request::get(url.clone())).await.unwrap_err();
            assert_eq!(refused, EgressError::Refused(Refusal::Address), "{addresses:?}");
        }
    }
    assert!(tokio::time::timeout(SOON, listener.accept()).await.is_err());
}

#[tokio::test]
async fn a_name_without_an_address_is_a_connection_error() {
    let (egress, _) = resolving(Reach::Public, Vec::new());
    let url = Url::parse("https://id.example/").unwrap();
    assert_eq!(egress.send(&request(LATER), Request::get(url)).await.unwrap_err(), EgressError::Connect);
}

#[tokio::test]
async fn vet_checks_like_a_call_but_opens_no_connection() {
    let (listener, url) = listen().await;
    let port = url.port().unwrap();
    let (egress, answers) = resolving(Reach::Public, vec![&["8.8.8.8"], &["8.8.8.8", "10.0.0.1"], &[]]);
    let cx = request(LATER);
    let vet = async |url: &str| egress.vet(&cx, &Url::parse(url).unwrap()).await;

    for (url, refusal) in [
        ("https://10.0.0.1/".to_owned(), Refusal::Address),
        (format!("https://localhost:{port}/"), Refusal::Address),
        (format!("http://127.0.0.1:{port}/"), Refusal::Scheme),
        ("https://id.example:22/".to_owned(), Refusal::Port),
        ("https://a:b@id.example/".to_owned(), Refusal::Credentials),
    ] {
        assert_eq!(vet(&url).await, Err(EgressError::Refused(refusal)), "{url}");
    }
    assert_eq!(vet("https://8.8.8.8/").await, Ok(()));
    // Literal addresses and refused URLs are not looked up.
    assert_eq!(answers.lock().unwrap().len(), 3);

    assert_eq!(vet("https://id.example/").await, Ok(()));
    assert_eq!(vet("https://id.example/").await, Err(EgressError::Refused(Refusal::Address)));
    assert_eq!(vet("https://id.example/").await, Err(EgressError::Connect));
    assert!(tokio::time::timeout(SOON, listener.accept()).await.is_err());
}
