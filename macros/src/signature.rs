//! What the signature tells: the parameters, their gradients' types, and what the function returns.

use crate::args::Args;
use crate::error::{Errors, text};
use crate::lower::{self, Parameter, hint_of_plain_type};
use crate::ty::{Class, Context, Real, Returned, Wrapper};
use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, Pat, ReturnType, Signature, Visibility, parse_quote};

/// A function whose body may not parse yet.
pub struct Function {
    pub attrs: Vec<Attribute>,
    pub vis: Visibility,
    pub sig: Signature,
    pub body: Option<Group>,
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

/// What the signature tells.
#[derive(Clone)]
pub struct Plan {
    pub context: Context,
    /// The scalar type that the function computes with.
    pub real: Option<Real>,
    /// Those that are differentiated come first, in the order of `wrt`.
    pub parameters: Vec<Parameter>,
    /// By each differentiated parameter: its type, and that of the gradient.
    pub own: Vec<syn::Type>,
    pub gradients: Vec<TokenStream>,
    /// The same, for stubs: a parameter whose type is not understood stands for itself.
    pub plain: Vec<TokenStream>,
    /// What the function returns, without `Option` or `Result` around it.
    pub result: Returned,
    pub wrapper: Option<Wrapper>,
    /// The signature with a name for every parameter.
    pub sig: Signature,
    pub krate: TokenStream,
    /// Whether the function calls itself, perhaps by way of others: the type of its pullback is the same for all of them.
    pub recursive: bool,
}

impl Plan {
    pub fn new(
        function: &Function,
        args: &Args,
        outer: Option<&syn::Generics>,
        errors: &mut Errors,
    ) -> Self {
        let sig = &function.sig;
        let generics: Vec<&syn::Generics> = outer.into_iter().chain([&sig.generics]).collect();
        let mut context = Context::of(&generics);
        context.add_result(&sig.output);
        check_signature(function, errors);
        let (result, wrapper) = match &sig.output {
            ReturnType::Default => (Returned::Plain, None),
            ReturnType::Type(_, ty) => match Wrapper::of(ty) {
                Some(wrapper) => (context.returned(&wrapper.inner), Some(wrapper)),
                None => (context.returned(ty), None),
            },
        };
        // A result that does not tell is computed with what it is differentiated by.
        let real = result.real().or_else(|| {
            sig.inputs.iter().find_map(|input| match input {
                FnArg::Typed(input) => {
                    let class = context.classify(&input.ty);
                    class.reals().first().map(|real| (*real).clone())
                }
                FnArg::Receiver(_) => None,
            })
        });
        let mut plan = Plan {
            context,
            real,
            parameters: Vec::new(),
            own: Vec::new(),
            gradients: Vec::new(),
            plain: Vec::new(),
            result,
            wrapper,
            sig: sig.clone(),
            krate: args.krate.clone(),
            recursive: args.boxed
                || function.body.as_ref().is_some_and(|body| {
                    crate::ty::mentions(body.stream(), &|ident| *ident == sig.ident)
                }),
        };
        plan.read_parameters(args, errors);
        plan
    }

