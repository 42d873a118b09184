//! What the types that the user has written tell of inert expressions: of parameters, and of the items of lists among
//! them.

use super::Lower;
use crate::scope::{Hint, Value};
use crate::ty;
use proc_macro2::Ident;
use syn::{Expr, Pat, Type, parse_quote};

impl Lower<'_> {
    /// The type of an inert expression, as far as declarations tell it.
    pub(super) fn declared_type(&self, expr: &Expr) -> Option<Type> {
        match expr {
            Expr::Path(path) => {
                let bound = self.scope.named(path)?;
                let inert = matches!(bound.value, Value::Inert(_) | Value::Elements(_));
                bound.declared.as_deref().filter(|_| inert).cloned()
            }
            Expr::Paren(inner) => self.declared_type(&inner.expr),
            Expr::Group(inner) => self.declared_type(&inner.expr),
            Expr::Reference(inner) if inner.mutability.is_none() => {
                let ty = self.declared_type(&inner.expr)?;
                Some(parse_quote!(&#ty))
            }
            Expr::Unary(inner) if matches!(inner.op, syn::UnOp::Deref(_)) => {
                behind(&self.declared_type(&inner.expr)?).cloned()
            }
            Expr::Index(index) if matches!(*index.index, Expr::Range(_)) => {
                let item = ty::item_of(&self.declared_type(&index.expr)?)?;
                Some(parse_quote!([#item]))
            }
            Expr::Index(index) => ty::item_of(&self.declared_type(&index.expr)?),
            Expr::Field(field) => match (self.declared_type(&field.base)?, &field.member) {
                (ty, syn::Member::Unnamed(at)) => match without_references(&ty) {
                    Type::Tuple(tuple) => tuple.elems.get(at.index as usize).cloned(),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// The type of what an inert iterator gives; of what is behind a reference, at least that it is one.
    fn declared_items(&self, iterator: &Expr) -> Option<Type> {
        let of = |list: &Expr| ty::item_of(&self.declared_type(list)?);
        let call = match iterator {
            Expr::Paren(inner) => return self.declared_items(&inner.expr),
            Expr::Group(inner) => return self.declared_items(&inner.expr),
            Expr::Reference(inner) if inner.mutability.is_none() => {
                let item = of(&inner.expr).unwrap_or_else(|| parse_quote!(_));
                return Some(parse_quote!(&#item));
            }
            Expr::MethodCall(call) => call,
            list => {
                let (ty, item) = (self.declared_type(list)?, of(list)?);
                return Some(match ty::strip(&ty) {
                    Type::Reference(_) => parse_quote!(&#item),
                    _ => item,
                });
            }
        };
        let first = call.args.first();
        match (call.method.to_string().as_str(), first) {
            ("iter", None) => {
                let item = of(&call.receiver).unwrap_or_else(|| parse_quote!(_));
                Some(parse_quote!(&#item))
            }
            ("windows" | "chunks" | "chunks_exact", Some(_)) => {
                let item = of(&call.receiver)?;
                Some(parse_quote!(&[#item]))
            }
            ("into_iter" | "rev", None) | ("skip" | "take" | "step_by" | "filter", Some(_)) => {
                self.declared_items(&call.receiver)
            }
            ("copied" | "cloned", None) => behind(&self.declared_items(&call.receiver)?).cloned(),
            ("enumerate", None) => {
                let item = self.declared_items(&call.receiver)?;
                Some(parse_quote!((usize, #item)))
            }
            ("zip", Some(other)) => {
                let unknown = || parse_quote!(_);
                let a = self.declared_items(&call.receiver).unwrap_or_else(unknown);
                let b = self.declared_items(other).unwrap_or_else(unknown);
                Some(parse_quote!((#a, #b)))
            }
            _ => None,
        }
    }

    /// The types of the names in a pattern that is bound to the items of an inert iterator.
    pub(super) fn types_of_items(&self, pattern: &Pat, iterator: &Expr) -> Vec<(Ident, Type)> {
        let item = self.declared_items(iterator);
        item.map_or_else(Vec::new, |item| types_of_names(pattern, &item))
    }

    /// The types of the names in a pattern that is bound to an inert value.
    pub(super) fn types_of_parts(&self, pattern: &Pat, value: &Expr) -> Vec<(Ident, Type)> {
        let ty = self.declared_type(value);
        ty.map_or_else(Vec::new, |ty| types_of_names(pattern, &ty))
    }

    /// What is known of an inert expression by declarations.
    pub(super) fn hint_of_inert(&mut self, expr: &Expr) -> Hint {
        match self.declared_type(expr) {
            Some(ty) => self.hint_of_declared(&ty),
            None => Hint::Unknown,
        }
    }

    /// The same of a type: a number, or a reference to one, is found out where it is computed with.
    pub(super) fn hint_of_declared(&mut self, ty: &Type) -> Hint {
        match self.hint_of_type(ty) {
            known @ (Hint::Matrix(_) | Hint::Geometric { .. }) => known,
            _ => Hint::Unknown,
        }
    }
}

/// The types of the names in a pattern of this type.
pub(super) fn types_of_names(pattern: &Pat, ty: &Type) -> Vec<(Ident, Type)> {
    let mut types = Vec::new();
    types_in(pattern, ty, false, &mut types);
    types
}

/// The type behind a reference.
fn behind(ty: &Type) -> Option<&Type> {
    match ty::strip(ty) {
        Type::Reference(reference) => Some(&reference.elem),
        _ => None,
    }
}

fn without_references(ty: &Type) -> &Type {
    behind(ty).map_or(ty::strip(ty), without_references)
}

/// The types of the names in a pattern; what a pattern without `&` takes from behind a reference is borrowed.
fn types_in(pattern: &Pat, ty: &Type, borrowed: bool, into: &mut Vec<(Ident, Type)>) {
    match pattern {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            let ty = match borrowed {
                true => parse_quote!(&#ty),
                false => ty.clone(),
            };
            into.push((name.ident.clone(), ty));
        }
        Pat::Paren(inner) => types_in(&inner.pat, ty, borrowed, into),
        Pat::Reference(inner) if !borrowed => {
            if let Some(ty) = behind(ty) {
                types_in(&inner.pat, ty, false, into);
            }
        }
        Pat::Tuple(tuple) => {
            let borrowed = borrowed || behind(ty).is_some();
            if let Type::Tuple(types) = without_references(ty)
                && types.elems.len() == tuple.elems.len()
                && !tuple.elems.iter().any(|p| matches!(p, Pat::Rest(_)))
            {
                for (pattern, ty) in tuple.elems.iter().zip(&types.elems) {
                    types_in(pattern, ty, borrowed, into);
                }
            }
        }
        _ => {}
    }
}
