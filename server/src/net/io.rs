//! An accepted socket, as hyper and a WebSocket's handler read and write it. It shows the tap what
//! passes, lets no peer stall a write for ever, and closes with an RST where a fault wants it.
//!
//! A connection that a fault lets go dead keeps its two ends: the application's reads wait and its
//! writes vanish, and a task of its own reads out the socket, until the peer closes it.
//!
//! After an upgrade for an experiment's topic the bytes go through [`Upgraded`], where conditions
//! and faults act on them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use standby_trace::tap::ClosedBy;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::census::Place;
use super::conn::{Conn, Ending};
use super::tap;
use super::upgraded::Upgraded;

/// The socket of a connection.
#[derive(Debug)]
pub(super) struct Io {
    conn: Arc<Conn>,
    line: Line,
    write_stall: Duration,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Not all that was offered has been written.
    owes: bool,
    /// The end of a response head, as far as it has been written: for the 101.
    head_end: HeadEnd,
}

#[derive(Debug)]
enum Line {
    Direct(Socket),
    Upgraded(Box<Upgraded>),
    /// Until that moment nothing gets through, and the application is not told. The socket is with
    /// [`read_out`]; the place of the connection is taken as long as either is there.
    Dead(Pin<Box<Sleep>>, #[expect(dead_code, reason = "held for its place")] Arc<Socket>),
    /// On the way from one to the other, and never seen.
    Between,
}

/// A TCP socket with all that ends with it, in this order: the socket closes, observers hear of it,
/// its place is free for another, the server need not wait for it any more.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) ending: Ending,
    pub(super) _place: Place,
    pub(super) _awaited: TaskTrackerToken,
    /// The server stops.
    pub(super) shutdown: CancellationToken,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.ending.0.is_reset() {
            // A close with a linger time of 0 is an RST instead of a FIN. It fails where the socket
            // is dead already, and then there is nothing to reset.
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
    }
}

impl Io {
    pub(super) fn new(socket: Socket, write_stall: Duration) -> Self {
        Self {
            conn: Arc::clone(&socket.ending.0),
            line: Line::Direct(socket),
            write_stall,
            stalled: None,
            owes: false,
            head_end: HeadEnd::default(),
        }
    }

    /// If it has gone dead, parts the application from its socket.
    fn part(&mut self) {
        let Some(until) = self.conn.dead_until() else { return };
        let socket = match std::mem::replace(&mut self.line, Line::Between) {
            Line::Direct(socket) => Arc::new(socket),
            Line::Upgraded(upgraded) => upgraded.socket(),
            other => return self.line = other,
        };
        tokio::spawn(read_out(Arc::clone(&socket), until));
        self.line = Line::Dead(Box::pin(sleep_until(until)), socket);
    }

    /// Takes what nobody will get.
    fn swallow(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.conn.dead_until().is_some_and(|until| Instant::now() >= until) {
            return Err(self.timed_out());
        }
        if self.conn.upgrading().is_some() {
            if !self.head_end.is_whole() {
                self.head_end.is_in(bytes);
            } else if tap::is_watching() {
                self.conn.app_sent_frames(bytes);
            }
        }
        Ok(bytes.len())
    }

    /// What TCP says in the end of a peer that acknowledges nothing.
    fn timed_out(&self) -> io::Error {
        self.conn.ended_by(ClosedBy::Client);
        io::Error::new(io::ErrorKind::TimedOut, "the peer is gone")
    }

    /// What a write came to: the tap's, the stall's and the upgrade's part in it.
    fn after_write(
        &mut self,
        cx: &mut Context<'_>,
        offered: usize,
        written: Poll<io::Result<usize>>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                self.stalled = None;
                self.owes = count < offered;
                self.show_written(count, bytes);
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => {
                self.conn.ended_by(ClosedBy::Client);
                Poll::Ready(Err(error))
            }
            Poll::Pending => {
                self.owes = true;
                let until = Instant::now() + self.write_stall;
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(until)));
                ready!(stalled.as_mut().poll(cx));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")))
            }
        }
    }

    fn show_written(&mut self, count: usize, bytes: &[IoSlice<'_>]) {
        if tap::is_watching() && self.conn.is_tapped() {
            each(count, bytes, |piece| self.conn.written(piece));
        }
        if self.conn.upgrading().is_none() {
            return;
        }
        // hyper writes a 101's head by itself; whatever comes next is the upgraded side's.
        let mut is_whole = false;
        each(count, bytes, |piece| is_whole |= self.head_end.is_in(piece));
        if is_whole
            && let Some(upgrade) = self.conn.upgrading().cloned()
            && let Line::Direct(socket) = std::mem::replace(&mut self.line, Line::Between)
        {
            self.line = Line::Upgraded(Box::new(Upgraded::new(socket, upgrade, self.write_stall)));
        }
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        // The socket may be there for a while yet. To the application it is over.
        if let Line::Dead(..) = self.line {
            self.conn.closed();
        }
    }
}

