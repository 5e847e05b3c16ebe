//! Records the experiments: each is run in a real browser against the real server, and the trace of
//! its first window is kept in the repository. The static figures are drawn from it.

pub(crate) mod requests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mdbook_standby::library::{self, Library};
use mdbook_standby::recording::{Recorded, Recording, Room, Rooms};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::book::{self, Place};
use crate::browser::{Browser, Engine};
use crate::server::Server;
use crate::setup::Setup;
use crate::wait;
use crate::widget::Widget;

/// A page as wide as text gets.
const WIDE: [u32; 1] = [1280];
/// Phones. The widest is not always the one that needs the least room: a slider beside a button may be
/// too narrow for its words.
const NARROW: [u32; 4] = [360, 390, 412, 430];
/// Engines differ by so much in how high they make a row of controls.
const ENGINES_PX: u32 = 12;

/// The other end tells of what happened in the window a little after it.
const AFTER: Duration = Duration::from_millis(500);

/// How often an experiment is run until it comes out as before.
const TRIES: u32 = 3;

/// What to record.
pub(crate) struct Choice<'a> {
    /// Only experiments with this in their name.
    pub name: Option<&'a str>,
    /// Only measure anew how much room the widgets take, and keep the traces.
    pub room: bool,
}

/// Records the experiments of the book, each as often as pages set it differently.
pub(crate) async fn take(setup: &Setup, choice: &Choice<'_>) -> Result<bool> {
    let library = Library::read(&setup.root.join("experiments"))?;
    let mut places = book::places(setup)?;
    places.retain(|place| choice.name.is_none_or(|name| place.experiment.name.contains(name)));
    ensure!(!places.is_empty(), "no experiment's name holds {:?}", choice.name.unwrap_or_default());
    let browser = Browser::start(setup, Engine::Chromium).await?;
    let mut done = Ok(());
    let mut names = BTreeSet::new();
    for place in &places {
        let name = recording_of(setup, place)?;
        if !names.insert(name.clone()) {
            continue;
        }
        let start = Instant::now();
        let bench = Bench { setup, library: &library, browser: &browser, place };
        done = bench.record(&name, choice.room).await.with_context(|| format!("recording {name}"));
        if done.is_err() {
            break;
        }
        println!("  {name} … {:.1} s", start.elapsed().as_secs_f64());
    }
    browser.quit().await;
    done.map(|()| true)
}

/// The name of a place's recording, which the page says.
fn recording_of(setup: &Setup, place: &Place) -> Result<String> {
    let html = book::read(setup, &place.page)?;
    let name = html
        .split_once(&format!("<standby-experiment id=\"{}\" data-recording=\"", place.id))
        .and_then(|(_, rest)| rest.split_once('"'));
    let (name, _) = name.with_context(|| format!("{} does not say how it is recorded", place.id))?;
    Ok(name.to_owned())
}

struct Bench<'a> {
    setup: &'a Setup,
    library: &'a Library,
    browser: &'a Browser,
    place: &'a Place,
}

