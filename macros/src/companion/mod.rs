//! What one attribute writes: the function itself, and its companions.

mod blocks;
mod calls;
mod matrices;

use crate::args::{Args, Attribute, CALLABLE, CALLABLE_WITHOUT_MODULE, ORDER, REPORTED, USED};
use crate::derivation::{Wanted, explain};
use crate::differentiate::{forward, reverse};
use crate::emit::{Outputs, Pullback, Returns, emit};
use crate::error::{Errors, text};
use crate::graph::{Derived, Dim, Elem, Form, Id, Kind, Leaf, Member, Outcome, Program, Taken};
use crate::jacobian::Unwritable;
use crate::lower;
use crate::scope::Columns;
use crate::signature::{Function, Plan};
use crate::ty::{Extent, Passing, Returned, Value, Wrapper};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::collections::HashSet;
use syn::ext::IdentExt;
use syn::{Signature, parse_quote};

/// One of the functions that an attribute writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Companion {
    Gradient,
    ValueAndGradient,
    Jacobian,
    ValueAndJacobian,
    Hessian,
    ValueGradientAndHessian,
    Jvp,
    Vjp,
    Hvp,
    /// What calls of the function are differentiated by.
    Pushforward,
    Pullback,
    PullbackPushforward,
    /// What third derivatives of calls are derivatives of; it is not written itself.
    Derived(Derived),
}

impl Companion {
    fn all(attribute: Attribute) -> &'static [Companion] {
        match attribute {
            Attribute::Gradient => &[Companion::Gradient, Companion::ValueAndGradient],
            Attribute::Jacobian => &[Companion::Jacobian, Companion::ValueAndJacobian],
            Attribute::Hessian => &[Companion::Hessian, Companion::ValueGradientAndHessian],
            Attribute::Jvp => &[Companion::Jvp],
            Attribute::Vjp => &[Companion::Vjp],
            Attribute::Hvp => &[Companion::Hvp],
            Attribute::Differentiable => &[
                Companion::Pushforward,
                Companion::Pullback,
                Companion::PullbackPushforward,
            ],
        }
    }

    /// What follows the name of the function.
    fn suffix(self) -> &'static str {
        match self {
            Companion::Gradient => "gradient",
            Companion::ValueAndGradient => "value_and_gradient",
            Companion::Jacobian => "jacobian",
            Companion::ValueAndJacobian => "value_and_jacobian",
            Companion::Hessian => "hessian",
            Companion::ValueGradientAndHessian => "value_gradient_and_hessian",
            Companion::Jvp => "jvp",
            Companion::Vjp => "vjp",
            Companion::Hvp => "hvp",
            Companion::Pushforward => "pushforward",
            Companion::Pullback => "pullback",
            Companion::PullbackPushforward => "pullback_pushforward",
            Companion::Derived(derived) => derived.suffix(),
        }
    }

    /// Whether it returns what the function returns.
    fn keeps_value(self) -> bool {
        !matches!(
            self,
            Companion::Gradient | Companion::Jacobian | Companion::Hessian | Companion::Hvp
        )
    }

    /// What its derivation leads to, if it has readers.
    fn wanted(self) -> Option<Wanted> {
        match self {
            Companion::Gradient | Companion::ValueAndGradient => Some(Wanted::Gradient),
            Companion::Jvp => Some(Wanted::Tangent),
            Companion::Vjp => Some(Wanted::Pullback),
            Companion::Hvp => Some(Wanted::GradientAlong),
            Companion::Jacobian | Companion::ValueAndJacobian => Some(Wanted::Jacobian),
            Companion::Hessian | Companion::ValueGradientAndHessian => Some(Wanted::Hessian),
            Companion::Pushforward
            | Companion::Pullback
            | Companion::PullbackPushforward
            | Companion::Derived(_) => None,
        }
    }

    /// Whether it takes a tangent for each differentiated parameter.
    fn takes_tangents(self) -> bool {
        matches!(
            self,
            Companion::Jvp | Companion::Hvp | Companion::Derived(_)
        )
    }

    /// Whether it may be called by functions that are differentiated.
    fn is_callable(self) -> bool {
        matches!(
            self,
            Companion::Gradient | Companion::ValueAndGradient | Companion::Jvp | Companion::Hvp
        )
    }

    /// Whether calls of the function are differentiated by it: it has a place for each parameter.
    fn is_for_calls(self) -> bool {
        matches!(
            self,
            Companion::Pushforward | Companion::Pullback | Companion::PullbackPushforward
        )
    }
}

