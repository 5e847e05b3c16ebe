//! The bytes, the log, the client's code, and what a reader takes away.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use thirtyfour::Key;
use tokio::process::Command;

use super::place;
use crate::browser::{Browser, Engine};
use crate::runner::Test;
use crate::wait;
use crate::widget::Widget;

/// The four lanes, running, each with an event.
async fn running<'b>(test: &'b Test<'_>) -> Result<Widget<'b>> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    Ok(widget)
}

/// Opens a tab of the widget and waits until its panel has something of this kind.
async fn open(browser: &Browser, widget: &Widget<'_>, tab: &str, until: &str) -> Result<()> {
    widget.press(&format!("[data-tab={tab}]")).await?;
    let selector = format!("#{} [data-panel={tab}] {until}", widget.id);
    wait::until(&format!("the panel {tab} has {until}"), async || {
        let there: bool =
            browser.js("return document.querySelector(arguments[0]) !== null", &[json!(selector)]).await?;
        Ok(there.then_some(()))
    })
    .await
}

pub(super) async fn the_list_adds_up_and_a_byte_and_its_field_mark_each_other(
    test: &mut Test<'_>,
) -> Result<()> {
    let widget = running(test).await?;
    open(&test.browser, &widget, "wire", "tbody tr[data-number]").await?;
    widget.press_word("Pause").await?;
    widget.wait_for("paused").await?;
    let script = "const root = document.getElementById(arguments[0]); \
                  const number = text => Number(text.replaceAll(',', '')); \
                  const rows = [...root.querySelectorAll('.standby-messages tbody tr')]; \
                  const cells = rows.map(row => [...row.cells].map(cell => cell.textContent)); \
                  return { rows: rows.length, bytes: cells.reduce((sum, row) => sum + number(row[4]), 0), \
                           total: number(root.querySelector('.standby-messages tfoot td').textContent) }";
    let sums = wait::until("the list adds up", async || {
        let sums: Value = test.browser.js(script, &[json!(widget.id)]).await?;
        Ok((sums["rows"].as_u64() > Some(0) && sums["bytes"] == sums["total"]).then_some(sums))
    })
    .await?;
    let trace = widget.trace().await?;
    let total: u64 = trace
        .messages
        .iter()
        .map(|message| u64::from(message.payload_bytes) + u64::from(message.overhead_bytes))
        .sum();
    ensure!(sums["total"] == total, "the list comes to {sums}, the trace to {total}");

    // The reader presses a request's row: its bytes come, and pointing goes both ways.
    let script = "const root = document.getElementById(arguments[0]); \
                  const row = [...root.querySelectorAll('.standby-messages tbody tr')] \
                      .find(row => row.cells[3].textContent === 'request'); \
                  row.click(); return row.dataset.number";
    let number: String = test.browser.js(script, &[json!(widget.id)]).await?;
    let bytes = format!("#{} .standby-hex b", widget.id);
    wait::until("its bytes are shown", async || {
        let bytes: u64 =
            test.browser.js("return document.querySelectorAll(arguments[0]).length", &[json!(bytes)]).await?;
        Ok((bytes > 100).then_some(()))
    })
    .await?;
    let script = "const root = document.getElementById(arguments[0]); \
                  const over = element => element.dispatchEvent(new PointerEvent('pointerover', { bubbles: true })); \
                  const on = what => [...root.querySelectorAll(what + '[data-on]')].map(e => e.textContent).join(''); \
                  over(root.querySelector('.standby-hex [data-at=\"0\"]')); \
                  const method = on('.standby-fields tr'); \
                  const host = [...root.querySelectorAll('.standby-fields tbody tr')] \
                      .find(row => row.textContent.toLowerCase().startsWith('host')); \
                  host.focus(); \
                  return { method, host: on('.standby-hex i') }";
    let marked: Value = test.browser.js(script, &[json!(widget.id)]).await?;
    let authority = test.server.origin.trim_start_matches("http://");
    ensure!(marked["method"].as_str().unwrap_or_default().contains("GET"), "the first byte marks {marked}");
    let host = marked["host"].as_str().unwrap_or_default().to_lowercase();
    ensure!(host.starts_with("host:") && host.contains(authority), "the field of Host marks {marked}");
    ensure!(!number.is_empty(), "a row has no number");
    Ok(())
}

