//! Mistakes of the user, gathered so that all of them are reported at once.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

/// The errors found so far in one function.
#[derive(Default)]
pub struct Errors(Option<syn::Error>);

impl Errors {
    /// Records `message` at all of `tokens` (`expr.span()` would cover the first token only).
    pub fn push(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    /// Records an error made elsewhere, by `syn` for example.
    pub fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// How many mistakes were found so far.
    pub fn count(&self) -> usize {
        self.0.clone().map_or(0, |all| all.into_iter().count())
    }

    /// Whether nothing has gone wrong yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The barrier between two passes: later passes may assume that there was no error.
    pub fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The source text of `tokens` for a message: on one line, spaced as people write, and not too long.
pub fn text(tokens: impl ToTokens) -> String {
    let text = spell(tokens.to_token_stream());
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn spell(tokens: TokenStream) -> String {
    let mut out = String::new();
    let mut previous: Option<TokenTree> = None;
    for tree in tokens {
        if needs_space(previous.as_ref(), &tree) {
            out.push(' ');
        }
        match &tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out += open;
                out += &spell(group.stream());
                out += close;
            }
            other => out += &other.to_string(),
        }
        previous = Some(tree);
    }
    out
}

fn needs_space(previous: Option<&TokenTree>, next: &TokenTree) -> bool {
    let Some(previous) = previous else {
        return false;
    };
    match (previous, next) {
        (TokenTree::Punct(p), TokenTree::Punct(_)) => {
            p.spacing() == proc_macro2::Spacing::Alone
                && !matches!(
                    p.as_char(),
                    '&' | '.' | '!' | '|' | '<' | '>' | ':' | '-' | '*'
                )
        }
        (TokenTree::Punct(p), _) => !matches!(
            p.as_char(),
            '.' | '&' | '!' | ':' | '?' | '|' | '#' | '\'' | '<'
        ),
        (_, TokenTree::Punct(p)) => {
            !matches!(p.as_char(), '.' | ',' | ';' | '?' | ':' | '!' | '<' | '>')
        }
        (TokenTree::Ident(_) | TokenTree::Group(_), TokenTree::Group(g)) => {
            g.delimiter() == Delimiter::Brace
        }
        _ => true,
    }
}
