//! What must hold of the book in a browser, one file a subject.

use anyhow::{Context as _, Result};

use crate::book::{self, Place};
use crate::runner::{Case, Test};

mod access;
mod delivery;
mod exclusive;
mod pages;
mod plain;
mod recovery;
mod wire;

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
        delivery::{
            every_transport_delivers,
            every_experiment_runs,
            what_curl_publishes_shows_up,
            whoever_polls_from_a_terminal_gets_a_lane,
            what_came_over_the_wire_is_shown_as_text,
        },
        recovery::{
            a_drop_loses_and_doubles_nothing,
            a_server_that_was_killed_is_told_as_a_reset,
            what_history_no_longer_holds_is_told_as_a_gap,
            where_the_browser_gives_up_the_lane_can_be_reopened,
        },
        exclusive::{
            starting_one_pauses_the_other,
            starting_one_in_another_tab_pauses_this_one,
            out_of_view_it_lets_its_connections_go,
            leaving_the_page_lets_the_connections_go,
        },
        access::{
            axe_finds_nothing_serious_in_any_theme,
            no_key_of_a_widget_turns_the_page,
            the_books_own_controls_work,
            a_running_experiment_fits_a_phone,
        },
        wire::{
            the_list_adds_up_and_a_byte_and_its_field_mark_each_other,
            the_keys_walk_through_the_list_and_the_picture_follows,
            what_a_user_sent_is_text_on_the_wire_and_in_the_log,
            the_log_is_a_table_that_can_be_filtered,
            without_a_clipboard_the_text_is_shown_selected,
            what_curl_is_told_to_do_shows_up_outside,
            files_hold_what_they_are_named_after,
            the_javascript_clients_recover,
        },
        plain::{
            mdbook_serve_finds_the_server_beside_it,
            a_static_host_says_that_it_has_no_server,
        },
    ]
}

/// An experiment of the book by its name.
fn place(test: &Test<'_>, name: &str) -> Result<Place> {
    let found = book::places(test.setup)?.into_iter().find(|place| place.experiment.name == name);
    found.with_context(|| format!("no page has the experiment `{name}`"))
}
