//! `#[derive(Differentiable)]`: the entries of a struct are those of its fields, one after the other.

use crate::error::{Errors, text};
use crate::graph::Member;
use crate::ty::strip;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Type, TypeParamBound, WherePredicate};

/// Types without a derivative.
const PLAIN: &[&str] = &[
    "usize",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "bool",
    "char",
    "String",
    "PhantomData",
];

/// How a field takes part.
enum Part {
    /// A number of the scalar type, which need not implement the trait.
    Number,
    /// By its own implementation.
    Whole,
    Inert,
}

struct Field {
    member: syn::Member,
    ty: Type,
    part: Part,
}

/// The implementation for a struct.
pub fn expand(item: TokenStream) -> TokenStream {
    let input = match syn::parse2::<DeriveInput>(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let implementation = implement(&input, &mut errors);
    match errors.finish() {
        Ok(()) => implementation,
        Err(error) => error.to_compile_error(),
    }
}

fn implement(input: &DeriveInput, errors: &mut Errors) -> TokenStream {
    let Data::Struct(data) = &input.data else {
        errors.push(
            &input.ident,
            "only a struct can be differentiated by: the entries of an enum or a union are not the same for all values\nhelp: use a struct, and keep the choice in a field with `#[inert]`",
        );
        return TokenStream::new();
    };
    let krate = path_of_crate(input, errors);
    let nalgebra = quote!(#krate::nalgebra);
    let (mut fields, scalar) = (Vec::new(), scalar_parameter(input));
    for (k, field) in data.fields.iter().enumerate() {
        let member = match &field.ident {
            Some(name) => syn::Member::Named(name.clone()),
            None => syn::Member::Unnamed(k.into()),
        };
        let inert = field.attrs.iter().find(|a| a.path().is_ident("inert"));
        if let Some(inert) = inert.filter(|a| a.meta.require_path_only().is_err()) {
            errors.push(inert, "`#[inert]` takes no arguments");
        }
        let part = match (inert, &scalar) {
            (Some(_), _) => Part::Inert,
            (None, Some(scalar)) if is_named(&field.ty, &scalar.to_string()) => Part::Number,
            (None, _) => {
                check_type(&field.ty, errors);
                Part::Whole
            }
        };
        fields.push(Field {
            member,
            ty: field.ty.clone(),
            part,
        });
    }
    let Some(scalar) = scalar_type(&fields, scalar, &krate) else {
        errors.push(
            &input.ident,
            format!(
                "`{}` has no field with a derivative\nhelp: leave out `#[derive(Differentiable)]`, and leave parameters of this type out of `wrt(…)`",
                input.ident
            ),
        );
        return TokenStream::new();
    };
    let name = &input.ident;
    let (of_impl, of_type, _) = input.generics.split_for_impl();
    let conditions = where_clause(input, &scalar, &nalgebra);
    let differentiable = quote!(#krate::__private::Parameter);
    // Each statement or expression, for each field with a derivative.
    let each = |number: &dyn Fn(&syn::Member) -> TokenStream,
                whole: &dyn Fn(&syn::Member, &Type) -> TokenStream| {
        let written = fields.iter().filter_map(|field| match field.part {
            Part::Number => Some(number(&field.member)),
            Part::Whole => Some(whole(&field.member, &field.ty)),
            Part::Inert => None,
        });
        written.collect::<Vec<TokenStream>>()
    };
    let built = |number: &dyn Fn(&syn::Member) -> TokenStream,
                 whole: &dyn Fn(&syn::Member, &Type) -> TokenStream| {
        let written = fields.iter().map(|field| {
            let (member, ty) = (&field.member, &field.ty);
            let value = match field.part {
                Part::Number => number(member),
                Part::Whole => whole(member, ty),
                Part::Inert => quote!(<#ty as ::core::clone::Clone>::clone(&self.#member)),
            };
            quote!(#member: #value)
        });
        quote!(#name { #(#written),* })
    };
    let zeros = built(
        &|_| quote!(#nalgebra::zero()),
        &|m, ty| quote!(<#ty as #differentiable>::zeros(&self.#m)),
    );
    let axpy = each(
        &|m| quote!(self.#m += a * x.#m;),
        &|m, ty| quote!(<#ty as #differentiable>::add_times(&mut self.#m, a, &x.#m);),
    );
    let scale = each(
        &|m| quote!(self.#m *= a;),
        &|m, ty| quote!(<#ty as #differentiable>::times(&mut self.#m, a);),
    );
    let dot = each(
        &|m| quote!(self.#m * other.#m),
        &|m, ty| quote!(<#ty as #differentiable>::product(&self.#m, &other.#m)),
    );
    let len = each(
        &|_| quote!(1),
        &|m, ty| quote!(<#ty as #differentiable>::count(&self.#m)),
    );
    let write = each(
        &|m| quote!(entries.push(self.#m);),
        &|m, ty| quote!(<#ty as #differentiable>::write_entries(&self.#m, entries);),
    );
    let read = built(
        &|_| quote!(#krate::__private::take(entries, 1)[0]),
        &|m, ty| quote!(<#ty as #differentiable>::read_entries(&self.#m, entries)),
    );
    let starts = fields
        .iter()
        .filter(|field| !matches!(field.part, Part::Inert))
        .map(|field| match &field.member {
            syn::Member::Named(name) => syn::ext::IdentExt::unraw(name).to_string(),
            syn::Member::Unnamed(index) => index.index.to_string(),
        });
    let starts = starts.zip(&len).map(|(text, len)| {
        quote! {
            if let #krate::__private::Member::Field(#text) = member {
                return before;
            }
            before += #len;
        }
    });
    let numbers = fields
        .iter()
        .filter(|field| !matches!(field.part, Part::Inert))
        .filter_map(|field| match &field.member {
            syn::Member::Named(name) => Member::Named(name.clone()).number(),
            syn::Member::Unnamed(index) => Member::Unnamed(index.index).number(),
        });
    let has_fields = numbers.map(|number| {
        quote! {
            #[automatically_derived]
            impl #of_impl #krate::__private::HasField<#number> for #name #of_type #conditions {}
        }
    });
    quote! {
        #(#has_fields)*
        #[automatically_derived]
        impl #of_impl #krate::__private::Whole for #name #of_type #conditions {}
        #[automatically_derived]
        #[allow(unused, clippy::all, clippy::pedantic, clippy::nursery)]
        impl #of_impl #differentiable for #name #of_type #conditions {
            type Scalar = #scalar;
            fn zeros(&self) -> Self {
                #zeros
            }
            fn add_times(&mut self, a: #scalar, x: &Self) {
                #(#axpy)*
            }
            fn times(&mut self, a: #scalar) {
                #(#scale)*
            }
            fn product(&self, other: &Self) -> #scalar {
                #(#dot)+*
            }
            fn count(&self) -> usize {
                #(#len)+*
            }
            fn write_entries(&self, entries: &mut ::std::vec::Vec<#scalar>) {
                #(#write)*
            }
            fn read_entries(&self, entries: &mut &[#scalar]) -> Self {
                #read
            }
            fn start(&self, member: #krate::__private::Member) -> usize {
                let mut before = 0;
                #(#starts)*
                ::core::unreachable!("no field of these has a derivative")
            }
        }
    }
}

/// `#[nalgrad(crate = path)]`
fn path_of_crate(input: &DeriveInput, errors: &mut Errors) -> TokenStream {
    let mut krate = quote!(::nalgrad);
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("nalgrad")) {
        let found = attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("the only argument is `crate = path`"));
            }
            let path: syn::Path = meta.value()?.call(syn::Path::parse_mod_style)?;
            krate = path.to_token_stream();
            Ok(())
        });
        if let Err(error) = found {
            errors.add(error);
        }
    }
    krate
}

/// The type parameter that stands for real numbers: that with the bound `RealField`, or the only one.
fn scalar_parameter(input: &DeriveInput) -> Option<Ident> {
    let is_real = |bound: &TypeParamBound| matches!(bound, TypeParamBound::Trait(t) if t.path.segments.last().is_some_and(|s| s.ident == "RealField"));
    let predicates = input.generics.where_clause.iter();
    let predicates = predicates.flat_map(|clause| &clause.predicates);
    let by_predicate = |name: &Ident| {
        predicates.clone().any(|predicate| match predicate {
            WherePredicate::Type(t) => {
                is_named(&t.bounded_ty, &name.to_string()) && t.bounds.iter().any(is_real)
            }
            _ => false,
        })
    };
    let parameters: Vec<_> = input.generics.type_params().collect();
    let bounded = parameters
        .iter()
        .find(|p| p.bounds.iter().any(is_real) || by_predicate(&p.ident));
    match (bounded, &parameters[..]) {
        (Some(parameter), _) => Some(parameter.ident.clone()),
        (None, [only]) => Some(only.ident.clone()),
        _ => None,
    }
}

/// The numbers that the fields are made of.
fn scalar_type(
    fields: &[Field],
    scalar: Option<Ident>,
    krate: &TokenStream,
) -> Option<TokenStream> {
    let active = || fields.iter().filter(|f| !matches!(f.part, Part::Inert));
    let mentions = |name: &str| {
        active().any(|f| crate::ty::mentions(f.ty.to_token_stream(), &|ident| ident == name))
    };
    let first = active().next()?;
    if let Some(scalar) = scalar.filter(|scalar| mentions(&scalar.to_string())) {
        return Some(scalar.to_token_stream());
    }
    let real = ["f64", "f32"].into_iter().find(|name| mentions(name));
    Some(match real {
        Some(real) => Ident::new(real, proc_macro2::Span::call_site()).to_token_stream(),
        None => {
            let ty = &first.ty;
            quote!(<#ty as #krate::__private::Parameter>::Scalar)
        }
    })
}

/// The conditions of the struct, and that its scalar type is one.
fn where_clause(input: &DeriveInput, scalar: &TokenStream, nalgebra: &TokenStream) -> TokenStream {
    let own = input.generics.where_clause.iter();
    let own = own.flat_map(|clause| &clause.predicates);
    let text = scalar.to_string();
    let generic = input.generics.type_params().any(|p| p.ident == text);
    let real = generic.then(|| quote!(#scalar: #nalgebra::RealField + ::core::marker::Copy,));
    quote!(where #real #(#own,)*)
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(strip(ty), Type::Path(path) if path.path.is_ident(name))
}

/// Refuses what certainly has no derivative, or cannot be owned.
fn check_type(ty: &Type, errors: &mut Errors) {
    match strip(ty) {
        Type::Reference(_) | Type::Ptr(_) => errors.push(
            ty,
            "a gradient owns its fields, so it cannot have a reference\nhelp: own the value, or put `#[inert]` on the field",
        ),
        Type::Path(path) => {
            let last = path.path.segments.last();
            if last.is_some_and(|s| PLAIN.contains(&s.ident.to_string().as_str())) {
                errors.push(
                    ty,
                    format!("a field of type `{}` has no derivative\nhelp: put `#[inert]` on it", text(ty)),
                );
            }
        }
        _ => {}
    }
}
