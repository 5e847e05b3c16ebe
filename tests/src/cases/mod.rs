//! What must hold of the book in a browser, one file a subject.

use anyhow::{Context as _, Result};

use crate::book::{self, Place};
use crate::browser::Engine;
use crate::runner::{Case, Test};

mod access;
mod asked;
mod axe;
mod company;
mod compare;
mod delivery;
mod exclusive;
mod figures;
mod herd;
mod looking;
mod pages;
mod plain;
mod playground;
mod recovery;
mod rows;
mod scale;
pub(crate) mod truth;

mod wire;

macro_rules! cases {
    ($($module:ident :: { $($name:ident $([$($engine:ident: $why:literal),*])?),* $(,)? }),* $(,)?) => {
        vec![$($(Case {
            name: concat!(stringify!($module), "::", stringify!($name)),
            not_in: &[$($((Engine::$engine, $why)),*)?],
            run: |test| Box::pin($module::$name(test)),
        }),*),*]
    };
}

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    cases![
        pages::{
            every_page_loads_without_an_error_and_asks_nobody_else,
            the_list_of_chapters_is_seen_once_the_pages_headings_are_in_it,
            a_page_without_an_experiment_loads_no_widgets,
            print_keeps_the_static_figures_and_connects_to_nothing,
            no_page_is_wider_than_a_phone_or_than_400_percent,
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
            each_end_of_a_dead_connection_ends_when_it_finds_out,
        },
        exclusive::{
            starting_one_pauses_the_other,
            starting_one_in_another_tab_pauses_this_one
                [WebKit: "its driver opens a tab behind the first and can't bring it to the front"],
            out_of_view_it_lets_its_connections_go,
            leaving_the_page_lets_the_connections_go,
        },
        looking::{
            moved_back_the_picture_stands_while_the_run_goes_on,
            a_step_says_what_the_message_is_and_the_ledger_goes_no_further,
            a_replay_counts_up_to_what_it_has_come_to,
            the_map_of_the_keys_opens_and_gives_the_focus_back,
            each_figure_of_the_ledger_explains_itself,
            a_link_sets_the_experiment_up,
            a_damaged_link_says_so_and_changes_nothing,
            a_dropped_trace_is_shown_as_recorded_and_connects_to_nothing,
            a_band_of_a_crowd_can_be_pointed_at,
            the_tabs_are_one_stop_and_a_missing_module_can_be_asked_for_again,
            without_the_module_that_runs_it_an_experiment_says_so_and_can_be_tried_again,
        },
        axe::{
            finds_nothing_on_any_page
                [Firefox: "a page's structure is every engine's", WebKit: "a page's structure is every engine's"],
            finds_no_faint_colour_in_any_theme
                [Firefox: "a page's colours are every engine's", WebKit: "a page's colours are every engine's"],
            finds_nothing_while_an_experiment_runs,
        },
        access::{
            no_key_of_a_widget_turns_the_page,
            the_books_own_controls_work,
            the_list_of_chapters_opens_and_closes_by_keys,
            the_tab_key_reaches_every_control_and_shows_where_it_is,
            a_running_experiment_is_whole_at_every_zoom,
            every_control_is_large_enough_for_a_finger,
        },
        asked::{
            in_the_systems_own_colours_the_picture_and_the_buttons_can_be_seen
                [Firefox: "its driver can't have the system ask", WebKit: "its driver can't have the system ask"],
            who_asks_for_more_contrast_gets_seven_to_one
                [Firefox: "its driver can't have the system ask", WebKit: "its driver can't have the system ask"],
            who_asks_for_less_motion_gets_none
                [Firefox: "its driver can't have the system ask", WebKit: "its driver can't have the system ask"],
            nothing_on_the_page_moves_when_a_widget_comes_or_runs
                [Firefox: "it does not measure shifts", WebKit: "it does not measure shifts"],
        },
        figures::{
            without_scripts_every_experiment_has_its_figure
                [Firefox: "its driver can't do without scripts", WebKit: "its driver can't do without scripts"],
            nothing_moves_when_the_widgets_come,
            the_recorded_run_is_seen_until_the_readers_own,
            print_has_every_figure_in_inks_for_paper,
            paper_has_the_figure_of_an_experiment_that_runs,
        },
        herd::{
            a_guess_runs_it_and_is_answered,
            every_experiment_with_a_crowd_runs,
            it_says_how_far_it_is_and_can_be_cancelled,
            it_runs_and_is_read_by_keys_alone,
            a_link_sets_the_crowd_up_and_its_numbers_are_those_of_every_machine,
            on_a_phone_it_fits_and_nothing_moves_when_it_comes,
            a_million_come_back_while_the_page_goes_on,
            real_clients_are_cut_and_all_come_back,
            one_row_after_another_has_all_the_clients_that_there_may_be,
            a_crowd_that_is_stopped_is_gone_and_the_model_comes_back,
            without_crowds_the_server_says_what_to_do,
        },
        scale::{
            keys_move_the_reading_line_and_the_table_follows,
            a_slider_changes_the_costs_and_a_button_what_is_drawn,
            it_fits_and_nothing_moves_when_it_comes,
        },
        playground::{
            two_lanes_of_one_kind_run_on_settings_of_their_own,
            a_ready_scenario_sets_the_page_up,
            every_ready_scenario_runs,
            a_value_that_cannot_be_used_says_so_at_its_field_and_runs_nothing,
            undo_brings_back_what_was_set,
            a_reload_and_a_link_keep_what_was_set,
            a_change_while_it_runs_waits_for_apply,
            more_streams_than_connections_are_told_and_mended,
            the_page_is_set_and_run_by_keys_alone,
            the_page_uses_the_window_and_fits_a_phone,
        },
        company::{
            the_others_are_dropped_with_the_lanes_and_all_come_back,
            the_lanes_count_in_company_what_they_count_alone,
            where_the_server_opens_none_or_fewer_it_is_said_and_the_lanes_run_on,
            the_model_says_that_the_others_are_live_only,
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
        compare::{
            the_model_gives_the_same_trace_as_on_this_machine,
            a_crowd_gives_the_same_counts_as_on_this_machine,
            the_page_runs_a_script_live_and_in_the_model,
            a_run_of_both_can_be_stopped_and_run_again,
            without_a_server_the_comparison_says_what_makes_it_live,
            the_comparison_fits_and_nothing_moves_when_it_comes,
        },
        rows::{
            both_rows_come_to_the_same,
            what_is_done_in_one_row_is_done_in_both,
            the_choice_keeps_the_scenario_and_a_link_keeps_the_choice,
            where_there_is_no_server_there_is_no_choice_and_one_row,
            two_rows_fit_a_phone_and_axe_finds_nothing
                [Firefox: "a page's structure is every engine's", WebKit: "a page's structure is every engine's"],
        },
        truth::{
            the_model_counts_what_a_live_run_counts,
            the_model_counts_what_runs_by_chance_count,
        },
        plain::{
            mdbook_serve_finds_the_server_beside_it,
            on_a_static_host_every_experiment_runs_in_the_model,
            a_simulated_run_delivers_and_recovers_as_a_live_one,
        },
    ]
}

/// An experiment of the book by its name.
fn place(test: &Test<'_>, name: &str) -> Result<Place> {
    let found = book::places(test.setup)?.into_iter().find(|place| place.experiment.name == name);
    found.with_context(|| format!("no page has the experiment `{name}`"))
}
