//! The live half of a comparison: does what the script says, and waits as it says.

use std::cell::Cell;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use standby_api::{Api, NoAnswer};
use standby_dom::time;
use standby_sim::truth::{Course, Next, Script, Step};
use standby_trace::Trace;
use wasm_bindgen::JsValue;
use web_sys::BroadcastChannel;

use crate::runner::{self, Handle, Run};

/// How often it is asked whether the script can go on.
const LOOK_MS: u32 = 40;
/// A request that a browser puts on a kept connection which has gone dead is given up after 30 s, and
/// asked anew. What takes longer than this hangs.
const PATIENCE_US: i64 = 90_000_000;
/// A publishing request may be put on a dead connection too. Sent again under the same key, it publishes
/// once.
const ATTEMPTS: u32 = 8;
/// Over which pages tell that they start something: see `exclusive.rs` of the widgets.
const CHANNEL: &str = "standby";

/// How far a run is.
pub(crate) struct Progress<'a> {
    /// How many of the script's steps are over.
    pub over: usize,
    /// Microseconds since its start.
    pub at_us: i64,
    /// What is awaited, if anything.
    pub waits: &'a str,
}

/// Runs a script on a server, until `stopped`; gives its trace and its topic. `tell` hears how far it is.
///
/// # Errors
/// What kept it from ending.
pub(crate) async fn run(
    script: &Script,
    api: &Api,
    stopped: &Rc<Cell<bool>>,
    tell: impl Fn(Progress<'_>),
) -> Result<(Trace, String), String> {
    let run = Rc::new(Run::new(&script.scenario));
    let _claim = Claim::new(&run);
    let handle = runner::start(&script.scenario, &run).await?;
    let done = steps(script, api, &run, &handle, stopped, tell).await;
    // As it rests: to let go ends what is held.
    let (trace, topic) = (run.read(|recorder| recorder.trace().clone()), handle.topic());
    handle.let_go();
    done?;
    Ok((trace, topic.ok_or("the server is gone")?))
}

async fn steps(
    script: &Script,
    api: &Api,
    run: &Rc<Run>,
    handle: &Handle,
    stopped: &Rc<Cell<bool>>,
    tell: impl Fn(Progress<'_>),
) -> Result<(), String> {
    let mut course = Course::new(script);
    let mut is_new = true;
    let mut since_us = run.now_us();
    loop {
        if stopped.get() {
            return Err(String::new());
        }
        if let Some(trouble) = run.trouble() {
            return Err(trouble);
        }
        let next = run.read(|recorder| course.next(recorder.trace()));
        let waits = if let Next::Wait(why) = &next { why.as_str() } else { "" };
        tell(Progress { over: course.steps_over(), at_us: run.now_us(), waits });
        match next {
            Next::Over => return Ok(()),
            Next::Wait(why) if run.now_us() - since_us > PATIENCE_US => {
                return Err(format!("it hangs: {why}"));
            }
            Next::Wait(_) => TimeoutFuture::new(LOOK_MS).await,
            Next::Do(step) => {
                act(&step, api, handle, is_new).await?;
                is_new = false;
                since_us = run.now_us();
            }
        }
    }
}

async fn act(step: &Step, api: &Api, handle: &Handle, is_new: bool) -> Result<(), String> {
    match step {
        Step::Start => handle.go_on(is_new),
        Step::LetGo => handle.let_go(),
        Step::Fault(fault) => handle.hit(fault),
        Step::Publish(data) => {
            let topic = handle.topic().ok_or("the server is gone")?;
            let once = format!("{:x}", time::random());
            for _ in 0..ATTEMPTS {
                match api.publish(&topic, data, &once).await {
                    Ok(()) => return Ok(()),
                    Err(NoAnswer::Refused { said, .. }) => return Err(said),
                    Err(NoAnswer::Network | NoAnswer::TooLate) => {}
                }
            }
            return Err("the server does not answer".to_owned());
        }
        Step::Together(_) => {}
    }
    Ok(())
}

/// One experiment is live at a time, over all tabs: the six connections that a browser opens to an
/// origin are for all of them.
struct Claim(Option<BroadcastChannel>);

impl Claim {
    /// Has all others let go; `run` does when another starts.
    fn new(run: &Rc<Run>) -> Self {
        let channel = BroadcastChannel::new(CHANNEL).ok();
        if let Some(channel) = &channel {
            let run = run.clone();
            standby_dom::on(channel, "message", move |_| {
                run.stop("an experiment was started in another tab");
            });
            let claim = format!(r#"{{"at_ms":{},"by":{}}}"#, time::wall_ms(), time::random());
            let _ = channel.post_message(&JsValue::from_str(&claim));
        }
        Self(channel)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(channel) = &self.0 {
            channel.close();
        }
    }
}
