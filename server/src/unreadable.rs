//! What a request that cannot be read is answered. hyper refuses it before any handler sees it, by
//! a status and nothing else; this writes the same status as a problem, like every other error.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Problem;
use crate::problem::ProblemBody;

/// A connection under hyper whose refusals say what to change.
#[derive(Debug)]
pub(crate) struct Telling<T> {
    io: T,
    /// What is written instead of a refusal of hyper's, and how much of it has been.
    instead: Option<(Box<[u8]>, usize)>,
}

impl<T> Telling<T> {
    pub(crate) fn new(io: T) -> Self {
        Self { io, instead: None }
    }
}

impl<T: AsyncWrite + Unpin> Telling<T> {
    /// Writes a problem, if `bytes` are a refusal; `None` if they are not. hyper is told that what
    /// it offered was written.
    fn tell(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Option<io::Result<usize>>> {
        if self.instead.is_none() {
            self.instead = problem_for(bytes).map(|problem| (problem.into(), 0));
        }
        let Some((problem, written)) = &mut self.instead else { return Poll::Ready(None) };
        while *written < problem.len() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &problem[*written..])) {
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::WriteZero.into()))),
                Ok(count) => *written += count,
                Err(e) => return Poll::Ready(Some(Err(e))),
            }
        }
        self.instead = None;
        Poll::Ready(Some(Ok(bytes.len())))
    }
}

/// The answer in place of `bytes`, if they are a refusal of hyper's: a whole head that closes the
/// connection and has no body. None of our own answers with these statuses is without one.
fn problem_for(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(bytes.get(..bytes.len().min(512))?).ok()?;
    let (status_line, fields) = head.split_once("\r\n")?;
    let rest = fields.strip_prefix("connection: close\r\ncontent-length: 0\r\n")?;
    if bytes.len() != head.len() || !rest.ends_with("\r\n\r\n") {
        return None;
    }
    let (status, title, detail) = match status_line.strip_prefix("HTTP/1.1 ")?.split_once(' ')?.0 {
        "400" => (
            400,
            "Not a request",
            "This can't be read as HTTP/1.1. Percent-encode the path and the query as UTF-8, and check the \
             request line and the header fields.",
        ),
        "414" => (414, "Target too long", "Make the path and the query shorter: they may have 65,534 bytes."),
        "431" => (431, "Head too large", "Send fewer or shorter header fields: 64 KiB and 100 in all."),
        _ => return None,
    };
    // Strings and a number always serialise.
    let json = serde_json::to_string(&ProblemBody { title, status, detail }).unwrap_or_default();
    let (media_type, length) = (Problem::MEDIA_TYPE, json.len());
    let ours = format!("content-type: {media_type}\r\ncache-control: no-store\r\nconnection: close\r\n");
    Some(format!("{status_line}\r\n{ours}content-length: {length}\r\n{rest}{json}").into_bytes())
}

impl<T: AsyncRead + Unpin> AsyncRead for Telling<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Telling<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match ready!(self.tell(cx, bytes)) {
            Some(told) => Poll::Ready(told),
            None => Pin::new(&mut self.io).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A refusal has a head only, and so is one piece.
        if let [piece] = bytes
            && let Some(told) = ready!(self.tell(cx, piece))
        {
            return Poll::Ready(told);
        }
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_hypers_is_replaced() {
        let refusal =
            b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: now\r\n\r\n";
        let told = String::from_utf8(problem_for(refusal).unwrap()).unwrap();
        let (head, json) = told.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"));
        assert!(head.ends_with(&format!("\r\ncontent-length: {}\r\ndate: now", json.len())), "{head}");
        for ours in [
            &b""[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n",
            &[refusal.as_slice(), b"x"].concat(),
            &[0xff; 600],
        ] {
            assert_eq!(problem_for(ours), None);
        }
    }
}
