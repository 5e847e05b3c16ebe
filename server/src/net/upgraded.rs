//! A socket after its upgrade, where it is an experiment's: every byte, each way, goes through a
//! [`Pipe`], and waits while a fault stalls it.
//!
//! What the application writes goes into a bounded queue and counts as sent. A task of its own takes
//! it from there to the socket when its time has come: so a close frame that is under way still
//! arrives after the application has let go of the connection. What the peer sends is read into the
//! other queue whenever the application reads.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use socket2::SockRef;
use standby_trace::tap::ClosedBy;
use tokio::io::ReadBuf;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::conn::Upgrade;
use super::io::Socket;
use super::lock;
use super::pipe::Pipe;
use super::tap;

/// What is under way in each direction of one connection; beyond it the sender waits.
pub(super) const UNDER_WAY_BYTES: usize = 64 * 1024;
/// How long a peer gets to answer the end of a connection with its own.
const LINGER: Duration = Duration::from_secs(2);
/// Read from the socket at once.
const READ_BYTES: usize = 4 * 1024;

/// The application's end.
#[derive(Debug)]
pub(super) struct Upgraded {
    shared: Arc<Shared>,
    inbound: Inbound,
}

#[derive(Debug)]
struct Shared {
    socket: Arc<Socket>,
    upgrade: Upgrade,
    write_stall: Duration,
    outbound: Mutex<Outbound>,
    /// There is more to send, or no more will come.
    more: Notify,
}

/// From the peer to the application.
#[derive(Debug)]
struct Inbound {
    pipe: Pipe,
    queue: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    /// The peer sends no more, as of this moment.
    end: Option<Instant>,
    timer: std::pin::Pin<Box<Sleep>>,
}

/// From the application to the peer.
#[derive(Debug)]
struct Outbound {
    pipe: Pipe,
    queue: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    /// The application sends no more.
    closed: bool,
    /// Nor does it read any more.
    abandoned: bool,
    /// The peer takes no more.
    failed: bool,
    /// A writer who waits for room.
    writer: Option<Waker>,
}

