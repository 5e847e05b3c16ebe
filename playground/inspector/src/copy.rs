//! Copying. Where the page has no clipboard (an origin that is not secure: a laptop over the LAN, or
//! a browser that refuses), the text is shown instead, selected, for the reader's own keys.

use standby_dom::{self as dom, Words};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{HtmlElement, HtmlTextAreaElement};

/// A button that copies what `text` gives when it is pressed, and what stands beside it.
pub(crate) fn button(label: &str, text: impl Fn() -> String + 'static) -> HtmlElement {
    let says = dom::classed("span", "standby-copied").set("role", "status").done();
    let words = Words::within(&says, "");
    let shown: HtmlTextAreaElement = dom::classed("textarea", "standby-to-copy")
        .set("readonly", "")
        .set("rows", "4")
        .set("spellcheck", "false")
        .set("aria-label", "The text to copy")
        .set("hidden", "")
        .into();
    let words = std::rc::Rc::new(words);
    let press = dom::button("standby-copy", label).on("click", {
        let shown = shown.clone();
        move |_| {
            let (text, words, shown) = (text(), std::rc::Rc::clone(&words), shown.clone());
            spawn_local(async move {
                if to_clipboard(&text).await {
                    dom::show(&shown, false);
                    words.say("Copied.");
                } else {
                    words.say("This page has no clipboard. The text is selected: copy it with the keyboard.");
                    shown.set_value(&text);
                    dom::show(&shown, true);
                    let _ = shown.focus();
                    shown.select();
                }
            });
        }
    });
    dom::classed("div", "standby-copier").child(&press.done()).child(&says).child(&shown).done()
}

/// Whether it came there.
async fn to_clipboard(text: &str) -> bool {
    let window = dom::window();
    // Elsewhere `navigator.clipboard` is not even defined (Clipboard API §3.1: SecureContext).
    if !window.is_secure_context() {
        return false;
    }
    let clipboard = window.navigator().clipboard();
    if AsRef::<wasm_bindgen::JsValue>::as_ref(&clipboard).is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
