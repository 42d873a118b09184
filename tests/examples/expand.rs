//! Prints what the attributes write for each annotated function of a file: a small `cargo expand`.

use nalgrad_tests::args::Attribute;
use quote::ToTokens;

fn main() {
    let path = std::env::args().nth(1).expect("a file");
    let source = std::fs::read_to_string(path).expect("readable");
    let file = syn::parse_file(&source).expect("Rust");
    for item in file.items {
        let syn::Item::Fn(mut function) = item else {
            continue;
        };
        // The attributes below the first one are written by it, one after the other.
        while let Some((at, attribute)) = function
            .attrs
            .iter()
            .enumerate()
            .find_map(|(i, a)| Attribute::of(a.path()).map(|found| (i, found)))
        {
            let arguments = match function.attrs.remove(at).meta {
                syn::Meta::List(list) => list.tokens,
                _ => proc_macro2::TokenStream::new(),
            };
            let item = function.to_token_stream();
            let tokens = nalgrad_tests::companion::expand(attribute, arguments, item);
            let Ok(file) = syn::parse2::<syn::File>(tokens.clone()) else {
                println!("{tokens}");
                break;
            };
            let mut items = file.items.into_iter();
            let Some(syn::Item::Fn(first)) = items.next() else {
                break;
            };
            function = first;
            let (attrs, items) = (Vec::new(), items.collect());
            let companions = syn::File {
                shebang: None,
                attrs,
                items,
            };
            println!("{}", prettyplease::unparse(&companions));
        }
    }
}
