//! The book: from a directory, or from inside the program.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::{AppState, Problem};

/// Where the book comes from.
#[derive(Clone, Debug)]
pub enum Book {
    /// A directory that mdBook wrote. It may change at any time.
    Directory(PathBuf),
    /// The program was built with the book inside.
    Inside,
    /// Neither.
    None,
}

/// A directory that holds no book.
#[derive(Debug)]
pub struct NoBook(PathBuf, io::Error);

impl fmt::Display for NoBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, e) = self;
        write!(
            f,
            "there is no book in {}: {e}. Give `--book` a directory that has an index.html",
            path.display()
        )
    }
}

impl std::error::Error for NoBook {}

/// A file of the book, ready to be sent.
struct Page {
    media_type: &'static str,
    etag: HeaderValue,
    /// How its bytes are coded, if they are.
    coding: Option<&'static str>,
    bytes: Bytes,
    /// It never changes: its name has a hash of what is in it.
    is_immutable: bool,
}

/// The files that were put into the program, by path. Written by `build.rs`.
mod inside {
    /// A file as it is, and compressed where that makes it smaller.
    pub(super) struct File {
        pub(super) path: &'static str,
        pub(super) etag: &'static str,
        pub(super) plain: &'static [u8],
        pub(super) gzip: Option<&'static [u8]>,
        pub(super) brotli: Option<&'static [u8]>,
    }

    include!(concat!(env!("OUT_DIR"), "/book.rs"));
}

impl Book {
    /// The book in `directory`, or else the one inside the program.
    ///
    /// # Errors
    /// The directory holds no book.
    pub fn find(directory: Option<&Path>) -> Result<Self, NoBook> {
        match directory {
            Some(path) => match std::fs::metadata(path.join("index.html")) {
                Ok(_) => Ok(Self::Directory(path.to_owned())),
                Err(e) => Err(NoBook(path.to_owned(), e)),
            },
            None if inside::FILES.is_empty() => Ok(Self::None),
            None => Ok(Self::Inside),
        }
    }

    async fn page(&self, path: &str, accepts: &Accepts) -> Option<Page> {
        match self {
            Self::Directory(root) => read(root, path).await,
            Self::Inside => find(inside::FILES, path, accepts),
            Self::None => None,
        }
    }
}

/// The routes of the book: everything that no other route takes.
pub fn router() -> Router<AppState> {
    Router::new().route("/standby.json", axum::routing::get(server_is_here)).fallback(serve)
}

/// Where the widgets find the server: here.
async fn server_is_here() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, r#"{"api": "/api"}"#).into_response()
}

async fn serve(State(app): State<AppState>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let detail = "The book is only read: GET or HEAD.";
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail)
            .with(header::ALLOW, HeaderValue::from_static("GET, HEAD"))
            .into_response();
    }
    let Some(path) = clean(request.uri().path()) else { return missing(&app, request.headers()).await };
    let accepts = Accepts::of(request.headers());
    let is_directory = path.is_empty() || path.ends_with('/');
    let file = if is_directory { format!("{path}index.html") } else { path.clone() };
    if let Some(page) = app.book.page(&file, &accepts).await {
        return send(page, StatusCode::OK, request.headers());
    }
    if matches!(&*app.book, Book::None) && matches!(&*path, "" | "index.html") {
        return no_book();
    }
    // `/chapter` may be a directory: then its relative links need the slash.
    if !is_directory && app.book.page(&format!("{path}/index.html"), &accepts).await.is_some() {
        let query = request.uri().query().map_or(String::new(), |query| format!("?{query}"));
        if let Ok(to) = HeaderValue::try_from(format!("{}/{query}", request.uri().path())) {
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response();
        }
    }
    missing(&app, request.headers()).await
}

/// The path without its first slash, percent-decoded; `None` where it names nothing that a book
/// has: an empty or hidden segment, one that leads out of the directory, or what is no file name
/// on some system.
fn clean(path: &str) -> Option<String> {
    let path = percent_encoding::percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?;
    let names = path.strip_suffix('/').unwrap_or(&path);
    let is_name =
        |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(['\\', ':', '\0']);
    (path.is_empty() || names.split('/').all(is_name)).then(|| path.into_owned())
}

async fn missing(app: &AppState, headers: &HeaderMap) -> Response {
    match app.book.page("404.html", &Accepts::of(headers)).await {
        Some(page) => send(page, StatusCode::NOT_FOUND, headers),
        None => {
            let detail = "There is no such page.";
            Problem::new(StatusCode::NOT_FOUND, "Not found", detail).into_response()
        }
    }
}

fn no_book() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, include_str!("no_book.html")).into_response()
}