/// Reads what comes from the peer of a dead connection, and throws it away, until the peer closes,
/// the connection's time is up, or the server stops. Unread bytes would fill the peer's window, and
/// it would find out by that.
async fn read_out(socket: Arc<Socket>, until: Instant) {
    let mut bytes = [0; 4096];
    let read = async {
        loop {
            socket.stream.readable().await?;
            match socket.stream.try_read(&mut bytes) {
                Ok(0) => return Ok::<(), io::Error>(()),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    };
    tokio::select! {
        _ = timeout_at(until, read) => {}
        () = socket.shutdown.cancelled() => {}
    }
    // The application may still hold the socket, but nobody waits for anything on it any more.
    let _ = SockRef::from(&socket.stream).shutdown(std::net::Shutdown::Both);
}

/// Calls `f` with each of the first `count` bytes' pieces.
fn each(mut count: usize, bytes: &[IoSlice<'_>], mut f: impl FnMut(&[u8])) {
    for piece in bytes {
        let written = count.min(piece.len());
        if written > 0 {
            f(&piece[..written]);
        }
        count -= written;
    }
}

/// Finds the empty line at the end of a head, cut anywhere.
#[derive(Debug, Default)]
struct HeadEnd {
    matched: usize,
}

impl HeadEnd {
    const END: &[u8] = b"\r\n\r\n";

    fn is_whole(&self) -> bool {
        self.matched == Self::END.len()
    }

    fn is_in(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            if self.is_whole() {
                break;
            }
            self.matched = match (byte == Self::END[self.matched], byte) {
                (true, _) => self.matched + 1,
                (false, b'\r') => 1,
                (false, _) => 0,
            };
        }
        self.is_whole()
    }
}

fn reset() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "reset by a fault")
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.conn.is_reset() {
            return Poll::Ready(Err(reset()));
        }
        this.conn.reader.register(cx.waker());
        this.part();
        let socket = match &mut this.line {
            Line::Direct(socket) => socket,
            Line::Upgraded(upgraded) => return upgraded.poll_read(cx, buf),
            Line::Dead(until, _) => {
                ready!(until.as_mut().poll(cx));
                return Poll::Ready(Err(this.timed_out()));
            }
            Line::Between => return Poll::Ready(Err(reset())),
        };
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut socket.stream).poll_read(cx, buf));
        let bytes = &buf.filled()[before..];
        if bytes.is_empty() || result.is_err() {
            this.conn.ended_by(ClosedBy::Client);
        } else {
            this.conn.head_begun.store(true, Ordering::Relaxed);
        }
        if tap::is_watching() && !bytes.is_empty() {
            this.conn.read(bytes, !this.owes);
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.conn.is_reset() {
            return Poll::Ready(Err(reset()));
        }
        this.part();
        match &mut this.line {
            Line::Dead(..) => Poll::Ready(this.swallow(bytes)),
            Line::Direct(socket) => {
                let written = Pin::new(&mut socket.stream).poll_write(cx, bytes);
                this.after_write(cx, bytes.len(), written, &[IoSlice::new(bytes)])
            }
            Line::Upgraded(upgraded) => upgraded.poll_write(cx, bytes),
            Line::Between => Poll::Ready(Err(reset())),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.conn.is_reset() {
            return Poll::Ready(Err(reset()));
        }
        this.part();
        match &mut this.line {
            Line::Dead(..) => {
                let first = bytes.iter().find(|piece| !piece.is_empty());
                Poll::Ready(first.map_or(Ok(0), |piece| this.swallow(piece)))
            }
            Line::Direct(socket) => {
                let written = Pin::new(&mut socket.stream).poll_write_vectored(cx, bytes);
                let offered = bytes.iter().map(|piece| piece.len()).sum();
                this.after_write(cx, offered, written, bytes)
            }
            Line::Upgraded(upgraded) => match bytes.iter().find(|piece| !piece.is_empty()) {
                Some(piece) => upgraded.poll_write(cx, piece),
                None => Poll::Ready(Ok(0)),
            },
            Line::Between => Poll::Ready(Err(reset())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A TCP socket has nothing to flush, and an upgraded one's queue empties by itself.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.conn.ended_by(ClosedBy::Server);
        this.part();
        match &mut this.line {
            Line::Direct(socket) if !this.conn.is_reset() => Pin::new(&mut socket.stream).poll_shutdown(cx),
            Line::Upgraded(upgraded) => {
                upgraded.close();
                Poll::Ready(Ok(()))
            }
            _ => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::net::Limits;
    use crate::net::census::Census;
    use crate::net::tap::Watch;

    async fn pair() -> (TcpStream, Io) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let socket = Socket {
            stream,
            ending: Ending(Conn::new(peer)),
            _place: Census::new(Limits::default()).admit(peer.ip()).unwrap(),
            _awaited: TaskTracker::new().token(),
            shutdown: CancellationToken::new(),
        };
        (client, Io::new(socket, Duration::from_secs(10)))
    }

    async fn ask(client: &mut TcpStream, io: &mut Io) {
        const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
        client.write_all(REQUEST).await.unwrap();
        let mut bytes = vec![0; REQUEST.len()];
        io.read_exact(&mut bytes).await.unwrap();
    }

    /// The only test in this crate that watches, so that nobody else does.
    #[tokio::test]
    async fn nothing_is_kept_while_nobody_watches_and_nothing_outlives_a_watch() {
        let (mut client, mut io) = pair().await;
        ask(&mut client, &mut io).await;
        assert!(!io.conn.is_tapped());
        let watch = Watch::begin();
        ask(&mut client, &mut io).await;
        assert!(io.conn.is_tapped());
        drop(watch);
        // What passed between two watches would be missing.
        let _watch = Watch::begin();
        assert!(!io.conn.is_tapped());
        ask(&mut client, &mut io).await;
        assert!(io.conn.is_tapped());
    }

    #[tokio::test]
    async fn a_reset_connection_neither_reads_nor_writes_and_closes_with_an_rst() {
        let (mut client, mut io) = pair().await;
        client.write_all(b"GET").await.unwrap();
        io.conn.reset();
        assert_eq!(io.read_u8().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(io.write(b"HTTP").await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        drop(io);
        assert_eq!(client.read_u8().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_dead_connection_takes_everything_gives_nothing_and_resets_nothing() {
        let (mut client, mut io) = pair().await;
        io.conn.half_open();
        client.write_all(b" / HTTP/1.1").await.unwrap();
        assert_eq!(io.write(b"HTTP").await.unwrap(), 4);
        io.shutdown().await.unwrap();
        let heard = tokio::time::timeout(Duration::from_millis(20), io.read(&mut [0; 8])).await;
        assert!(heard.is_err(), "nothing that was sent since is there to be read: {heard:?}");
        let heard = tokio::time::timeout(Duration::from_millis(20), client.read(&mut [0; 8])).await;
        assert!(heard.is_err(), "neither what was written nor the end has got through: {heard:?}");
        // The peer closes, and is let go in order. The application is not told.
        client.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(io.write(b"more").await.unwrap(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_connection_takes_up_its_place_for_two_minutes_at_most() {
        let (mut client, mut io) = pair().await;
        let began = Instant::now();
        io.conn.half_open();
        assert_eq!(io.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), 120);
        assert_eq!(io.write(b"x").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0, "the peer is let go too");
    }

    #[test]
    fn a_heads_end_is_found_however_it_is_cut() {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";
        for cut in 0..=head.len() {
            let mut end = HeadEnd::default();
            let (a, b) = head.split_at(cut);
            assert_eq!(end.is_in(a), cut == head.len());
            assert!(end.is_in(b));
        }
    }
}
