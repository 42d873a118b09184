//! What one attribute writes: the function itself, and its companions.

use crate::args::Args;
use crate::differentiate::reverse;
use crate::emit::{Outputs, emit};
use crate::error::{Errors, text};
use crate::lower::{self, Parameter, hint_of_plain_type};
use crate::ty::{Class, Context, Passing, Real, Value};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::collections::HashSet;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, Pat, ReturnType, Signature, Visibility, parse_quote};

/// A function whose body may not parse yet.
struct Function {
    attrs: Vec<Attribute>,
    vis: Visibility,
    sig: Signature,
    body: Option<Group>,
}

impl Parse for Function {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let sig = input.parse()?;
        let body = match input.parse::<Option<syn::Token![;]>>()? {
            Some(_) => None,
            None => match input.parse::<TokenTree>()? {
                TokenTree::Group(group) => Some(group),
                other => {
                    return Err(syn::Error::new_spanned(
                        other,
                        "expected the body of a function",
                    ));
                }
            },
        };
        Ok(Function {
            attrs,
            vis,
            sig,
            body,
        })
    }
}

/// `#[gradient]`: the function unchanged, then `f_gradient` and `f_value_and_gradient`.
pub fn gradient(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let companions = companions(attribute, item.clone());
    quote!(#item #companions)
}

fn companions(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            let at = item
                .into_iter()
                .next()
                .map_or_else(TokenStream::new, TokenStream::from);
            return syn::Error::new_spanned(at, "`#[gradient]` can only be put on a function\nhelp: put it on each `fn` to be differentiated").to_compile_error();
        }
    };
    if let Some(again) = function.attrs.iter().find(|a| {
        a.path()
            .segments
            .last()
            .is_some_and(|s| s.ident == "gradient")
    }) {
        return syn::Error::new_spanned(
            again,
            "`#[gradient]` is given twice\nhelp: name all parameters in one `wrt(…)`",
        )
        .to_compile_error();
    }
    let mut errors = Errors::default();
    let args = match syn::parse2::<Args>(attribute) {
        Ok(args) => args,
        Err(error) => {
            errors.add(error);
            Args::default()
        }
    };
    let plan = Plan::new(&function, &args, &mut errors);
    // The mistakes in the body are reported beside those in the signature.
    let written = match (plan.write(&function, &args), errors.finish()) {
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
    written.unwrap_or_else(|error| {
        // What is configured out has no errors either.
        let cfgs = function.attrs.iter().filter(|a| a.path().is_ident("cfg"));
        let cfgs = quote!(#(#cfgs)*);
        let messages = error
            .into_iter()
            .map(|e| e.to_compile_error())
            .map(|message| quote!(#cfgs #message));
        let stubs = plan.stubs(&function);
        quote!(#(#messages)* #stubs)
    })
}

/// What the signature tells.
struct Plan {
    context: Context,
    real: Option<Real>,
    parameters: Vec<Parameter>,
    /// The type of the gradient by each differentiated parameter.
    gradients: Vec<TokenStream>,
    /// The same, for stubs: a parameter whose type is not understood stands for itself.
    plain: Vec<TokenStream>,
    /// The signature with a name for every parameter.
    sig: Signature,
    krate: TokenStream,
}

impl Plan {
    fn new(function: &Function, args: &Args, errors: &mut Errors) -> Self {
        let sig = &function.sig;
        let mut context = Context::of(&[&sig.generics]);
        context.add_result(&sig.output);
        check_signature(function, errors);
        let real = result_scalar(sig, &context, errors);
        let mut plan = Plan {
            context,
            real,
            parameters: Vec::new(),
            gradients: Vec::new(),
            plain: Vec::new(),
            sig: sig.clone(),
            krate: args.krate.clone(),
        };
        plan.read_parameters(args, errors);
        plan
    }

    fn read_parameters(&mut self, args: &Args, errors: &mut Errors) {
        let mut typed = Vec::new();
        let mut has_self = false;
        for (i, input) in self.sig.inputs.iter_mut().enumerate() {
            match input {
                FnArg::Receiver(receiver) => {
                    has_self = true;
                    // Inert, of an unknown type; `&mut self` may change.
                    let exclusive = receiver.mutability.is_some()
                        || matches!(&*receiver.ty, syn::Type::Reference(r) if r.mutability.is_some());
                    self.parameters.push(Parameter {
                        ident: Ident::new("self", receiver.self_token.span),
                        class: Class::Other,
                        by_reference: false,
                        mutable: false,
                        hint: crate::scope::Hint::Unknown,
                        wrt: false,
                        broken: false,
                        exclusive,
                    });
                }
                FnArg::Typed(input) => {
                    if let Pat::Wild(_) = *input.pat {
                        let name = format_ident!("unused_{i}");
                        input.pat = parse_quote!(#name);
                    }
                    typed.push(input.clone());
                }
            }
        }
        for input in &typed {
            if let Some(cfg) = input
                .attrs
                .iter()
                .find(|a| a.path().is_ident("cfg") || a.path().is_ident("cfg_attr"))
            {
                errors.push(cfg, "a parameter that depends on the configuration cannot be followed\nhelp: put `#[cfg(…)]` on two versions of the function");
            }
            let (ident, mutable) = match &*input.pat {
                Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => {
                    (name.ident.clone(), name.mutability.is_some())
                }
                pat => {
                    // Its parts are inert names of unknown types.
                    let mut names = Vec::new();
                    lower::pattern_names(pat, &mut names);
                    for ident in names {
                        self.parameters.push(Parameter {
                            ident,
                            class: Class::Other,
                            by_reference: false,
                            mutable: false,
                            hint: crate::scope::Hint::Unknown,
                            wrt: false,
                            broken: false,
                            exclusive: false,
                        });
                    }
                    continue;
                }
            };
            let class = self.context.classify(&input.ty);
            let by_reference = matches!(crate::ty::strip(&input.ty), syn::Type::Reference(_));
            let named = args
                .wrt
                .as_ref()
                .map(|names| names.iter().any(|n| n.unraw() == ident.unraw()));
            let differentiable = matches!(&class, Class::Value(_));
            let before = errors.count();
            let wrt = named.unwrap_or(differentiable || matches!(class, Class::NotYet(_)));
            if let (Class::NotYet(why), None | Some(true)) = (&class, named) {
                // Without `wrt`, the contract includes it.
                errors.push(
                    &input.ty,
                    format!("cannot differentiate by `{ident}`: {why}"),
                );
            }
            match (&class, named) {
                (Class::Mutable, Some(true)) => errors.push(&input.ty, format!("cannot differentiate by `{ident}`, which is passed by mutable reference\nhelp: take it by value or by `&`, and return the new value")),
                (Class::Other, Some(true)) if hint_of_plain_type(&input.ty) != crate::scope::Hint::Unknown || is_text(&input.ty) => {
                    errors.push(&input.ty, format!("cannot differentiate by `{ident}` of type `{}`\nhelp: differentiable are `f64`, `f32`, and vectors and matrices of these", text(&input.ty)));
                }
                (Class::Value(value), _) if wrt => {
                    if self.real.as_ref().is_some_and(|real| *real != value.real) {
                        errors.push(
                            &input.ty,
                            format!("`{ident}` is made of `{}`, but the function returns `{}`\nhelp: use one scalar type, or leave it out of `wrt(…)`", value.real.to_token_stream(), self.real.as_ref().map_or_else(TokenStream::new, ToTokens::to_token_stream)),
                        );
                    }
                    if mutable {
                        errors.push(&input.pat, format!("`{ident}` is mutable: mutation of differentiated values is not supported yet\nhelp: remove `mut`, and bind each new value with its own `let`"));
                    }
                }
                _ => {}
            }
            let broken = errors.count() > before;
            let exclusive = matches!(crate::ty::strip(&input.ty), syn::Type::Reference(r) if r.mutability.is_some());
            self.parameters.push(Parameter {
                ident,
                class,
                by_reference,
                mutable,
                hint: hint_of_plain_type(&input.ty),
                wrt,
                broken,
                exclusive,
            });
        }
        self.check_names(args, has_self, errors);
        // Gradients come in the order of `wrt`.
        let order: Vec<Ident> = match &args.wrt {
            Some(names) => names.clone(),
            None => self
                .parameters
                .iter()
                .filter(|p| p.wrt)
                .map(|p| p.ident.clone())
                .collect(),
        };
        for name in &order {
            let Some(parameter) = self
                .parameters
                .iter()
                .find(|p| p.ident.unraw() == name.unraw())
            else {
                continue;
            };
            let input = typed
                .iter()
                .find(|t| matches!(&*t.pat, Pat::Ident(p) if p.ident.unraw() == name.unraw()));
            let Some(input) = input else { continue };
            let plain = match (&parameter.class, crate::ty::strip(&input.ty)) {
                (Class::Value(_), _) => self.gradient_type(parameter, &input.ty),
                (_, syn::Type::Reference(reference))
                    if !matches!(*reference.elem, syn::Type::Slice(_))
                        && reference.elem.to_token_stream().to_string() != "str" =>
                {
                    reference.elem.to_token_stream()
                }
                (_, syn::Type::Reference(_)) => self.gradient_type(parameter, &input.ty),
                (_, ty) => ty.to_token_stream(),
            };
            let gradient = self.gradient_type(parameter, &input.ty);
            self.plain.push(plain);
            self.gradients.push(gradient);
        }
        if order.is_empty() && errors.is_empty() {
            errors.push(
                &self.sig.ident,
                format!("`{}` has no parameter that can be differentiated\nhelp: differentiable are `f64`, `f32`, and vectors and matrices of these; name a parameter of your own type in `wrt(…)`", self.sig.ident),
            );
        }
        let mut parameters = std::mem::take(&mut self.parameters);
        parameters.sort_by_key(|p| {
            order
                .iter()
                .position(|n| n.unraw() == p.ident.unraw())
                .unwrap_or(usize::MAX)
        });
        self.parameters = parameters;
    }

    fn check_names(&self, args: &Args, has_self: bool, errors: &mut Errors) {
        for name in args.wrt.iter().flatten() {
            if *name == "self" && has_self {
                errors.push(name, "`self` cannot be differentiated by yet\nhelp: pass what should be differentiated as a parameter of its own");
            } else if !self
                .parameters
                .iter()
                .any(|p| p.ident != "self" && p.ident.unraw() == name.unraw())
            {
                let known: Vec<String> = self
                    .parameters
                    .iter()
                    .filter(|p| p.ident != "self")
                    .map(|p| format!("`{}`", p.ident))
                    .collect();
                let help = if known.is_empty() {
                    "the function has no parameters".to_string()
                } else {
                    format!("its parameters are {}", known.join(", "))
                };
                errors.push(
                    name,
                    format!(
                        "`{}` has no parameter `{name}`\nhelp: {help}",
                        self.sig.ident
                    ),
                );
            }
        }
    }

    /// The owned type of a parameter.
    fn gradient_type(&self, parameter: &Parameter, ty: &syn::Type) -> TokenStream {
        let krate = &self.krate;
        match &parameter.class {
            Class::Value(value) if value.passing == Passing::View || is_generic_storage(value) => {
                value.owned(&quote!(#krate::nalgebra))
            }
            Class::Value(value) => value.written.clone(),
            _ => {
                let plain = match crate::ty::strip(ty) {
                    syn::Type::Reference(reference) => &*reference.elem,
                    other => other,
                };
                quote!(<#plain as #krate::__private::ToOwned>::Owned)
            }
        }
    }

    fn value_type(&self) -> TokenStream {
        match &self.sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        }
    }

    /// The name and the result of each companion.
    fn companions(&self) -> [(Ident, TokenStream); 2] {
        self.companions_of(&self.value_type(), &self.gradients)
    }

    fn companions_of(
        &self,
        value: &TokenStream,
        gradients: &[TokenStream],
    ) -> [(Ident, TokenStream); 2] {
        let gradient = match gradients {
            [one] => one.clone(),
            many => quote!((#(#many),*)),
        };
        let name = self.sig.ident.to_string();
        let name = name.trim_start_matches("r#");
        let span = self.sig.ident.span();
        [
            (
                Ident::new(&format!("{name}_gradient"), span),
                gradient.clone(),
            ),
            (
                Ident::new(&format!("{name}_value_and_gradient"), span),
                quote!((#value, #gradient)),
            ),
        ]
    }

    /// The signature of a companion.
    fn signature(&self, name: &Ident, result: &TokenStream) -> Signature {
        let mut sig = self.sig.clone();
        sig.ident = name.clone();
        sig.output = parse_quote!(-> #result);
        sig
    }

    /// On an error, what callers need so that they see no second one.
    fn stubs(&self, function: &Function) -> TokenStream {
        let attrs = kept_attributes(&function.attrs);
        let vis = &function.vis;
        // A type that cannot be written in this place, or need not have an owned form, stands for itself.
        let written = |ty: &TokenStream| {
            if crate::ty::mentions(ty.clone(), &|ident| ident == "impl") {
                quote!(())
            } else {
                ty.clone()
            }
        };
        let gradients: Vec<TokenStream> = self.plain.iter().map(written).collect();
        let stubs = self
            .companions_of(&written(&self.value_type()), &gradients)
            .map(|(name, result)| {
                let mut sig = self.signature(&name, &result);
                sig.asyncness = None;
                let message = format!("`{}` could not be differentiated", self.sig.ident);
                quote! {
                    #(#attrs)*
                    #[doc = "Not available: see the error at the function."]
                    #[allow(unused, clippy::all, clippy::pedantic, clippy::nursery)]
                    #vis #sig { ::core::panic!(#message) }
                }
            });
        quote!(#(#stubs)*)
    }

    /// The companions; no error where what is wrong has been reported with the signature.
    fn write(&self, function: &Function, args: &Args) -> Result<TokenStream, Option<syn::Error>> {
        let (Some(body), Some(real)) = (&function.body, &self.real) else {
            return Err(None);
        };
        let body: syn::Block = syn::parse2(TokenTree::Group(body.clone()).into()).map_err(Some)?;
        let mut taken = HashSet::new();
        identifiers(function.sig.to_token_stream(), &mut taken);
        identifiers(body.to_token_stream(), &mut taken);
        let mut written = TokenStream::new();
        for (number, (name, result)) in self.companions().into_iter().enumerate() {
            let keeps_value = number == 1;
            let program = lower::lower(
                &body,
                &self.parameters,
                &self.context,
                real.clone(),
                taken.clone(),
            )?;
            let graph = &program.graph;
            graph.keeps_value.set(keeps_value);
            graph.user_nodes.set(graph.count());
            let seed = graph.constant(1.0);
            let gradients = reverse(graph, program.result, seed, &program.wrt).map_err(|_| {
                Some(syn::Error::new_spanned(
                    &self.sig.ident,
                    "this function needs a second derivative that is not known yet",
                ))
            })?;
            let outputs = Outputs {
                value: keeps_value.then_some(program.result),
                gradients,
            };
            let statements = emit(&program, &outputs, &args.krate, real);
            let pins = if keeps_value {
                TokenStream::new()
            } else {
                self.pins(&program.types)
            };
            let attrs = kept_attributes(&function.attrs);
            let vis = &function.vis;
            let sig = self.signature(&name, &result);
            let doc = self.documentation(keeps_value);
            written.extend(quote! {
                #(#attrs)*
                #[doc = #doc]
                #[allow(unused, clippy::all, clippy::pedantic, clippy::nursery)]
                #vis #sig { #pins #statements }
            });
        }
        Ok(written)
    }

    /// Makes sure that the types taken for nalgebra's are nalgebra's: a line each.
    fn pins(&self, types: &[(TokenStream, Value)]) -> TokenStream {
        let krate = &self.krate;
        let nalgebra = quote!(#krate::nalgebra);
        let mut pairs: Vec<(TokenStream, TokenStream)> = Vec::new();
        let mut pin = |written: &TokenStream, value: &Value| {
            if value.extents.is_some()
                && matches!(value.passing, Passing::Owned | Passing::Reference)
                && !is_generic_storage(value)
                && !pairs.iter().any(|p| p.0.to_string() == written.to_string())
            {
                pairs.push((written.clone(), value.owned(&nalgebra)));
            }
        };
        for parameter in &self.parameters {
            if let Class::Value(value) = &parameter.class {
                pin(&value.written, value);
            }
        }
        for (written, value) in types {
            pin(written, value);
        }
        let pins = pairs.into_iter().map(|(written, own)| {
            let first = written.clone().into_iter().next();
            let span = first.map_or_else(Span::mixed_site, |t| {
                Span::mixed_site().located_at(t.span())
            });
            quote_spanned!(span=> #krate::__private::same::<#written, #own>();)
        });
        quote!(#(#pins)*)
    }

    fn documentation(&self, keeps_value: bool) -> String {
        let name = &self.sig.ident;
        let names: Vec<String> = self
            .parameters
            .iter()
            .filter(|p| p.wrt)
            .map(|p| format!("`{}`", p.ident))
            .collect();
        let what = if keeps_value {
            "value and the gradient"
        } else {
            "gradient"
        };
        format!(
            "The {what} of `{name}` by {}.\n\nWritten by `#[gradient]`.",
            names.join(", ")
        )
    }
}

/// A `Matrix` or `Vector` with its storage written out.
fn is_generic_storage(value: &Value) -> bool {
    let text = value.written.to_string();
    let head = text.split('<').next().unwrap_or("");
    let last = head.rsplit("::").next().unwrap_or("").trim();
    matches!(last, "Matrix" | "Vector" | "RowVector") && value.extents.is_some()
}

fn is_text(ty: &syn::Type) -> bool {
    matches!(
        ty.to_token_stream().to_string().as_str(),
        "String" | "& str" | "char" | "& String" | "()"
    )
}

fn check_signature(function: &Function, errors: &mut Errors) {
    let sig = &function.sig;
    if function.body.is_none() {
        errors.push(&sig.ident, "a function without a body cannot be differentiated\nhelp: put the attribute on the function that has the body");
    }
    if let Some(token) = &sig.asyncness {
        errors.push(token, "an `async` function cannot be differentiated\nhelp: move the computation into a plain function");
    }
    if let Some(token) = &sig.constness {
        errors.push(token, "a `const` function cannot be differentiated: nalgebra does not compute at compile time\nhelp: remove `const`");
    }
    if let Some(token) = &sig.unsafety {
        errors.push(token, "an `unsafe` function cannot be differentiated\nhelp: move the computation into a safe function");
    }
    if let Some(abi) = &sig.abi {
        errors.push(abi, "an `extern` function cannot be differentiated\nhelp: move the computation into a plain function");
    }
    for param in sig.generics.type_params() {
        let bounds = sig
            .generics
            .where_clause
            .iter()
            .flat_map(|w| &w.predicates)
            .filter_map(|p| match p {
                syn::WherePredicate::Type(t)
                    if param.ident == t.bounded_ty.to_token_stream().to_string() =>
                {
                    Some(&t.bounds)
                }
                _ => None,
            });
        let bounds: String = bounds
            .chain([&param.bounds])
            .map(|b| b.to_token_stream().to_string())
            .collect();
        if bounds.contains("RealField") && !bounds.contains("Copy") {
            errors.push(&param.ident, format!("the scalar type `{0}` is not known to be `Copy`, which derivatives need\nhelp: write `{0}: RealField + Copy`", param.ident));
        }
    }
    if let Some(token) = &sig.variadic {
        errors.push(token, "a variadic function cannot be differentiated");
    }
}

/// The scalar type that the function returns.
fn result_scalar(sig: &Signature, context: &Context, errors: &mut Errors) -> Option<Real> {
    let ReturnType::Type(_, ty) = &sig.output else {
        errors.push(&sig.ident, format!("`{}` returns nothing, so it has no gradient\nhelp: return a scalar, as in `-> f64`", sig.ident));
        return None;
    };
    if let Some(real) = context.real(ty) {
        return Some(real);
    }
    let why = match context.classify(ty) {
        Class::Value(value) if value.extents.is_some() => {
            "a gradient needs a scalar; the derivative of a vector or a matrix is a Jacobian"
        }
        _ => "a gradient needs a scalar",
    };
    errors.push(ty, format!("cannot take the gradient of a function that returns `{}`: {why}\nhelp: return `f64`, `f32`, or a type parameter with the bound `RealField`", text(ty)));
    None
}

/// The attributes that a companion shares with its function.
fn kept_attributes(attrs: &[Attribute]) -> Vec<TokenStream> {
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
