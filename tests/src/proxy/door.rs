//! A port that can be shut while the test runs, and connections that can be cut.

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Waker};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Where a service is reached.
#[derive(Clone)]
pub struct Door(Arc<Hall>);

struct Hall {
    address: SocketAddr,
    state: Mutex<State>,
}

struct State {
    /// A connection while there is none is refused.
    listener: Option<TcpListener>,
    /// Keeps the port ours while there is no listener: bound, and not listening.
    spare: TcpSocket,
    accepting: Option<Waker>,
    lines: Vec<Weak<Mutex<Ends>>>,
}

/// Takes in who knocks.
pub(super) struct Porter(Door);

/// One connection, as its server knows it.
pub(super) struct Wire(Line);

/// One connection, as those know it who may cut it.
#[derive(Clone)]
pub(super) struct Line(Arc<Mutex<Ends>>);

struct Ends {
    /// `None` once it is cut.
    stream: Option<TcpStream>,
    reading: Option<Waker>,
}

const BACKLOG: u32 = 1024;

impl Door {
    /// A new one, on a free port of this machine.
    pub(super) fn open() -> (Self, Porter) {
        let first = socket(0);
        let address = first.local_addr().unwrap();
        let spare = socket(address.port());
        let listener = Some(first.listen(BACKLOG).unwrap());
        let state = State { listener, spare, accepting: None, lines: Vec::new() };
        let door = Self(Arc::new(Hall { address, state: Mutex::new(state) }));
        (door.clone(), Porter(door))
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Refuses new connections from now on. Connections that are open end, but for the one that an answer is on its way over.
    pub(super) fn shut(&self, answering: Option<&Line>) {
        self.state().listener = None;
        self.cut_lines(answering);
    }

    /// Lets new connections in again.
    pub(super) fn reopen(&self) {
        let mut state = self.state();
        if state.listener.is_some() {
            return;
        }
        let next = socket(self.0.address.port());
        let spare = std::mem::replace(&mut state.spare, next);
        state.listener = Some(spare.listen(BACKLOG).unwrap());
        if let Some(accepting) = state.accepting.take() {
            accepting.wake();
        }
    }

    /// Resets every connection that is open, but for one.
    pub(super) fn cut_lines(&self, kept: Option<&Line>) {
        let lines = std::mem::take(&mut self.state().lines);
        for line in lines.iter().filter_map(Weak::upgrade).map(Line) {
            if !kept.is_some_and(|kept| Arc::ptr_eq(&kept.0, &line.0)) {
                line.cut();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("address", &self.0.address).finish_non_exhaustive()
    }
}

fn socket(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, port).into()).unwrap();
    socket
}

impl Listener for Porter {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        std::future::poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        Ok(self.0.address())
    }
}

impl Porter {
    fn poll_accept(&self, cx: &Context<'_>) -> Poll<(Wire, SocketAddr)> {
        let mut state = self.0.state();
        state.accepting = Some(cx.waker().clone());
        let Some(listener) = &state.listener else { return Poll::Pending };
        match listener.poll_accept(&mut Context::from_waker(cx.waker())) {
            Poll::Ready(Ok((stream, peer))) => {
                let line = Line(Arc::new(Mutex::new(Ends { stream: Some(stream), reading: None })));
                state.lines.retain(|line| line.strong_count() > 0);
                state.lines.push(Arc::downgrade(&line.0));
                Poll::Ready((Wire(line), peer))
            }
            Poll::Ready(Err(error)) => panic!("no connection can be accepted: {error}"),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Line {
    /// Resets the connection, at once.
    pub(super) fn cut(&self) {
        let mut ends = self.0.lock().unwrap();
        if let Some(stream) = ends.stream.take() {
            stream.set_zero_linger().unwrap();
        }
        if let Some(reading) = ends.reading.take() {
            reading.wake();
        }
    }
}

impl Connected<IncomingStream<'_, Porter>> for Line {
    fn connect_info(stream: IncomingStream<'_, Porter>) -> Self {
        stream.io().0.clone()
    }
}

impl Wire {
    /// Does something with the stream, unless it is cut.
    fn with<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        let mut ends = self.0.0.lock().unwrap();
        ends.reading = Some(cx.waker().clone());
        match &mut ends.stream {
            Some(stream) => poll(Pin::new(stream), cx),
            None => Poll::Ready(Err(Error::from(ErrorKind::ConnectionReset))),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        self.with(cx, |stream, cx| stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.with(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.with(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.with(cx, |stream, cx| stream.poll_shutdown(cx))
    }
}
