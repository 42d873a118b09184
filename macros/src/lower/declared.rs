//! What declarations tell of inert expressions: the types of parameters, of the items of lists among them, and of the rows
//! and columns of matrices.

use super::Lower;
use super::statements::pattern_names;
use crate::graph::{Dim, Elem, Shape};
use crate::scope::{Hint, Inert, Value};
use crate::ty;
use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Expr, Pat, Stmt, Type, parse_quote};

/// What is known of the type of an inert value.
#[derive(Clone)]
pub enum Declared {
    /// As the user has written it.
    Type(Type),
    /// A view of a matrix.
    Matrix(Shape),
    /// What iterators give that go side by side.
    Tuple(Vec<Declared>),
    Unknown,
}

impl Declared {
    fn of(ty: Option<Type>) -> Self {
        ty.map_or(Declared::Unknown, Declared::Type)
    }

    /// Whether it is a reference for certain.
    pub fn is_reference(&self) -> bool {
        matches!(self, Declared::Type(ty) if behind(ty).is_some())
    }

    /// What is behind a reference.
    fn behind(self) -> Self {
        match self {
            Declared::Type(ty) => Declared::of(behind(&ty).cloned()),
            other => other,
        }
    }

    fn borrowed(self) -> Self {
        match self {
            Declared::Type(ty) => Declared::Type(parse_quote!(&#ty)),
            Declared::Unknown => Declared::Type(parse_quote!(&_)),
            other => other,
        }
    }

    /// An item of a list.
    fn item(&self) -> Self {
        match self {
            Declared::Type(ty) => Declared::of(ty::item_of(ty)),
            _ => Declared::Unknown,
        }
    }

    /// A part of a tuple.
    fn part(&self, at: usize) -> Self {
        match self {
            Declared::Type(ty) => match without_references(ty) {
                Type::Tuple(tuple) => Declared::of(tuple.elems.get(at).cloned()),
                _ => Declared::Unknown,
            },
            Declared::Tuple(parts) => parts.get(at).cloned().unwrap_or(Declared::Unknown),
            _ => Declared::Unknown,
        }
    }

    /// What the names in a pattern of it are; what a pattern without `&` takes from behind a reference is borrowed.
    pub fn taken_by(&self, pattern: &Pat) -> Vec<(Ident, Declared)> {
        let mut names = Vec::new();
        self.taken(pattern, false, &mut names);
        names
    }

    fn taken(&self, pattern: &Pat, borrowed: bool, into: &mut Vec<(Ident, Declared)>) {
        match pattern {
            Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
                let own = match borrowed {
                    true => self.clone().borrowed(),
                    false => self.clone(),
                };
                into.push((name.ident.clone(), own));
            }
            Pat::Paren(inner) => self.taken(&inner.pat, borrowed, into),
            Pat::Reference(inner) if !borrowed => {
                self.clone().behind().taken(&inner.pat, false, into);
            }
            Pat::Tuple(tuple) if !tuple.elems.iter().any(|p| matches!(p, Pat::Rest(_))) => {
                let borrowed = borrowed || self.is_reference();
                for (at, pattern) in tuple.elems.iter().enumerate() {
                    self.part(at).taken(pattern, borrowed, into);
                }
            }
            _ => {}
        }
    }
}

impl Lower<'_> {
    /// What is known of an inert expression.
    pub(super) fn declared(&self, expr: &Expr) -> Declared {
        match expr {
            Expr::Path(path) => {
                let bound = self.scope.named(path);
                let inert = |value: &Value| matches!(value, Value::Inert(_) | Value::Elements(_));
                let bound = bound.filter(|bound| inert(&bound.value));
                let known = bound.and_then(|bound| bound.declared.as_deref());
                known.cloned().unwrap_or(Declared::Unknown)
            }
            Expr::Paren(inner) => self.declared(&inner.expr),
            Expr::Group(inner) => self.declared(&inner.expr),
            Expr::Reference(inner) if inner.mutability.is_none() => {
                self.declared(&inner.expr).borrowed()
            }
            Expr::Unary(inner) if matches!(inner.op, syn::UnOp::Deref(_)) => {
                self.declared(&inner.expr).behind()
            }
            Expr::Index(index) => match (self.declared(&index.expr).item(), &*index.index) {
                (Declared::Type(item), Expr::Range(_)) => Declared::Type(parse_quote!([#item])),
                (item, _) => item,
            },
            Expr::Field(field) => match &field.member {
                syn::Member::Unnamed(at) => self.declared(&field.base).part(at.index as usize),
                syn::Member::Named(_) => Declared::Unknown,
            },
            _ => Declared::Unknown,
        }
    }

    /// What an inert iterator gives.
    pub(super) fn declared_items(&self, iterator: &Expr) -> Declared {
        let call = match iterator {
            Expr::Paren(inner) => return self.declared_items(&inner.expr),
            Expr::Group(inner) => return self.declared_items(&inner.expr),
            Expr::Reference(inner) if inner.mutability.is_none() => {
                return self.declared(&inner.expr).item().borrowed();
            }
            Expr::MethodCall(call) => call,
            list => {
                let whole = self.declared(list);
                return match (whole.is_reference(), whole.item()) {
                    (_, Declared::Unknown) => Declared::Unknown,
                    (true, item) => item.borrowed(),
                    (false, item) => item,
                };
            }
        };
        let receiver = &*call.receiver;
        match (call.method.to_string().as_str(), call.args.first()) {
            ("iter", None) => self.declared(receiver).item().borrowed(),
            ("windows" | "chunks" | "chunks_exact", Some(_)) => {
                match self.declared(receiver).item() {
                    Declared::Type(item) => Declared::Type(parse_quote!(&[#item])),
                    other => other,
                }
            }
            ("row_iter" | "column_iter", None) => match self.extents(receiver) {
                Some((_, cols)) if call.method == "row_iter" => {
                    Declared::Matrix(Shape::new(Dim::Static(1), cols))
                }
                Some((rows, _)) => Declared::Matrix(Shape::new(rows, Dim::Static(1))),
                None => Declared::Unknown,
            },
            ("into_iter" | "rev", None) | ("skip" | "take" | "step_by", Some(_)) => {
                self.declared_items(receiver)
            }
            ("filter", Some(_)) => self.declared_items(receiver),
            ("copied" | "cloned", None) => self.declared_items(receiver).behind(),
            ("enumerate", None) => {
                let count = Declared::Type(parse_quote!(usize));
                Declared::Tuple(vec![count, self.declared_items(receiver)])
            }
            ("zip", Some(other)) => Declared::Tuple(vec![
                self.declared_items(receiver),
                self.declared_items(other),
            ]),
            _ => Declared::Unknown,
        }
    }

    /// The extents of an inert matrix that has a name: the static ones.
    fn extents(&self, expr: &Expr) -> Option<(Dim, Dim)> {
        let Expr::Path(path) = expr else {
            return None;
        };
        let Value::Node(id) = self.scope.named(path)?.value else {
            return None;
        };
        let shape = self.graph.shape(id)?;
        let own = |dim: Dim| match dim {
            Dim::Dynamic(_) => Dim::Dynamic(u32::MAX),
            known => known,
        };
        Some((own(shape.rows), own(shape.cols)))
    }

    /// What is known of an inert expression that stays as it stands.
    pub(super) fn hint_of_inert(&mut self, expr: &Expr) -> Hint {
        let declared = self.declared(expr);
        match self.hint_of_declared(&declared) {
            Hint::Unknown => self.matrix_given_by(expr),
            known => known,
        }
    }

    /// Whether an inert branch, block or method of a variable that changes gives a matrix, as far as what stands at its end
    /// tells. Only the kind is wanted: what reading it placed is taken back.
    fn matrix_given_by(&mut self, expr: &Expr) -> Hint {
        let (mark, guesses) = (self.mark(), self.guesses);
        let value = match expr {
            Expr::If(branch) => tail_of(&branch.then_branch).map(|tail| self.expr(tail)),
            Expr::Block(block) => tail_of(&block.block).map(|tail| self.expr(tail)),
            Expr::Match(each) => each.arms.first().and_then(|arm| match &*arm.body {
                Expr::Block(block) => tail_of(&block.block).map(|tail| self.expr(tail)),
                // It may be made of what the pattern binds.
                _ => None,
            }),
            Expr::MethodCall(call) => match &*call.receiver {
                Expr::Path(path) => match self.scope.named(path).map(|known| known.value.clone()) {
                    Some(Value::Inert(changing)) if matches!(changing.hint, Hint::Matrix(_)) => {
                        let now = Value::Inert(Inert {
                            mutable: false,
                            ..changing
                        });
                        let (receiver, args) = ((now, &*call.receiver), &call.args);
                        let (turbofish, args) =
                            (call.turbofish.as_ref(), args.iter().collect::<Vec<_>>());
                        Some(self.apply_method(&call.method, turbofish, receiver, &args, expr))
                    }
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        let guessed = self.guesses > guesses;
        self.roll_back(mark);
        match value {
            Some(Ok(Value::Node(id))) if !guessed => {
                let kind = self.graph.kind(id);
                let shape = kind.shape.filter(|_| kind.elem == Elem::Real);
                shape.map_or(Hint::Unknown, Hint::Matrix)
            }
            Some(Ok(Value::Inert(inert))) if matches!(inert.hint, Hint::Matrix(_)) => inert.hint,
            _ => Hint::Unknown,
        }
    }

    /// The same by a declaration: a number, or a reference to one, is found out where it is computed with.
    pub(super) fn hint_of_declared(&mut self, declared: &Declared) -> Hint {
        let hint = match declared {
            Declared::Type(ty) => self.hint_of_type(ty),
            Declared::Matrix(shape) => Hint::Matrix(shape.clone()),
            Declared::Tuple(_) | Declared::Unknown => Hint::Unknown,
        };
        match hint {
            known @ (Hint::Matrix(_) | Hint::Geometric { .. }) => known,
            _ => Hint::Unknown,
        }
    }
}

/// What stands at the end of a block, where it is made of nothing that the block binds.
fn tail_of(block: &syn::Block) -> Option<&Expr> {
    let (Stmt::Expr(tail, None), before) = block.stmts.split_last()? else {
        return None;
    };
    let mut bound = Vec::new();
    for stmt in before {
        match stmt {
            Stmt::Local(local) => pattern_names(&local.pat, &mut bound),
            Stmt::Expr(..) => {}
            Stmt::Item(_) | Stmt::Macro(_) => return None,
        }
    }
    let reads = ty::mentions(tail.to_token_stream(), &|name| bound.contains(name));
    (!reads).then_some(tail)
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