pub(super) async fn the_keys_walk_through_the_list_and_the_picture_follows(
    test: &mut Test<'_>,
) -> Result<()> {
    let widget = running(test).await?;
    open(&test.browser, &widget, "wire", "tbody tr[data-number]").await?;
    widget.press_word("Pause").await?;
    widget.wait_for("paused").await?;
    // The cell: Firefox's driver finds a row of a table not clickable.
    widget.press(".standby-messages tbody tr[tabindex='0'] td").await?;
    let selected = async || -> Result<Option<String>> {
        let script = "return document.getElementById(arguments[0]) \
                      .querySelector('.standby-messages tr[aria-selected=true]')?.dataset.number ?? null";
        test.browser.js(script, &[json!(widget.id)]).await
    };
    let first = wait::until("a row is chosen", selected).await?;
    test.browser.press(Key::Up).await?;
    let second = wait::until("the row above is chosen", async || {
        Ok(selected().await?.filter(|number| *number != first))
    })
    .await?;
    let (first, second): (u64, u64) = (first.parse()?, second.parse()?);
    ensure!(second + 1 == first, "the key went from {first} to {second}");
    Ok(())
}

pub(super) async fn what_a_user_sent_is_text_on_the_wire_and_in_the_log(test: &mut Test<'_>) -> Result<()> {
    let widget = running(test).await?;
    open(&test.browser, &widget, "wire", "tbody tr[data-number]").await?;
    let markup = json!({ "text": "<img src=x onerror=console.error('run')>" });
    let id = test.server.publish(&widget.topic().await?, &markup).await?;
    widget.wait_rows("it has arrived", |row| row.last_id.is_some_and(|last| last >= id)).await?;
    // Of the messages that carry it one may have been lost in a cut, and has no bytes: each is tried.
    let script = "const root = document.getElementById(arguments[0]); \
                  const rows = [...root.querySelectorAll('.standby-messages tbody tr')] \
                      .filter(row => row.cells[3].textContent.includes(`event ${arguments[1]}`)); \
                  window.tried = (window.tried ?? -1) + 1; \
                  rows[window.tried % rows.length]?.click(); \
                  return root.querySelector('.standby-detail').textContent.includes('<img src=x')";
    wait::until("its field is shown", async || {
        let shown: bool = test.browser.js(script, &[json!(widget.id), json!(id)]).await?;
        Ok(shown.then_some(()))
    })
    .await?;
    open(&test.browser, &widget, "log", "tbody tr").await?;
    let script = "return document.getElementById(arguments[0]).querySelectorAll('img').length";
    let images: u64 = test.browser.js(script, &[json!(widget.id)]).await?;
    ensure!(images == 0, "text has become {images} images");
    let errors = test.browser.take_seen().await?.errors;
    ensure!(!errors.iter().any(|error| error.contains("run")), "text has run: {errors:?}");
    Ok(())
}

pub(super) async fn the_log_is_a_table_that_can_be_filtered(test: &mut Test<'_>) -> Result<()> {
    let widget = running(test).await?;
    open(&test.browser, &widget, "log", "tbody tr").await?;
    widget.press_word("Pause").await?;
    widget.wait_for("paused").await?;
    widget.press("[data-panel=log] input[type=search]").await?;
    test.browser.type_text("event 1").await?;
    let script = "const log = document.getElementById(arguments[0]).querySelector('.standby-log'); \
                  return [...log.tBodies[0].rows].map(row => row.textContent)";
    wait::until("only lines with these words are left", async || {
        let lines: Vec<String> = test.browser.js(script, &[json!(widget.id)]).await?;
        Ok((!lines.is_empty() && lines.iter().all(|line| line.contains("event 1"))).then_some(()))
    })
    .await
}

pub(super) async fn without_a_clipboard_the_text_is_shown_selected(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    open(&test.browser, &widget, "link", ".standby-copy").await?;
    // As it is on an origin that is not secure.
    let script = "Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })";
    test.browser.js::<Value>(script, &[]).await?;
    widget.press("[data-panel=link] .standby-copy").await?;
    let text = wait::until("the text is shown selected", async || {
        let script = "const area = document.querySelector('textarea.standby-to-copy:not([hidden])'); \
                      return area && document.activeElement === area \
                          ? area.value.slice(area.selectionStart, area.selectionEnd) : null";
        test.browser.js::<Option<String>>(script, &[]).await
    })
    .await?;
    ensure!(text.contains("#four-ways&run="), "the link is {text}");
    // And it opens.
    test.browser.goto(&text).await?;
    Ok(())
}

pub(super) async fn what_curl_is_told_to_do_shows_up_outside(test: &mut Test<'_>) -> Result<()> {
    let widget = running(test).await?;
    open(&test.browser, &widget, "curl", ".standby-code").await?;
    let script = "return [...document.getElementById(arguments[0]) \
                  .querySelectorAll('[data-panel=curl] code')].map(code => code.textContent)";
    let commands: Vec<String> = test.browser.js(script, &[json!(widget.id)]).await?;
    ensure!(commands.len() == 5, "the commands are {commands:?}");
    for command in &commands[..4] {
        ensure!(command.contains(&test.server.origin), "{command} is for another server");
    }
    // The very lines, in a shell. The first asks for ever: each is ended with the test.
    let mut running = Vec::new();
    for command in &commands[1..4] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec {command}")]).stdout(Stdio::null()).stderr(Stdio::null());
        running.push(shell.kill_on_drop(true).spawn().context("running a command")?);
    }
    wait::until("three lanes from outside are in the picture", async || {
        let trace = widget.trace().await?;
        Ok((trace.lanes.iter().filter(|lane| lane.outside).count() == 3).then_some(()))
    })
    .await
}

