//! The program `standby`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

fn standby(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standby"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the program, and gives back where it says that it listens.
fn start(arguments: &[&str]) -> (Child, String) {
    let mut child = standby(arguments).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let addr = line.trim().split("http://").nth(1).expect("the first line says where").to_owned();
    (child, addr)
}

#[cfg(unix)]
fn stop(child: &mut Child, signal: &str) -> std::process::ExitStatus {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap()
}

#[cfg(unix)]
#[test]
fn it_says_where_it_listens_and_stops_in_order_on_a_signal() {
    for (addr, signal) in
        [("127.0.0.1:0", "-TERM"), (":0", "-INT"), ("localhost:0", "-TERM"), ("0.0.0.0:0", "-TERM")]
    {
        let (mut child, addr) = start(&["serve", "--addr", addr]);
        let mut stream = TcpStream::connect(&addr).unwrap();
        write!(stream, "GET /api/topics/t/sse?retry_ms=500 HTTP/1.1\r\nHost: {addr}\r\n\r\n").unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while line != "retry: 500\n" {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0);
        }
        assert_eq!(stop(&mut child, signal).code(), Some(0));
        // The stream came to its end in order: its last chunk is there.
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with("\r\n0\r\n\r\n"), "{rest:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let output = standby(&["serve", "--addr", &addr]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains(&addr) && message.contains("--addr"), "{message}");
    assert!(output.stdout.is_empty());
}

#[test]
fn flags_that_make_no_sense_are_told() {
    for (arguments, hint) in [
        (&["serve", "--addr", "here"][..], "127.0.0.1:3000"),
        (&["serve", "--allow-origin", "book.example"], "http://"),
        (&["serve", "--allow-origin", "null"], "http://"),
        (&["serve", "--allow-host", "http://book.example"], "name alone"),
        (&["serve", "--allow-host", "book.example:80"], "name alone"),
        (&["serve", "--sse-retry-ms", "499"], "500"),
        (&["serve", "--book", "no/such/directory"], "index.html"),
    ] {
        let output = standby(arguments).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(message.contains(hint), "{arguments:?}: {message}");
    }
}

#[test]
fn every_bound_is_a_flag_with_its_default_in_the_help() {
    let output = standby(&["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for (flag, default) in [
        ("--addr", "127.0.0.1:3000"),
        ("--history-events", "1000"),
        ("--history-bytes", "4194304"),
        ("--total-bytes", "67108864"),
        ("--history-age-ms", "3600000"),
        ("--max-topics", "1000"),
        ("--publish-bytes", "65536"),
        ("--ws-bytes", "65536"),
        ("--echo-bytes", "16777216"),
        ("--requests-per-second", "2000"),
        ("--keep-alive-ms", "15000"),
    ] {
        let at = help.find(flag).unwrap_or_else(|| panic!("{flag} is not in the help"));
        let until = help[at + 2..].find("\n      --").map_or(help.len(), |end| at + 2 + end);
        assert!(help[at..until].contains(&format!("[default: {default}]")), "{}", &help[at..until]);
    }
}
