//! How long the macro itself takes: `cargo run -p nalgrad-benches --example expansion`.
//!
//! The passes run in process, without optimization, as cargo builds a procedural macro for its users. For each annotated
//! function of the examples and benchmarks, and for generated functions of more and more statements, the table shows the
//! fastest of some expansions.

use std::fmt::Write;
use std::time::{Duration, Instant};

use nalgrad_tests::args::Attribute;
use proc_macro2::TokenStream;
use quote::ToTokens;

const REPEATS: usize = 20;
/// Slow ones are repeated until this is spent.
const PATIENCE: Duration = Duration::from_secs(1);

/// The attribute, from the macro's passes, which the tests package includes by path.
fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    nalgrad_tests::companion::expand(Attribute::Gradient, attribute, item)
}

fn main() {
    if !cfg!(debug_assertions) {
        eprintln!("to be run without --release: cargo does not optimize macros for its users");
    }
    println!("| function | tokens in | tokens out | ms |");
    println!("|---|--:|--:|--:|");
    let sources = [
        include_str!("../examples/neuron.rs"),
        include_str!("../examples/digits.rs"),
        include_str!("functions.rs"),
    ];
    for (name, attribute, item) in sources.iter().flat_map(|source| annotated(source)) {
        report(&name, &attribute, &item);
    }
    for statements in [50, 100, 200, 400] {
        for (name, attribute, item) in annotated(&long_function(statements)) {
            report(&name, &attribute, &item);
        }
    }
}

fn report(name: &str, attribute: &TokenStream, item: &TokenStream) {
    let mut fastest = f64::INFINITY;
    let mut expansion = TokenStream::new();
    let begin = Instant::now();
    for repeat in 0..REPEATS {
        if repeat > 0 && begin.elapsed() > PATIENCE {
            break;
        }
        let start = Instant::now();
        expansion = expand(attribute.clone(), item.clone());
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    println!(
        "| `{name}` | {} | {} | {:.2} |",
        count(item.clone()),
        count(expansion),
        1e3 * fastest
    );
}

/// The functions under `#[gradient]`, with the attribute's arguments.
fn annotated(source: &str) -> Vec<(String, TokenStream, TokenStream)> {
    let file = syn::parse_file(source).expect("our own source parses");
    let mut found = Vec::new();
    for item in file.items {
        let syn::Item::Fn(mut function) = item else {
            continue;
        };
        let Some(place) = function
            .attrs
            .iter()
            .position(|attr| attr.path().is_ident("gradient"))
        else {
            continue;
        };
        let arguments = match function.attrs.remove(place).meta {
            syn::Meta::List(list) => list.tokens,
            _ => TokenStream::new(),
        };
        found.push((
            function.sig.ident.to_string(),
            arguments,
            function.into_token_stream(),
        ));
    }
    found
}

/// Statements of five kinds in turn, each of which reads the one before and an earlier one.
fn long_function(statements: usize) -> String {
    let mut body = String::from("let v0 = a * x;\n");
    for i in 1..statements {
        let (last, earlier) = (i - 1, i / 2);
        let value = match i % 5 {
            0 => format!("a * &v{last} + x"),
            1 => format!("v{last}.map(|z| z.tanh()) + &v{earlier}"),
            2 => format!("v{last}.component_mul(&v{earlier})"),
            3 => format!("v{last}.zip_map(&v{earlier}, |p, q| (p - q).sin())"),
            _ => format!("&v{last} * v{earlier}.dot(x)"),
        };
        writeln!(body, "let v{i} = {value};").expect("a String grows");
    }
    format!(
        "#[gradient(wrt(x))]\nfn statements_{statements}(a: &DMatrix<f64>, x: &DVector<f64>) -> f64 {{\n{body}v{}.sum()\n}}",
        statements - 1
    )
}

fn count(tokens: TokenStream) -> usize {
    let inner = |tree| match tree {
        proc_macro2::TokenTree::Group(group) => 2 + count(group.stream()),
        _ => 1,
    };
    tokens.into_iter().map(inner).sum()
}
