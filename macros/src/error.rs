//! Mistakes of the user, gathered so that all of them are reported at once.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

/// The errors found so far in one function.
#[derive(Clone, Default)]
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
    let mut last = Last::Nothing;
    // How many angle brackets are open, and whether the parameters of a closure are.
    let (mut angles, mut parameters) = (0, false);
    for tree in tokens {
        let (text, spaced, next) = match &tree {
            TokenTree::Group(group) => {
                let inner = spell(group.stream());
                let (text, spaced) = match group.delimiter() {
                    Delimiter::Parenthesis => (format!("({inner})"), false),
                    Delimiter::Brace => (format!("{{ {inner} }}"), last.is_operand()),
                    Delimiter::Bracket => (format!("[{inner}]"), false),
                    Delimiter::None => (inner, last.is_operand()),
                };
                (text, spaced || last == Last::Operator, Last::Operand)
            }
            TokenTree::Punct(punct) => {
                let sign = punct.as_char();
                let joint = punct.spacing() == proc_macro2::Spacing::Joint;
                let operand = last.is_operand();
                let (spaced, next) = match sign {
                    '.' | '?' | '#' | '\'' => (last == Last::Operator, Last::Tight),
                    ',' | ';' => (false, Last::Operator),
                    ':' if joint || last == Last::Path => (false, Last::Path),
                    ':' => (false, Last::Operator),
                    '<' if last == Last::Path || !last.is_operand() || last == Last::Type => {
                        angles += 1;
                        (last == Last::Operator, Last::Tight)
                    }
                    '>' if angles > 0 && last != Last::Joint => {
                        angles -= 1;
                        (false, Last::Type)
                    }
                    '|' if parameters => {
                        parameters = false;
                        (false, Last::Operator)
                    }
                    '|' if !operand && last != Last::Joint => {
                        parameters = !joint;
                        let next = if joint { Last::Joint } else { Last::Tight };
                        (last == Last::Operator, next)
                    }
                    _ if last == Last::Joint => (false, Last::Operator),
                    '*' | '&' | '-' | '!' if !operand => (last == Last::Operator, Last::Tight),
                    '!' if !joint => (false, Last::Tight),
                    _ => (true, Last::Operator),
                };
                let joined = joint && next == Last::Operator && !matches!(sign, ',' | ';');
                let next = if joined { Last::Joint } else { next };
                (sign.to_string(), spaced, next)
            }
            TokenTree::Ident(ident) => {
                let text = ident.to_string();
                let next = match text.chars().next() {
                    Some(first) if first.is_uppercase() => Last::Type,
                    _ if KEYWORDS.contains(&text.as_str()) => Last::Operator,
                    _ => Last::Operand,
                };
                (text, last.is_operand() || last == Last::Operator, next)
            }
            literal => {
                let spaced = last.is_operand() || last == Last::Operator;
                (literal.to_string(), spaced, Last::Operand)
            }
        };
        if spaced && !out.is_empty() {
            out.push(' ');
        }
        out += &text;
        last = next;
    }
    out
}

/// Words after which a value begins.
const KEYWORDS: &[&str] = &[
    "return", "in", "if", "else", "match", "let", "mut", "as", "break", "for", "while", "ref",
    "move",
];

/// What was written last, for the space before what comes next.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    /// What may stand on the left of an operator.
    Operand,
    /// The same, and perhaps of a type with parameters in angle brackets.
    Type,
    /// A colon of `::`.
    Path,
    /// After it there is a space.
    Operator,
    /// The first part of an operator.
    Joint,
    /// After it there is none: a dot, a sign, a bracket.
    Tight,
}

impl Last {
    fn is_operand(self) -> bool {
        matches!(self, Last::Operand | Last::Type)
    }
}