impl Bench<'_> {
    async fn record(&self, name: &str, room: bool) -> Result<()> {
        let path = self.setup.root.join(library::path_of_recording(name));
        let server = Server::start(self.setup).await?;
        let room_px =
            Rooms { narrow: self.room(&server, &NARROW).await?, wide: self.room(&server, &WIDE).await? };
        let recording = if room {
            let mut kept = self.library.recording(name, &self.place.experiment.scenario);
            if let Ok(kept) = &mut kept {
                kept.recorded.room_px = room_px;
            }
            kept.map_err(anyhow::Error::msg)?
        } else {
            self.run_like_before(name, &server, room_px).await?
        };
        write(&path, &recording)
    }

    /// How much room the widget takes besides its title, its picture and its sentence.
    async fn room(&self, server: &Server, widths: &[u32]) -> Result<Room> {
        let mut room = Room::default();
        for &width in widths {
            let at = self.room_at(server, width).await?;
            room.between = room.between.max(at.between);
            room.below = room.below.max(at.below + ENGINES_PX);
        }
        Ok(room)
    }

    async fn room_at(&self, server: &Server, width: u32) -> Result<Room> {
        self.browser.resize(width, 900).await?;
        let widget = Widget::open(self.browser, &server.origin, self.place).await?;
        let script = "const box = document.getElementById(arguments[0])\
                        .querySelector('.standby-box'); \
                      const place = part => box.querySelector(part).getBoundingClientRect(); \
                      const [picture, canvas, sentence] = \
                        ['.standby-picture', '.standby-picture canvas', '.standby-sentence'].map(place); \
                      await document.fonts.ready; \
                      if (Math.abs(picture.width - canvas.width) > 1) return null; \
                      return { between: Math.ceil(sentence.top - canvas.bottom), \
                        below: Math.ceil(box.getBoundingClientRect().bottom - sentence.bottom) }";
        wait::until("the picture is as wide as its place", async || {
            self.browser.js(script, &[json!(widget.id)]).await
        })
        .await
    }

    /// Runs it, and again if something has come out otherwise than in the recording that is kept: on a
    /// machine that is busy with something else an answer may carry an event that fell to the next one
    /// before. What stays other is told, and recorded.
    async fn run_like_before(&self, name: &str, server: &Server, room_px: Rooms) -> Result<Recording> {
        let kept = self.library.recording(name, &self.place.experiment.scenario);
        let mut recording = self.run(server, room_px).await?;
        let Ok(kept) = kept else { return Ok(recording) };
        for tries in 1..=TRIES {
            let Some([before, now]) = kept.other_than_times(&recording)? else { break };
            if tries == TRIES {
                println!("  {name} differs in more than times, {TRIES} times in a row:");
                println!("    before: {before}\n    now:    {now}");
                break;
            }
            let server = Server::start(self.setup).await?;
            Widget::open(self.browser, &server.origin, self.place).await?;
            recording = self.run(&server, room_px).await?;
        }
        Ok(recording)
    }

    /// Runs it for its window, and does by hand what it says.
    async fn run(&self, server: &Server, room_px: Rooms) -> Result<Recording> {
        let widget = Widget::on_page(self.browser, &self.place.id);
        widget.scroll_to().await?;
        widget.run().await?;
        let known_us = widget.trace().await?.until_us;
        let began = Instant::now() - Duration::from_micros(known_us.try_into().unwrap_or(0));
        for at_ms in self.library.by_hand(&self.place.experiment.name) {
            tokio::time::sleep_until(began + Duration::from_millis(u64::from(*at_ms))).await;
            let line = json!({ "from": "terminal", "text": "tea is ready" });
            server.publish(&widget.topic().await?, &line).await?;
        }
        let window = Duration::from_millis(u64::from(self.place.experiment.scenario.window_ms));
        tokio::time::sleep_until(began + window + AFTER).await;
        let enough_us = i64::try_from((window + AFTER).as_micros())?;
        let trace = wait::until("its window is over", async || {
            Ok(Some(widget.trace().await?).filter(|trace| trace.until_us >= enough_us))
        })
        .await?;
        ensure!(widget.state().await? == "live", "it is {}", widget.state().await?);
        ensure!(trace.lanes.len() == trace.scenario.lanes.len(), "someone else subscribed");
        Ok(Recording::of(self.recorded(room_px).await?, trace))
    }

    async fn recorded(&self, room_px: Rooms) -> Result<Recorded> {
        let version: Value = self.browser.cdp("Browser.getVersion", json!({})).await?;
        let product = version["product"].as_str().context("the browser does not say its version")?;
        let version = product.split('/').next_back().unwrap_or(product);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Recorded {
            on: self.browser.js("return new Date().toISOString().slice(0, 10)", &[]).await?,
            browser: format!("Chromium {version}"),
            server: format!("standby {}", env!("CARGO_PKG_VERSION")),
            machine: if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") },
            room_px,
        })
    }
}

fn write(path: &PathBuf, recording: &Recording) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    std::fs::write(path, recording.to_json()?).with_context(|| format!("writing {}", path.display()))
}
