//! A slider over steps of a logarithmic scale, with its name and value above it.

use standby_dom::{self as dom, Words};
use web_sys::{HtmlElement, HtmlInputElement};

/// What a slider can be set to: `mantissas` times each power of ten, within bounds, and `also`, the
/// experiment's own value.
pub(crate) fn steps(mantissas: &[u32], from: u32, to: u32, also: u32) -> Vec<u32> {
    let powers = (0..8).map(|power| 10_u32.pow(power));
    let mut steps: Vec<u32> = powers
        .flat_map(|power| mantissas.iter().map(move |m| m * power))
        .filter(|step| (from..=to).contains(step))
        .chain([also])
        .collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// A slider, and how it is set from elsewhere.
pub(crate) struct Slider {
    pub(crate) element: HtmlElement,
    input: HtmlInputElement,
    shown: std::rc::Rc<Words>,
    steps: Vec<u32>,
    written: fn(u32) -> String,
}

impl Slider {
    /// `change` is called for every step, and whether it is to stay: not while it is dragged.
    pub(crate) fn new(
        name: &str,
        steps: Vec<u32>,
        written: fn(u32) -> String,
        change: impl Fn(u32, bool) + Clone + 'static,
    ) -> Self {
        let output: HtmlElement = dom::html("output").into();
        let shown = std::rc::Rc::new(Words::within(&output, ""));
        let last = steps.len().saturating_sub(1);
        let input: HtmlInputElement = dom::html("input")
            .set("type", "range")
            .set("min", "0")
            .set("max", &last.to_string())
            .set("step", "1")
            .set("aria-label", name)
            .into();
        for (event, stays) in [("input", false), ("change", true)] {
            let (own, shown, steps, change) = (input.clone(), shown.clone(), steps.clone(), change.clone());
            dom::on(&input, event, move |_| {
                let value = steps.get(own.value_as_number() as usize).copied();
                if let Some(value) = value {
                    shown.say(&written(value));
                    dom::set(&own, "aria-valuetext", &written(value));
                    change(value, stays);
                }
            });
        }
        let element = dom::classed("label", "standby-slider")
            .child(&dom::html("span").text(name).done())
            .child(&output)
            .child(&input)
            .done();
        Self { element, input, shown, steps, written }
    }

    /// Shows a value; the nearest step where it is none.
    pub(crate) fn set(&self, value: u32) {
        let at = self
            .steps
            .iter()
            .enumerate()
            .min_by_key(|(_, step)| step.abs_diff(value))
            .map_or(0, |(at, _)| at);
        self.input.set_value(&at.to_string());
        let written = (self.written)(value);
        self.shown.say(&written);
        dom::set(&self.input, "aria-valuetext", &written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_has_the_experiments_own_value() {
        assert_eq!(steps(&[1, 2, 5], 100, 1_000, 300), [100, 200, 300, 500, 1_000]);
        assert_eq!(steps(&[1], 1, 10_000_000, 1).last(), Some(&10_000_000));
    }
}
