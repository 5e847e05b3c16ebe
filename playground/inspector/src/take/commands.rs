//! Commands for a terminal that join a topic. Pure.

use standby_trace::Transport;

use crate::host::Place;

/// A command and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// What it is for: a transport's name, or publishing.
    pub(crate) name: &'static str,
    /// The line to run.
    pub(crate) line: String,
    /// What is to be said of it.
    pub(crate) says: &'static str,
}

/// The label that the picture shows the terminal by.
const SUB: &str = "outside";

/// The commands for a place's topic; none before it has one.
pub(crate) fn commands(place: &Place) -> Vec<Command> {
    let Some(topic) = &place.topic else { return Vec::new() };
    let base = format!("{}{}/topics/{topic}", place.origin, place.api);
    let mut commands: Vec<Command> =
        Transport::ALL.into_iter().map(|transport| subscribe(&base, transport)).collect();
    commands.push(Command {
        name: "Publish",
        line: format!("curl --json '{{\"data\": \"from a terminal\"}}' '{base}/events'"),
        says: "One event, to all lanes. (curl before 7.82 has no --json: use -d.)",
    });
    commands
}

fn subscribe(base: &str, transport: Transport) -> Command {
    let (line, says) = match transport {
        Transport::ShortPoll => (
            format!("while curl '{base}/poll?after=0&sub={SUB}'; do echo; sleep 2; done"),
            "Asks every 2 s for all that the history holds.",
        ),
        Transport::LongPoll => {
            (format!("curl '{base}/long-poll?sub={SUB}'"), "Held until the next event, for 25 s at most.")
        }
        Transport::WebSocket => (
            // curl speaks the handshake only if it is told to; the key is the one of RFC 6455 §1.3.
            format!(
                "curl -N --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
                 -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' \
                 --output - '{base}/ws?after=0&sub={SUB}'"
            ),
            "curl makes the handshake by hand and prints the frames as they come, headers and all. It \
             answers no ping, so the server closes after a while.",
        ),
        Transport::Sse => (
            format!("curl -N '{base}/sse?after=0&sub={SUB}'"),
            "The stream as it is, from the start of the history.",
        ),
    };
    Command { name: transport.title(), line, says }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_for_this_topic_and_names_the_terminal() {
        let place = Place {
            topic: Some("k3f9".to_owned()),
            origin: "http://127.0.0.1:3000".to_owned(),
            api: "/api".to_owned(),
            ..Place::default()
        };
        let commands = commands(&place);
        assert_eq!(commands.len(), 5);
        for command in &commands {
            assert!(command.line.contains("'http://127.0.0.1:3000/api/topics/k3f9/"), "{}", command.line);
            assert_eq!(
                command.line.contains("&sub=outside'") || command.line.contains("?sub=outside'"),
                command.name != "Publish",
                "{}",
                command.line
            );
        }
        assert!(commands_before_a_run().is_empty());
    }

    fn commands_before_a_run() -> Vec<Command> {
        super::commands(&Place::default())
    }
}
