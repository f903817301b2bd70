//! `man`: the manual pages, made of the same grammar that parses the command line and of the exit codes that the
//! program ends with, so that they cannot say anything else.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::report::ExitCode;

use super::arguments::{Arguments, ManArguments};
use super::failure::Failed;
use super::invocation::Outcome;
use super::world::World;

/// Runs `man`.
pub fn run(world: &World, arguments: &ManArguments) -> Outcome {
    let mut grammar = Arguments::command();
    grammar.build();
    if let Some(folder) = &arguments.directory {
        fs::create_dir_all(folder).map_err(|error| Failed::file("made", folder, &error))?;
        let mut pages = vec![("tetherbook.1".to_owned(), main_page(&grammar))];
        for command in grammar.get_subcommands() {
            pages.push((format!("tetherbook-{}.1", command.get_name()), command_page(command)));
        }
        for (name, page) in pages {
            let path = folder.join(name);
            let page = page.map_err(|error| Failed::output(&error))?;
            fs::write(&path, page).map_err(|error| Failed::file("written", &path, &error))?;
        }
        return Ok(ExitCode::Done);
    }
    let page = match &arguments.command {
        None => main_page(&grammar),
        Some(name) => match grammar.get_subcommands().find(|command| command.get_name() == name) {
            Some(command) => command_page(command),
            None => {
                return Err(Failed::usage(
                    format!("there is no command \"{name}\""),
                    "tetherbook --help lists them",
                ));
            }
        },
    };
    let page = page.map_err(|error| Failed::output(&error))?;
    world.stdout.clone().write_all(&page).map_err(|error| Failed::output(&error))?;
    Ok(ExitCode::Done)
}

fn main_page(grammar: &clap::Command) -> io::Result<Vec<u8>> {
    let examples = grammar.get_before_help().map(ToString::to_string).unwrap_or_default();
    let plain = grammar.clone().before_help("").after_help("");
    let man = Man::new(plain);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    examples_section(&examples, &mut page)?;
    man.render_options_section(&mut page)?;
    man.render_subcommands_section(&mut page)?;
    exit_section(&mut page)?;
    files_section(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

fn command_page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let examples = command.get_before_help().map(ToString::to_string).unwrap_or_default();
    let title = format!("tetherbook-{}", command.get_name());
    let man = Man::new(command.clone().before_help("").after_help("")).title(title);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    examples_section(&examples, &mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    exit_section(&mut page)?;
    Ok(page)
}

/// The examples as they stand in the help, line for line.
fn examples_section(help: &str, page: &mut Vec<u8>) -> io::Result<()> {
    let mut examples = String::new();
    for line in help.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()) {
        writeln!(examples, "{line}").map_err(io::Error::other)?;
    }
    if examples.is_empty() {
        return Ok(());
    }
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for line in examples.lines() {
        roff.control("TP", []);
        // What a command does stands behind a gap, if it needs saying.
        let (command, meaning) = line.split_once("   ").unwrap_or((line, ""));
        roff.text([bold(command.trim())]);
        roff.text([roman(meaning.trim())]);
    }
    roff.to_writer(page)
}

fn exit_section(page: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for code in ExitCode::ALL {
        roff.control("TP", []);
        roff.text([bold(code.number().to_string())]);
        roff.text([roman(code.words())]);
    }
    roff.to_writer(page)
}

fn files_section(page: &mut Vec<u8>) -> io::Result<()> {
    let files = [
        (
            "$XDG_DATA_HOME/tetherbook/tetherbook.db",
            "The database; by default under ~/.local/share. Only its owner can read it.",
        ),
        (
            "$XDG_CONFIG_HOME/tetherbook/config.toml",
            "The configuration; by default under ~/.config. None is needed. Keys: book, phone, mode, conflicts, country, edit_or_delete, merge_tool, color, and in [guards] deletes_max_count, deletes_max_percent, edits_max_count and edits_max_percent: a session stops and asks if it would delete (or overwrite) more contacts of a side than the larger of the count (5; 50 edits) and that share of the side's contacts (10 %; 50 % for edits). [guards.phone] and [guards.pc] hold what is different for one side.",
        ),
        (
            "$XDG_CONFIG_HOME/tetherbook/device-profiles/*.toml",
            "Device profiles of your own; they go before those that come with the program.",
        ),
    ];
    let mut roff = Roff::new();
    roff.control("SH", ["FILES"]);
    for (path, words) in files {
        roff.control("TP", []);
        roff.text([bold(path)]);
        roff.text([roman(words)]);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, words) in [
        ("TETHERBOOK_DATABASE", "The database, unless --database names one."),
        ("NO_COLOR", "If it is not empty, nothing is coloured unless --color=always says so."),
        ("VISUAL, EDITOR", "The editor that tetherbook edit and tetherbook resolve --edit open."),
    ] {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(words)]);
    }
    roff.to_writer(page)
}