/// The function unchanged, then the companions of this attribute.
pub fn expand(attribute: Attribute, arguments: TokenStream, item: TokenStream) -> TokenStream {
    if arguments.to_string() == USED {
        return TokenStream::new();
    }
    if attribute == Attribute::Differentiable
        && let Some(written) = blocks::expand(&arguments, &item)
    {
        return written;
    }
    let (item, companions) = written(attribute, arguments, item, None);
    quote!(#item #companions)
}

/// The function, with what the attributes below share with this one, and the companions or what is wrong; also by the
/// parameters of the block that it is in.
fn written(
    attribute: Attribute,
    arguments: TokenStream,
    item: TokenStream,
    outer: Option<&syn::Generics>,
) -> (TokenStream, TokenStream) {
    let Ok(function) = syn::parse2::<Function>(item.clone()) else {
        let at = item
            .clone()
            .into_iter()
            .next()
            .map_or_else(TokenStream::new, TokenStream::from);
        let error = syn::Error::new_spanned(at, format!("`#[{}]` can only be put on a function\nhelp: put it on each `fn` to be differentiated", attribute.name())).to_compile_error();
        return (item, error);
    };
    let mut errors = Errors::default();
    let mut args = Args::parse(attribute, arguments).unwrap_or_else(|error| {
        errors.add(error);
        Args::default()
    });
    if let Some(again) = function
        .attrs
        .iter()
        .find(|a| Attribute::of(a.path()) == Some(attribute))
    {
        let error = syn::Error::new_spanned(
            again,
            format!(
                "`#[{}]` is given twice\nhelp: keep one of them, which can name several parameters, as in `wrt(x, y)`",
                attribute.name()
            ),
        )
        .to_compile_error();
        return (item, error);
    }
    let is_differentiable =
        |a: &&syn::Attribute| Attribute::of(a.path()) == Some(Attribute::Differentiable);
    if let Some(below) = function.attrs.iter().find(is_differentiable) {
        args.callable = true;
        let own = match &below.meta {
            syn::Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        let own = Args::parse(Attribute::Differentiable, own);
        args.module &= own.as_ref().is_ok_and(|own| own.module);
        if let Ok(own) = own {
            (args.order, args.boxed) = (own.order, own.boxed);
        }
    }
    let mut plan = Plan::new(&function, &args, outer, &mut errors);
    let before = errors.count();
    check_result(attribute, &args, &plan, &mut errors);
    if errors.count() > before {
        // What a result of another type is made of would be no help.
        plan.real = plan.result.real();
    }
    // The mistakes in the body are reported beside those in the signature.
    let written = match (plan.write(attribute, &function, &args), errors.finish()) {
        (Ok(written), Ok(())) => Ok(written),
        (Ok(_) | Err(None), Err(error)) => Err(error),
        (Err(Some(body)), Err(mut error)) => {
            error.combine(body);
            Err(error)
        }
        (Err(body), Ok(())) => Err(body.unwrap_or_else(|| {
            syn::Error::new_spanned(&function.sig, "this function cannot be differentiated")
        })),
    };
    let failed = written.is_err() || args.reported;
    let companions = written.unwrap_or_else(|error| {
        // What is configured out has no errors either.
        let cfgs = function.attrs.iter().filter(|a| a.path().is_ident("cfg"));
        let cfgs = quote!(#(#cfgs)*);
        let messages = error
            .into_iter()
            .filter(|_| !args.reported)
            .map(|e| e.to_compile_error())
            .map(|message| quote!(#cfgs #message));
        let stubs = plan.stubs(attribute, &args, &function);
        quote!(#(#messages)* #stubs)
    });
    args.callable |= attribute == Attribute::Differentiable;
    (with_shared_arguments(item, &args, failed), companions)
}

/// The function with what the attributes below share with this one: `wrt`, the path of the crate, and whether a mistake
/// has been reported.
fn with_shared_arguments(item: TokenStream, args: &Args, failed: bool) -> TokenStream {
    let mut trees = item.into_iter();
    let mut out = TokenStream::new();
    let mut after_hash = false;
    for tree in trees.by_ref() {
        match &tree {
            TokenTree::Punct(p) if p.as_char() == '#' => {
                after_hash = true;
                out.extend([tree]);
            }
            TokenTree::Group(group) if after_hash => {
                after_hash = false;
                let meta = syn::parse2::<syn::Meta>(group.stream());
                let below = meta.ok().and_then(|meta| with_shared(&meta, args, failed));
                out.extend([match below {
                    Some(meta) => {
                        let mut new = Group::new(group.delimiter(), meta);
                        new.set_span(group.span());
                        TokenTree::Group(new)
                    }
                    None => tree,
                }]);
            }
            _ => {
                out.extend([tree]);
                break;
            }
        }
    }
    out.extend(trees);
    out
}

fn with_shared(meta: &syn::Meta, args: &Args, failed: bool) -> Option<TokenStream> {
    let attribute = Attribute::of(meta.path())?;
    let own = match meta {
        syn::Meta::Path(_) => TokenStream::new(),
        syn::Meta::List(list) => list.tokens.clone(),
        syn::Meta::NameValue(_) => return None,
    };
    let below = Args::parse(attribute, own.clone()).ok()?;
    let mut shared = args.shared(&below);
    if args.callable && !below.callable && attribute != Attribute::Differentiable {
        let callable = if args.module {
            CALLABLE
        } else {
            CALLABLE_WITHOUT_MODULE
        };
        let callable = format_ident!("{callable}");
        let order = format_ident!("{ORDER}{}", args.order);
        shared.push(quote!(#callable, #order));
    }
    if failed {
        let reported = format_ident!("{REPORTED}");
        shared.push(quote!(#reported));
    }
    if shared.is_empty() {
        return None;
    }
    let comma = (!own.is_empty() && !own.to_string().trim_end().ends_with(',')).then(|| quote!(,));
    let path = meta.path();
    Some(quote!(#path(#own #comma #(#shared),*)))
}

/// Whether the function returns what the attribute differentiates.
fn check_result(attribute: Attribute, args: &Args, plan: &Plan, errors: &mut Errors) {
    let sig = &plan.sig;
    let noun = attribute.noun();
    let syn::ReturnType::Type(_, ty) = &sig.output else {
        errors.push(
            &sig.ident,
            format!(
                "`{}` returns nothing, so it has no {}\nhelp: return a scalar, as in `-> f64`",
                sig.ident,
                noun.trim_start_matches("the ")
            ),
        );
        return;
    };
    let first = match &plan.result {
        Returned::Tuple(parts) if args.aux => parts.first(),
        _ if args.aux => {
            errors.push(ty, "`aux` needs a function that returns a pair: what is differentiated, and what is passed on\nhelp: return a tuple, as in `-> (f64, DVector<f64>)`, or remove `aux`");
            return;
        }
        result => Some(result),
    };
    if attribute.needs_scalar() {
        if !matches!(first, Some(Returned::Value(value)) if value.extents.is_none() && value.passing == Passing::Owned)
        {
            let help = match first {
                _ if args.aux => {
                    "return the scalar first, as in `-> (f64, DVector<f64>)`: what comes after it is passed on"
                }
                Some(Returned::Value(value)) if value.extents.is_some() => {
                    "return a scalar, or write `#[jacobian]`: the derivative of a vector or a matrix is a Jacobian"
                }
                _ => "return `f64`, `f32`, or a type parameter with the bound `RealField`",
            };
            errors.push(ty, format!("cannot take {noun} of a function that returns `{}`: it needs a scalar\nhelp: {help}", text(ty)));
        }
        return;
    }
    if let Some(part) = without_derivative(&plan.result) {
        errors.push(
            ty,
            format!(
                "cannot take {noun} of a function that returns `{}`: {part}",
                text(ty)
            ),
        );
    }
}

/// Why a result has no derivative that can be written.
fn without_derivative(result: &Returned) -> Option<&'static str> {
    match result {
        Returned::Value(value) if value.passing != Passing::Owned => Some(
            "it is borrowed\nhelp: return an owned vector or matrix, as `.clone_owned()` gives it",
        ),
        Returned::Plain => Some(
            "it has no derivative\nhelp: return a scalar, a vector, a matrix, or a tuple with one of these",
        ),
        Returned::Tuple(parts) if parts.iter().all(|p| matches!(p, Returned::Plain)) => Some(
            "no part of it has a derivative\nhelp: return a scalar, a vector, a matrix, or a tuple with one of these",
        ),
        _ => None,
    }
}

impl Plan {
    fn nalgebra(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::nalgebra)
    }

    /// What the function returns, without `Option` or `Result`.
    fn value_type(&self) -> TokenStream {
        match (&self.wrapper, &self.sig.output) {
            (Some(wrapper), _) => wrapper.inner.to_token_stream(),
            (None, syn::ReturnType::Default) => quote!(()),
            (None, syn::ReturnType::Type(_, ty)) => ty.to_token_stream(),
        }
    }

    /// The name of a companion.
    fn name(&self, companion: Companion) -> Ident {
        let name = self.sig.ident.to_string();
        let name = name.trim_start_matches("r#");
        Ident::new(
            &format!("{name}_{}", companion.suffix()),
            self.sig.ident.span(),
        )
    }

    /// What a companion returns, of the types of the value, its tangent and the gradients.
    fn result_type(
        &self,
        companion: Companion,
        value: &TokenStream,
        tangent: &TokenStream,
        gradients: &[TokenStream],
        program: Option<&Program>,
    ) -> TokenStream {
        let gradient = match gradients {
            [one] => one.clone(),
            many => quote!((#(#many),*)),
        };
        match companion {
            Companion::Gradient => gradient,
            Companion::ValueAndGradient => quote!((#value, #gradient)),
            Companion::Jacobian => self.jacobian_type(program),
            Companion::ValueAndJacobian => {
                let jacobian = self.jacobian_type(program);
                quote!((#value, #jacobian))
            }
            Companion::Hessian => self.hessian_type(program),
            Companion::ValueGradientAndHessian => {
                let hessian = self.hessian_type(program);
                quote!((#value, #gradient, #hessian))
            }
            Companion::Jvp => quote!((#value, #tangent)),
            Companion::Vjp => quote!((#value, impl ::core::ops::Fn(#tangent) -> #gradient)),
            Companion::Hvp => quote!((#gradient, #gradient)),
            Companion::Derived(Derived::Pushed) => tangent.clone(),
            // These have a place for each parameter: see `calls`.
            Companion::Pushforward
            | Companion::Pullback
            | Companion::PullbackPushforward
            | Companion::Derived(Derived::Second) => {
                self.result_for_calls(companion, value, tangent, gradients)
            }
        }
    }

    /// The signature of a companion; tangents come after the parameters.
    fn signature(
        &self,
        companion: Companion,
        result: &TokenStream,
        tangents: &[Ident],
    ) -> Signature {
        let mut sig = self.sig.clone();
        sig.ident = self.name(companion);
        sig.output = match &self.wrapper {
            Some(wrapper) => {
                let wrapped = wrapper.around(result);
                parse_quote!(-> #wrapped)
            }
            None => parse_quote!(-> #result),
        };
        if companion.is_for_calls() {
            self.complete_for_calls(companion, &mut sig, tangents);
            return sig;
        }
        for (name, ty) in tangents.iter().zip(&self.own) {
            sig.inputs.push(parse_quote!(#name: #ty));
        }
        let cotangent = self.result.tangent(&self.nalgebra());
        for name in tangents.iter().skip(self.own.len()) {
            sig.inputs.push(parse_quote!(#name: #cotangent));
        }
        sig
    }

    /// The names of the tangents: `dx` for `x`.
    fn tangent_names(&self, companion: Companion, taken: &mut HashSet<String>) -> Vec<Ident> {
        if !companion.takes_tangents()
            && !matches!(
                companion,
                Companion::Pushforward | Companion::PullbackPushforward
            )
        {
            return Vec::new();
        }
        let wrt = self.parameters.iter().filter(|p| p.wrt);
        let wishes = wrt.map(|p| format!("d{}", p.ident.unraw()));
        let cotangents: &[&str] = match companion {
            Companion::Derived(Derived::Second) => &["y_bar", "dy_bar"],
            _ => &[],
        };
        let wishes = wishes.chain(cotangents.iter().map(ToString::to_string));
        let names = wishes.map(|mut wish| {
            while !taken.insert(wish.clone()) {
                wish.push('_');
            }
            Ident::new(&wish, Span::mixed_site())
        });
        names.collect()
    }

    /// On an error, what callers need so that they see no second one.
    fn stubs(&self, attribute: Attribute, args: &Args, function: &Function) -> TokenStream {
        let attrs = kept_attributes(&function.attrs);
        let vis = &function.vis;
        // A type that cannot be written in this place, or need not have an owned form, stands for itself.
        let written = |ty: &TokenStream| {
            let borrows = ty.to_string().contains(['&', '\'']);
            if borrows || crate::ty::mentions(ty.clone(), &|ident| ident == "impl") {
                quote!(())
            } else {
                ty.clone()
            }
        };
        let gradients: Vec<TokenStream> = self.plain.iter().map(written).collect();
        let (value, tangent) = (
            written(&self.value_type()),
            written(&self.result.tangent(&self.nalgebra())),
        );
        let mut taken = keywords();
        identifiers(self.sig.to_token_stream(), &mut taken);
        let stubs = Companion::all(attribute).iter().map(|companion| {
            let tangents = self.tangent_names(*companion, &mut taken.clone());
            let result = self.result_type(*companion, &value, &tangent, &gradients, None);
            let mut sig = self.signature(*companion, &result, &tangents);
            sig.asyncness = None;
            let message = format!("`{}` could not be differentiated", self.sig.ident);
            let nothing = quote!(::core::panic!(#message));
            // An `impl` type needs a value to be known by.
            let some = self.wrapper.as_ref().map(Wrapper::constructor);
            let body = match companion {
                Companion::Vjp => quote!(#some((#nothing, |_| #nothing))),
                Companion::Pullback => {
                    let closure = self.boxed(quote!(|_| #nothing));
                    quote!(#some((#nothing, #closure)))
                }
                Companion::PullbackPushforward => {
                    let closure = self.boxed(quote!(|_, _| #nothing));
                    quote!(#some((#nothing, #nothing, #closure)))
                }
                _ => nothing,
            };
            quote! {
                #(#attrs)*
                #[doc = "Not available: see the error at the function."]
                #[allow(unused, clippy::all, clippy::pedantic, clippy::nursery)]
                #vis #sig { #body }
            }
        });
        let module = (attribute == Attribute::Differentiable && args.module && !self.has_self())
            .then(|| self.module(function));
        quote!(#(#stubs)* #module)
    }

    /// The companions; no error where what is wrong has been reported with the signature.
    fn write(
        &self,
        attribute: Attribute,
        function: &Function,
        args: &Args,
    ) -> Result<TokenStream, Option<syn::Error>> {
        if args.vjp.is_some() || args.jvp.is_some() {
            let mut written = self.by_rules(args, function);
            if args.module && !self.has_self() {
                written.extend(self.module(function));
            }
            return Ok(written);
        }
        let (Some(group), Some(real)) = (&function.body, &self.real) else {
            return Err(None);
        };
        let body: syn::Block = syn::parse2(TokenTree::Group(group.clone()).into()).map_err(Some)?;
        let mut taken = keywords();
        identifiers(function.sig.to_token_stream(), &mut taken);
        identifiers(group.stream(), &mut taken);
        let lowered = lower::lower(
            &body,
            &self.parameters,
            &self.context,
            real.clone(),
            (&self.result, self.wrapper.is_some()),
            taken,
            args.checkpoint.as_ref(),
        )?;
        if attribute == Attribute::Jacobian
            && matrices::has_dynamic_lists(&lowered.graph, &lowered.result, false)
        {
            return Err(Some(syn::Error::new_spanned(
                &self.sig.output,
                "the Jacobian of a list of matrices whose sizes are known at run time only is not supported\nhelp: return one vector or a tuple, or write `#[jvp]` or `#[vjp]`",
            )));
        }
        if attribute == Attribute::Differentiable
            && let Some(error) = self
                .tuple_of_references()
                .or_else(|| self.list_in_a_result())
        {
            return Err(Some(error));
        }
        let mut written = TokenStream::new();
        for companion in Companion::all(attribute).iter().copied() {
            if companion == Companion::PullbackPushforward && args.order < 2 {
                written.extend(self.without(companion, function, &quote!(WithinOrder)));
                continue;
            }
            let mut program = lowered.clone();
            let tangents = self.tangent_names(companion, &mut program.taken);
            let graph = &program.graph;
            graph.keep_value(companion.keeps_value());
            graph.user_nodes.set(graph.count());
            let outputs = self
                .outputs(companion, args, &program, &tangents)
                .map_err(|_| Some(self.unwritable()))?;
            if graph.is_beyond() {
                return Err(Some(self.needs_third()));
            }
            let tangent = tangent_type(&self.result, &program.result, &program, &self.nalgebra());
            let value = self.value_type();
            let result =
                self.result_type(companion, &value, &tangent, &self.gradients, Some(&program));
            let mut sig = self.signature(companion, &result, &tangents);
            let calls = !program.graph.calls.borrow().is_empty();
            if companion == Companion::Vjp && calls {
                Plan::share_lifetime(&mut sig);
            }
            let checked = companion == Companion::ValueAndGradient;
            let around = self.wrapper.as_ref().map(Wrapper::constructor);
            let statements = emit(&program, &outputs, around, &args.krate, real)
                .ok_or_else(|| Some(self.tangled()))?;
            let third = |ident: &Ident| ident.to_string().contains("_order_3_");
            if graph.is_third() && crate::ty::mentions(statements.clone(), &third) {
                return Err(Some(self.needs_third()));
            }
            let body = {
                let pins = (!checked).then(|| {
                    let types = self.pins(&program);
                    let fields = self.pins_of_fields(&program.fields);
                    quote!(#types #fields)
                });
                quote!(#pins #statements)
            };
            let derivation = self.derivation(companion, &program, &outputs);
            written.extend(self.item(attribute, companion, function, &sig, body, &derivation));
            if args.order > 2 && companion == Companion::PullbackPushforward {
                written.extend(self.third(function, args, &lowered)?);
            }
            if args.callable && companion.is_callable() {
                written.extend(self.callable(
                    companion,
                    function,
                    args,
                    (&sig, &tangents),
                    &lowered,
                )?);
            }
        }
        if attribute == Attribute::Differentiable && args.module && !self.has_self() {
            written.extend(self.module(function));
        }
        Ok(written)
    }

    fn needs_third(&self) -> syn::Error {
        syn::Error::new_spanned(
            &self.sig.ident,
            "this needs a third derivative of a function that is called here, and `#[differentiable]` gives two\nhelp: write the body of that function here, or take products of the Hessian by `#[hvp]`",
        )
    }

    fn tangled(&self) -> syn::Error {
        syn::Error::new_spanned(
            &self.sig.ident,
            "what the branches and loops of this function compute is needed in an order that cannot be written yet\nhelp: compute a part of it in a function of its own, with `#[differentiable]`",
        )
    }

    /// A companion as an item, with the attributes of its function.
    fn item(
        &self,
        attribute: Attribute,
        companion: Companion,
        function: &Function,
        sig: &Signature,
        body: TokenStream,
        derivation: &str,
    ) -> TokenStream {
        let attrs = kept_attributes(&function.attrs);
        let vis = &function.vis;
        let doc = self.documentation(attribute, companion) + derivation;
        let hidden = companion.is_for_calls().then(|| quote!(#[doc(hidden)]));
        quote! {
            #(#attrs)*
            #[doc = #doc]
            #hidden
            #[allow(unused, clippy::all, clippy::pedantic, clippy::nursery)]
            #vis #sig { #body }
        }
    }

    /// Differentiates: what a companion returns, as nodes of the graph.
    fn outputs(
        &self,
        companion: Companion,
        args: &Args,
        program: &Program,
        tangents: &[Ident],
    ) -> Result<Outputs, Unwritable> {
        let graph = &program.graph;
        let value = Returns::value(&program.result);
        let inputs = tangent_leaves(companion, program, tangents);
        let result = match companion {
            Companion::Gradient => self.gradient(args, program),
            Companion::ValueAndGradient => {
                Returns::Tuple(vec![value, self.gradient(args, program)])
            }
            Companion::Jacobian => self.jacobian(args, program)?,
            Companion::ValueAndJacobian => {
                Returns::Tuple(vec![value, self.jacobian(args, program)?])
            }
            Companion::Hessian => self.hessian(&self.gradients(args, program), program)?,
            Companion::ValueGradientAndHessian => {
                let gradients = self.gradients(args, program);
                Returns::Tuple(vec![
                    value,
                    Returns::derivatives(&gradients, program),
                    self.hessian(&gradients, program)?,
                ])
            }
            Companion::Hvp => {
                let gradients = self.gradients(args, program);
                let known: Vec<Id> = gradients.iter().flatten().copied().collect();
                let mut directional = forward(graph, &known, &inputs).into_iter();
                let products = gradients
                    .iter()
                    .map(|g| g.and_then(|_| directional.next().flatten()));
                let products = products.collect::<Vec<_>>();
                Returns::Tuple(vec![
                    Returns::derivatives(&gradients, program),
                    Returns::derivatives(&products, program),
                ])
            }
            Companion::Jvp | Companion::Derived(Derived::Pushed) => {
                let roots = program.result.real_values(graph);
                let mut images = forward(graph, &roots, &inputs).into_iter();
                let derivative = derivative_of(graph, &program.result, &mut |id| {
                    Returns::Like(images.next().flatten(), id)
                });
                match companion {
                    Companion::Jvp => Returns::Tuple(vec![value, derivative]),
                    _ => derivative,
                }
            }
            Companion::Derived(Derived::Second) => {
                return Ok(self.second(program, inputs, tangents));
            }
            Companion::Pushforward | Companion::Pullback | Companion::PullbackPushforward => {
                return Ok(self.outputs_for_calls(companion, program, inputs, tangents));
            }
            Companion::Vjp => {
                let roots = program.result.real_values(graph);
                let mut cotangents = Vec::new();
                let mut opening = TokenStream::new();
                let pattern =
                    cotangent_pattern(program, &program.result, "", &mut cotangents, &mut opening);
                let seeds: Vec<(Id, Id)> = roots
                    .iter()
                    .copied()
                    .zip(cotangents.iter().copied())
                    .collect();
                let gradients = reverse(graph, &seeds, &program.wrt);
                let ty = tangent_type(&self.result, &program.result, program, &self.nalgebra());
                let pullback = Pullback {
                    parameter: quote!(#pattern: #ty),
                    opening,
                    lists: lists_among(program, &seeds),
                    cotangents: seeds,
                    optional: false,
                    owns: Vec::new(),
                    tuples: Vec::new(),
                    boxed: false,
                    body: Returns::derivatives(&gradients, program),
                };
                let pullback = Returns::Pullback(Box::new(pullback));
                Returns::Tuple(vec![value, pullback])
            }
        };
        Ok(Outputs {
            result,
            inputs,
            optional: false,
            opening: TokenStream::new(),
        })
    }

    /// The gradients of the result, or of its first part, as nodes.
    fn gradients(&self, args: &Args, program: &Program) -> Vec<Option<Id>> {
        let differentiated = if args.aux {
            program.result.first()
        } else {
            &program.result
        };
        match differentiated {
            Outcome::Value(root) => {
                let seed = program.graph.constant(1.0);
                reverse(&program.graph, &[(*root, seed)], &program.wrt)
            }
            _ => vec![None; program.wrt.len()],
        }
    }

    fn gradient(&self, args: &Args, program: &Program) -> Returns {
        Returns::derivatives(&self.gradients(args, program), program)
    }

    /// Makes sure that the types taken for nalgebra's are nalgebra's, a line each, and that new names in patterns are no
    /// constants.
    fn pins(&self, program: &Program) -> TokenStream {
        let krate = &self.krate;
        let nalgebra = quote!(#krate::nalgebra);
        let mut pairs: Vec<(TokenStream, TokenStream)> = Vec::new();
        let mut pin = |written: &TokenStream, value: &Value| {
            if value.extents.is_some()
                && matches!(value.passing, Passing::Owned | Passing::Reference)
                && !value.is_generic_storage()
                && !pairs.iter().any(|p| p.0.to_string() == written.to_string())
            {
                pairs.push((written.clone(), value.owned(&nalgebra)));
            }
        };
        for parameter in &self.parameters {
            for value in parameter.class.values() {
                pin(&value.written, value);
            }
        }
        for (written, value) in &program.types {
            pin(written, value);
        }
        for (written, own) in &program.frames {
            if !pairs.iter().any(|p| p.0.to_string() == written.to_string()) {
                pairs.push((written.clone(), quote!(#nalgebra::#own)));
            }
        }
        let pins = pairs.into_iter().map(|(written, own)| {
            let first = written.clone().into_iter().next();
            let span = first.map_or_else(Span::mixed_site, |t| {
                Span::mixed_site().located_at(t.span())
            });
            quote_spanned!(span=> #krate::__private::same::<#written, #own>();)
        });
        let names = &program.pattern_names;
        let variables = (!names.is_empty()).then(|| quote!(let _ = |#(#names: ()),*| ();));
        quote!(#(#pins)* #variables)
    }

    /// Makes sure that the fields of structs have derivatives, and are what they are taken for.
    fn pins_of_fields(&self, fields: &[Taken]) -> TokenStream {
        let krate = &self.krate;
        let (mut known, mut pins) = (Vec::new(), TokenStream::new());
        for field in fields {
            let (parameter, path) = (&field.parameter, &field.path);
            let last = path.iter().rev().find_map(|member| match member {
                Member::Named(name) => Some(name.span()),
                _ => None,
            });
            let span = last.unwrap_or(parameter.span());
            let span = Span::mixed_site().located_at(span);
            for (k, member) in path.iter().enumerate() {
                let (before, Some(number)) = (&path[..k], member.number()) else {
                    continue;
                };
                let own = |p: &&lower::Parameter| p.ident == *parameter;
                let reference = self
                    .parameters
                    .iter()
                    .find(own)
                    .is_some_and(|p| p.by_reference);
                let borrow = (k > 0 || !reference).then(|| quote!(&));
                let of = quote_spanned!(span=> #borrow #parameter #(#before)*);
                let check = quote_spanned!(span=> #krate::__private::has_field::<#number, _>(#of););
                if !known.contains(&check.to_string()) {
                    known.push(check.to_string());
                    pins.extend(check);
                }
            }
            if let Some(kind) = &field.kind {
                let ty = self.type_of(kind);
                let place = quote_spanned!(span=> &#parameter #(#path)*);
                pins.extend(quote_spanned!(span=> #krate::__private::taken_for::<#ty, _>(#place);));
            }
        }
        pins
    }

    /// The owned type of a number or a matrix.
    fn type_of(&self, kind: &Kind) -> TokenStream {
        let extent = |dim: &Dim| match dim {
            Dim::Dynamic(_) => Extent::Dynamic,
            known => Extent::Known(known.clone()),
        };
        let shape = kind.shape.as_ref();
        let value = self.real.clone().map(|real| Value {
            real,
            extents: shape.map(|s| (extent(&s.rows), extent(&s.cols))),
            passing: Passing::Owned,
            written: TokenStream::new(),
        });
        value.map_or_else(TokenStream::new, |value| value.owned(&self.nalgebra()))
    }

    fn documentation(&self, attribute: Attribute, companion: Companion) -> String {
        let name = &self.sig.ident;
        let names: Vec<String> = self
            .parameters
            .iter()
            .filter(|p| p.wrt)
            .map(|p| format!("`{}`", p.ident))
            .collect();
        let names = names.join(", ");
        let what = match companion {
            Companion::Gradient => format!("The gradient of `{name}` by {names}."),
            Companion::ValueAndGradient => {
                format!("The value and the gradient of `{name}` by {names}.")
            }
            Companion::Jacobian => format!("The Jacobian of `{name}` by {names}."),
            Companion::ValueAndJacobian => {
                format!("The value and the Jacobian of `{name}` by {names}.")
            }
            Companion::Hessian => format!("The Hessian of `{name}` by {names}."),
            Companion::ValueGradientAndHessian => {
                format!("The value, the gradient and the Hessian of `{name}` by {names}.")
            }
            Companion::Jvp => format!(
                "The value of `{name}`, and its tangent for tangents of {names}: the Jacobian-vector product."
            ),
            Companion::Vjp => format!(
                "The value of `{name}`, and its pullback: from a cotangent of the value to those of {names}, the vector-Jacobian product."
            ),
            Companion::Pushforward => {
                format!("The value of `{name}` and its tangent, for functions that call it.")
            }
            Companion::Pullback => {
                format!("The value of `{name}` and its pullback, for functions that call it.")
            }
            Companion::PullbackPushforward => format!(
                "The value of `{name}`, its tangent, and its pullback with the tangent of that, for functions that call it."
            ),
            Companion::Hvp => format!(
                "The gradient of `{name}` by {names}, and the product of its Hessian with a direction."
            ),
            Companion::Derived(_) => String::new(),
        };
        format!("{what}\n\nWritten by `#[{}]`.", attribute.name())
    }

    /// How a companion comes about, for who reads its documentation.
    fn derivation(&self, companion: Companion, program: &Program, outputs: &Outputs) -> String {
        let name = self.sig.ident.unraw().to_string();
        let wanted = companion.wanted();
        if !program.graph.loops.of_the_user().is_empty() {
            return wanted.map_or(String::new(), |_| LOOPS.to_string());
        }
        let text = wanted.map(|wanted| explain(program, &name, wanted, &outputs.result));
        text.map_or(String::new(), |text| format!("\n\n{text}"))
    }
}

/// In place of a derivation: what a loop does has no closed form.
const LOOPS: &str = "\n\n# Derivation\n\nThis function has loops, which are differentiated iteration by iteration: \
a tangent goes through the same iterations once more, a cotangent goes through them from the last to the first.";

/// A leaf for the tangent of each source.
fn tangent_leaves(companion: Companion, program: &Program, names: &[Ident]) -> Vec<(Id, Id)> {
    let places = program.parameters.iter().zip(names);
    let places = places.flat_map(|(parameter, name)| {
        let places = parameter.places().into_iter();
        places.map(move |(number, place)| {
            if companion.is_for_calls() {
                return (number, calls::name_of_tangent(name, &place));
            }
            (number, quote!(#name #place))
        })
    });
    let mut leaves: Vec<(usize, (Id, Id))> = places
        .map(|(number, name)| {
            let source = program.wrt[number];
            let leaf = tangent_leaf(companion, program, source, &name);
            (number, (source, leaf))
        })
        .collect();
    leaves.sort_by_key(|leaf| leaf.0);
    leaves.into_iter().map(|leaf| leaf.1).collect()
}

/// A tangent of a source, passed as the source itself is.
fn tangent_leaf(companion: Companion, program: &Program, parameter: Id, name: &TokenStream) -> Id {
    let graph = &program.graph;
    let form = match (companion.is_for_calls(), graph.is_matrix(parameter)) {
        (false, _) => graph.leaf_of(parameter).map_or(Form::Owned, |l| l.form),
        (true, true) => Form::Borrowed,
        (true, false) => Form::Owned,
    };
    let list = graph.lists.borrow().get(&parameter).cloned();
    if let Some(mut list) = list {
        let text = format!("{}_vector", lower::identifier(name));
        let vector = Ident::new(&text, Span::mixed_site());
        let kind = graph.kind(parameter);
        let borrows = list.name.to_string().starts_with('&') && !companion.is_for_calls();
        list.name = if list.is_struct && borrows {
            quote!(&#name)
        } else {
            name.clone()
        };
        let mut form = form;
        if companion.is_for_calls() && !list.is_struct {
            // A slice of all entries, whatever these are entries of.
            list.by_reference = true;
            list.length = match kind.shape.as_ref().map(|shape| shape.rows.clone()) {
                Some(Dim::Dynamic(_)) | None => None,
                known => known,
            };
            list.element = None;
            form = Form::View;
        }
        let id = graph.leaf(Leaf {
            name: vector.to_token_stream(),
            kind,
            form,
            varies: true,
        });
        graph.lists.borrow_mut().insert(id, list);
        return id;
    }
    graph.leaf(Leaf {
        name: name.to_token_stream(),
        kind: graph.kind(parameter),
        form,
        varies: true,
    })
}

/// Whether a part of the result is a real number or a matrix.
fn is_real(program: &crate::graph::Graph, id: Id) -> bool {
    program.kind(id).elem == Elem::Real
}

/// A derivative for each part of the result, `()` where there is none.
fn derivative_of(
    graph: &crate::graph::Graph,
    outcome: &Outcome,
    of: &mut dyn FnMut(Id) -> Returns,
) -> Returns {
    let mut all = |parts: &[Outcome]| parts.iter().map(|p| derivative_of(graph, p, of)).collect();
    match outcome {
        Outcome::Value(id) if is_real(graph, *id) => of(*id),
        Outcome::Value(_) | Outcome::Inert(_) => Returns::Unit,
        Outcome::Tuple(parts) => Returns::Tuple(all(parts)),
        Outcome::Array(parts) => Returns::Array(all(parts)),
        Outcome::Vec(parts) => Returns::Vec(all(parts)),
        Outcome::List(id, columns) => Returns::List(Box::new(of(*id)), *columns),
    }
}

/// The cotangents that are given as lists, as the values are, of those of all real parts in order.
fn lists_among(program: &Program, seeds: &[(Id, Id)]) -> Vec<(Id, Option<Columns>)> {
    let parts = program.result.real_parts(&program.graph);
    // Those of their tangents come after them.
    let lists = seeds.iter().zip(parts.iter().cycle());
    let lists = lists.filter_map(|((_, cotangent), part)| match part {
        Outcome::List(_, of) => Some((*cotangent, *of)),
        _ => None,
    });
    lists.collect()
}

/// The pattern that takes a cotangent apart, and a leaf for each part that has one.
fn cotangent_pattern(
    program: &Program,
    outcome: &Outcome,
    prefix: &str,
    into: &mut Vec<Id>,
    opening: &mut TokenStream,
) -> TokenStream {
    let graph = &program.graph;
    match outcome {
        Outcome::Value(id) | Outcome::List(id, _) if is_real(graph, *id) => {
            let known = graph.names.borrow().get(id).map(ToString::to_string);
            let wish = known.unwrap_or_else(|| "y".to_string());
            let mut name = format!("{prefix}{}_bar", wish.trim_start_matches("r#"));
            let used = |name: &str| {
                program.taken.contains(name)
                    || into.iter().any(|l| {
                        graph
                            .leaf_of(*l)
                            .is_some_and(|l| l.name.to_string() == name)
                    })
            };
            while used(&name) {
                name.push('_');
            }
            let name = Ident::new(&name, Span::mixed_site());
            into.push(graph.leaf(Leaf {
                name: name.to_token_stream(),
                kind: graph.kind(*id),
                form: Form::Owned,
                varies: true,
            }));
            name.to_token_stream()
        }
        Outcome::Value(_) | Outcome::List(..) | Outcome::Inert(_) => quote!(_),
        Outcome::Tuple(parts) => {
            let parts = parts
                .iter()
                .map(|p| cotangent_pattern(program, p, prefix, into, opening));
            let parts: Vec<TokenStream> = parts.collect();
            quote!((#(#parts,)*))
        }
        Outcome::Array(parts) | Outcome::Vec(parts) => {
            let parts = parts
                .iter()
                .map(|p| cotangent_pattern(program, p, prefix, into, opening));
            let parts: Vec<TokenStream> = parts.collect();
            if let Outcome::Vec(_) = outcome {
                // A `Vec` is taken apart inside.
                let (list, count) = (format_ident!("{prefix}list_{}", into.len()), parts.len());
                let inner = std::mem::take(opening);
                opening.extend(quote! {
                    let [#(#parts),*] = <[_; #count] as ::core::convert::TryFrom<_>>::try_from(#list)
                        .unwrap_or_else(|_| ::core::panic!("the cotangent has not the length of the value"));
                    #inner
                });
                return list.to_token_stream();
            }
            quote!([#(#parts),*])
        }
    }
}

/// The type of the tangent of a result; a name that tells nothing is known by its value.
fn tangent_type(
    ty: &Returned,
    outcome: &Outcome,
    program: &Program,
    nalgebra: &TokenStream,
) -> TokenStream {
    match (ty, outcome) {
        (Returned::Tuple(types), Outcome::Tuple(parts)) => {
            let types = types.iter().zip(parts);
            let types = types.map(|(ty, part)| tangent_type(ty, part, program, nalgebra));
            quote!((#(#types,)*))
        }
        (Returned::Named(_), Outcome::Inert(_)) => quote!(()),
        (Returned::Named(_), Outcome::Value(id)) if !is_real(&program.graph, *id) => quote!(()),
        _ => ty.tangent(nalgebra),
    }
}

/// The attributes that a companion shares with its function.
fn kept_attributes(attrs: &[syn::Attribute]) -> Vec<TokenStream> {
    const KEPT: &[&str] = &[
        "cfg",
        "allow",
        "warn",
        "deny",
        "forbid",
        "inline",
        "must_use",
        "track_caller",
    ];
    attrs
        .iter()
        .filter_map(|attr| {
            let name = attr.path().get_ident()?.to_string();
            if name == "expect" {
                // What the function is expected to do, its companion may not do.
                let list = attr.meta.require_list().ok()?;
                let lints = &list.tokens;
                return Some(quote!(#[allow(#lints)]));
            }
            KEPT.contains(&name.as_str())
                .then(|| attr.to_token_stream())
        })
        .collect()
}

/// What the tangents of `o` and `yn` cannot be called.
fn keywords() -> HashSet<String> {
    ["do", "dyn"].map(String::from).into()
}

/// All identifiers in the tokens that may name a value; what follows a dot does not.
fn identifiers(tokens: TokenStream, into: &mut HashSet<String>) {
    let mut after_dot = false;
    for tree in tokens {
        match &tree {
            TokenTree::Ident(ident) => {
                if !after_dot {
                    into.insert(ident.to_string().trim_start_matches("r#").to_string());
                }
            }
            TokenTree::Group(group) => identifiers(group.stream(), into),
            TokenTree::Literal(literal) => {
                // A format string names variables too.
                let text = literal.to_string();
                into.extend(
                    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                        .filter(|w| !w.is_empty())
                        .map(str::to_string),
                );
            }
            TokenTree::Punct(_) => {}
        }
        after_dot = matches!(&tree, TokenTree::Punct(p) if p.as_char() == '.');
    }
}
