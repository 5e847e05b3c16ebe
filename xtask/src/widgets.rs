//! The widgets: `playground/` and the modules below it compiled to WebAssembly, and the JavaScript
//! around each, in `src/standby/`, from where mdBook copies them into the book.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::step::{run, step};
use crate::workspace::{Workspace, stamp};

const TARGET: &str = "wasm32-unknown-unknown";

/// How they are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quickly, while someone works on them.
    Quick,
    /// As small as can be, for readers.
    Small,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Quick => "wasm-dev",
            Self::Small => "wasm",
        }
    }
}

/// A crate that becomes a module of JavaScript and WebAssembly.
struct Bundle {
    package: &'static str,
    /// Its files are `NAME.js` and `NAME_bg.wasm`.
    name: &'static str,
    /// What it may weigh with brotli: its two files together.
    most_bytes: usize,
}

/// What every page with an experiment loads.
const WIDGETS: Bundle = Bundle { package: "standby-playground", name: "standby", most_bytes: 180_000 };
/// What it loads when a reader asks for more: the wire, the log, the code, the playground's editor.
const INSPECTOR: Bundle = Bundle { package: "standby-inspector", name: "inspector", most_bytes: 250_000 };

/// What it loads when a reader is about to run something: the transports and the observer, and the
/// model for where there is no server. 2,400 bytes of it open the others of lanes: here they are loaded when
/// something is run, and in the widgets they would be with every page.
const RUNNER: Bundle = Bundle { package: "standby-runner", name: "runner", most_bytes: 175_000 };

/// What it loads where a page has an experiment with a crowd: the model of many clients.
const HERD: Bundle = Bundle { package: "standby-herd", name: "herd", most_bytes: 150_000 };
/// In the background the same module runs the model; a worker is a script, and this is it.
const HERD_WORKER: (&str, &str) =
    ("herd-worker.js", "import start, { work } from \"./herd.js\";\nawait start();\nwork();\n");
/// What the page on the model loads: scripts run live and in the model. The live half is the runner's.
const COMPARE: Bundle = Bundle { package: "standby-compare", name: "compare", most_bytes: 200_000 };
const ALL: [&Bundle; 5] = [&WIDGETS, &INSPECTOR, &RUNNER, &HERD, &COMPARE];

impl Bundle {
    /// Its files in the book's sources.
    fn files(&self, workspace: &Workspace) -> [PathBuf; 2] {
        [format!("{}.js", self.name), format!("{}_bg.wasm", self.name)]
            .map(|name| workspace.path("src/standby").join(name))
    }

    /// Writes them from what was compiled, unless they are there.
    fn write(&self, workspace: &Workspace, profile: Profile) -> Result<()> {
        let compiled = workspace.target.join(TARGET).join(profile.name());
        let wasm = compiled.join(self.package.replace('-', "_")).with_extension("wasm");
        let fresh = stamp(std::slice::from_ref(&wasm), profile.name());
        let files = self.files(workspace);
        if workspace.is_fresh(self.name, fresh) && files.iter().all(|file| file.is_file()) {
            return Ok(());
        }
        step(&format!("widgets: write {}.js", self.name), || {
            let made = workspace.target.join("xtask").join(self.name);
            Bindgen::new()
                .input_path(&wasm)
                .out_name(self.name)
                .web(true)?
                .typescript(false)
                // Without it the module would not know where its .wasm is.
                .omit_default_module_path(false)
                // Most of what wasm-opt would save, without it.
                .remove_name_section(profile == Profile::Small)
                .remove_producers_section(profile == Profile::Small)
                .generate(&made)?;
            for file in &files {
                let name = file.file_name().context("a file has a name")?;
                let mut bytes =
                    fs::read(made.join(name)).with_context(|| format!("reading {}", name.display()))?;
                if profile == Profile::Small && file.extension().is_some_and(|end| end == "js") {
                    bytes = without_comments(&String::from_utf8(bytes)?).into_bytes();
                }
                write(file, &bytes)?;
            }
            workspace.remember(self.name, fresh)
        })
    }

    /// How many bytes a browser loads for it, with brotli.
    fn weight(&self, workspace: &Workspace) -> Result<usize> {
        let mut total = 0;
        for file in self.files(workspace) {
            let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let mut packed = Vec::new();
            let params = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
            brotli::BrotliCompress(&mut bytes.as_slice(), &mut packed, &params)?;
            total += packed.len();
        }
        Ok(total)
    }

