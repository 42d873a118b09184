//! Lists of vectors and matrices that change: one matrix, of which each takes a few columns.

use super::{Lower, Lowered, refuse};
use crate::error::text;
use crate::graph::{Dim, Id, Kind, Shape};
use crate::rules::{Op, Part};
use crate::scope::{Columns, Hint, Inert, Value};
use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::Expr;

impl Columns {
    fn width(self) -> usize {
        match self {
            Columns::Lists => 1,
            Columns::Matrices(width) => width,
        }
    }

    /// `width * count`
    fn first_of(self, count: &Expr) -> Expr {
        match self.width() {
            1 => count.clone(),
            width => {
                let width = Literal::usize_unsuffixed(width);
                syn::parse_quote!(#width * (#count))
            }
        }
    }
}

impl Lower<'_> {
    /// `[value; count]` and `vec![value; count]` of a vector, a matrix or a list of numbers.
    pub(super) fn side_by_side(
        &mut self,
        value: Id,
        columns: Columns,
        (count, init): (&Expr, &Expr),
    ) -> Lowered<Value> {
        let width = columns.width();
        let count = columns.first_of(count);
        let cols = match init {
            Expr::Repeat(_) => crate::ty::constant_size(&count),
            _ => self.number_of(&count)?,
        };
        let Some(Shape { rows, .. }) = self.graph.shape(value) else {
            return refuse(init, "this is not a list of vectors or matrices");
        };
        let whole = Shape::new(rows, cols.clone());
        let kind = Kind::matrix(whole);
        let all = if self.graph.expr(value).is_zero() {
            self.exact_of(Op::Fill, vec![self.graph.constant(0.0)], kind, init)?
        } else if width == 1 {
            self.exact_of(Op::SpreadColumns, vec![value], kind, init)?
        } else if let Dim::Static(cols) = cols {
            let ones = Kind::matrix(Shape::fixed(1, cols / width));
            let one = self.graph.constant(1.0);
            let ones = self.exact_of(Op::Fill, vec![one], ones, init)?;
            self.exact_of(Op::Kronecker, vec![ones, value], kind, init)?
        } else {
            return refuse(
                init,
                "a list of matrices begins with zeros here, if its length is known at run time only\nhelp: begin with zeros, and assign to its elements in a loop",
            );
        };
        Ok(Value::Columns(all, columns))
    }

    /// `all[i]`
    pub(super) fn element_of_columns(
        &mut self,
        of: Id,
        columns: Columns,
        index: &syn::ExprIndex,
        expr: &Expr,
    ) -> Lowered<Value> {
        if let Expr::Range(_) | Expr::Tuple(_) = &*index.index {
            return refuse(
                &index.index,
                format!(
                    "`{}` is a list: an element is taken by one integer\nhelp: write `{0}[i]`",
                    text(&index.expr)
                ),
            );
        }
        if self.places.is_some() && !self.is_inert(&index.index) {
            return refuse(
                expr,
                format!(
                    "a whole element of `{}` at an index of an iterator is not supported yet\nhelp: use a `for` loop over its indices",
                    text(&index.expr)
                ),
            );
        }
        let at = &index.index;
        let (part, at) = match columns.width() {
            1 => (Part::Column, self.integer(at)?),
            width => {
                let first: Expr = syn::parse_quote!(#width * (#at));
                (
                    Part::FixedColumns(Dim::Static(width)),
                    self.integer(&first)?,
                )
            }
        };
        let id = self.part_at(of, &part, &[at], expr)?;
        Ok(match columns {
            Columns::Lists => Value::Slice(id),
            Columns::Matrices(_) => Value::Node(id),
        })
    }

    /// `all.len()`
    pub(crate) fn length_of_columns(
        &mut self,
        of: Id,
        columns: Columns,
        expr: &Expr,
    ) -> Lowered<Value> {
        let Some(name) = self.name_of_variable(of) else {
            return refuse(expr, "the length of this list is not known here");
        };
        let tokens = match columns.width() {
            1 => quote!(#name.ncols()),
            width => {
                let width = Literal::usize_unsuffixed(width);
                quote!((#name.ncols() / #width))
            }
        };
        Ok(Value::Inert(Inert {
            hint: Hint::Int,
            reads: vec![of],
            ..Inert::plain(tokens, true)
        }))
    }

    /// The name of a value of the user's.
    pub(super) fn name_of_variable(&self, id: Id) -> Option<TokenStream> {
        let leaf = self.graph.leaf_of(id).map(|leaf| leaf.name);
        let names = self.graph.names.borrow();
        leaf.or_else(|| names.get(&id).map(ToTokens::to_token_stream))
    }
}