pub(super) async fn files_hold_what_they_are_named_after(test: &mut Test<'_>) -> Result<()> {
    let widget = running(test).await?;
    open(&test.browser, &widget, "save", "button").await?;
    let script = "const real = URL.createObjectURL; window.saved = []; \
                  URL.createObjectURL = blob => { window.saved.push(blob); return real(blob) }";
    test.browser.js::<Value>(script, &[]).await?;
    let saved = async |word: &str| -> Result<String> {
        widget.press_word(word).await?;
        let script = "return (await window.saved.pop()?.text()) ?? null";
        wait::until("it is saved", async || test.browser.js::<Option<String>>(script, &[]).await).await
    };
    let trace: standby_trace::Trace = serde_json::from_str(&saved("Save trace").await?)?;
    ensure!(!trace.wire.is_empty(), "the trace has no bytes");
    let har: Value = serde_json::from_str(&saved("Save HAR").await?)?;
    ensure!(har["log"]["entries"].as_array().is_some_and(|entries| !entries.is_empty()), "{har}");
    let tsv = saved("(TSV)").await?;
    ensure!(tsv.starts_with("time_ms\tlane\tkind\twhat\tbytes\n"), "{tsv}");
    let svg = saved("Save picture").await?;
    let script = "const picture = new Image(); \
                  picture.src = URL.createObjectURL(new Blob([arguments[0]], { type: 'image/svg+xml' })); \
                  await picture.decode(); return picture.naturalHeight";
    let height: u32 = test.browser.js(script, &[json!(svg)]).await?;
    ensure!(height > 300, "the picture is {height} px high");
    ensure!(!svg.contains("var("), "the picture needs a page's properties");
    Ok(())
}

pub(super) async fn the_javascript_clients_recover(test: &mut Test<'_>) -> Result<()> {
    let folder = test.setup.root.join("playground/inspector/code");
    for name in ["short-poll", "long-poll", "websocket", "sse-event-source", "sse-fetch"] {
        let topic = format!("clients-{name}");
        let id = test.server.publish(&topic, &json!("first")).await?;
        ensure!(id == 1, "the topic of {name} is not new");
        let text = std::fs::read_to_string(folder.join(format!("{name}.mjs")))?;
        let origin = "http://127.0.0.1:3000/api/topics/news";
        ensure!(text.contains(origin), "{name} has no topic to set");
        let text = text.replace(origin, &test.server.url(&format!("api/topics/{topic}")));
        test.browser.goto(&test.server.url("index.html")).await?;
        let script = "window.said = []; const log = console.log; \
                      console.log = line => { window.said.push(line); log(line) }; \
                      import(URL.createObjectURL(new Blob([arguments[0]], { type: 'text/javascript' })))";
        test.browser.js::<Value>(script, &[json!(text)]).await?;
        let said = async || test.browser.js::<Vec<String>>("return window.said", &[]).await;
        // It gets what comes from its first answer on: publish until something comes.
        let mut last = 1;
        wait::until(&format!("{name} has an event"), async || {
            last = test.server.publish(&topic, &json!({ "n": last })).await?;
            Ok(said().await?.iter().any(|line| line.starts_with("event ")).then_some(()))
        })
        .await?;
        test.server.kill().await?;
        let before = said().await?.len();
        wait::until(&format!("{name} notices that the server is gone"), async || {
            Ok(said().await?[before..].iter().any(|line| line.starts_with("cut: ")).then_some(()))
        })
        .await?;
        test.server.restart().await?;
        // A server that was killed has a new life of the topic: the client is told, not deceived.
        let id = test.server.publish(&topic, &json!("<b>after</b>")).await?;
        wait::until(&format!("{name} is told of the new life, and has its first event"), async || {
            let said = said().await?;
            let reset = said.iter().position(|line| line.starts_with("reset: "));
            let event = said.iter().rposition(|line| *line == format!("event {id}: \"<b>after</b>\""));
            Ok(reset.zip(event).filter(|(reset, event)| reset < event).map(drop))
        })
        .await?;
    }
    // Firefox says on its console that a socket was cut; that it was is the point.
    if test.browser.engine == Engine::Firefox {
        test.browser.take_seen().await?;
    }
    Ok(())
}
