//! Every relative link in the documentation leads to a file, and to a heading if it names one.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders without documentation of ours.
const SKIPPED: [&str; 3] = ["target", "node_modules", ".git"];

fn find_pages(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap_or_default();
        if path.is_dir() {
            if !SKIPPED.contains(&name) && !path.is_symlink() {
                find_pages(&path, pages);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// The text without fenced blocks and code between backticks.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            out.extend(line.split('`').step_by(2).flat_map(|part| [part, "`"]));
            out.push('\n');
        }
    }
    out
}

/// What stands between the parentheses of links and images, and in their `src` and `href`.
fn targets(text: &str) -> BTreeSet<String> {
    let prose = prose(text);
    let until = |opening: &str, closing: char| -> Vec<String> {
        prose
            .split(opening)
            .skip(1)
            .filter_map(|rest| rest.split(closing).next())
            .map(str::to_owned)
            .collect()
    };
    [until("](", ')'), until("src=\"", '"'), until("href=\"", '"')].concat().into_iter().collect()
}

/// The anchor that a heading has on GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|at| at.is_alphanumeric() || ['-', '_', ' '].contains(at));
    kept.map(|at| if at == ' ' { '-' } else { at }).collect()
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = Vec::new();
    find_pages(&root, &mut pages);
    let mut followed = 0;
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for target in targets(&text).iter().filter(|target| !target.contains(':')) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(path.exists(), "{}: {target} does not exist", page.display());
            if !heading.is_empty() && path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).unwrap();
                let mut headings = text.lines().filter_map(|line| line.strip_prefix('#'));
                let found = headings.any(|line| anchor(line.trim_start_matches('#')) == *heading);
                assert!(found, "{}: {target} has no such heading", page.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 50, "only {followed} links in {} pages", pages.len());
}
