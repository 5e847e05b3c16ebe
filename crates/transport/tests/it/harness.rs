//! A conversation with a machine, written down in short words so that a test reads like one.

use standby_transport::{Action, Epoch, Input, Machine, Notice, Output};

/// One machine and what it says.
pub(crate) struct Talk<M> {
    pub(crate) machine: M,
}

impl<M: Machine> Talk<M> {
    pub(crate) fn new(machine: M) -> Self {
        Self { machine }
    }

    /// Tells the machine something and hears what follows from it.
    pub(crate) fn tell(&mut self, at_ms: u64, input: Input<'_>) -> Vec<String> {
        let mut out = Vec::new();
        self.machine.step(at_ms * 1_000, input, &mut out);
        out.iter().map(words).collect()
    }

    pub(crate) fn start(&mut self, at_ms: u64) -> Vec<String> {
        self.tell(at_ms, Input::Start)
    }

    pub(crate) fn stop(&mut self, at_ms: u64) -> Vec<String> {
        self.tell(at_ms, Input::Stop)
    }

    /// Wakes the machine at the time that it asked for, and not before.
    pub(crate) fn wake(&mut self) -> (u64, Vec<String>) {
        let at_us = self.machine.wake_at().expect("the machine waits for something");
        let mut out = Vec::new();
        if at_us > 0 {
            self.machine.step(at_us - 1, Input::Wake, &mut out);
            assert_eq!(out, [], "woken before its time, it does nothing");
        }
        self.machine.step(at_us, Input::Wake, &mut out);
        (at_us / 1_000, out.iter().map(words).collect())
    }

    pub(crate) fn head(&mut self, at_ms: u64, n: u64, status: u16) -> Vec<String> {
        let content_type = Some(if status == 200 { "application/json" } else { "application/problem+json" });
        self.tell(at_ms, Input::Head { n, status, content_type, etag: None, retry_after_ms: None })
    }

    /// A whole answer, in two parts.
    pub(crate) fn answer(&mut self, at_ms: u64, n: u64, body: &str) -> Vec<String> {
        let mut said = self.head(at_ms, n, 200);
        let (first, second) = body.as_bytes().split_at(body.len() / 2);
        said.extend(self.tell(at_ms, Input::Body { n, bytes: first }));
        said.extend(self.tell(at_ms, Input::Body { n, bytes: second }));
        said.extend(self.tell(at_ms, Input::End { n }));
        said
    }

    /// A refusal, with `Retry-After`.
    pub(crate) fn refuse(
        &mut self,
        at_ms: u64,
        n: u64,
        status: u16,
        retry_after_ms: Option<u64>,
    ) -> Vec<String> {
        let content_type = Some("application/problem+json");
        let head = Input::Head { n, status, content_type, etag: None, retry_after_ms };
        let mut said = self.tell(at_ms, head);
        said.extend(self.tell(at_ms, Input::Body { n, bytes: b"{\"title\":\"No\"}" }));
        said.extend(self.tell(at_ms, Input::End { n }));
        said
    }

    pub(crate) fn machine_wakes(&self) -> Option<u64> {
        self.machine.wake_at()
    }

    pub(crate) fn position(&self) -> Option<String> {
        self.machine.position().map(ToString::to_string)
    }
}

/// An output in short words.
pub(crate) fn words(output: &Output) -> String {
    let life = |epoch: &Option<Epoch>| epoch.as_ref().map_or("null".to_owned(), ToString::to_string);
    match output {
        Output::Do(Action::Fetch(request)) => {
            let headers: String =
                request.headers.iter().map(|(name, value)| format!(" {name}: {value}")).collect();
            format!("GET {}{headers}", request.target)
        }
        Output::Do(Action::Abort { n }) => format!("abort {n}"),
        Output::Do(Action::OpenSocket { target, .. } | Action::OpenEventSource { target, .. }) => {
            format!("open {target}")
        }
        Output::Do(Action::SendText { n, text }) => format!("send {n} {text}"),
        Output::Do(Action::CloseSocket { n, code }) => format!("close {n} {code}"),
        Output::Do(Action::CloseEventSource { n }) => format!("close {n}"),
        Output::Tell(Notice::Hello(hello)) => format!("hello {}:{}", life(&hello.epoch), hello.last_id),
        Output::Tell(Notice::Event(event)) => format!("+{}", event.id),
        Output::Tell(Notice::Gap(gap)) => format!("gap {}..{}", gap.from, gap.to),
        Output::Tell(Notice::Reset(reset)) => format!("reset {}:{}", life(&reset.epoch), reset.last_id),
        Output::Tell(Notice::Empty { n }) => format!("empty {n}"),
        Output::Tell(Notice::Cut { n, why }) => {
            // The reason's own words may change; that there is one may not.
            let why = format!("{why:?}");
            format!("cut {n} {}", why.split("(\"").next().unwrap_or_default())
        }
        Output::Tell(Notice::Waiting { until_us: Some(until_us), who, attempt }) => {
            format!("wait until {} {who:?} #{attempt}", until_us / 1_000)
        }
        Output::Tell(Notice::Waiting { until_us: None, who, attempt }) => format!("wait {who:?} #{attempt}"),
        Output::Tell(Notice::GaveUp { why }) => {
            let why = format!("{why:?}");
            format!("gave up {}", why.split("(\"").next().unwrap_or_default())
        }
        Output::Tell(Notice::Refused { title, .. }) => format!("refused: {title}"),
    }
}

/// The body of an answer with these events, in the life `k`.
pub(crate) fn answer(ids: &[u64], last_id: u64) -> String {
    let events: Vec<String> = ids.iter().map(|id| event(*id)).collect();
    format!(r#"{{"epoch":"k","events":[{}],"last_id":{last_id}}}"#, events.join(","))
}

/// An event as every transport carries it.
pub(crate) fn event(id: u64) -> String {
    format!(r#"{{"id":{id},"data":{{"price":1.5}},"published_at":1764000000000}}"#)
}
