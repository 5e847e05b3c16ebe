//! What must hold of the book in a browser, one file a subject.

use crate::runner::Case;

mod pages;

macro_rules! cases {
    ($($module:ident :: { $($name:ident),* $(,)? }),* $(,)?) => {
        vec![$($(Case {
            name: concat!(stringify!($module), "::", stringify!($name)),
            run: |test| Box::pin($module::$name(test)),
        }),*),*]
    };
}

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    cases![
        pages::{
            every_page_loads_without_an_error_and_asks_nobody_else,
            a_page_without_an_experiment_loads_no_widgets,
            print_keeps_the_static_figures_and_connects_to_nothing,
            without_scripts_the_figures_are_there,
            no_page_is_wider_than_a_phone,
        },
    ]
}
