//! The types of parameters and results: which of them are differentiable, and of what shape.

use crate::graph::Dim;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Expr, GenericArgument, GenericParam, Generics, Ident, PathArguments, Type, TypeParamBound,
    WherePredicate,
};

/// The scalar type that a function computes with.
#[derive(Clone, PartialEq, Debug)]
pub enum Real {
    F64,
    F32,
    /// A type parameter with the bound `RealField`.
    Generic(Ident),
}

impl ToTokens for Real {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Real::F64 => quote!(f64).to_tokens(tokens),
            Real::F32 => quote!(f32).to_tokens(tokens),
            Real::Generic(name) => name.to_tokens(tokens),
        }
    }
}

/// The extent of a matrix type, as far as its tokens tell.
#[derive(Clone, PartialEq, Debug)]
pub enum Extent {
    Known(Dim),
    Dynamic,
    /// `_`, or absent in a path of an expression.
    Inferred,
}

/// What a value of nalgebra's geometry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame {
    Point,
    Translation,
    /// `Unit` of a vector.
    Unit,
    Quaternion,
    UnitQuaternion,
    UnitComplex,
    Rotation,
    Isometry(Turn),
}

/// By what an isometry rotates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    Quaternion,
    Complex,
    Matrix,
}

impl Turn {
    pub fn frame(self) -> Frame {
        match self {
            Turn::Quaternion => Frame::UnitQuaternion,
            Turn::Complex => Frame::UnitComplex,
            Turn::Matrix => Frame::Rotation,
        }
    }
}

/// How a parameter is passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passing {
    Owned,
    Reference,
    View,
}

/// A scalar or a matrix.
#[derive(Clone, Debug)]
pub struct Value {
    pub real: Real,
    /// The rows and columns of a matrix; `None` for a scalar.
    pub extents: Option<(Extent, Extent)>,
    pub passing: Passing,
    /// The type in the user's own words, without references.
    pub written: TokenStream,
}

/// Numbers that are not a matrix, `&[f64]`, `[f64; N]`, `Vec<f64>`, and the same of vectors and matrices.
#[derive(Clone, Debug)]
pub struct List {
    pub real: Real,
    /// What it is made of, where that is not numbers.
    pub element: Option<Value>,
    /// The number of elements of an array.
    pub length: Option<Dim>,
    /// The type that owns them.
    pub owned: TokenStream,
    pub by_reference: bool,
}

/// The type of the items of a slice, an array or a `Vec`.
pub fn item_of(ty: &Type) -> Option<Type> {
    match strip(ty) {
        Type::Reference(reference) => item_of(&reference.elem),
        Type::Slice(slice) => Some((*slice.elem).clone()),
        Type::Array(array) => Some((*array.elem).clone()),
        Type::Path(path) => {
            let last = path.path.segments.last().filter(|s| s.ident == "Vec")?;
            match &last.arguments {
                PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
                    GenericArgument::Type(item) => Some(item.clone()),
                    _ => None,
                },
                _ => None,
            }
        }
        _ => None,
    }
}

/// What a type is to the macro.
#[derive(Clone)]
pub enum Class {
    Value(Value),
    List(List),
    Tuple(Vec<Class>),
    /// A reference that may be written through.
    Mutable,
    /// Differentiable by the contract, but not in this version: why, and the way out.
    NotYet(&'static str),
    /// Not one of nalgebra's: inert.
    Other,
}

impl Class {
    pub fn is_differentiable(&self) -> bool {
        matches!(self, Class::Value(_) | Class::List(_) | Class::Tuple(_))
    }

    /// The scalar types that it is made of.
    pub fn reals(&self) -> Vec<&Real> {
        match self {
            Class::Value(value) => vec![&value.real],
            Class::List(list) => vec![&list.real],
            Class::Tuple(parts) => parts.iter().flat_map(Class::reals).collect(),
            Class::Mutable | Class::NotYet(_) | Class::Other => Vec::new(),
        }
    }

    /// The numbers and matrices that it is made of.
    pub fn values(&self) -> Vec<&Value> {
        match self {
            Class::Value(value) => vec![value],
            Class::List(list) => list.element.iter().collect(),
            Class::Tuple(parts) => parts.iter().flat_map(Class::values).collect(),
            Class::Mutable | Class::NotYet(_) | Class::Other => Vec::new(),
        }
    }