    fn read_parameters(&mut self, args: &Args, errors: &mut Errors) {
        let mut typed = Vec::new();
        let mut has_self = false;
        let mut own_self = None;
        for (i, input) in self.sig.inputs.iter_mut().enumerate() {
            match input {
                FnArg::Receiver(receiver) => {
                    has_self = true;
                    // Inert, of an unknown type; `&mut self` may change.
                    let exclusive = receiver.mutability.is_some()
                        || matches!(&*receiver.ty, syn::Type::Reference(r) if r.mutability.is_some());
                    let named = args.wrt.iter().flatten().find(|name| **name == "self");
                    let plain = receiver.colon_token.is_none();
                    if let Some(name) = named.filter(|_| exclusive || !plain) {
                        errors.push(name, "cannot differentiate by `self` where it is mutable, or has a type of its own\nhelp: take `self` or `&self`");
                    }
                    self.parameters.push(Parameter {
                        ident: Ident::new("self", receiver.self_token.span),
                        class: Class::Other,
                        by_reference: receiver.reference.is_some(),
                        mutable: false,
                        hint: crate::scope::Hint::Unknown,
                        wrt: named.is_some() && !exclusive && plain,
                        broken: named.is_some() && (exclusive || !plain),
                        exclusive,
                        ty: None,
                    });
                    own_self = Some((*receiver.ty).clone());
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
                            ty: None,
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
            let differentiable = class.is_differentiable();
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
                (class, _) if wrt && class.is_differentiable() => {
                    let reals = class.reals();
                    let other = |real: &&&Real| self.real.as_ref().is_some_and(|own| own != **real);
                    if let Some(other) = reals.iter().find(other) {
                        let own = self.real.as_ref().map_or_else(TokenStream::new, ToTokens::to_token_stream);
                        // A longer name may be one of a struct.
                        let longer = |text: &str| text.len() > 1 && text.starts_with(char::is_uppercase);
                        let of_struct = match longer(&own.to_string()) {
                            true => "; of a struct, return the fields in a tuple",
                            false => "",
                        };
                        errors.push(
                            &input.ty,
                            format!("`{ident}` is made of `{}`, but the function returns `{own}`\nhelp: use one scalar type, or leave it out of `wrt(…)`{of_struct}", other.to_token_stream()),
                        );
                    }
                }
                (Class::Other, Some(true)) if mutable => {
                    errors.push(&input.pat, format!("`{ident}` is mutable, and of a type that is not nalgebra's: changes of it cannot be followed\nhelp: remove `mut`, and bind what changes to a variable of its own, as in `let mut v: Vector3<f64> = {ident}.v;`"));
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
                hint: self.hint(&input.ty),
                wrt,
                broken,
                exclusive,
                ty: Some((*input.ty).clone()),
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
            let Some(input) = input else {
                if let Some(ty) = own_self.clone().filter(|_| *name == "self") {
                    self.own.push(ty);
                    self.plain.push(quote!(Self));
                    self.gradients.push(quote!(Self));
                }
                continue;
            };
            let plain = match (&parameter.class, crate::ty::strip(&input.ty)) {
                (class, _) if class.is_differentiable() => self.gradient_type(parameter, &input.ty),
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
            self.own.push((*input.ty).clone());
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

    /// What is known of a parameter that is not differentiated.
    fn hint(&self, ty: &syn::Type) -> crate::scope::Hint {
        let real = self.real.clone().unwrap_or(crate::ty::Real::F64);
        match self.context.geometric(ty, &real) {
            Some((frame, size, reference)) => crate::scope::Hint::Geometric {
                frame,
                size,
                reference,
            },
            None => hint_of_plain_type(ty),
        }
    }

    fn check_names(&self, args: &Args, has_self: bool, errors: &mut Errors) {
        for name in args.wrt.iter().flatten() {
            let known =
                |p: &Parameter| p.ident.unraw() == name.unraw() && (has_self || p.ident != "self");
            if !self.parameters.iter().any(known) {
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
        let owned = parameter.class.owned(&quote!(#krate::nalgebra));
        owned.unwrap_or_else(|| {
            // Of the user's own: a struct.
            match crate::ty::strip(ty) {
                syn::Type::Reference(reference) => {
                    let plain = &reference.elem;
                    let unsized_type =
                        matches!(**plain, syn::Type::Slice(_) | syn::Type::TraitObject(_))
                            || plain.to_token_stream().to_string() == "str";
                    if unsized_type {
                        quote!(<#plain as #krate::__private::ToOwned>::Owned)
                    } else {
                        plain.to_token_stream()
                    }
                }
                other => other.to_token_stream(),
            }
        })
    }
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
