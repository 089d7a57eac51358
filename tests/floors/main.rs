//! The house stands on floors: a file imports only from floors below it and from its own folder.
//!
//! The source is read as tokens, so a path inside a macro, a grouped `use` or `super::super` does not slip through, and
//! a module that has no floor fails.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod tokens;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tokens::{Token, tokens};

/// Modules by floor. Those of one floor do not import each other.
const FLOORS: &[&[&str]] = &[
    &["codec", "model", "telemetry"],
    &["engine"],
    &["store"],
    &["actors"],
    &["ingress", "egress", "control", "ops", "proxy"],
    &["config"],
    &["app"],
    &["cli"],
];

/// `sim` stands beside the house: it may use the ground floor, and only the command line may use it.
const SIM: &str = "sim";
const SIM_USES: &[&str] = &["codec", "model"];
const USES_SIM: &[&str] = &["cli"];

#[test]
fn every_file_imports_from_below_or_from_its_own_folder() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in files(&source) {
        let path = module_path(file.strip_prefix(&source).unwrap());
        let Some(own) = path.first().filter(|first| *first != "main" && *first != "lib") else { continue };
        seen += 1;
        let text = std::fs::read_to_string(&file).unwrap();
        for used in imports(&path, &tokens(&text)) {
            if let Some(why) = forbidden(own, &used) {
                wrong.push(format!("{}: {why}", file.strip_prefix(&source).unwrap().display()));
            }
        }
    }
    assert!(seen > 50, "the source was found");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_it_forbids_it_finds() {
    let find = |path: &[&str], text: &str| {
        let path: Vec<String> = path.iter().map(|one| (*one).to_owned()).collect();
        imports(&path, &tokens(text)).iter().filter_map(|used| forbidden(&path[0], used)).count()
    };
    assert_eq!(find(&["codec", "sse"], "use crate::codec::wsp;"), 0);
    assert_eq!(find(&["codec", "sse"], "use crate::model::Msisdn;"), 1, "a sibling on the ground floor");
    assert_eq!(find(&["engine", "push"], "use crate::{codec::sse, actors::port, model};"), 1, "in a group");
    assert_eq!(find(&["engine", "push"], "use super::super::actors::port;"), 1, "by way of super");
    assert_eq!(find(&["engine", "push"], "mod tests { use super::super::super::actors; }"), 1, "in a module inside");
    assert_eq!(find(&["engine", "push"], "mod tests { use super::super::chunk; }"), 0);
    assert_eq!(find(&["engine", "push"], "macro_rules! m { () => { $crate::actors::x() } }"), 1, "in a macro");
    assert_eq!(find(&["engine", "push"], "// crate::actors\n/* crate::app */ let a = \"crate::app\";"), 0);
    assert_eq!(find(&["ingress", "sse"], "use crate::egress::smpp;"), 1, "a sibling edge");
    assert_eq!(find(&["app", "parts"], "use crate::sim;"), 1, "the product imports the simulator");
    assert_eq!(find(&["cli", "demo"], "use crate::sim::smsc;"), 0);
    assert_eq!(find(&["sim", "smsc"], "use crate::engine::clock;"), 1);
    assert_eq!(find(&["engine", "push"], "use bellwire::nowhere::x;"), 1, "a module without a floor");
}

/// Why a file of `own` must not use `used`.
fn forbidden(own: &str, used: &str) -> Option<String> {
    if own == used {
        return None;
    }
    if own == SIM {
        return (!SIM_USES.contains(&used)).then(|| format!("sim imports {used}"));
    }
    if used == SIM {
        return (!USES_SIM.contains(&own)).then(|| format!("{own} imports sim"));
    }
    let floor = |name: &str| FLOORS.iter().position(|floor| floor.contains(&name));
    match (floor(own), floor(used)) {
        (Some(own_floor), Some(floor)) if floor < own_floor => None,
        (Some(own_floor), Some(floor)) => Some(format!("{own} (floor {own_floor}) imports {used} (floor {floor})")),
        (None, _) => Some(format!("{own} has no floor")),
        (_, None) => Some(format!("{used} has no floor")),
    }
}

/// The top-level modules that a file names.
fn imports(path: &[String], tokens: &[Token]) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut inside: Vec<usize> = Vec::new(); // depths at which modules inside this file were opened
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            Token::Open => depth += 1,
            Token::Close => {
                depth -= 1;
                inside.retain(|opened| *opened <= depth);
            }
            Token::Word(word) if word == "mod" && matches!(tokens.get(at + 2), Some(Token::Open)) => {
                inside.push(depth + 1);
            }
            Token::Word(word) if word == "crate" || word == "bellwire" => {
                found.extend(named_after(tokens, at + 1));
            }
            Token::Word(word) if word == "super" => {
                let mut up = 1;
                while tokens.get(at + 1) == Some(&Token::Path)
                    && tokens.get(at + 2) == Some(&Token::Word("super".into()))
                {
                    up += 1;
                    at += 2;
                }
                if up == path.len() + inside.len() {
                    found.extend(named_after(tokens, at + 1));
                }
                assert!(up <= path.len() + inside.len(), "super leaves the crate in {path:?}");
            }
            _ => {}
        }
        at += 1;
    }
    found.into_iter().collect()
}

/// What is named behind `crate` at `at`: one name, or the first name of each member of a group.
fn named_after(tokens: &[Token], at: usize) -> Vec<String> {
    if tokens.get(at) != Some(&Token::Path) {
        return Vec::new();
    }
    match tokens.get(at + 1) {
        Some(Token::Word(name)) => vec![name.clone()],
        Some(Token::Open) => {
            let (mut names, mut depth, mut first) = (Vec::new(), 0, true);
            for token in &tokens[at + 1..] {
                match token {
                    Token::Open => depth += 1,
                    Token::Close => depth -= 1,
                    Token::Comma if depth == 1 => first = true,
                    Token::Word(name) if depth == 1 && first => {
                        names.push(name.clone());
                        first = false;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            names
        }
        _ => Vec::new(),
    }
}

fn module_path(file: &Path) -> Vec<String> {
    let mut path: Vec<String> = file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