impl Upgraded {
    pub(super) fn new(socket: Socket, upgrade: Upgrade, write_stall: Duration) -> Self {
        let now = Instant::now();
        let seed = socket.ending.0.id;
        let inbound = Inbound {
            pipe: Pipe::new(now, seed.wrapping_mul(2)),
            queue: VecDeque::new(),
            bytes: 0,
            end: None,
            timer: Box::pin(sleep_until(now)),
        };
        let outbound = Outbound {
            pipe: Pipe::new(now, seed.wrapping_mul(2) + 1),
            queue: VecDeque::new(),
            bytes: 0,
            closed: false,
            abandoned: false,
            failed: false,
            writer: None,
        };
        let shared = Arc::new(Shared {
            socket: Arc::new(socket),
            upgrade,
            write_stall,
            outbound: Mutex::new(outbound),
            more: Notify::new(),
        });
        tokio::spawn(send_out(Arc::clone(&shared)));
        Self { shared, inbound }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { shared, inbound } = self;
        let conn = &shared.socket.ending.0;
        if conn.is_reset() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if lock(&shared.outbound).failed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        inbound.take_in(cx, shared)?;
        loop {
            let arrives = match (inbound.queue.front(), inbound.end) {
                (Some(&(arrives, _)), _) | (None, Some(arrives)) => arrives,
                (None, None) => return Poll::Pending,
            };
            let arrives = shared.stalled().map_or(arrives, |until| until.max(arrives));
            if Instant::now() < arrives {
                inbound.timer.as_mut().reset(arrives);
                ready!(inbound.timer.as_mut().poll(cx));
                continue;
            }
            if let Some((_, bytes)) = inbound.queue.front_mut() {
                let taken = bytes.len().min(buf.remaining());
                let given = bytes.split_to(taken);
                if bytes.is_empty() {
                    inbound.queue.pop_front();
                }
                inbound.bytes -= taken;
                buf.put_slice(&given);
                if tap::is_watching() {
                    conn.app_got_frames(&given);
                }
            }
            return Poll::Ready(Ok(()));
        }
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let shared = &self.shared;
        let mut outbound = lock(&shared.outbound);
        if outbound.failed || outbound.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = UNDER_WAY_BYTES.saturating_sub(outbound.bytes);
        if room == 0 {
            outbound.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let bytes = &bytes[..room.min(bytes.len())];
        if tap::is_watching() {
            shared.socket.ending.0.app_sent_frames(bytes);
        }
        let conditions = shared.upgrade.link.conditions();
        let arrives = outbound.pipe.send(Instant::now(), bytes.len(), &conditions);
        outbound.bytes += bytes.len();
        outbound.queue.push_back((arrives, Bytes::copy_from_slice(bytes)));
        shared.more.notify_one();
        Poll::Ready(Ok(bytes.len()))
    }

    /// The socket, for whoever takes over from here.
    pub(super) fn socket(&self) -> Arc<Socket> {
        Arc::clone(&self.shared.socket)
    }

    /// The application sends no more. What is under way still arrives.
    pub(super) fn close(&self) {
        lock(&self.shared.outbound).closed = true;
        self.shared.more.notify_one();
    }
}

impl Drop for Upgraded {
    fn drop(&mut self) {
        lock(&self.shared.outbound).abandoned = true;
        self.close();
    }
}

impl Inbound {
    /// Takes what the socket has, as long as there is room.
    fn take_in(&mut self, cx: &mut Context<'_>, shared: &Shared) -> io::Result<()> {
        let stream = &shared.socket.stream;
        let conn = &shared.socket.ending.0;
        while self.end.is_none() && self.bytes < UNDER_WAY_BYTES {
            match stream.poll_read_ready(cx) {
                Poll::Pending => break,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Ready(Ok(())) => {}
            }
            let mut bytes = vec![0; READ_BYTES];
            let conditions = shared.upgrade.link.conditions();
            match stream.try_read(&mut bytes) {
                Ok(0) => {
                    conn.ended_by(ClosedBy::Client);
                    self.end = Some(self.pipe.send(Instant::now(), 0, &conditions));
                }
                Ok(count) => {
                    bytes.truncate(count);
                    if tap::is_watching() {
                        conn.read(&bytes, false);
                    }
                    let arrives = self.pipe.send(Instant::now(), count, &conditions);
                    self.bytes += count;
                    self.queue.push_back((arrives, Bytes::from(bytes)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    conn.ended_by(ClosedBy::Client);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

impl Shared {
    fn stalled(&self) -> Option<Instant> {
        self.upgrade.link.stalled_until(self.upgrade.sub.as_deref())
    }

    fn is_dead(&self) -> bool {
        self.socket.ending.0.is_dead()
    }

    /// What is to be sent next, and when; `None`: nothing any more.
    async fn next(&self) -> Option<(Instant, Bytes)> {
        loop {
            {
                let mut outbound = lock(&self.outbound);
                if let Some(next) = outbound.queue.pop_front() {
                    return Some(next);
                }
                if outbound.closed {
                    return None;
                }
            }
            self.more.notified().await;
        }
    }

    async fn write(&self, bytes: &mut Bytes) -> io::Result<()> {
        let stream = &self.socket.stream;
        // What was under way when the connection went dead vanishes too.
        while !bytes.is_empty() && !self.is_dead() {
            timeout(self.write_stall, stream.writable()).await.map_err(|_| io::ErrorKind::TimedOut)??;
            match stream.try_write(bytes) {
                Ok(count) => {
                    if tap::is_watching() {
                        self.socket.ending.0.written(&bytes[..count]);
                    }
                    bytes.advance(count);
                    let mut outbound = lock(&self.outbound);
                    outbound.bytes -= count;
                    if let Some(writer) = outbound.writer.take() {
                        writer.wake();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn send_all(&self) -> io::Result<()> {
        while let Some((arrives, mut bytes)) = self.next().await {
            sleep_until(arrives).await;
            while let Some(until) = self.stalled() {
                sleep_until(until).await;
            }
            self.write(&mut bytes).await?;
        }
        if self.is_dead() {
            return Ok(());
        }
        SockRef::from(&self.socket.stream).shutdown(std::net::Shutdown::Write)?;
        if lock(&self.outbound).abandoned {
            let _ = timeout(LINGER, self.read_out()).await;
        }
        Ok(())
    }

    /// Reads to the end what nobody wants any more: to close a socket that still holds bytes would be
    /// an RST, and the peer would lose what it has not read yet (RFC 9293 §3.6.1).
    async fn read_out(&self) -> io::Result<()> {
        let stream = &self.socket.stream;
        let mut bytes = [0; READ_BYTES];
        loop {
            stream.readable().await?;
            match stream.try_read(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(count) if tap::is_watching() => self.socket.ending.0.read(&bytes[..count], false),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Takes to the socket what the application has sent, until there is no more or it can't be sent.
async fn send_out(shared: Arc<Shared>) {
    let conn = &shared.socket.ending.0;
    let sent = tokio::select! {
        () = conn.until_reset() => Err(io::ErrorKind::ConnectionReset.into()),
        sent = shared.send_all() => sent,
    };
    if sent.is_err() && !shared.is_dead() {
        conn.ended_by(ClosedBy::Client);
        let mut outbound = lock(&shared.outbound);
        outbound.failed = true;
        if let Some(writer) = outbound.writer.take() {
            writer.wake();
        }
        // Whoever reads finds out there; whoever only reads must hear of it too.
        conn.reader.wake();
    }
}
