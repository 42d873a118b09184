//! `#[differentiable]` on an `impl` block or a trait: the companions of the methods in it that carry attributes.
//!
//! In an inherent `impl` and in a trait these are written beside the methods. An implementation of a trait cannot have
//! other members than the trait: there they are in an inherent `impl` beside it.

use super::written;
use crate::args::{Args, Attribute, USED};
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::collections::HashSet;
use syn::{Attribute as Meta, Generics, ImplItem, ItemImpl, ItemTrait, TraitItem, Type};

/// The block and the companions of its methods; `None` for anything else.
pub fn expand(arguments: &TokenStream, item: &TokenStream) -> Option<TokenStream> {
    if let Ok(block) = syn::parse2::<ItemImpl>(item.clone()) {
        let of_function = |item: &ImplItem| match item {
            ImplItem::Fn(function) => annotated(&function.attrs),
            _ => false,
        };
        let any = block.items.iter().any(of_function);
        let head = TokenTree::from(proc_macro2::Ident::new("impl", block.impl_token.span));
        let args = match check(arguments, any, &head.into()) {
            Ok(args) => args,
            Err(error) => return Some(refused(block, item, error)),
        };
        return Some(match &block.trait_ {
            None => shared_inside(item.clone(), &args),
            Some((_, path, _)) => {
                of_trait(&block, path, &args).unwrap_or_else(|error| refused(block, item, error))
            }
        });
    }
    let definition = syn::parse2::<ItemTrait>(item.clone()).ok()?;
    let of_function = |item: &TraitItem| match item {
        TraitItem::Fn(function) => annotated(&function.attrs),
        _ => false,
    };
    let any = definition.items.iter().any(of_function);
    let head = TokenTree::from(proc_macro2::Ident::new(
        "trait",
        definition.trait_token.span,
    ));
    Some(match check(arguments, any, &head.into()) {
        Ok(args) => shared_inside(item.clone(), &args),
        Err(error) => {
            let error = error.to_compile_error();
            quote!(#item #error)
        }
    })
}

/// What is wrong with a block. In one of a trait the attributes would be mistakes of their own.
fn refused(mut block: ItemImpl, item: &TokenStream, error: syn::Error) -> TokenStream {
    let error = error.to_compile_error();
    if block.trait_.is_none() {
        return quote!(#item #error);
    }
    for item in &mut block.items {
        if let ImplItem::Fn(function) = item {
            function.attrs.retain(|a| Attribute::of(a.path()).is_none());
        }
    }
    quote!(#block #error)
}

fn annotated(attrs: &[Meta]) -> bool {
    attrs.iter().any(|a| Attribute::of(a.path()).is_some())
}

/// The arguments for a block: the path of the crate only.
fn check(arguments: &TokenStream, any: bool, at: &TokenStream) -> syn::Result<Args> {
    let args = Args::parse(Attribute::Differentiable, arguments.clone())?;
    if !args.is_plain() {
        return Err(syn::Error::new_spanned(
            arguments,
            "on a block `#[differentiable]` takes no arguments but `crate = path`\nhelp: give them to the attributes of its methods",
        ));
    }
    if !any {
        return Err(syn::Error::new_spanned(
            at,
            "no method in this block carries an attribute of nalgrad's\nhelp: put `#[gradient]`, or another one, on each `fn` to be differentiated",
        ));
    }
    Ok(args)
}

/// The block, whose attributes share the path of the crate.
fn shared_inside(item: TokenStream, args: &Args) -> TokenStream {
    if args.given_crate.is_none() {
        return item;
    }
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = trees.last() {
        let mut inside = TokenStream::new();
        let mut after_hash = false;
        for tree in body.stream() {
            let below = match &tree {
                TokenTree::Group(group) if after_hash => {
                    let meta = syn::parse2::<syn::Meta>(group.stream()).ok();
                    let meta = meta.and_then(|meta| super::with_shared(&meta, args, false));
                    meta.map(|meta| TokenTree::Group(Group::new(group.delimiter(), meta)))
                }
                _ => None,
            };
            after_hash = matches!(&tree, TokenTree::Punct(p) if p.as_char() == '#');
            inside.extend([below.unwrap_or(tree)]);
        }
        let mut new = Group::new(body.delimiter(), inside);
        new.set_span(body.span());
        trees.pop();
        trees.push(TokenTree::Group(new));
    }
    trees.into_iter().collect()
}

/// The implementation without the attributes, and an inherent one with the companions.
fn of_trait(block: &ItemImpl, path: &syn::Path, args: &Args) -> syn::Result<TokenStream> {
    check_type(block)?;
    // What the trait calls so is not found in an inherent implementation.
    let names: HashSet<String> = block
        .items
        .iter()
        .filter_map(|item| match item {
            ImplItem::Const(item) => Some(item.ident.to_string()),
            ImplItem::Type(item) => Some(item.ident.to_string()),
            ImplItem::Fn(item) => Some(item.sig.ident.to_string()),
            _ => None,
        })
        .collect();
    let mut plain = block.clone();
    let mut companions = TokenStream::new();
    let mut used: Vec<TokenStream> = Vec::new();
    for item in &mut plain.items {
        let ImplItem::Fn(function) = item else {
            continue;
        };
        let mut rest = with_types(function, block)?;
        function.attrs.retain(|a| Attribute::of(a.path()).is_none());
        // As rustc would expand them: the first attribute, then those that it leaves.
        loop {
            let mut method: syn::ImplItemFn = syn::parse2(rest)?;
            let first = method.attrs.iter().enumerate();
            let first = first.filter_map(|(k, a)| Some((k, Attribute::of(a.path())?)));
            let Some((at, attribute)) = first.into_iter().next() else {
                break;
            };
            let meta = method.attrs.remove(at).meta;
            let path_of_attribute = meta.path().to_token_stream();
            if !used
                .iter()
                .any(|u| u.to_string() == path_of_attribute.to_string())
            {
                used.push(path_of_attribute);
            }
            // The companions are as visible as the methods of a trait.
            method.vis = syn::parse_quote!(pub);
            let meta = super::with_shared(&meta, args, false).map_or(Ok(meta), syn::parse2)?;
            let arguments = match &meta {
                syn::Meta::List(list) => list.tokens.clone(),
                _ => TokenStream::new(),
            };
            let (item, written) = written(
                attribute,
                arguments,
                method.to_token_stream(),
                Some(&block.generics),
            );
            companions.extend(qualified(written, &names, path));
            rest = item;
        }
    }
    let (of_impl, _, conditions) = block.generics.split_for_impl();
    let ty = &block.self_ty;
    let kept = |a: &&Meta| a.path().is_ident("cfg") || a.path().is_ident("allow");
    let attrs = block.attrs.iter().filter(kept);
    let nothing = quote::format_ident!("{USED}");
    Ok(quote! {
        #plain
        // An import of an attribute is not in vain.
        #(#[#used(#nothing)] const _: () = ();)*
        #(#attrs)*
        #[allow(private_interfaces, unreachable_pub)]
        impl #of_impl #ty #conditions {
            #companions
        }
    })
}

/// A method with the types of the block in its signature in place of their names.
fn with_types(function: &syn::ImplItemFn, block: &ItemImpl) -> syn::Result<TokenStream> {
    let types = block.items.iter().filter_map(|item| match item {
        ImplItem::Type(item) => Some((item.ident.to_string(), item.ty.to_token_stream())),
        _ => None,
    });
    let types: Vec<(String, TokenStream)> = types.collect();
    let mut function = function.clone();
    function.sig = syn::parse2(resolved(function.sig.to_token_stream(), &types))?;
    Ok(function.to_token_stream())
}

/// `Self::Point` as what it stands for.
fn resolved(tokens: TokenStream, types: &[(String, TokenStream)]) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = TokenStream::new();
    let mut i = 0;
    while let Some(tree) = trees.get(i) {
        let text = |k: usize| trees.get(i + k).map_or(String::new(), ToString::to_string);
        let known = types.iter().find(|t| t.0 == text(3));
        match (tree, known) {
            (TokenTree::Ident(own), Some((_, ty)))
                if own == "Self" && text(1) == ":" && text(2) == ":" =>
            {
                out.extend(ty.clone());
                i += 3;
            }
            (TokenTree::Group(group), _) => {
                let mut new = Group::new(group.delimiter(), resolved(group.stream(), types));
                new.set_span(group.span());
                out.extend([TokenTree::Group(new)]);
            }
            _ => out.extend([tree.clone()]),
        }
        i += 1;
    }
    out
}

/// Whether there can be an inherent implementation with these parameters.
fn check_type(block: &ItemImpl) -> syn::Result<()> {
    let is_parameter =
        |generics: &Generics, name: &syn::Ident| generics.type_params().any(|p| p.ident == *name);
    let own = match crate::ty::strip(&block.self_ty) {
        Type::Path(path) if path.qself.is_none() => path.path.get_ident().is_none_or(|name| {
            !is_parameter(&block.generics, name)
                && !matches!(name.to_string().as_str(), "f64" | "f32")
        }),
        _ => false,
    };
    if !own {
        return Err(syn::Error::new_spanned(
            &block.self_ty,
            "the companions of these methods would be in an inherent `impl`, which only a type of your own can have\nhelp: move the computation into a function, and call that",
        ));
    }
    for parameter in block.generics.type_params() {
        let used = crate::ty::mentions(block.self_ty.to_token_stream(), &|ident| {
            *ident == parameter.ident
        });
        if !used {
            return Err(syn::Error::new_spanned(
                parameter,
                format!(
                    "`{}` is a parameter of the trait only, so that an inherent `impl` with the companions cannot have it\nhelp: move the computation into a function, and call that",
                    parameter.ident
                ),
            ));
        }
    }
    Ok(())
}

/// `Self::X` as `<Self as Trait>::X`, where the trait has an `X`.
fn qualified(tokens: TokenStream, names: &HashSet<String>, of: &syn::Path) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = TokenStream::new();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(own) if own == "Self" => {
                let path = [1, 2].map(|k| trees.get(i + k).map(ToString::to_string));
                let colons = path.iter().all(|t| t.as_deref() == Some(":"));
                let named = matches!(trees.get(i + 3), Some(TokenTree::Ident(name)) if names.contains(&name.to_string()));
                if colons && named {
                    out.extend(quote!(<#own as #of>));
                } else {
                    out.extend([tree.clone()]);
                }
            }
            TokenTree::Group(group) => {
                let inside = qualified(group.stream(), names, of);
                let mut new = Group::new(group.delimiter(), inside);
                new.set_span(group.span());
                out.extend([TokenTree::Group(new)]);
            }
            other => out.extend([other.clone()]),
        }
    }
    out
}
