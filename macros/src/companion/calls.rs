//! `#[differentiable]`: the companions by which calls of a function are differentiated.
//!
//! | companion | returns |
//! |---|---|
//! | `f_pushforward(params…, tangents…)` | `(Y, dY)` |
//! | `f_pullback(params…)` | `(Y, impl Fn(Ȳ) -> G)` |
//! | `f_pullback_pushforward(params…, tangents…)` | `(Y, dY, impl Fn(Ȳ, dȲ) -> (G, dG))` |
//!
//! Who calls `f` knows its arguments but not its signature. So there is a tangent for each parameter, `self` among them,
//! an `Option` that is `None` where it is zero, and `G` is a tuple with a place for each, `()` where there is no
//! derivative. The tangent of a list is a slice of all its entries, that of a tuple a tuple of `Option`s. A pullback owns
//! what it needs of the differentiated parameters, so that it may outlive them; what is inert it borrows, and structs,
//! which callers have as parameters of their own.

use super::{Companion, Plan, cotangent_pattern, derivative_of, identifiers};
use crate::args::{Args, Attribute};
use crate::differentiate::{forward, reverse};
use crate::emit::{Outputs, Pullback, Returns, emit};
use crate::graph::{Derived, Form, Id, Leaf, Outcome, Program, Sources};
use crate::lower::Parameter;
use crate::signature::Function;
use crate::ty::{Class, Passing, Returned, Wrapper};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::collections::HashSet;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{FnArg, GenericParam, Pat, Signature, parse_quote};

impl Plan {
    /// For each parameter, its number among those that are differentiated.
    fn places(&self) -> Vec<Option<usize>> {
        let wrt: Vec<String> = self
            .differentiated()
            .map(|p| p.ident.unraw().to_string())
            .collect();
        let number = |name: String| wrt.iter().position(|w| *w == name);
        let places = self.sig.inputs.iter().map(|input| match input {
            FnArg::Typed(input) => match &*input.pat {
                Pat::Ident(name) => number(name.ident.unraw().to_string()),
                _ => None,
            },
            FnArg::Receiver(_) => number("self".to_string()),
        });
        places.collect()
    }

