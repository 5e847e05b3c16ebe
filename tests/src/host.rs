//! A static host that knows nothing of Standby, with the book in some folder below its root.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A host that runs until it is dropped.
pub(crate) struct Host {
    /// Where the book is.
    pub origin: String,
    task: JoinHandle<()>,
}

impl Host {
    /// Serves a folder under a path.
    pub(crate) async fn start(folder: PathBuf, below: &'static str) -> Result<Self> {
        Self::with_headers(folder, below, "").await
    }

    /// Serves a folder so that its pages are isolated from other origins': they get exact clocks.
    pub(crate) async fn isolated(folder: PathBuf) -> Result<Self> {
        let headers =
            "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n";
        Self::with_headers(folder, "", headers).await
    }

    async fn with_headers(folder: PathBuf, below: &'static str, headers: &'static str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding a port")?;
        let origin = format!("http://{}{below}", listener.local_addr()?);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let folder = folder.clone();
                tokio::spawn(async move {
                    // A browser that goes away in the middle is no failure of the host's.
                    let _ = answer(stream, &folder, below, headers).await;
                });
            }
        });
        Ok(Self { origin, task })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request and closes.
async fn answer(stream: TcpStream, folder: &Path, below: &str, headers: &str) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request).await?;
    let mut header = String::new();
    while stream.read_line(&mut header).await? > 2 {
        header.clear();
    }
    let path = request.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
    let file = path.strip_prefix(below).map(|path| folder.join(path.trim_start_matches('/')));
    let file = file.map(|file| if file.is_dir() { file.join("index.html") } else { file });
    let body = match &file {
        Some(file) => std::fs::read(file).ok(),
        None => None,
    };
    let (status, body) = body.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    let kind = file.as_deref().map_or("text/plain", kind);
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await.context("closing")
}

fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|ext| ext.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
