//! What a piece of code assigns to, told from its tokens before it is read.

use crate::scope::variables;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::HashSet;

/// Methods that change what they are called on. So does every method whose name ends in `_mut`.
const IN_PLACE: &[&str] = &[
    "copy_from",
    "tr_copy_from",
    "set_column",
    "set_row",
    "set_diagonal",
    "fill",
    "fill_with_identity",
    "fill_diagonal",
    "fill_row",
    "fill_column",
    "swap",
    "swap_rows",
    "swap_columns",
    "push",
    "extend",
    "axpy",
    "gemv",
    "gemv_tr",
    "gemm",
    "gemm_tr",
    "ger",
    "apply",
    "zip_apply",
    "zip_zip_apply",
    "add_assign",
    "sub_assign",
    "mul_assign",
    "component_mul_assign",
    "component_div_assign",
    "add_scalar_mut",
    "neg_mut",
    "quadform",
    "quadform_tr",
    "cmpy",
    "cdpy",
    "clear",
    "truncate",
    "copy_from_slice",
    "sort_by",
    "sort_unstable_by",
    "sort_by_key",
    "sort_unstable_by_key",
    "sort_by_cached_key",
    "reverse",
    "rotate_left",
    "rotate_right",
];

/// Methods that change an `Option`; others that are called so change nothing.
const OF_OPTIONS: &[&str] = &[
    "take",
    "replace",
    "insert",
    "get_or_insert",
    "get_or_insert_with",
];

/// Whether a method changes the `Option` that it is called on, if it is one.
pub fn changes_option(method: &str) -> bool {
    OF_OPTIONS.contains(&method)
}

/// Whether a method changes what it is called on.
pub fn is_in_place(method: &str) -> bool {
    IN_PLACE.contains(&method) || method.ends_with("_mut")
}

/// A place where variables get a value.
struct Assignment {
    names: Vec<String>,
    /// Whether the variables are new ones.
    declares: bool,
    /// What the value may be computed from.
    from: TokenStream,
}

/// The variables that the code assigns to, in order.
pub fn assigned(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    scan(tokens, &mut found);
    let mut names = Vec::new();
    for assignment in found.into_iter().filter(|a| !a.declares) {
        for name in assignment.names {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The variables that are assigned to, and may be given a value that is computed from one of `sources`. What is borrowed
/// for mutation may be changed in other ways, too.
pub fn changing(tokens: TokenStream, sources: HashSet<String>) -> HashSet<String> {
    let mut found = Vec::new();
    scan(tokens.clone(), &mut found);
    let mut lent = HashSet::new();
    borrowed(tokens, &mut lent);
    let read: Vec<Vec<String>> = found
        .iter()
        .map(|assignment| {
            let mut names = Vec::new();
            variables(assignment.from.clone(), &mut names);
            names
        })
        .collect();
    let mut tainted: HashSet<String> = sources;
    loop {
        let before = tainted.len();
        for (assignment, read) in found.iter().zip(&read) {
            if read.iter().any(|name| tainted.contains(name)) {
                tainted.extend(assignment.names.iter().cloned());
            }
        }
        if tainted.len() == before {
            break;
        }
    }
    let assigned = found.into_iter().filter(|a| !a.declares);
    let assigned = assigned.flat_map(|a| a.names);
    assigned
        .filter(|name| tainted.contains(name) && !lent.contains(name))
        .collect()
}

/// The names that come after `&mut`.
fn borrowed(tokens: TokenStream, into: &mut HashSet<String>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(word)
                if *word == "mut" && i > 0 && is_punct(trees.get(i - 1), '&') =>
            {
                if let Some(TokenTree::Ident(name)) = trees.get(i + 1) {
                    into.insert(name.to_string().trim_start_matches("r#").to_string());
                }
            }
            TokenTree::Group(_) if i > 0 && moved_by_mem(&trees, i - 1).is_some() => {}
            TokenTree::Group(group) => borrowed(group.stream(), into),
            _ => {}
        }
    }
}

/// The variable of which a value is a part that can be changed: `m` of `m.column_mut(j)`.
fn lent(value: &TokenStream) -> Option<String> {
    let trees: Vec<TokenTree> = value.clone().into_iter().collect();
    let TokenTree::Ident(name) = trees.first()? else {
        return None;
    };
    let (_, method) = place(&trees, 1);
    method
        .is_some_and(|method| method.ends_with("_mut"))
        .then(|| name.to_string().trim_start_matches("r#").to_string())
}

/// The arguments of `mem::swap`, `mem::replace` and `mem::take`, by the last name of the path.
fn moved_by_mem(trees: &[TokenTree], i: usize) -> Option<TokenStream> {
    let (TokenTree::Ident(name), TokenTree::Group(arguments)) = (trees.get(i)?, trees.get(i + 1)?)
    else {
        return None;
    };
    let of_mem = i >= 3
        && is_punct(trees.get(i - 1), ':')
        && is_punct(trees.get(i - 2), ':')
        && matches!(&trees[i - 3], TokenTree::Ident(module) if *module == "mem");
    (of_mem && is_of_mem(&name.to_string())).then(|| arguments.stream())
}

/// Functions of `std::mem` that move values from one variable to another.
pub fn is_of_mem(name: &str) -> bool {
    matches!(name, "swap" | "replace" | "take")
}

fn scan(tokens: TokenStream, found: &mut Vec<Assignment>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut i = 0;
    while i < trees.len() {
        match &trees[i] {
            TokenTree::Ident(word) if *word == "let" || *word == "for" => {
                let end = if *word == "let" { "=" } else { "in" };
                let ends = |tree: &TokenTree| tree.to_string() == end || tree.to_string() == ";";
                let stop = (i + 1..trees.len()).find(|j| ends(&trees[*j]));
                let stop = stop.unwrap_or(trees.len());
                let mut names = Vec::new();
                pattern(&trees[i + 1..stop], &mut names);
                let from = value(&trees, stop + 1, *word == "for");
                // What is done to a part that can be changed is done to the variable.
                if let Some(whole) = lent(&from) {
                    found.push(Assignment {
                        names: vec![whole],
                        declares: false,
                        from: trees[i + 1..stop].iter().cloned().collect(),
                    });
                }
                found.push(Assignment {
                    names,
                    declares: true,
                    from,
                });
                i = stop;
            }
            TokenTree::Ident(_) if moved_by_mem(&trees, i).is_some() => {
                let from = moved_by_mem(&trees, i).unwrap_or_default();
                let mut names = HashSet::new();
                borrowed(from.clone(), &mut names);
                found.push(Assignment {
                    names: names.into_iter().collect(),
                    declares: false,
                    from,
                });
            }
            TokenTree::Ident(word) if !is_field(&trees, i) => {
                let name = word.to_string().trim_start_matches("r#").to_string();
                let (end, method) = place(&trees, i + 1);
                if let Some(after) = assignment(&trees, end) {
                    found.push(Assignment {
                        names: vec![name],
                        declares: false,
                        from: value(&trees, after, false),
                    });
                } else if method.is_some_and(|m| is_in_place(&m) || changes_option(&m)) {
                    found.push(Assignment {
                        names: vec![name],
                        declares: false,
                        from: value(&trees, end, false),
                    });
                }
            }
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::Parenthesis
                    && !matches!(trees.get(i.wrapping_sub(1)), Some(TokenTree::Ident(_)))
                    && assignment(&trees, i + 1).is_some() =>
            {
                let mut names = Vec::new();
                variables(group.stream(), &mut names);
                found.push(Assignment {
                    names,
                    declares: false,
                    from: value(&trees, i + 2, false),
                });
            }
            _ => {}
        }
        if let Some(TokenTree::Group(group)) = trees.get(i) {
            scan(group.stream(), found);
        }
        i += 1;
    }
}

/// The names that a pattern binds, and perhaps those of its types.
fn pattern(trees: &[TokenTree], names: &mut Vec<String>) {
    for tree in trees {
        match tree {
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                names.push(name.trim_start_matches("r#").to_string());
            }
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                pattern(&inner, names);
            }
            _ => {}
        }
    }
}

