//! Where things are, and a stamp for what has not changed since.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

/// The folder of the workspace and Cargo's target folder.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// Where the root's Cargo.toml is.
    pub root: PathBuf,
    /// Where Cargo builds: `CARGO_TARGET_DIR` or what else is configured.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds both.
    pub(crate) fn find() -> Result<Self> {
        // Cargo names the package's folder when it runs us, even where the clone was moved.
        let package =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or(env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = package.parent().context("xtask is not in a workspace")?.to_owned();
        // This program is TARGET/PROFILE/xtask, so Cargo's own answer is at hand.
        let exe = std::env::current_exe().context("finding this program")?;
        let target = exe.ancestors().nth(2).context("this program is not in a target folder")?.to_owned();
        Ok(Self { root, target })
    }

    /// A path below the root.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The book as it is served and published.
    pub(crate) fn book(&self) -> PathBuf {
        self.path("book")
    }

    /// Where pictures, failures and tools of the tests go.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// A call of the same Cargo that runs us, in the root.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command.current_dir(&self.root);
        command
    }

    fn stamp_path(&self, name: &str) -> PathBuf {
        self.target.join("xtask").join(format!("{name}.stamp"))
    }

    /// Whether `name` was last built from exactly this.
    pub(crate) fn is_fresh(&self, name: &str, stamp: u64) -> bool {
        fs::read_to_string(self.stamp_path(name)).is_ok_and(|text| text == stamp.to_string())
    }

    /// Remembers what `name` was built from.
    pub(crate) fn remember(&self, name: &str, stamp: u64) -> Result<()> {
        let path = self.stamp_path(name);
        fs::create_dir_all(path.parent().context("a stamp has a folder")?)?;
        fs::write(&path, stamp.to_string()).with_context(|| format!("writing {}", path.display()))
    }
}

/// A number that changes when a file below `paths` does: names, sizes and times of change.
pub(crate) fn stamp(paths: &[PathBuf], also: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    also.hash(&mut hasher);
    for path in paths {
        for file in files_below(path) {
            file.hash(&mut hasher);
            if let Ok(meta) = fs::metadata(&file) {
                meta.len().hash(&mut hasher);
                meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

/// All files below a path (or the path itself), sorted.
pub(crate) fn files_below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut files: Vec<PathBuf> = fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(files_below(&entry.ok()?.path())))
        .flatten()
        .collect();
    files.sort();
    files
}
