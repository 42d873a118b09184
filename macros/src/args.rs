//! The arguments of an attribute: `#[gradient(wrt(w, b), crate = path)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Path, Token, parenthesized};

/// What the user asked for.
pub struct Args {
    /// The parameters to differentiate, in this order; all differentiable ones if absent.
    pub wrt: Option<Vec<Ident>>,
    /// The path of the crate `nalgrad`.
    pub krate: TokenStream,
}

impl Default for Args {
    fn default() -> Self {
        Args {
            wrt: None,
            krate: quote!(::nalgrad),
        }
    }
}

impl Parse for Args {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut args = Args::default();
        let mut has_crate = false;
        while !input.is_empty() {
            if input.peek(Token![crate]) {
                let key: Token![crate] = input.parse()?;
                if std::mem::replace(&mut has_crate, true) {
                    return Err(syn::Error::new_spanned(
                        key,
                        "`crate` is given twice\nhelp: keep one of them",
                    ));
                }
                input
                    .parse::<Token![=]>()
                    .map_err(|e| explain(&e, "a path: `crate = path`"))?;
                let path = parse_path(input)?;
                args.krate = quote!(#path);
            } else {
                args.parse_option(input)?;
            }
            if !input.is_empty() {
                input
                    .parse::<Token![,]>()
                    .map_err(|e| explain(&e, "`,` between arguments"))?;
            }
        }
        Ok(args)
    }
}

impl Args {
    fn parse_option(&mut self, input: ParseStream) -> syn::Result<()> {
        let key: Ident = input
            .call(syn::ext::IdentExt::parse_any)
            .map_err(|e| explain(&e, "an argument: `wrt(…)` or `crate = path`"))?;
        match key.to_string().as_str() {
            "wrt" => {
                if self.wrt.is_some() {
                    return Err(syn::Error::new_spanned(
                        key,
                        "`wrt` is given twice\nhelp: name all parameters in one `wrt(…)`",
                    ));
                }
                if !input.peek(syn::token::Paren) {
                    return Err(syn::Error::new_spanned(
                        key,
                        "`wrt` needs the parameters to differentiate\nhelp: write `wrt(x)` or `wrt(x, y)`",
                    ));
                }
                let content;
                parenthesized!(content in input);
                let parse_name = |input: ParseStream| match input.parse::<Option<Token![self]>>()? {
                    Some(name) => Ok(Ident::new("self", name.span)),
                    None => input
                        .parse()
                        .map_err(|e| explain(&e, "the name of a parameter")),
                };
                let names =
                    Punctuated::<Ident, Token![,]>::parse_terminated_with(&content, parse_name)?;
                let names: Vec<Ident> = names.into_iter().collect();
                if names.is_empty() {
                    return Err(syn::Error::new_spanned(
                        key,
                        "`wrt()` names no parameter\nhelp: name one, or leave `wrt` out to differentiate by all",
                    ));
                }
                let mut repeated: Option<syn::Error> = None;
                for (i, name) in names.iter().enumerate() {
                    if names[..i].iter().any(|n| n.unraw() == name.unraw()) {
                        let error = syn::Error::new_spanned(
                            name,
                            format!("`{name}` is named twice in `wrt`\nhelp: remove one"),
                        );
                        match &mut repeated {
                            Some(all) => all.combine(error),
                            None => repeated = Some(error),
                        }
                    }
                }
                if let Some(error) = repeated {
                    return Err(error);
                }
                self.wrt = Some(names);
                Ok(())
            }
            other => {
                let message = match other {
                    "aux" | "mode" | "checkpoint" | "order" | "vjp" | "jvp" => {
                        format!(
                            "the argument `{other}` is not supported yet\nhelp: known arguments are `wrt(…)` and `crate = path`"
                        )
                    }
                    _ => format!(
                        "unknown argument `{other}`\nhelp: known arguments are `wrt(…)` and `crate = path`"
                    ),
                };
                Err(syn::Error::new_spanned(key, message))
            }
        }
    }
}

/// A path, or one in a string, as serde has it.
fn parse_path(input: ParseStream) -> syn::Result<Path> {
    if input.peek(syn::LitStr) {
        let text: LitStr = input.parse()?;
        return text.parse_with(Path::parse_mod_style).map_err(|_| {
            syn::Error::new_spanned(
                &text,
                format!(
                    "`{}` is not a path\nhelp: write `crate = \"::path::to::nalgrad\"`",
                    text.value()
                ),
            )
        });
    }
    input
        .call(Path::parse_mod_style)
        .map_err(|e| explain(&e, "a path: `crate = path`"))
}

fn explain(error: &syn::Error, expected: &str) -> syn::Error {
    syn::Error::new(error.span(), format!("expected {expected}"))
}
