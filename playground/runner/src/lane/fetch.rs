//! A GET whose answer is told as it arrives: polls, and our own client of event streams.

use std::rc::Rc;

use gloo_net::http::Request;
use js_sys::{Reflect, Uint8Array};
use standby_transport::Input;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, ReadableStreamDefaultReader, RequestCache};

use super::Lane;

/// A request under way. To drop it is to abort it.
pub(super) struct Fetch(Option<AbortController>);

impl Drop for Fetch {
    fn drop(&mut self) {
        // After the answer's end this does nothing.
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// Sends it; the lane is told its answer.
pub(super) fn send(lane: &Rc<Lane>, n: u64, url: &str, headers: &[(&'static str, String)]) -> Fetch {
    let controller = AbortController::new().ok();
    let signal = controller.as_ref().map(AbortController::signal);
    // `no-store`: without it a browser queues a second GET of the same URL behind a held one.
    let mut request = Request::get(url).cache(RequestCache::NoStore).abort_signal(signal.as_ref());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let lane = Rc::downgrade(lane);
    spawn_local(async move {
        let done = match request.send().await {
            Ok(answer) => {
                if let Some(lane) = lane.upgrade() {
                    let headers = answer.headers();
                    let (content_type, etag) = (headers.get("content-type"), headers.get("etag"));
                    let retry_after_ms = headers.get("retry-after").and_then(|value| retry_after_ms(&value));
                    lane.tell(n, |n| Input::Head {
                        n,
                        status: answer.status(),
                        content_type: content_type.as_deref(),
                        etag: etag.as_deref(),
                        retry_after_ms,
                    });
                }
                read(&answer, |bytes| {
                    if let Some(lane) = lane.upgrade() {
                        lane.tell(n, |n| Input::Body { n, bytes });
                    }
                })
                .await
            }
            Err(_) => Err(()),
        };
        if let Some(lane) = lane.upgrade() {
            lane.tell(n, |n| match done {
                Ok(()) => Input::End { n },
                Err(()) => Input::Failed { n },
            });
        }
    });
    Fetch(controller)
}

/// Reads a body to its end, part by part.
async fn read(answer: &gloo_net::http::Response, mut each: impl FnMut(&[u8])) -> Result<(), ()> {
    // A 304 has none.
    let Some(body) = answer.body() else { return Ok(()) };
    let reader: ReadableStreamDefaultReader = body.get_reader().dyn_into().map_err(drop)?;
    loop {
        let part = JsFuture::from(reader.read()).await.map_err(drop)?;
        let field = |name: &str| Reflect::get(&part, &JsValue::from_str(name)).map_err(drop);
        if field("done")?.is_truthy() {
            return Ok(());
        }
        each(&field("value")?.dyn_into::<Uint8Array>().map_err(drop)?.to_vec());
    }
}

/// `Retry-After` where it is a number of seconds (RFC 9110 §10.2.3). A date would need a clock that
/// agrees with the server's.
fn retry_after_ms(value: &str) -> Option<u64> {
    value.trim().parse::<u64>().ok()?.checked_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_no_number_of_seconds() {
        assert_eq!(retry_after_ms(" 3 "), Some(3_000));
        assert_eq!(retry_after_ms("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(retry_after_ms("99999999999999999999"), None);
        assert_eq!(retry_after_ms("18446744073709551615"), None);
    }
}
