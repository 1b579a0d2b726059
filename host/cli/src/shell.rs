//! The command line for a shell and for `man`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

use promote_run::output;
use promote_run::variables::VARIABLES;

/// The arguments of `promote completions`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  promote completions bash > /etc/bash_completion.d/promote
  promote completions zsh > \"${fpath[1]}/_promote\"
  promote completions fish > ~/.config/fish/completions/promote.fish")]
pub(super) struct CompletionsArgs {
    /// The shell; without it, the one that `$SHELL` names
    #[arg(value_enum)]
    shell: Option<Shell>,
}

/// The arguments of `promote man`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  promote man | man -l -                            read it
  promote man --folder /usr/local/share/man/man1    a page for each command")]
pub(super) struct ManArgs {
    /// Write a page for each command into this folder instead
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Prints a completion script.
///
/// # Errors
/// When no shell is named and none can be guessed.
pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<u8> {
    let shell = args.shell.or_else(Shell::from_env);
    let shell = shell.context("no shell is named: `promote completions bash`, or another")?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "promote", &mut script);
    output::data(&String::from_utf8_lossy(&script));
    Ok(0)
}

/// Prints the manual page, or writes all pages into a folder.
///
/// # Errors
/// When a page cannot be written.
pub(super) fn man(args: &ManArgs, mut command: Command) -> anyhow::Result<u8> {
    command.build();
    let Some(folder) = &args.folder else {
        output::data(&page(&command)?);
        return Ok(0);
    };
    let writing = || format!("writing pages into {}", folder.display());
    std::fs::create_dir_all(folder).with_context(writing)?;
    let visible = command.get_subcommands().filter(|it| !it.is_hide_set());
    for one in std::iter::once(&command).chain(visible) {
        let name = one.get_display_name().unwrap_or(one.get_name());
        let path = folder.join(format!("{name}.1"));
        std::fs::write(path, page(one)?).with_context(writing)?;
    }
    Ok(0)
}

/// Returns the page of a command. What stands after its help is told in sections of their own.
fn page(command: &Command) -> anyhow::Result<String> {
    let after = command.get_after_help().map(ToString::to_string);
    let sections = sections(&after.unwrap_or_default());
    let page = clap_mangen::Man::new(command.clone().after_help(""));
    let mut text = Vec::new();
    let mut render = || -> std::io::Result<()> {
        page.render_title(&mut text)?;
        page.render_name_section(&mut text)?;
        page.render_synopsis_section(&mut text)?;
        page.render_description_section(&mut text)?;
        page.render_options_section(&mut text)?;
        page.render_subcommands_section(&mut text)?;
        let mut roff = clap_mangen::roff::Roff::default();
        for (heading, lines) in &sections {
            roff.control("SH", [heading.as_str()]);
            roff.control("nf", []);
            for line in lines {
                roff.text([clap_mangen::roff::roman(line.as_str())]);
            }
            roff.control("fi", []);
        }
        roff.control("SH", ["ENVIRONMENT"]);
        for variable in VARIABLES {
            roff.control("TP", []);
            roff.text([clap_mangen::roff::bold(variable.name)]);
            let file = if variable.is_secret {
                format!(
                    "; a secret, which a file named by {}_FILE may hold",
                    variable.name
                )
            } else {
                String::new()
            };
            roff.text([clap_mangen::roff::roman(format!(
                "{}{file}",
                variable.meaning
            ))]);
        }
        roff.control("SH", ["FILES"]);
        for (name, meaning) in FILES {
            roff.control("TP", []);
            roff.text([clap_mangen::roff::bold(name)]);
            roff.text([clap_mangen::roff::roman(meaning)]);
        }
        roff.to_writer(&mut text)?;
        // A command has the version of the program.
        if command.get_version().is_some() {
            page.render_version_section(&mut text)?;
        }
        Ok(())
    };
    render().context("rendering the manual")?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Files that a person meets.
const FILES: [(&str, &str); 5] = [
    (
        "promote.toml",
        "the policy, its settings, the grants and limits",
    ),
    (
        "promote.lock",
        "the components that were reviewed, beside promote.toml",
    ),
    (
        ".github/workflows/promote-production.yml",
        "the workflow that a click in Port starts, written by promote init",
    ),
    (
        ".github/workflows/promote-resume.yml",
        "the workflow that goes on with what waits, written by promote init",
    ),
    (
        "promote-RUN-TIME.jsonl",
        "the journal of a run, in RUNNER_TEMP or the temporary folder unless --journal names it",
    ),
];

/// Splits what stands after a help text into examples, exit codes and notes; a paragraph that names none of them is a note.
fn sections(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for paragraph in text.split("\n\n").filter(|it| !it.trim().is_empty()) {
        let mut lines: Vec<String> = paragraph.lines().map(ToOwned::to_owned).collect();
        let heading = match lines[0].as_str() {
            "Examples:" | "Example:" => "EXAMPLES",
            "Exit codes:" => "EXIT STATUS",
            _ => "NOTES",
        };
        if heading != "NOTES" {
            lines.remove(0);
        }
        match found.last_mut() {
            Some((last, rest)) if last == heading => {
                rest.push(String::new());
                rest.extend(lines);
            }
            _ => found.push((heading.to_owned(), lines)),
        }
    }
    if !found.iter().any(|(heading, _)| heading == "EXIT STATUS") {
        let lines = promote_run::EXIT_CODES.lines().skip(1);
        let lines = lines.map(ToOwned::to_owned).collect();
        found.push(("EXIT STATUS".to_owned(), lines));
    }
    found
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::FullCommandLine;

    #[test]
    fn every_command_has_examples_exit_codes_variables_and_files_in_its_page() {
        let mut line = FullCommandLine::command();
        line.build();
        let mut lacking = Vec::new();
        for command in line.get_subcommands().filter(|it| !it.is_hide_set()) {
            let page = page(command).unwrap_or_default();
            let name = command.get_name();
            for section in ["EXAMPLES", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES"] {
                // A command that explains the others has nothing to show.
                let is_help = name == "help" && section == "EXAMPLES";
                if !is_help && !page.contains(&format!(".SH {section}")) {
                    lacking.push(format!("{name}: {section}"));
                }
            }
        }
        assert!(lacking.is_empty(), "{}", lacking.join(", "));
    }
}
