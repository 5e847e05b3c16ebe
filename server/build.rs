//! Puts the book into the program: with `STANDBY_BOOK=DIR` in the environment, every file of that
//! directory, as it is and compressed; otherwise none, and the program serves a directory.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=STANDBY_BOOK");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut table = String::from("pub(super) static FILES: &[File] = &[\n");
    if let Some(book) = env::var_os("STANDBY_BOOK").filter(|book| !book.is_empty()).map(PathBuf::from) {
        let book = fs::canonicalize(&book).map_err(|e| {
            format!("STANDBY_BOOK is {}, which can't be read: {e}. Build the book first", book.display())
        })?;
        println!("cargo::rerun-if-changed={}", book.display());
        let mut files = Vec::new();
        collect(&book, &book, &mut files)?;
        files.sort();
        for (n, (path, file)) in files.iter().enumerate() {
            embed(&mut table, &out.join(format!("book-{n}")), path, file)?;
        }
    }
    table.push_str("];\n");
    fs::write(out.join("book.rs"), table)?;
    Ok(())
}

/// Every file with its path in the book, without hidden ones.
fn collect(root: &Path, directory: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push((name.to_string_lossy().replace('\\', "/"), path));
        }
    }
    Ok(())
}

fn embed(table: &mut String, out: &Path, path: &str, file: &Path) -> io::Result<()> {
    let plain = fs::read(file)?;
    let gzip = if is_text(path) { smaller(&plain, gzip(&plain)?) } else { None };
    let brotli = if is_text(path) { smaller(&plain, brotli(&plain)?) } else { None };
    let variant = |name: &str, bytes: Option<&[u8]>| -> io::Result<String> {
        let Some(bytes) = bytes else { return Ok("None".to_owned()) };
        let file = out.with_extension(name);
        fs::write(&file, bytes)?;
        Ok(format!("Some(include_bytes!({file:?}))"))
    };
    let (gzip, brotli) = (variant("gz", gzip.as_deref())?, variant("br", brotli.as_deref())?);
    // Not the file in the book: that may be built again before this is compiled.
    let copy = out.with_extension("plain");
    let etag = fnv(&plain);
    fs::write(&copy, plain)?;
    let _ = writeln!(
        table,
        "    File {{ path: {path:?}, etag: \"{etag:016x}\", plain: include_bytes!({copy:?}), gzip: {gzip}, brotli: {brotli} }},"
    );
    Ok(())
}

/// What compresses well. Images and fonts are compressed already.
fn is_text(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(
        extension,
        "html"
            | "css"
            | "js"
            | "mjs"
            | "json"
            | "wasm"
            | "svg"
            | "txt"
            | "xml"
            | "ico"
            | "ttf"
            | "webmanifest"
    )
}

fn smaller(plain: &[u8], coded: Vec<u8>) -> Option<Vec<u8>> {
    (coded.len() < plain.len()).then_some(coded)
}

fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}

fn brotli(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut coded = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut &plain[..], &mut coded, &params)?;
    Ok(coded)
}

/// FNV-1a: names a content; no one gains by forging it here.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