fn send(page: Page, status: StatusCode, request: &HeaderMap) -> Response {
    // A year is what "never" is written as (RFC 9111 §5.2.2.1, RFC 8246). All else is asked about
    // again each time, and answered 304.
    let cache = if page.is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let unchanged = status == StatusCode::OK && crate::poll::names(request, &page.etag);
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, Body::from(page.bytes)).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::ETAG, page.etag);
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !unchanged {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(page.media_type));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(coding) = page.coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
    }
    response
}

async fn read(root: &Path, path: &str) -> Option<Page> {
    let file = root.join(path);
    let bytes = tokio::fs::read(&file).await.ok()?;
    // The book is rebuilt while it is read: what is in a file says best whether it has changed.
    let etag = HeaderValue::try_from(format!("\"{:016x}\"", crate::random::digest(&bytes))).ok()?;
    // While someone writes it, not even a hashed name is sure to keep its content.
    Some(Page { media_type: media_type(path), etag, coding: None, bytes: bytes.into(), is_immutable: false })
}

/// `files` are sorted by path.
fn find(files: &[inside::File], path: &str, accepts: &Accepts) -> Option<Page> {
    let file = &files[files.binary_search_by(|file| file.path.cmp(path)).ok()?];
    let brotli = file.brotli.filter(|_| accepts.brotli).map(|bytes| ("br", bytes));
    let gzip = file.gzip.filter(|_| accepts.gzip).map(|bytes| ("gzip", bytes));
    let (coding, bytes) = match brotli.or(gzip) {
        Some((coding, bytes)) => (Some(coding), bytes),
        None => (None, file.plain),
    };
    // Each coding is a representation of its own, with a tag of its own (RFC 9110 §8.8.3.3).
    let etag = HeaderValue::try_from(format!("\"{}{}\"", file.etag, coding.unwrap_or_default())).ok()?;
    let bytes = Bytes::from_static(bytes);
    Some(Page { media_type: media_type(path), etag, coding, bytes, is_immutable: has_hash(path) })
}

/// Codings that the browser takes: brotli over https and on loopback, gzip everywhere.
struct Accepts {
    brotli: bool,
    gzip: bool,
}

impl Accepts {
    fn of(headers: &HeaderMap) -> Self {
        let accepts = |coding: &str| {
            let lines =
                headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
            lines.flat_map(|line| line.split(',')).any(|item| {
                let (name, weight) = item.split_once(';').unwrap_or((item, ""));
                let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
                name.trim().eq_ignore_ascii_case(coding) && !refused
            })
        };
        Self { brotli: accepts("br"), gzip: accepts("gzip") }
    }
}

/// Whether mdBook put a hash of the content into the name: `book-0f3a9c2e.js`.
fn has_hash(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    stem.rsplit_once('-')
        .is_some_and(|(_, hash)| hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// By the file's name. A book has these and no others.
fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "ttf" => "font/ttf",
        "pdf" => "application/pdf",
        "xml" => "application/xml",
        "txt" | "md" | "toml" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[inside::File] = &[
        inside::File { path: "a.png", etag: "a", plain: b"png", gzip: None, brotli: None },
        inside::File {
            path: "book-0f3a9c2e.js",
            etag: "b",
            plain: b"plain",
            gzip: Some(b"gzip"),
            brotli: Some(b"brotli"),
        },
    ];

    fn accepting(codings: &'static str) -> Accepts {
        Accepts::of(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(codings))]))
    }

    #[test]
    fn a_file_is_sent_in_the_best_coding_that_the_browser_takes() {
        for (codings, coding, etag) in [
            ("gzip, deflate, br, zstd", Some("br"), "\"bbr\""),
            ("gzip, deflate", Some("gzip"), "\"bgzip\""),
            ("GZIP;q=0.5", Some("gzip"), "\"bgzip\""),
            ("br;q=0, gzip", Some("gzip"), "\"bgzip\""),
            ("br; q=0.0", None, "\"b\""),
            ("", None, "\"b\""),
            ("brotli, x-gzip", None, "\"b\""),
        ] {
            let page = find(FILES, "book-0f3a9c2e.js", &accepting(codings)).unwrap();
            assert_eq!((page.coding, page.etag.to_str().unwrap()), (coding, etag), "{codings}");
        }
        assert_eq!(find(FILES, "a.png", &accepting("br")).unwrap().coding, None);
        assert!(find(FILES, "b.png", &accepting("br")).is_none());
    }

    #[test]
    fn only_a_name_with_a_hash_never_changes() {
        for path in ["book-0f3a9c2e.js", "css/chrome-7ca11e09.css", "clipboard-1626706a.min.js"] {
            assert!(has_hash(path), "{path}");
        }
        for path in
            ["index.html", "server-sent-events.html", "playground.wasm", "a-0f3a9c2.js", "a-0f3a9c2g.js"]
        {
            assert!(!has_hash(path), "{path}");
        }
    }

    #[test]
    fn the_program_names_its_files_in_order() {
        assert!(inside::FILES.is_sorted_by_key(|file| file.path));
    }
}