    fn refuse_if_heavy(&self, bytes: usize) -> Result<()> {
        if bytes > self.most_bytes {
            bail!(
                "{} weighs {} with brotli; at most {} are allowed",
                self.name,
                kb(bytes),
                kb(self.most_bytes)
            );
        }
        Ok(())
    }
}

/// Writes a file. mdBook watches its folder: what is the same stays untouched.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(file).ok().as_deref() != Some(bytes) {
        fs::create_dir_all(file.parent().context("a file has a folder")?)?;
        fs::write(file, bytes).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// Compiles all bundles and writes them to `src/standby/`.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<()> {
    add_target(workspace)?;
    step("widgets: compile", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--lib", "--target", TARGET, "--profile", profile.name()]);
        run(cargo.args(ALL.iter().flat_map(|bundle| ["--package", bundle.package])))
    })?;
    ALL.iter().try_for_each(|bundle| bundle.write(workspace, profile))?;
    let (name, script) = HERD_WORKER;
    write(&workspace.path("src/standby").join(name), script.as_bytes())
}

/// Compiles them as for readers, but with a hook for `bench`; says in which folder they are.
pub(crate) fn for_bench(workspace: &Workspace) -> Result<PathBuf> {
    add_target(workspace)?;
    // A folder of its own: the features differ, and the bundle's own must not be built anew.
    let target = workspace.target.join("bench");
    let profile = Profile::Small.name();
    step("bench: compile", || {
        run(workspace
            .cargo()
            .args(["build", "--package", "standby-playground", "--lib", "--features", "bench"])
            .args(["--target", TARGET, "--profile", profile])
            .arg("--target-dir")
            .arg(&target))
    })?;
    let made = workspace.target.join("xtask/bench");
    step("bench: write the module", || {
        let mut bindgen = Bindgen::new();
        bindgen.input_path(target.join(TARGET).join(profile).join("standby_playground.wasm"));
        bindgen.out_name("standby").web(true)?.typescript(false).omit_default_module_path(false);
        bindgen.generate(&made)
    })?;
    Ok(made)
}

/// A script as wasm-bindgen writes it, without the lines that are comments and without indents. It
/// writes neither within a text of several lines.
fn without_comments(script: &str) -> String {
    let lines = script.lines().map(str::trim_start);
    let is_comment = |line: &&str| ["//", "/*", "*"].iter().any(|begins| line.starts_with(begins));
    let code = lines.filter(|line| !line.is_empty() && !is_comment(line));
    code.fold(String::with_capacity(script.len()), |all, line| all + line + "\n")
}

/// Weighs what a page loads, with brotli, and refuses what is too heavy.
pub(crate) fn weigh(workspace: &Workspace) -> Result<()> {
    for bundle in ALL {
        let bytes = bundle.weight(workspace)?;
        println!("    {} weighs {} with brotli", bundle.name, kb(bytes));
        bundle.refuse_if_heavy(bytes)?;
    }
    Ok(())
}

fn kb(bytes: usize) -> String {
    format!("{:.1} KB", bytes as f64 / 1_000.0)
}

/// Adds the target that the widgets are compiled for, where it is missing.
pub(crate) fn add_target(workspace: &Workspace) -> Result<()> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    rustc.current_dir(&workspace.root).args(["--print", "target-libdir", "--target", TARGET]);
    if PathBuf::from(run(&mut rustc)?.trim()).is_dir() {
        return Ok(());
    }
    step("widgets: add Rust's WebAssembly target", || {
        run(Command::new("rustup").current_dir(&workspace.root).args(["target", "add", TARGET])).context(
            "the WebAssembly target can't be added; where Rust was not installed by rustup, \
             install it with your package manager (Debian: libstd-rust-dev-wasm32)",
        )
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_byte_too_heavy_is_refused() {
        for bundle in ALL {
            assert!(bundle.refuse_if_heavy(bundle.most_bytes).is_ok());
            let refused = bundle.refuse_if_heavy(bundle.most_bytes + 1).unwrap_err().to_string();
            assert!(refused.contains(bundle.name), "{refused}");
        }
    }

    #[test]
    fn a_script_loses_its_comments_and_nothing_else() {
        let script = "/**\n * A run.\n */\nexport class Run {\n    // Gone.\n    a() {\n        return 2 * 3; // stays\n    }\n}\n";
        assert_eq!(without_comments(script), "export class Run {\na() {\nreturn 2 * 3; // stays\n}\n}\n");
    }
}