    fn differentiated(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|p| p.wrt)
    }

    /// Whether a pullback borrows the parameter at a place: it is inert, or a struct.
    fn is_borrowed(&self, place: Option<usize>) -> bool {
        let parameter = place.and_then(|k| self.differentiated().nth(k));
        parameter.is_none_or(|parameter| matches!(parameter.class, Class::Other))
    }

    /// That there is a tuple with references in it: a pullback could not own what it needs of that.
    pub(super) fn tuple_of_references(&self) -> Option<syn::Error> {
        let mut tuples = self
            .differentiated()
            .filter(|p| matches!(p.class, Class::Tuple(_)));
        let tuple = tuples.find(|parameter| self.has_references(parameter))?;
        Some(syn::Error::new_spanned(
            tuple.ty.as_ref()?,
            format!(
                "calls cannot be differentiated by the tuple `{}` yet, which has references in it\nhelp: take its parts, or a reference to a tuple that owns them",
                tuple.ident
            ),
        ))
    }

    /// That there is a list in a tuple that the function returns: callers do not know which kind it is of.
    pub(super) fn list_in_a_result(&self) -> Option<syn::Error> {
        fn in_tuple(result: &Returned, inside: bool) -> bool {
            match result {
                Returned::Tuple(parts) => parts.iter().any(|part| in_tuple(part, true)),
                Returned::Array(..) | Returned::Vec(_) => inside,
                _ => false,
            }
        }
        in_tuple(&self.result, false).then(|| {
            syn::Error::new_spanned(
                &self.sig.output,
                "calls of a function that returns a tuple with a list in it cannot be differentiated yet\nhelp: return vectors of nalgebra's in the tuple, or the list alone",
            )
        })
    }

    /// Whether a tuple has references in it, so that a copy would borrow as well.
    fn has_references(&self, parameter: &Parameter) -> bool {
        let ty = parameter.ty.as_ref().map(|ty| match crate::ty::strip(ty) {
            syn::Type::Reference(reference) => reference.elem.to_token_stream(),
            ty => ty.to_token_stream(),
        });
        let ty = ty.unwrap_or_default();
        with_lifetime(ty.clone()).to_string() != ty.to_string() || ty.to_string().contains('\'')
    }

    pub(super) fn has_self(&self) -> bool {
        crate::ty::mentions(self.sig.to_token_stream(), &|i| {
            *i == "self" || *i == "Self"
        })
    }

    /// Whether the type of a pullback has to be written out: where `use<…>` could not name all that is in scope, and
    /// where a function calls itself.
    fn is_boxed(&self) -> bool {
        self.has_self()
            || self.recursive
            || crate::ty::mentions(self.sig.inputs.to_token_stream(), &|i| *i == "impl")
    }

    pub(super) fn boxed(&self, closure: TokenStream) -> TokenStream {
        if self.is_boxed() {
            quote!(::std::boxed::Box::new(#closure))
        } else {
            closure
        }
    }

    /// Whether a pullback borrows any parameter.
    fn borrows(&self) -> bool {
        let inputs = self.sig.inputs.iter().zip(self.places());
        self.is_boxed()
            || inputs
                .filter(|(_, place)| self.is_borrowed(*place))
                .any(|(input, _)| match input {
                    FnArg::Receiver(receiver) => receiver.reference.is_some(),
                    FnArg::Typed(input) => {
                        let ty = input.ty.to_token_stream();
                        with_lifetime(ty.clone()).to_string() != ty.to_string()
                    }
                })
    }

    /// The type of a cotangent: in a tuple, parts may be absent.
    fn cotangent(&self, ty: &Returned, written: &TokenStream, inside: bool) -> TokenStream {
        match ty {
            Returned::Tuple(parts) => {
                let nalgebra = self.nalgebra();
                let parts = parts
                    .iter()
                    .map(|part| self.cotangent(part, &part.tangent(&nalgebra), true));
                quote!((#(#parts,)*))
            }
            _ if inside => quote!(::core::option::Option<#written>),
            _ => written.clone(),
        }
    }

    /// A type for each parameter.
    fn gradients_by_place(&self, gradients: &[TokenStream]) -> TokenStream {
        let places = self.places();
        let gradients = places.iter().map(|place| match place {
            Some(k) => gradients.get(*k).cloned().unwrap_or_else(|| quote!(())),
            None => quote!(()),
        });
        quote!((#(#gradients,)*))
    }

    pub(super) fn result_for_calls(
        &self,
        companion: Companion,
        value: &TokenStream,
        tangent: &TokenStream,
        gradients: &[TokenStream],
    ) -> TokenStream {
        if companion == Companion::Pushforward {
            return quote!((#value, #tangent));
        }
        let gradient = self.gradients_by_place(gradients);
        if let Companion::Derived(_) = companion {
            return gradient;
        }
        let cotangent = self.cotangent(&self.result, tangent, false);
        let function = match companion {
            Companion::Pullback => quote!(::core::ops::Fn(#cotangent) -> #gradient),
            _ => quote!(::core::ops::Fn(#cotangent, #cotangent) -> (#gradient, #gradient)),
        };
        let function = if self.is_boxed() {
            quote!(::std::boxed::Box<dyn #function + 'inert>)
        } else {
            let named = self.sig.generics.params.iter().map(|param| match param {
                GenericParam::Lifetime(l) => l.lifetime.to_token_stream(),
                GenericParam::Type(t) => t.ident.to_token_stream(),
                GenericParam::Const(c) => c.ident.to_token_stream(),
            });
            let inert = self.borrows().then(|| quote!('inert,));
            quote!(impl #function + use<#inert #(#named),*>)
        };
        match companion {
            Companion::Pullback => quote!((#value, #function)),
            _ => quote!((#value, #tangent, #function)),
        }
    }

    /// The lifetime of what is inert, and the tangents.
    pub(super) fn complete_for_calls(
        &self,
        companion: Companion,
        sig: &mut Signature,
        tangents: &[Ident],
    ) {
        let places = self.places();
        if companion != Companion::Pushforward {
            let borrowed = places.iter().map(|place| self.is_borrowed(*place));
            name_lifetimes(sig, borrowed);
            let boxed = self.is_boxed();
            let params = &mut sig.generics.params;
            for param in params.iter_mut().filter(|_| boxed) {
                match param {
                    GenericParam::Lifetime(l) => l.bounds.push(parse_quote!('inert)),
                    GenericParam::Type(t) => t.bounds.push(parse_quote!('inert)),
                    GenericParam::Const(_) => {}
                }
            }
            if self.borrows() {
                params.insert(0, parse_quote!('inert));
            }
        }
        if companion == Companion::Pullback {
            return;
        }
        let wrt: Vec<_> = self.differentiated().collect();
        for place in places {
            let input: FnArg = match place
                .and_then(|k| Some((tangents.get(k)?, self.gradients.get(k)?, wrt.get(k)?)))
            {
                Some((name, gradient, parameter)) => {
                    let ty = self.tangent_for_calls(&parameter.class, gradient);
                    parse_quote!(#name: #ty)
                }
                None => parse_quote!(_: ::core::option::Option<()>),
            };
            sig.inputs.push(input);
        }
    }

    /// The pullbacks of calls that the pullback of `f_vjp` owns borrow from several parameters: for one lifetime.
    pub(super) fn share_lifetime(sig: &mut Signature) {
        let is_reference = |input: &&FnArg| match input {
            FnArg::Receiver(receiver) => receiver.reference.is_some(),
            FnArg::Typed(input) => {
                let ty = input.ty.to_token_stream();
                with_lifetime(ty.clone()).to_string() != ty.to_string()
            }
        };
        if sig.inputs.iter().filter(is_reference).count() < 2 {
            return;
        }
        let all = vec![true; sig.inputs.len()];
        name_lifetimes(sig, all.into_iter());
        for param in &mut sig.generics.params {
            if let GenericParam::Lifetime(lifetime) = param {
                lifetime.bounds.push(parse_quote!('inert));
            }
        }
        sig.generics.params.insert(0, parse_quote!('inert));
    }

    /// The type of a tangent, of the type of the gradient: a number, a reference to a matrix or a struct, a slice of all
    /// entries of a list, or a tuple of these.
    fn tangent_for_calls(&self, class: &Class, gradient: &TokenStream) -> TokenStream {
        let nalgebra = self.nalgebra();
        let ty = match class {
            Class::Value(value) if value.extents.is_none() => gradient.clone(),
            Class::List(list) => {
                let real = &list.real;
                quote!(&[#real])
            }
            Class::Tuple(parts) => {
                let parts = parts.iter().map(|part| {
                    let gradient = part.owned(&nalgebra).unwrap_or_default();
                    self.tangent_for_calls(part, &gradient)
                });
                quote!((#(#parts,)*))
            }
            _ => quote!(&#gradient),
        };
        quote!(::core::option::Option<#ty>)
    }

    /// What takes the tangents of tuples and structs apart: those of their parts may be absent as well.
    fn parts_of_tangents(&self, program: &Program, tangents: &[Ident]) -> TokenStream {
        let mut lets = TokenStream::new();
        for (sources, name) in program.parameters.iter().zip(tangents) {
            match sources {
                Sources::One(_) => {}
                Sources::Tuple(parts) => {
                    parts_of_tuple(name, &TokenStream::new(), parts, &mut lets);
                }
                Sources::Struct { fields, .. } => {
                    for field in fields.iter().filter(|field| !field.path.is_empty()) {
                        let (source, path) = (program.wrt[field.number], &field.path);
                        let own = name_of_tangent(name, &quote!(#(#path)*));
                        let place = quote!(#name #(#path)*);
                        let lists = program.graph.lists.borrow();
                        let part = match lists.get(&source) {
                            Some(list) if list.is_struct => quote!(&#place),
                            Some(list) if list.element.is_none() => quote!(&#place[..]),
                            Some(_) => {
                                let (krate, entries) = (&self.krate, format!("{own}_entries"));
                                let entries = Ident::new(&entries, Span::mixed_site());
                                lets.extend(quote! {
                                    let #entries: ::core::option::Option<::std::vec::Vec<_>> =
                                        #name.map(|#name| #krate::__private::column_of_entries::<#krate::nalgebra::DVector<_>, _>(&#place).data.into());
                                    let #own = #entries.as_deref();
                                });
                                continue;
                            }
                            None if program.graph.is_matrix(source) => quote!(&#place),
                            None => place,
                        };
                        lets.extend(quote!(let #own = #name.map(|#name| #part);));
                    }
                }
            }
        }
        lets
    }

    pub(super) fn outputs_for_calls(
        &self,
        companion: Companion,
        program: &Program,
        inputs: Vec<(Id, Id)>,
        tangents: &[Ident],
    ) -> Outputs {
        let graph = &program.graph;
        let roots = program.result.real_values(graph);
        let mut opening = TokenStream::new();
        let mut named = |prefix: &str| {
            let mut cotangents = Vec::new();
            let result = &program.result;
            let pattern = cotangent_pattern(program, result, prefix, &mut cotangents, &mut opening);
            (pattern, cotangents)
        };
        let (mut patterns, mut cotangents, mut moving) = (Vec::new(), Vec::new(), Vec::new());
        let mut gradients = Vec::new();
        if companion != Companion::Pushforward {
            let (pattern, ids) = named("");
            (patterns, cotangents) = (vec![pattern], ids);
            let seeds: Vec<(Id, Id)> = roots.iter().copied().zip(cotangents.clone()).collect();
            gradients = reverse(graph, &seeds, &program.wrt);
        }
        if companion == Companion::PullbackPushforward {
            let (pattern, ids) = named("d");
            patterns.push(pattern);
            moving = ids;
        }
        let mut parts = vec![Returns::value(&program.result)];
        let mut tangents_of_gradients = Vec::new();
        if companion != Companion::Pullback {
            // In one sweep, so that the tangents of loops are computed once.
            let wanted: Vec<Id> = roots
                .iter()
                .chain(gradients.iter().flatten())
                .copied()
                .collect();
            let mut sources = inputs.clone();
            sources.extend(cotangents.iter().copied().zip(moving.iter().copied()));
            let mut images = forward(graph, &wanted, &sources).into_iter();
            parts.push(derivative_of(graph, &program.result, &mut |id| {
                Returns::Like(images.next().flatten(), id)
            }));
            tangents_of_gradients = gradients
                .iter()
                .map(|g| g.and_then(|_| images.next().flatten()))
                .collect();
        }
        if companion != Companion::Pushforward {
            let nalgebra = self.nalgebra();
            let tangent = super::tangent_type(&self.result, &program.result, program, &nalgebra);
            let ty = self.cotangent(&self.result, &tangent, false);
            let mut body = self.by_place(&gradients, program);
            if companion == Companion::PullbackPushforward {
                body = Returns::Tuple(vec![body, self.by_place(&tangents_of_gradients, program)]);
            }
            let parameter = quote!(#(#patterns: #ty),*);
            let of_all = cotangents.into_iter().chain(moving);
            let seeds: Vec<(Id, Id)> = roots.iter().copied().cycle().zip(of_all).collect();
            let lent = |id: &Id| graph.leaf_of(*id).is_some_and(|l| l.form != Form::Owned);
            let mut owns: Vec<Id> = program.wrt.clone();
            owns.extend(inputs.iter().map(|i| i.1));
            owns.extend(
                (0..graph.user_nodes.get())
                    .map(Id)
                    .filter(|id| graph.leaf_of(*id).is_some_and(|l| l.form == Form::View))
                    .filter(|id| !program.wrt.contains(id)),
            );
            let listed = |id: &Id| graph.lists.borrow().contains_key(id);
            owns.retain(|id| lent(id) || listed(id));
            let tuples = self
                .differentiated()
                .filter(|p| matches!(&p.class, Class::Tuple(_)) && p.by_reference);
            parts.push(Returns::Pullback(Box::new(Pullback {
                parameter,
                opening,
                lists: super::lists_among(program, &seeds),
                cotangents: seeds,
                optional: matches!(self.result, Returned::Tuple(_)),
                owns,
                tuples: tuples.map(|p| p.ident.clone()).collect(),
                boxed: self.is_boxed(),
                body,
            })));
        }
        Outputs {
            result: Returns::Tuple(parts),
            inputs,
            optional: true,
            opening: self.parts_of_tangents(program, tangents),
        }
    }

    /// The tangent of the pullback, of tangents and of a cotangent with its own tangent.
    pub(super) fn second(
        &self,
        program: &Program,
        mut inputs: Vec<(Id, Id)>,
        tangents: &[Ident],
    ) -> Outputs {
        let graph = &program.graph;
        let mut gradients = vec![None; program.wrt.len()];
        if let Outcome::Value(root) = program.result {
            let cotangents = tangents[tangents.len() - 2..].iter().map(|name| {
                graph.leaf(Leaf {
                    name: name.to_token_stream(),
                    kind: graph.kind(root),
                    form: Form::Owned,
                    varies: true,
                })
            });
            let cotangents: Vec<Id> = cotangents.collect();
            inputs.push((cotangents[0], cotangents[1]));
            let pulled = reverse(graph, &[(root, cotangents[0])], &program.wrt);
            let known: Vec<Id> = pulled.iter().flatten().copied().collect();
            let mut moving = forward(graph, &known, &inputs).into_iter();
            let moving = pulled
                .iter()
                .map(|g| g.and_then(|_| moving.next().flatten()));
            gradients = moving.collect();
        }
        Outputs {
            result: self.by_place(&gradients, program),
            inputs,
            optional: false,
            opening: TokenStream::new(),
        }
    }

    /// The companions by which third and fourth derivatives of calls are taken.
    pub(super) fn third(
        &self,
        function: &Function,
        args: &Args,
        lowered: &Program,
    ) -> Result<TokenStream, Option<syn::Error>> {
        let mut written = TokenStream::new();
        for derived in [Derived::Pushed, Derived::Second] {
            if derived == Derived::Second && self.cotangent_class().is_none() {
                continue;
            }
            let base = Companion::Derived(derived);
            let names = self.tangent_names(base, &mut lowered.taken.clone());
            let tangent =
                super::tangent_type(&self.result, &lowered.result, lowered, &self.nalgebra());
            let result =
                self.result_type(base, &self.value_type(), &tangent, &self.gradients, None);
            let sig = self.signature(base, &result, &names);
            written.extend(self.callable(base, function, args, (&sig, &names), lowered)?);
        }
        Ok(written)
    }

    /// What a cotangent is, of a function that returns one number or matrix.
    fn cotangent_class(&self) -> Option<Class> {
        match &self.result {
            Returned::Value(value) => Some(Class::Value(value.clone())),
            _ => None,
        }
    }

    /// A derivative at the place of each parameter.
    fn by_place(&self, derivatives: &[Option<Id>], program: &Program) -> Returns {
        let places = self.places();
        let parts = places.iter().map(|place| match place {
            Some(k) => Returns::derivative(derivatives, &program.parameters[*k], program),
            None => Returns::Unit,
        });
        Returns::Tuple(parts.collect())
    }

    /// Companions by rules of the user's own. What no rule gives is there as well, and an error where it is called.
    pub(super) fn by_rules(&self, args: &Args, function: &Function) -> TokenStream {
        let nalgebra = self.nalgebra();
        let value = self.value_type();
        let tangent = self.result.tangent(&nalgebra);
        let cotangent = self.cotangent(&self.result, &tangent, false);
        let mut taken = HashSet::new();
        identifiers(self.sig.to_token_stream(), &mut taken);
        let tangents = self.tangent_names(Companion::Pushforward, &mut taken);
        let arguments: Vec<TokenStream> = self
            .sig
            .inputs
            .iter()
            .filter_map(|input| match input {
                FnArg::Receiver(receiver) => Some(receiver.self_token.to_token_stream()),
                FnArg::Typed(input) => match &*input.pat {
                    Pat::Ident(name) => Some(name.ident.to_token_stream()),
                    _ => None,
                },
            })
            .collect();
        let all = [
            Companion::Pushforward,
            Companion::Pullback,
            Companion::PullbackPushforward,
        ];
        let written = all.into_iter().map(|companion| {
            let rule = match companion {
                Companion::Pushforward => args.jvp.as_ref(),
                Companion::Pullback => args.vjp.as_ref(),
                _ => None,
            };
            let result = self.result_for_calls(companion, &value, &tangent, &self.gradients);
            let mut sig = self.signature(companion, &result, &tangents);
            let Some(rule) = rule else {
                let missing = match companion {
                    Companion::Pushforward => quote!(GivenByJvp),
                    Companion::Pullback => quote!(GivenByVjp),
                    _ => quote!(GivenTwice),
                };
                return self.without(companion, function, &missing);
            };
            let body = match companion {
                Companion::Pushforward => {
                    let given = self.given_tangents(&tangents);
                    let owned = self.passed_tangents(&tangents);
                    quote!(#given #rule(#(#arguments,)* #(#owned),*))
                }
                _ => {
                    // What the rule's pullback borrows is not known: all that it may.
                    sig = self.sig.clone();
                    sig.ident = self.name(companion);
                    let places = self.places();
                    let count = places.iter().flatten().count();
                    let gradient = self.gradients_by_place(&self.gradients);
                    sig.output =
                        parse_quote!(-> (#value, impl ::core::ops::Fn(#cotangent) -> #gradient));
                    let gradients = places.iter().map(|place| match (place, count) {
                        (Some(_), 1) => quote!(gradient),
                        (Some(k), _) => {
                            let k = syn::Index::from(*k);
                            quote!(gradient.#k)
                        }
                        (None, _) => quote!(()),
                    });
                    // What is wrong with it shows at the rule.
                    let span = Span::mixed_site().located_at(rule.span());
                    let pullback = Ident::new("pullback", span);
                    quote! {
                        let (value, #pullback) = #rule(#(#arguments),*);
                        (value, move |cotangent: #cotangent| {
                            let gradient = #pullback(cotangent);
                            (#(#gradients,)*)
                        })
                    }
                }
            };
            self.item(
                Attribute::Differentiable,
                companion,
                function,
                &sig,
                body,
                "",
            )
        });
        quote!(#(#written)*)
    }

    /// A companion that is not there: an error where it is called.
    pub(super) fn without(
        &self,
        companion: Companion,
        function: &Function,
        missing: &TokenStream,
    ) -> TokenStream {
        let krate = &self.krate;
        let mut sig = self.sig.clone();
        sig.ident = self.name(companion);
        let mut first = true;
        for input in &mut sig.inputs {
            if let FnArg::Typed(input) = input
                && std::mem::take(&mut first)
            {
                input.ty = parse_quote!(impl #krate::__private::#missing);
            }
        }
        if first {
            // Of a method without arguments: a type that nothing can tell.
            let generics = &mut sig.generics.params;
            generics.push(parse_quote!(Missing: #krate::__private::#missing));
        }
        let count = if companion == Companion::Pullback {
            0
        } else {
            self.places().len()
        };
        for _ in 0..count {
            sig.inputs.push(parse_quote!(_: impl ::core::marker::Sized));
        }
        // Of the right types, so that no second error follows.
        let (value, tangent) = (self.value_type(), self.result.tangent(&self.nalgebra()));
        let cotangent = self.cotangent(&self.result, &tangent, false);
        let gradient = self.gradients_by_place(&self.gradients);
        sig.output = match companion {
            Companion::Pushforward => parse_quote!(-> (#value, #tangent)),
            Companion::Pullback => parse_quote!(-> (#value, fn(#cotangent) -> #gradient)),
            _ => {
                parse_quote!(-> (#value, #tangent, fn(#cotangent, #cotangent) -> (#gradient, #gradient)))
            }
        };
        self.item(
            Attribute::Differentiable,
            companion,
            function,
            &sig,
            quote!(::core::unreachable!()),
            "",
        )
    }

    /// `let dx = …`: tangents that are absent are zero.
    fn given_tangents(&self, tangents: &[Ident]) -> TokenStream {
        let lets = tangents.iter().zip(self.differentiated());
        let lets = lets.map(|(tangent, parameter)| {
            let name = parameter.ident.to_token_stream();
            let borrow = (!parameter.by_reference).then(|| quote!(&));
            let value = self.given_tangent(
                &parameter.class,
                &tangent.to_token_stream(),
                &quote!(#borrow #name),
                &name,
            );
            quote!(let #tangent = #value;)
        });
        quote!(#(#lets)*)
    }

    /// A tangent that may be absent, as a value of the parameter's own shape.
    fn given_tangent(
        &self,
        class: &Class,
        tangent: &TokenStream,
        borrowed: &TokenStream,
        place: &TokenStream,
    ) -> TokenStream {
        let krate = &self.krate;
        match class {
            Class::Value(value) if value.extents.is_none() => {
                let real = &value.real;
                quote!(#tangent.unwrap_or_else(#krate::nalgebra::zero::<#real>))
            }
            Class::Value(_) => quote! {
                match #tangent {
                    ::core::option::Option::Some(tangent) => tangent.clone(),
                    ::core::option::Option::None => #krate::__private::zeros_like(&#place),
                }
            },
            Class::List(list) => match list.length {
                Some(_) => quote!(#krate::__private::tangent_of_array(&#place, #tangent)),
                None => quote!(#krate::__private::tangent_of_list(&#place, #tangent)),
            },
            Class::Tuple(parts) => {
                let names = (0..parts.len()).map(|k| format_ident!("tangent_{k}"));
                let names: Vec<Ident> = names.collect();
                let values = parts.iter().zip(&names).enumerate();
                let values = values.map(|(k, (part, name))| {
                    let k = syn::Index::from(k);
                    let (name, place) = (name.to_token_stream(), quote!(#place.#k));
                    self.given_tangent(part, &name, &quote!(&#place), &place)
                });
                quote!({
                    let (#(#names,)*) = #tangent.unwrap_or_default();
                    (#(#values,)*)
                })
            }
            _ => quote!(#krate::__private::tangent_of_struct(#borrowed, #tangent)),
        }
    }

    /// The tangents as a rule takes them: of the parameters' own types.
    fn passed_tangents(&self, tangents: &[Ident]) -> Vec<TokenStream> {
        let wrt = self.parameters.iter().filter(|p| p.wrt);
        let pairs = tangents.iter().zip(wrt);
        pairs
            .map(|(tangent, parameter)| match &parameter.class {
                Class::Value(value) if value.passing == Passing::View => {
                    quote!(#tangent.as_view())
                }
                _ if parameter.by_reference => quote!(&#tangent),
                _ => tangent.to_token_stream(),
            })
            .collect()
    }

    /// The companions by which calls of a companion are differentiated: third derivatives, and gradients of functions
    /// that descend along a gradient.
    pub(super) fn callable(
        &self,
        base: Companion,
        function: &Function,
        args: &Args,
        (sig, tangents): (&Signature, &[Ident]),
        lowered: &Program,
    ) -> Result<TokenStream, Option<syn::Error>> {
        let plan = self.of_companion(sig, tangents);
        let Some(real) = &self.real else {
            return Err(None);
        };
        let mut written = TokenStream::new();
        // A companion that returns a list or a struct would have to be a function of these.
        let lists = lowered.graph.lists.borrow().clone();
        let listed = lowered.wrt.iter().any(|id| lists.contains_key(id));
        let composed = listed || lowered.parameters.iter().any(|p| p.fields().is_some());
        for companion in [
            Companion::Pushforward,
            Companion::Pullback,
            Companion::PullbackPushforward,
        ] {
            let most = match base {
                Companion::Derived(Derived::Second) => 3,
                _ => 2,
            };
            if companion == Companion::PullbackPushforward && args.order <= most && most > 2 {
                written.extend(plan.without(companion, function, &quote!(WithinOrder)));
                continue;
            }
            if composed {
                written.extend(plan.without(companion, function, &quote!(OfNumbersAndMatrices)));
                continue;
            }
            let mut program = lowered.clone();
            identifiers(sig.to_token_stream(), &mut program.taken);
            let names = plan.tangent_names(companion, &mut program.taken);
            program.graph.keep_value(true);
            program.graph.user_nodes.set(program.graph.count());
            let outputs = self
                .outputs(base, args, &program, tangents)
                .map_err(|_| Some(self.unwritable()))?;
            // What the companion returns is the value now, and its tangents are parameters.
            program.result = outcome(&outputs.result, &program);
            if !outputs.inputs.is_empty() {
                let count = program.wrt.len();
                let mut moving = program.parameters.clone();
                moving
                    .iter_mut()
                    .for_each(|p| p.renumber(&|number| number + count));
                program.parameters.extend(moving);
            }
            if base == Companion::Derived(Derived::Second) {
                let numbers = program.parameters.len()..;
                program.parameters.extend(numbers.take(2).map(Sources::One));
                let cotangent = outputs.inputs.last().map(|i| i.0);
                let moving = outputs.inputs.len() - 1;
                let tangents = outputs.inputs[..moving].iter().map(|i| i.1);
                program.wrt.extend(tangents.chain(cotangent));
                program.wrt.extend(outputs.inputs.last().map(|i| i.1));
            } else {
                program.wrt.extend(outputs.inputs.iter().map(|i| i.1));
            }
            program.graph.user_nodes.set(program.graph.count());
            let inputs = super::tangent_leaves(companion, &program, &names);
            let outputs = plan.outputs_for_calls(companion, &program, inputs, &names);
            // Of a function that is called here that many derivatives are not known.
            let missing = match (program.graph.is_beyond(), program.graph.is_third()) {
                (true, _) => Some(quote!(WithinReach)),
                (_, true) if args.order < 3 => Some(quote!(WithinOrder)),
                _ => None,
            };
            if let Some(missing) = missing {
                written.extend(plan.without(companion, function, &missing));
                continue;
            }
            let nalgebra = plan.nalgebra();
            let (value, tangent) = (plan.value_type(), plan.result.tangent(&nalgebra));
            let result = plan.result_for_calls(companion, &value, &tangent, &plan.gradients);
            let sig = plan.signature(companion, &result, &names);
            let around = plan.wrapper.as_ref().map(Wrapper::constructor);
            let statements = emit(&program, &outputs, around, &args.krate, real)
                .ok_or_else(|| Some(self.tangled()))?;
            written.extend(plan.item(
                Attribute::Differentiable,
                companion,
                function,
                &sig,
                statements,
                "",
            ));
        }
        if args.module && !self.has_self() {
            written.extend(plan.module(function));
        }
        Ok(written)
    }

    /// What the signature of a companion tells: its tangents are differentiated as well.
    fn of_companion(&self, sig: &Signature, tangents: &[Ident]) -> Plan {
        let mut plan = self.clone();
        plan.sig = sig.clone();
        if let syn::ReturnType::Type(_, ty) = &sig.output {
            plan.wrapper = Wrapper::of(ty);
            let inner = plan.wrapper.as_ref().map_or(&**ty, |w| &w.inner);
            plan.result = self.context.returned(inner);
        }
        let wrt = plan.parameters.iter().filter(|p| p.wrt).cloned();
        let moving = wrt.zip(tangents).map(|(parameter, name)| Parameter {
            ident: name.clone(),
            ..parameter
        });
        let moving: Vec<Parameter> = moving.collect();
        let count = plan.parameters.iter().filter(|p| p.wrt).count();
        let cotangents = tangents.iter().skip(count);
        let cotangents = cotangents.filter_map(|name| {
            Some(Parameter {
                ident: name.clone(),
                class: self.cotangent_class()?,
                by_reference: false,
                mutable: false,
                ..moving.first()?.clone()
            })
        });
        let moving: Vec<Parameter> = moving.iter().cloned().chain(cotangents).collect();
        plan.parameters.splice(count..count, moving);
        if !tangents.is_empty() {
            plan.own.extend(self.own.iter().cloned());
            plan.gradients.extend(self.gradients.iter().cloned());
            plan.plain.extend(self.plain.iter().cloned());
        }
        for _ in tangents.iter().skip(count) {
            let ty = self.result.tangent(&self.nalgebra());
            plan.own.push(parse_quote!(#ty));
            plan.gradients.push(ty.clone());
            plan.plain.push(ty);
        }
        plan
    }

    /// A module of the function's name, so that the companions come along with `use path::f;`.
    pub(super) fn module(&self, function: &Function) -> TokenStream {
        let (vis, name) = (&function.vis, &self.sig.ident);
        let cfgs = function.attrs.iter().filter(|a| a.path().is_ident("cfg"));
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(unused, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
            #vis mod #name {
                pub use super::*;
            }
        }
    }
}

/// What a companion returns, as the result of a function.
fn outcome(returns: &Returns, program: &Program) -> Outcome {
    let graph = &program.graph;
    let all = |parts: &[Returns]| parts.iter().map(|part| outcome(part, program)).collect();
    match returns {
        Returns::Value(id) | Returns::Like(Some(id), _) | Returns::Matrix(Some(id), _) => {
            Outcome::Value(*id)
        }
        Returns::Like(None, other) => Outcome::Value(graph.expr(*other).zero().id),
        Returns::Matrix(None, shape) => Outcome::Value(graph.real(0.0).fill(shape.clone()).id),
        Returns::Inert(name) => Outcome::Inert(name.clone()),
        Returns::Unit | Returns::Pullback(_) | Returns::Blocks(..) | Returns::Struct(..) => {
            Outcome::Inert(quote!(()))
        }
        Returns::Tuple(parts) => Outcome::Tuple(all(parts)),
        Returns::Array(parts) => Outcome::Array(all(parts)),
        Returns::Vec(parts) => Outcome::Vec(all(parts)),
        Returns::List(inner, of) => match outcome(inner, program) {
            Outcome::Value(id) => Outcome::List(id, *of),
            other => other,
        },
    }
}

/// Names the lifetimes that the types of some parameters leave out.
fn name_lifetimes(sig: &mut Signature, which: impl Iterator<Item = bool>) {
    for (input, _) in sig.inputs.iter_mut().zip(which).filter(|(input, which)| {
        // A method may borrow itself in any case.
        *which || matches!(input, FnArg::Receiver(_))
    }) {
        match input {
            FnArg::Receiver(receiver) => {
                if let Some((_, lifetime @ None)) = &mut receiver.reference {
                    *lifetime = Some(parse_quote!('inert));
                    if let syn::Type::Reference(ty) = &mut *receiver.ty {
                        ty.lifetime = Some(parse_quote!('inert));
                    }
                }
            }
            FnArg::Typed(input) => {
                let ty = with_lifetime(input.ty.to_token_stream());
                input.ty = parse_quote!(#ty);
            }
        }
    }
}

/// The name of the tangent of a part of a parameter: `dp_w`.
pub(super) fn name_of_tangent(name: &Ident, place: &TokenStream) -> TokenStream {
    let place = crate::lower::identifier(place);
    match &place[..] {
        "" => name.to_token_stream(),
        place => Ident::new(&format!("{name}_{place}"), Span::mixed_site()).to_token_stream(),
    }
}

/// `let (dp_0, dp_1) = dp.unwrap_or_default();`
fn parts_of_tuple(name: &Ident, place: &TokenStream, parts: &[Sources], into: &mut TokenStream) {
    let places = (0..parts.len()).map(|k| {
        let k = syn::Index::from(k);
        quote!(#place.#k)
    });
    let places: Vec<TokenStream> = places.collect();
    let names = places.iter().map(|place| name_of_tangent(name, place));
    let whole = name_of_tangent(name, place);
    into.extend(quote!(let (#(#names,)*) = #whole.unwrap_or_default();));
    for (part, place) in parts.iter().zip(&places) {
        if let Sources::Tuple(inner) = part {
            parts_of_tuple(name, place, inner, into);
        }
    }
}

/// A type with a name for the lifetimes that it leaves out.
fn with_lifetime(ty: TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    let mut trees = ty.into_iter().peekable();
    let mut after_fn = false;
    while let Some(tree) = trees.next() {
        let next_after_fn = matches!(&tree, TokenTree::Ident(i) if i.to_string().starts_with("Fn"));
        match tree {
            // `'_`
            TokenTree::Punct(p)
                if p.as_char() == '\''
                    && matches!(trees.peek(), Some(TokenTree::Ident(i)) if *i == "_") =>
            {
                trees.next();
                out.extend(quote!('inert));
            }
            TokenTree::Punct(p) if p.as_char() == '&' => {
                out.extend([TokenTree::Punct(p)]);
                let named =
                    matches!(trees.peek(), Some(TokenTree::Punct(p)) if p.as_char() == '\'');
                if !named {
                    out.extend(quote!('inert));
                }
            }
            TokenTree::Group(group) if !after_fn => {
                let mut new = Group::new(group.delimiter(), with_lifetime(group.stream()));
                new.set_span(group.span());
                out.extend([TokenTree::Group(new)]);
            }
            other => out.extend([other]),
        }
        after_fn = next_after_fn;
    }
    out
}