/// The tokens of a value, up to the end of the statement: of an iterator, up to the body of its loop.
fn value(trees: &[TokenTree], from: usize, iterator: bool) -> TokenStream {
    let ends = |tree: &TokenTree| match tree {
        TokenTree::Punct(p) => p.as_char() == ';',
        TokenTree::Group(group) => iterator && group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    let rest = trees.get(from..).unwrap_or_default();
    rest.iter().take_while(|t| !ends(t)).cloned().collect()
}

fn is_punct(tree: Option<&TokenTree>, c: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(p)) if p.as_char() == c)
}

fn is_field(trees: &[TokenTree], i: usize) -> bool {
    i > 0 && is_punct(trees.get(i - 1), '.') && !(i > 1 && is_punct(trees.get(i - 2), '.'))
}

/// Where `.field[index]` ends, and the name of the method that follows.
fn place(trees: &[TokenTree], from: usize) -> (usize, Option<String>) {
    let mut at = from;
    loop {
        match trees.get(at) {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => at += 1,
            Some(TokenTree::Punct(p)) if p.as_char() == '.' => match trees.get(at + 1) {
                Some(TokenTree::Ident(name)) => {
                    let called = matches!(trees.get(at + 2), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                    if called || is_punct(trees.get(at + 2), ':') {
                        return (at + 2, Some(name.to_string()));
                    }
                    at += 2;
                }
                Some(TokenTree::Literal(_)) => at += 2,
                _ => return (at, None),
            },
            _ => return (at, None),
        }
    }
}

/// Where the value begins, if this is `=` or an operator that assigns.
fn assignment(trees: &[TokenTree], at: usize) -> Option<usize> {
    let TokenTree::Punct(first) = trees.get(at)? else {
        return None;
    };
    let equals = |at: usize| is_punct(trees.get(at), '=');
    match first.as_char() {
        '=' if !equals(at + 1) && !is_punct(trees.get(at + 1), '>') => Some(at + 1),
        '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' if equals(at + 1) && !equals(at + 2) => {
            Some(at + 2)
        }
        '<' | '>' if is_punct(trees.get(at + 1), first.as_char()) && equals(at + 2) => Some(at + 3),
        _ => None,
    }
}
