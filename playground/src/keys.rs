//! What the keys do while the picture has the focus, and how that is written in the map of them.

use crate::view::timebar::{Does, ZOOM};
use crate::walk::{Unit, Way};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Key {
    /// To the next thing of a kind, or the one before.
    Step(Unit, Way),
    /// What a button of the row does.
    Bar(Does),
    /// By half of the window.
    Pan(Way),
    /// To the oldest that is kept.
    Oldest,
    /// To the newest, without following.
    Newest,
    /// As much time as the scenario sets.
    ZoomBack,
    /// Slower or faster.
    Speed(Way),
    /// Lets go of what is pointed at, then of the cursor.
    LetGo,
    /// Shows the bytes of what is pointed at.
    Bytes,
}

/// What a key means; `shift`: with the shift key.
pub(crate) fn key(name: &str, shift: bool) -> Option<Key> {
    let by = |way| if shift { Key::Step(Unit::Event, way) } else { Key::Step(Unit::Message, way) };
    Some(match name {
        "ArrowLeft" => by(Way::Back),
        "ArrowRight" => by(Way::On),
        "ArrowUp" => Key::Step(Unit::Event, Way::Back),
        "ArrowDown" => Key::Step(Unit::Event, Way::On),
        "," => Key::Step(Unit::Frame, Way::Back),
        "." => Key::Step(Unit::Frame, Way::On),
        "PageUp" => Key::Pan(Way::Back),
        "PageDown" => Key::Pan(Way::On),
        "Home" => Key::Oldest,
        "End" => Key::Newest,
        "+" | "=" => Key::Bar(Does::Zoom(1.0 / ZOOM)),
        "-" => Key::Bar(Does::Zoom(ZOOM)),
        "0" => Key::ZoomBack,
        " " | "p" => Key::Bar(Does::Play),
        "<" => Key::Speed(Way::Back),
        ">" => Key::Speed(Way::On),
        "n" => Key::Bar(Does::Now),
        "Enter" => Key::Bytes,
        "Escape" => Key::LetGo,
        _ => return None,
    })
}

/// The map of the keys.
pub(crate) const MAP: [(&[&str], &str); 13] = [
    (&["←", "→"], "the message before, the next one"),
    (&["↑", "↓"], "the event before, the next one; Shift ← → too"),
    (&[",", "."], "back and on by 1/60 s"),
    (&["Page Up", "Page Down"], "back and on by half of what is in view"),
    (&["Home", "End"], "the oldest that is kept, the newest"),
    (&["+", "-"], "show less time, show more"),
    (&["0"], "as much time as at the start"),
    (&["Space"], "play what was, or rest"),
    (&["<", ">"], "play slower, play faster"),
    (&["N"], "back to now"),
    (&["Enter"], "the bytes of what is pointed at"),
    (&["Escape"], "let go of it, then of the cursor"),
    (&["?"], "this map"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_map_does_something() {
        for name in MAP.iter().flat_map(|(names, _)| names.iter()) {
            let name = match *name {
                "←" => "ArrowLeft",
                "→" => "ArrowRight",
                "↑" => "ArrowUp",
                "↓" => "ArrowDown",
                "Page Up" => "PageUp",
                "Page Down" => "PageDown",
                "Space" => " ",
                "N" => "n",
                // The whole widget's.
                "?" => continue,
                other => other,
            };
            assert!(key(name, false).is_some(), "{name}");
        }
    }

    #[test]
    fn other_keys_are_left_to_the_page() {
        for name in ["Tab", "F5", "a", "Shift", "s"] {
            assert_eq!(key(name, false), None, "{name}");
        }
    }

    #[test]
    fn the_arrows_walk_by_message_and_with_shift_by_event() {
        assert_eq!(key("ArrowLeft", false), Some(Key::Step(Unit::Message, Way::Back)));
        assert_eq!(key("ArrowLeft", true), Some(Key::Step(Unit::Event, Way::Back)));
    }
}
