//! The README says what the code does.

use nalgrad_tests::rules::Scalar;
use std::path::{Path, PathBuf};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")
}

fn readme() -> String {
    std::fs::read_to_string(path()).expect("the README")
}

#[test]
fn the_expansion_in_the_readme_is_what_is_written() {
    let (readme, start) = (readme(), "```rust\npub fn cost_gradient(");
    let at = readme.find(start).expect("the expansion of `cost`") + "```rust\n".len();
    let length = readme[at..].find("```").expect("the end of the expansion");
    let new = super::companions("cost", true).remove(0);
    if super::blessing() {
        let text = format!("{}{new}{}", &readme[..at], &readme[at + length..]);
        std::fs::write(path(), text).expect("the README is writable");
    } else {
        assert_eq!(&readme[at..at + length], new, "{}", super::BLESS);
    }
}

#[test]
fn the_derivation_in_the_readme_is_what_is_written() {
    let (readme, start) = (readme(), "That of\n`cost_gradient`:\n\n```text\n");
    let at = readme.find(start).expect("the derivation of `cost`") + start.len();
    let length = readme[at..].find("```").expect("the end of the derivation");
    let documentation = super::documentation(&super::expansions("cost")[0].written[1]);
    let (_, new) = documentation.split_once("```text\n").expect("a derivation");
    let new = new.trim_end_matches("```");
    if super::blessing() {
        let text = format!("{}{new}{}", &readme[..at], &readme[at + length..]);
        std::fs::write(path(), text).expect("the README is writable");
    } else {
        assert_eq!(&readme[at..at + length], new, "{}", super::BLESS);
    }
}

#[test]
fn the_example_in_the_readme_is_the_golden() {
    let source = include_str!("../../expand/cost.rs");
    let (_, source) = source
        .split_once("\n\n")
        .expect("a line of documentation first");
    assert!(readme().contains(&format!("```rust\n{source}```")));
}

#[test]
fn the_readme_lists_what_is_supported() {
    let readme = readme();
    let (_, list) = readme.split_once("## What is supported").expect("the list");
    let (list, _) = list.split_once("\n## ").expect("its end");
    let missing = |name: &&str| !list.contains(&format!("`{name}`"));

    // Operators, and functions that only derivatives call.
    let others = [
        "add",
        "sub",
        "mul",
        "div",
        "neg",
        "rem",
        "sign",
        "recip_or_zero",
    ];
    let functions = Scalar::ALL.iter().map(|function| function.surface());
    let functions: Vec<&str> = functions
        .filter(|name| !others.contains(name))
        .filter(missing)
        .collect();
    assert!(functions.is_empty(), "not in the README: {functions:?}");

    // The methods of matrices, from the tables of the surface.
    let surface = include_str!("../../../macros/src/surface.rs");
    let (_, tables) = surface.split_once("fn unary_method").expect("the tables");
    let (tables, _) = tables
        .split_once("/// Methods that change nothing")
        .expect("their end");
    let methods: Vec<&str> = tables
        .lines()
        .filter_map(|line| line.split_once("=>"))
        .flat_map(|(names, _)| names.split('"').skip(1).step_by(2))
        .filter(missing)
        .collect();
    assert!(methods.is_empty(), "not in the README: {methods:?}");
}

/// Each row of the paper names a test and, where it has one, the golden of its closed form.
#[test]
fn the_readme_says_where_the_paper_is_tested() {
    let (readme, tests) = (readme(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let (_, table) = readme.split_once("## The paper").expect("the table");
    let (table, _) = table.split_once("\n## ").expect("its end");
    let rows = table.lines().filter(|line| line.starts_with("| P"));
    let mut number = 0;
    for row in rows {
        number += 1;
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, id, .., test, golden, _] = cells[..] else {
            panic!("{row}");
        };
        assert_eq!(id, format!("P{number}"));
        let name = format!("p{number}");
        let file = test
            .strip_suffix(&format!(" `{name}`"))
            .unwrap_or_else(|| panic!("{row}"));
        let read = |folder: &str, file: &str| {
            let path = tests.join(folder).join(file.trim_matches('`'));
            std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{row}: {e}"))
        };
        let function = format!("fn {name}(");
        assert!(read("tests/paper", file).contains(&function), "{row}");
        if !golden.is_empty() {
            assert!(read("expand", golden).contains(&function), "{row}");
            let forms = super::CLOSED_FORMS;
            assert!(forms.iter().any(|(form, _)| *form == name), "{row}");
        }
    }
    assert_eq!(number, 88);
}
