//! Prints what `#[gradient]` writes for each annotated function of a file: a small `cargo expand`.

use quote::ToTokens;

fn main() {
    let path = std::env::args().nth(1).expect("a file");
    let source = std::fs::read_to_string(path).expect("readable");
    let file = syn::parse_file(&source).expect("Rust");
    for item in file.items {
        let syn::Item::Fn(mut function) = item else {
            continue;
        };
        let Some(at) = function.attrs.iter().position(|a| {
            a.path()
                .segments
                .last()
                .is_some_and(|s| s.ident == "gradient")
        }) else {
            continue;
        };
        let attribute = function.attrs.remove(at);
        let arguments = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.clone(),
            _ => proc_macro2::TokenStream::new(),
        };
        let tokens = nalgrad_tests::companion::gradient(arguments, function.into_token_stream());
        match syn::parse2(tokens.clone()) {
            Ok(file) => println!("{}", prettyplease::unparse(&file)),
            Err(error) => println!("{error}: {tokens}"),
        }
    }
}
