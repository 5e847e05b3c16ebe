//! A picture that stands alone: the figure's SVG with the colours of the page's theme in it.

/// The colours of a theme, and its font.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Palette {
    pub(crate) ground: String,
    pub(crate) text: String,
    pub(crate) muted: String,
    pub(crate) line: String,
    pub(crate) request: String,
    pub(crate) news: String,
    pub(crate) empty: String,
    pub(crate) held: String,
    pub(crate) fault: String,
    pub(crate) age: String,
    pub(crate) client: String,
    pub(crate) font: String,
}

/// Puts the namespace and the style into a figure's SVG, as a file of its own needs them.
pub(crate) fn alone(svg: &str, palette: &Palette) -> String {
    let Some((open, rest)) = svg.split_once('>') else { return String::new() };
    let open = open.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
    format!(
        "{open}><style>{}</style><rect class=\"sb-paper\" width=\"100%\" height=\"100%\"/>{rest}\n",
        style(palette)
    )
}

/// No custom properties: programs that draw on paper don't know them.
fn style(palette: &Palette) -> String {
    let Palette { ground, text, muted, line, request, news, empty, held, fault, age, client, font } = palette;
    let mut style = format!(
        ".sb-figure{{font-family:{font}}}.sb-paper{{fill:{ground}}}\
         .sb-line,.sb-message,.sb-cross,.sb-hatch{{fill:none;stroke-width:1}}\
         .sb-message{{stroke-width:1.3}}.sb-message.sb-news{{stroke-width:1.8}}\
         .sb-message.sb-inferred,.sb-fill.sb-inferred{{opacity:.6}}\
         .sb-message.sb-selected{{stroke-width:3}}\
         .sb-message.sb-empty,.sb-message.sb-open,.sb-message.sb-browser{{stroke-dasharray:3 2}}\
         .sb-cross{{stroke-width:2.4}}.sb-hatch{{stroke-width:1.6}}\
         .sb-ring{{fill:{ground};stroke-width:1.4}}\
         .sb-text{{paint-order:stroke;stroke:{ground};stroke-width:3px;stroke-linejoin:round}}\
         .sb-text.sb-ground{{stroke:none}}.sb-strong{{font-weight:600}}"
    );
    let inks = [
        ("rail", muted),
        ("axis", muted),
        ("note", muted),
        ("grid", line),
        ("waiting", line),
        ("request", request),
        ("open", request),
        ("news", news),
        ("thread", news),
        ("empty", empty),
        ("browser", empty),
        ("overhead", empty),
        ("held", held),
        ("client", client),
        ("fault", fault),
        ("one-sided", fault),
        ("stale", age),
        ("name", text),
        ("cursor", text),
        ("ground", ground),
        ("herd-in", news),
        ("herd-away", age),
    ];
    for (ink, color) in inks {
        style.push_str(&format!(
            ".sb-line.sb-{ink},.sb-message.sb-{ink},.sb-cross.sb-{ink},.sb-hatch.sb-{ink},\
             .sb-ring.sb-{ink}{{stroke:{color}}}.sb-fill.sb-{ink},.sb-text.sb-{ink}{{fill:{color}}}"
        ));
    }
    style.push_str(
        ".sb-line.sb-thread{stroke-dasharray:1 5;opacity:.55}\
         .sb-line.sb-thread.sb-selected{stroke-dasharray:none;opacity:1;stroke-width:1.2}\
         .sb-line.sb-stale{stroke-width:2.2;opacity:.55}\
         .sb-line.sb-stale.sb-selected{stroke-width:3;opacity:1}",
    );
    // A font's name is a user's to set, and must not end the element that it stands in.
    style.replace(['<', '&'], "")
}

#[cfg(test)]
mod tests {
    use standby_figure::{View, describe, figure, svg};
    use standby_trace::crowd::{CrowdRun, Tally};

    use super::*;

    fn palette() -> Palette {
        Palette {
            ground: "#fff".to_owned(),
            news: "#00805a".to_owned(),
            font: "\"Open Sans\", </style><script>".to_owned(),
            ..Palette::default()
        }
    }

    fn file() -> String {
        let mut trace = crate::sample::trace();
        trace.scenario.clients = 200;
        trace.crowd.push(CrowdRun {
            row: 0,
            lane: trace.scenario.lanes[0],
            clients: 199,
            from_us: 0,
            tallies: vec![Tally { arrivals: 20, refused: 5, ..Tally::default() }],
            costs: Vec::new(),
        });
        let view = View { selected: Some(1), now_us: trace.until_us, ..View::default() };
        alone(&svg(&figure(&trace, &view), &describe(&trace)), &palette())
    }

    #[test]
    fn a_picture_alone_brings_a_style_for_every_class_that_it_uses() {
        let file = file();
        assert!(file.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sb-figure\""), "{file}");
        let (style, body) = file.split_once("</style>").unwrap();
        let classes: Vec<&str> = body
            .split("class=\"")
            .skip(1)
            .flat_map(|rest| rest.split('"').next().unwrap_or_default().split(' '))
            .collect();
        assert!(classes.len() > 20, "the sample's picture is empty");
        // The labels' group has no looks of its own.
        for class in classes.into_iter().filter(|class| *class != "sb-labels") {
            assert!(style.contains(&format!(".{class}")), "no style for {class}");
        }
    }

    #[test]
    fn nothing_in_the_style_ends_it() {
        let file = file();
        assert_eq!(file.matches("</style>").count(), 1);
        assert!(!file.contains("<script"), "{file}");
    }
}