    /// The type that owns it: that of a gradient.
    pub fn owned(&self, nalgebra: &TokenStream) -> Option<TokenStream> {
        match self {
            Class::Value(value) if value.passing == Passing::View || value.is_generic_storage() => {
                Some(value.owned(nalgebra))
            }
            Class::Value(value) => Some(value.written.clone()),
            Class::List(list) => Some(list.owned.clone()),
            Class::Tuple(parts) => {
                let parts: Option<Vec<_>> = parts.iter().map(|p| p.owned(nalgebra)).collect();
                parts.map(|parts| quote!((#(#parts,)*)))
            }
            Class::Mutable | Class::NotYet(_) | Class::Other => None,
        }
    }
}

/// `Option<Y>` or `Result<Y, E>`.
#[derive(Clone)]
pub struct Wrapper {
    path: syn::TypePath,
    /// `Y`
    pub inner: Type,
}

impl Wrapper {
    pub fn of(ty: &Type) -> Option<Wrapper> {
        let Type::Path(path) = strip(ty) else {
            return None;
        };
        let last = path.path.segments.last()?;
        if last.ident != "Option" && last.ident != "Result" {
            return None;
        }
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return None;
        };
        match arguments.args.first() {
            Some(GenericArgument::Type(inner)) => Some(Wrapper {
                path: path.clone(),
                inner: inner.clone(),
            }),
            _ => None,
        }
    }

    pub fn is_option(&self) -> bool {
        let last = self.path.path.segments.last();
        last.is_some_and(|s| s.ident == "Option")
    }

    /// The same around another type.
    pub fn around(&self, inner: &TokenStream) -> TokenStream {
        let mut path = self.path.clone();
        if let Some(last) = path.path.segments.last_mut()
            && let PathArguments::AngleBracketed(arguments) = &mut last.arguments
            && let Some(first) = arguments.args.first_mut()
        {
            *first = GenericArgument::Type(Type::Verbatim(inner.clone()));
        }
        path.to_token_stream()
    }

    /// `Some` or `Ok`.
    pub fn constructor(&self) -> TokenStream {
        if self.is_option() {
            quote!(::core::option::Option::Some)
        } else {
            quote!(::core::result::Result::Ok)
        }
    }
}

/// The type of what a function returns.
#[derive(Clone)]
pub enum Returned {
    /// A scalar or a matrix.
    Value(Value),
    Tuple(Vec<Returned>),
    Array(Box<Returned>, TokenStream),
    Vec(Box<Returned>),
    /// Integers, conditions and texts: without a derivative.
    Plain,
    /// A name that tells nothing: an alias, or a type of the user's.
    Named(Type),
}

impl Returned {
    /// The first scalar type in it.
    pub fn real(&self) -> Option<Real> {
        match self {
            Returned::Value(value) => Some(value.real.clone()),
            Returned::Tuple(parts) => parts.iter().find_map(Returned::real),
            Returned::Array(inner, _) | Returned::Vec(inner) => inner.real(),
            Returned::Plain | Returned::Named(_) => None,
        }
    }

    /// The type of its tangents and cotangents: owned, with `()` for what has no derivative.
    pub fn tangent(&self, nalgebra: &TokenStream) -> TokenStream {
        match self {
            Returned::Value(value) if value.passing == Passing::View => value.owned(nalgebra),
            Returned::Value(value) => value.written.clone(),
            Returned::Tuple(parts) => {
                let parts = parts.iter().map(|p| p.tangent(nalgebra));
                quote!((#(#parts,)*))
            }
            Returned::Array(inner, length) => {
                let inner = inner.tangent(nalgebra);
                quote!([#inner; #length])
            }
            Returned::Vec(inner) => {
                let inner = inner.tangent(nalgebra);
                quote!(::std::vec::Vec<#inner>)
            }
            Returned::Plain => quote!(()),
            Returned::Named(ty) => ty.to_token_stream(),
        }
    }
}

/// The type parameters that stand for real numbers, and the const parameters.
#[derive(Clone)]
pub struct Context {
    pub reals: Vec<Ident>,
    pub consts: Vec<Ident>,
}

impl Context {
    pub fn of(all: &[&Generics]) -> Self {
        let mut context = Context {
            reals: Vec::new(),
            consts: Vec::new(),
        };
        let is_real = |bound: &TypeParamBound| matches!(bound, TypeParamBound::Trait(t) if t.path.segments.last().is_some_and(|s| s.ident == "RealField"));
        for generics in all {
            for param in &generics.params {
                match param {
                    GenericParam::Type(t) if t.bounds.iter().any(is_real) => {
                        context.reals.push(t.ident.clone())
                    }
                    GenericParam::Const(c) => context.consts.push(c.ident.clone()),
                    _ => {}
                }
            }
            for predicate in generics.where_clause.iter().flat_map(|w| &w.predicates) {
                if let WherePredicate::Type(t) = predicate
                    && let (Type::Path(path), true) = (&t.bounded_ty, t.bounds.iter().any(is_real))
                {
                    context.reals.extend(path.path.get_ident().cloned());
                }
            }
        }
        context
    }

    /// A scalar type that the tokens do not tell: a type parameter of the surrounding `impl`, or an alias.
    /// The companion asks it for its zero and one, so rustc checks the guess.
    pub fn add_result(&mut self, output: &syn::ReturnType) {
        let syn::ReturnType::Type(_, ty) = output else {
            return;
        };
        let Type::Path(path) = strip(ty) else { return };
        let Some(name) = path.path.get_ident() else {
            return;
        };
        let text = name.to_string();
        let capital = text.starts_with(|c: char| c.is_ascii_uppercase());
        let known = matches!(text.as_str(), "String" | "Self")
            || GEOMETRY.contains(&text.as_str())
            || alias(&text).is_some()
            || split_view(&text).is_some();
        if capital && !known && !self.reals.contains(name) {
            self.reals.push(name.clone());
        }
    }

    /// The type of a result.
    pub fn returned(&self, ty: &Type) -> Returned {
        match strip(ty) {
            Type::Tuple(tuple) if !tuple.elems.is_empty() => {
                Returned::Tuple(tuple.elems.iter().map(|t| self.returned(t)).collect())
            }
            Type::Array(array) => Returned::Array(
                Box::new(self.returned(&array.elem)),
                array.len.to_token_stream(),
            ),
            Type::Path(path) if path.qself.is_none() => {
                let last = path.path.segments.last();
                if let Some(last) = last.filter(|s| s.ident == "Vec")
                    && let PathArguments::AngleBracketed(arguments) = &last.arguments
                    && let Some(GenericArgument::Type(inner)) = arguments.args.first()
                {
                    return Returned::Vec(Box::new(self.returned(inner)));
                }
                match self.classify(ty) {
                    Class::Value(value) => Returned::Value(value),
                    _ if last.is_some_and(|s| PLAIN.contains(&s.ident.to_string().as_str())) => {
                        Returned::Plain
                    }
                    _ => Returned::Named(ty.clone()),
                }
            }
            Type::Reference(_) => match self.classify(ty) {
                Class::Value(value) => Returned::Value(value),
                _ => Returned::Plain,
            },
            _ => Returned::Plain,
        }
    }

    pub fn real(&self, ty: &Type) -> Option<Real> {
        let Type::Path(path) = strip(ty) else {
            return None;
        };
        let name = path.path.get_ident()?;
        if name == "f64" {
            Some(Real::F64)
        } else if name == "f32" {
            Some(Real::F32)
        } else if self.reals.contains(name) {
            Some(Real::Generic(name.clone()))
        } else {
            None
        }
    }

    /// Classifies the type of a parameter or of a `let`.
    pub fn classify(&self, ty: &Type) -> Class {
        match strip(ty) {
            Type::Reference(reference) if reference.mutability.is_some() => Class::Mutable,
            Type::Reference(reference) => match self.classify(&reference.elem) {
                Class::Value(value) if value.passing == Passing::Reference => Class::Other,
                Class::Value(mut value) => {
                    if value.passing == Passing::Owned {
                        value.passing = Passing::Reference;
                    }
                    Class::Value(value)
                }
                Class::List(list) => Class::List(List {
                    by_reference: true,
                    ..list
                }),
                // The parts of a tuple behind a reference are read in their places.
                other => other,
            },
            Type::Array(array) if self.mentions_real(ty) => {
                let length = constant_size(&array.len);
                self.list(&array.elem, Some(length), ty.to_token_stream())
            }
            Type::Slice(slice) if self.mentions_real(ty) => {
                let elem = &slice.elem;
                self.list(elem, None, quote!(::std::vec::Vec<#elem>))
            }
            Type::Tuple(tuple) if self.mentions_real(ty) => {
                let parts: Vec<Class> = tuple.elems.iter().map(|t| self.classify(t)).collect();
                if parts.iter().all(Class::is_differentiable) {
                    return Class::Tuple(parts);
                }
                Class::NotYet(
                    "a part of this tuple has no derivative\nhelp: pass it as a parameter of its own, or leave the tuple out of `wrt(…)`",
                )
            }
            Type::Path(path) => self.classify_path(path, ty),
            _ => Class::Other,
        }
    }

    /// What a type of nalgebra's geometry is, of how many dimensions, and whether it is behind a reference.
    pub fn geometric(&self, ty: &Type, real: &Real) -> Option<(Frame, usize, bool)> {
        match strip(ty) {
            Type::Reference(reference) if reference.mutability.is_none() => {
                let (frame, size, _) = self.geometric(&reference.elem, real)?;
                Some((frame, size, true))
            }
            Type::Path(path) if path.qself.is_none() => {
                let last = path.path.segments.last()?;
                let PathArguments::AngleBracketed(arguments) = &last.arguments else {
                    return None;
                };
                let Some(GenericArgument::Type(of)) = arguments.args.first() else {
                    return None;
                };
                if last.ident == "Unit" {
                    // Of a vector or of a quaternion.
                    return match self.classify(of) {
                        Class::Value(value) if value.real == *real => match value.extents {
                            Some((Extent::Known(Dim::Static(n)), _)) => {
                                Some((Frame::Unit, n, false))
                            }
                            _ => None,
                        },
                        _ => match self.geometric(of, real)? {
                            (Frame::Quaternion, ..) => Some((Frame::UnitQuaternion, 3, false)),
                            _ => None,
                        },
                    };
                }
                let (frame, size) = frame(&last.ident.to_string())?;
                (self.real(of).as_ref() == Some(real)).then_some((frame, size?, false))
            }
            _ => None,
        }
    }

    fn list(&self, elem: &Type, length: Option<Dim>, owned: TokenStream) -> Class {
        match self.classify(elem) {
            Class::Value(value)
                if value.passing == Passing::Owned && !value.is_generic_storage() =>
            {
                Class::List(List {
                    real: value.real.clone(),
                    element: value.extents.is_some().then_some(value),
                    length,
                    owned,
                    by_reference: false,
                })
            }
            _ => Class::NotYet(
                "lists of other things than numbers, vectors and matrices cannot be differentiated by yet\nhelp: pass a list for each part, or leave it out of `wrt(…)`",
            ),
        }
    }

    fn mentions_real(&self, ty: &Type) -> bool {
        let names = |name: &Ident| name == "f64" || name == "f32" || self.reals.contains(name);
        mentions(ty.to_token_stream(), &names)
    }

    fn classify_path(&self, path: &syn::TypePath, ty: &Type) -> Class {
        if let Some(real) = self.real(ty) {
            return Class::Value(Value {
                real,
                extents: None,
                passing: Passing::Owned,
                written: ty.to_token_stream(),
            });
        }
        let Some(last) = path.path.segments.last() else {
            return Class::Other;
        };
        if path.qself.is_some() {
            return Class::Other;
        }
        let name = last.ident.to_string();
        if name == "Vec"
            && self.mentions_real(ty)
            && let PathArguments::AngleBracketed(arguments) = &last.arguments
            && let Some(GenericArgument::Type(elem)) = arguments.args.first()
        {
            return self.list(elem, None, ty.to_token_stream());
        }
        if name == "Complex" {
            return Class::NotYet(
                "complex numbers cannot be differentiated by\nhelp: pass the real and the imaginary part, or leave it out of `wrt(…)`",
            );
        }
        if GEOMETRY.contains(&name.as_str()) {
            return Class::NotYet(
                "rotations, quaternions, points and isometries cannot be differentiated by yet\nhelp: pass a vector of parameters, or leave it out of `wrt(…)`",
            );
        }
        match self.matrix(&last.ident, &last.arguments) {
            Some(Some(mut value)) => {
                value.written = ty.to_token_stream();
                Class::Value(value)
            }
            Some(None) => Class::Mutable,
            None if self.has_generic_size(last) => Class::NotYet(
                "a size that is a type parameter is not supported\nhelp: write `SVector<T, N>` with `const N: usize`, or `DVector<T>`, or leave it out of `wrt(…)`",
            ),
            None => Class::Other,
        }
    }

    /// `OVector<T, D>` with `D: Dim`.
    fn has_generic_size(&self, last: &syn::PathSegment) -> bool {
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return false;
        };
        let name = last.ident.to_string();
        let of_reals = matches!(arguments.args.first(), Some(GenericArgument::Type(ty)) if self.real(ty).is_some());
        of_reals && matches!(name.as_str(), "OVector" | "OMatrix" | "RowOVector")
    }

    /// The matrix type of a path's last segment; `Some(None)` for a mutable view.
    pub fn matrix(&self, name: &Ident, arguments: &PathArguments) -> Option<Option<Value>> {
        let arguments: Vec<&GenericArgument> = match arguments {
            PathArguments::AngleBracketed(args) => args
                .args
                .iter()
                .filter(|a| !matches!(a, GenericArgument::Lifetime(_)))
                .collect(),
            _ => Vec::new(),
        };
        let text = name.to_string();
        let (stem, view) = match text
            .strip_suffix("ViewMut")
            .or_else(|| text.strip_suffix("SliceMut"))
        {
            Some(_) => return Some(None),
            None => match split_view(&text) {
                Some(stem) => (stem, true),
                None => (text.clone(), false),
            },
        };
        let alias = alias(&stem)?;
        // The extents that the alias leaves open are its arguments after the scalar type.
        let mut position = 0;
        let mut extent = |known: Option<Extent>| match known {
            Some(extent) => Some(extent),
            None => {
                position += 1;
                match arguments.get(position) {
                    Some(argument) => self
                        .extent(argument)
                        .or_else(|| outer_const(&stem, argument)),
                    None => Some(Extent::Inferred),
                }
            }
        };
        let rows = extent(alias.rows)?;
        let cols = extent(alias.cols)?;
        let real = match arguments.first() {
            Some(GenericArgument::Type(Type::Infer(_))) | None => Real::F64,
            Some(GenericArgument::Type(ty)) => self.real(ty)?,
            _ => return None,
        };
        // A `Matrix` or `Vector` whose storage is written out: anything readable counts as a view.
        let passing = if view { Passing::View } else { Passing::Owned };
        Some(Some(Value {
            real,
            extents: Some((rows, cols)),
            passing,
            written: TokenStream::new(),
        }))
    }

    fn extent(&self, argument: &GenericArgument) -> Option<Extent> {
        match argument {
            GenericArgument::Const(expr) => Some(Extent::Known(constant_size(expr))),
            GenericArgument::Type(Type::Infer(_)) => Some(Extent::Inferred),
            GenericArgument::Type(Type::Path(path)) => {
                let last = path.path.segments.last()?;
                if last.ident == "Const" {
                    return match &last.arguments {
                        PathArguments::AngleBracketed(args) => {
                            args.args.first().and_then(|a| self.extent(a))
                        }
                        _ => None,
                    };
                }
                self.named_extent(&last.ident)
            }
            _ => None,
        }
    }

    fn named_extent(&self, name: &Ident) -> Option<Extent> {
        let text = name.to_string();
        if self.consts.contains(name) {
            return Some(Extent::Known(Dim::Generic(text)));
        }
        if text == "Dyn" || text == "Dynamic" {
            return Some(Extent::Dynamic);
        }
        text.strip_prefix('U')
            .and_then(|n| n.parse().ok())
            .map(|n| Extent::Known(Dim::Static(n)))
    }
}

/// The size that a constant expression is: a number where the macro can tell, else the expression itself.
pub fn constant_size(expr: &Expr) -> Dim {
    fn value(expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Int(n),
                ..
            }) => n.base10_parse().ok(),
            Expr::Paren(inner) => value(&inner.expr),
            Expr::Group(inner) => value(&inner.expr),
            Expr::Block(block) => match &block.block.stmts[..] {
                [syn::Stmt::Expr(inner, None)] => value(inner),
                _ => None,
            },
            Expr::Binary(binary) => {
                let (a, b) = (value(&binary.left)?, value(&binary.right)?);
                match binary.op {
                    syn::BinOp::Add(_) => a.checked_add(b),
                    syn::BinOp::Sub(_) => a.checked_sub(b),
                    syn::BinOp::Mul(_) => a.checked_mul(b),
                    _ => None,
                }
            }
            _ => None,
        }
    }
    // `{ N }` and `N` are one size.
    let plain = match expr {
        Expr::Block(block) => match &block.block.stmts[..] {
            [syn::Stmt::Expr(inner @ Expr::Path(_), None)] => inner,
            _ => expr,
        },
        other => other,
    };
    value(expr).map_or_else(
        || Dim::Generic(plain.to_token_stream().to_string()),
        Dim::Static,
    )
}

/// A const parameter of the surrounding `impl`: what else could stand there?
fn outer_const(stem: &str, argument: &GenericArgument) -> Option<Extent> {
    if !matches!(stem, "SVector" | "RowSVector" | "SMatrix") {
        return None;
    }
    let name = match argument {
        GenericArgument::Type(Type::Path(path)) => path.path.get_ident()?,
        _ => return None,
    };
    Some(Extent::Known(Dim::Generic(name.to_string())))
}

/// Types without a derivative.
const PLAIN: &[&str] = &[
    "usize", "isize", "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "bool",
    "char", "String",
];

/// Types of nalgebra that are not matrices: as parameters they need derivatives in a tangent space.
const GEOMETRY: &[&str] = &[
    "Quaternion",
    "UnitQuaternion",
    "UnitComplex",
    "Rotation",
    "Rotation2",
    "Rotation3",
    "Isometry",
    "Isometry2",
    "Isometry3",
    "IsometryMatrix2",
    "IsometryMatrix3",
    "Similarity",
    "Similarity2",
    "Similarity3",
    "Translation",
    "Translation2",
    "Translation3",
    "Transform",
    "Transform2",
    "Transform3",
    "Affine2",
    "Affine3",
    "Projective2",
    "Projective3",
    "Unit",
    "UnitVector2",
    "UnitVector3",
    "Point",
    "Point1",
    "Point2",
    "Point3",
    "Point4",
    "OPoint",
    "DualQuaternion",
    "UnitDualQuaternion",
    "Perspective3",
    "Orthographic3",
];

/// What an alias of nalgebra's geometry stands for, and of how many dimensions.
pub fn frame(name: &str) -> Option<(Frame, Option<usize>)> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let size = name[stem.len()..].parse::<usize>().ok();
    let sized = matches!(size, Some(2 | 3));
    Some(match stem {
        "Quaternion" if size.is_none() => (Frame::Quaternion, Some(3)),
        "UnitQuaternion" if size.is_none() => (Frame::UnitQuaternion, Some(3)),
        "UnitComplex" if size.is_none() => (Frame::UnitComplex, Some(2)),
        "Unit" if size.is_none() => (Frame::Unit, None),
        "UnitVector" if size.is_some() => (Frame::Unit, size),
        "Point" if size.is_some() => (Frame::Point, size),
        "Translation" if sized => (Frame::Translation, size),
        "Rotation" if sized => (Frame::Rotation, size),
        "Isometry" if size == Some(2) => (Frame::Isometry(Turn::Complex), size),
        "Isometry" if size == Some(3) => (Frame::Isometry(Turn::Quaternion), size),
        "IsometryMatrix" if sized => (Frame::Isometry(Turn::Matrix), size),
        _ => return None,
    })
}

/// The extents that the name of a type tells.
struct Alias {
    rows: Option<Extent>,
    cols: Option<Extent>,
}

/// The extents of an alias of nalgebra.
fn alias(name: &str) -> Option<Alias> {
    let one = || Some(Extent::Known(Dim::Static(1)));
    let dynamic = || Some(Extent::Dynamic);
    let (rows, cols) = match name {
        "DVector" => (dynamic(), one()),
        "RowDVector" => (one(), dynamic()),
        "DMatrix" => (dynamic(), dynamic()),
        "SVector" | "OVector" | "Vector" => (None, one()),
        "RowSVector" | "RowOVector" | "RowVector" => (one(), None),
        "SMatrix" | "OMatrix" | "Matrix" => (None, None),
        _ => {
            let known = |text: &str| digit(text).filter(|e| *e != Extent::Dynamic);
            if let Some(n) = name.strip_prefix("Vector") {
                (Some(known(n)?), one())
            } else if let Some(n) = name.strip_prefix("RowVector") {
                (one(), Some(known(n)?))
            } else {
                let sizes = name.strip_prefix("Matrix")?;
                match sizes.split_once('x') {
                    Some((r, c)) => (Some(digit(r)?), Some(digit(c)?)),
                    None => (Some(known(sizes)?), Some(known(sizes)?)),
                }
            }
        }
    };
    Some(Alias { rows, cols })
}

fn digit(text: &str) -> Option<Extent> {
    match text {
        "X" => Some(Extent::Dynamic),
        "1" | "2" | "3" | "4" | "5" | "6" => {
            text.parse().ok().map(|n| Extent::Known(Dim::Static(n)))
        }
        _ => None,
    }
}

/// `DVectorView` is a view of `DVector`, `VectorView3` of `Vector3`, `MatrixView2x3` of `Matrix2x3`.
fn split_view(name: &str) -> Option<String> {
    let (before, after) = name.split_once("View")?;
    Some(format!("{before}{after}"))
}

/// The type within parentheses and invisible groups.
pub fn strip(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => strip(&inner.elem),
        Type::Group(inner) => strip(&inner.elem),
        other => other,
    }
}

/// Whether any identifier in the tokens satisfies the predicate.
pub fn mentions(tokens: TokenStream, predicate: &dyn Fn(&Ident) -> bool) -> bool {
    tokens.into_iter().any(|tree| match tree {
        proc_macro2::TokenTree::Ident(ident) => predicate(&ident),
        proc_macro2::TokenTree::Group(group) => mentions(group.stream(), predicate),
        _ => false,
    })
}

impl Value {
    /// A `Matrix` or `Vector` with its storage written out.
    pub fn is_generic_storage(&self) -> bool {
        let text = self.written.to_string();
        let head = text.split('<').next().unwrap_or("");
        let last = head.rsplit("::").next().unwrap_or("").trim();
        matches!(last, "Matrix" | "Vector" | "RowVector") && self.extents.is_some()
    }

    /// The owned type in nalgebra's own words, under the given path.
    pub fn owned(&self, nalgebra: &TokenStream) -> TokenStream {
        let real = &self.real;
        let Some((rows, cols)) = &self.extents else {
            return quote!(#real);
        };
        let one = Extent::Known(Dim::Static(1));
        let size = |e: &Extent| match e {
            Extent::Known(dim) => dim_tokens(dim),
            _ => quote!(_),
        };
        let dim = |e: &Extent| match e {
            Extent::Known(dim) => {
                let n = dim_tokens(dim);
                quote!(#nalgebra::Const<#n>)
            }
            Extent::Dynamic => quote!(#nalgebra::Dyn),
            Extent::Inferred => quote!(_),
        };
        let (r, c) = (size(rows), size(cols));
        match (rows, cols) {
            (Extent::Dynamic, c) if *c == one => quote!(#nalgebra::DVector<#real>),
            (r, Extent::Dynamic) if *r == one => quote!(#nalgebra::RowDVector<#real>),
            (Extent::Dynamic, Extent::Dynamic) => quote!(#nalgebra::DMatrix<#real>),
            (Extent::Known(_), c) if *c == one => quote!(#nalgebra::SVector<#real, #r>),
            (r, Extent::Known(_)) if *r == one => quote!(#nalgebra::RowSVector<#real, #c>),
            (Extent::Known(_), Extent::Known(_)) => quote!(#nalgebra::SMatrix<#real, #r, #c>),
            _ => {
                let (r, c) = (dim(rows), dim(cols));
                quote!(#nalgebra::OMatrix<#real, #r, #c>)
            }
        }
    }
}

pub fn dim_tokens(dim: &Dim) -> TokenStream {
    match dim {
        Dim::Static(n) => proc_macro2::Literal::usize_unsuffixed(*n).into_token_stream(),
        Dim::Generic(name) => name.parse().unwrap_or_default(),
        Dim::Dynamic(_) => quote!(_),
    }
}
