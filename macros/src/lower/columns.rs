//! Lists of vectors and matrices that change: one matrix, of which each takes a few columns.

use super::{Lower, Lowered, refuse};
use crate::error::text;
use crate::graph::{Dim, Id, Kind, Shape};
use crate::rules::{Op, Part};
use crate::scope::{Columns, Hint, Inert, Value};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::Expr;

impl Columns {
    pub(super) fn width(self) -> usize {
        match self {
            Columns::Lists => 1,
            Columns::Matrices(width) => width,
        }
    }

    /// `width * count`
    pub(super) fn first_of(self, count: &Expr) -> Expr {
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
    pub(super) fn repeated_columns(
        &mut self,
        value: Id,
        columns: Columns,
        (count, init): (&Expr, &Expr),
    ) -> Lowered<Value> {
        let all = columns.first_of(count);
        let mut number = |count: &Expr| match init {
            Expr::Repeat(_) => Ok(crate::ty::constant_size(count)),
            _ => self.number_of(count),
        };
        let (cols, count) = (number(&all)?, number(count)?);
        let all = self.side_by_side(value, columns, (count, cols), init)?;
        Ok(Value::Columns(all, columns))
    }

    /// A copy of a list of vectors or matrices of static sizes: `list.clone()`, `list.to_vec()` and `*list`.
    pub(crate) fn copied_list(&mut self, init: &Expr) -> Lowered<Option<Value>> {
        let list = match init {
            Expr::MethodCall(call) if call.args.is_empty() => {
                let name = call.method.to_string();
                let copies = matches!(name.as_str(), "clone" | "to_vec" | "to_owned");
                copies.then_some(&*call.receiver)
            }
            Expr::Unary(deref) if matches!(deref.op, syn::UnOp::Deref(_)) => Some(&*deref.expr),
            _ => None,
        };
        let Some(Expr::Path(path)) = list else {
            return Ok(None);
        };
        let known = self.scope.named(path).filter(|known| known.active);
        let Some(Value::Elements(all)) = known.map(|known| known.value.clone()) else {
            return Ok(None);
        };
        let element = self.graph.lists.borrow().get(&all).cloned();
        let element = element.and_then(|list| list.element);
        let Some(Shape {
            rows: Dim::Static(rows),
            cols: Dim::Static(width),
        }) = element
        else {
            return Ok(None);
        };
        let columns = Columns::Matrices(width);
        let cols = match self.graph.shape(all).and_then(|shape| shape.entries()) {
            Some(entries) => Dim::Static(entries / rows.max(1)),
            None => self.number_of(&columns.first_of(&syn::parse_quote!(#path.len())))?,
        };
        let kind = Kind::matrix(Shape::new(Dim::Static(rows), cols));
        let all = self.exact_of(Op::Reshape, vec![all], kind, init)?;
        Ok(Some(Value::Columns(all, columns)))
    }

    /// `[a, b, c]` and `vec![a, b, c]` of vectors of one static size.
    pub(super) fn listed_columns(&mut self, list: &[Value], at: &Expr) -> Lowered<Option<Value>> {
        let mut entries = Vec::new();
        let mut size = None;
        for value in list {
            let Value::Node(id) = value else {
                return Ok(None);
            };
            let own = match self.graph.shape(*id) {
                Some(Shape {
                    rows: Dim::Static(rows),
                    cols: Dim::Static(1),
                }) => rows,
                _ => return Ok(None),
            };
            if *size.get_or_insert(own) != own {
                return Ok(None);
            }
            entries.extend(self.rows_of_entries(*id, at)?.concat());
        }
        let Some(rows) = size else {
            return Ok(None);
        };
        let shape = Shape::fixed(rows, list.len());
        let Value::Node(all) = self.build(entries, shape, false, at)? else {
            return Ok(None);
        };
        Ok(Some(Value::Columns(all, Columns::Matrices(1))))
    }

    /// A matrix of so many columns, in which a value stands so often.
    fn side_by_side(
        &mut self,
        value: Id,
        columns: Columns,
        (count, cols): (Dim, Dim),
        at: &Expr,
    ) -> Lowered<Id> {
        let Some(Shape { rows, .. }) = self.graph.shape(value) else {
            return refuse(at, "this is not a list of vectors or matrices");
        };
        let kind = Kind::matrix(Shape::new(rows.clone(), cols.clone()));
        let width = columns.width();
        if self.graph.expr(value).is_zero() {
            self.exact_of(Op::Fill, vec![self.graph.constant(0.0)], kind, at)
        } else if width == 1 {
            self.exact_of(Op::SpreadColumns, vec![value], kind, at)
        } else if let Dim::Static(cols) = cols {
            let ones = Kind::matrix(Shape::fixed(1, cols / width));
            let one = self.graph.constant(1.0);
            let ones = self.exact_of(Op::Fill, vec![one], ones, at)?;
            self.exact_of(Op::Kronecker, vec![ones, value], kind, at)
        } else if let Dim::Static(rows) = rows {
            // Its columns one below the other, as often as that, and side by side again.
            let one = Kind::matrix(Shape::fixed(rows * width, 1));
            let all = Kind::matrix(Shape::new(Dim::Static(rows * width), count));
            let one = self.exact_of(Op::Reshape, vec![value], one, at)?;
            let all = self.exact_of(Op::SpreadColumns, vec![one], all, at)?;
            self.exact_of(Op::Reshape, vec![all], kind, at)
        } else {
            refuse(
                at,
                "a list of matrices begins with zeros here, if both its length and their size are known at run time only\nhelp: begin with zeros, and assign to its elements in a loop",
            )
        }
    }

    /// `all[i]`
    pub(super) fn element_of_columns(
        &mut self,
        of: Id,
        columns: Columns,
        index: &syn::ExprIndex,
        expr: &Expr,
    ) -> Lowered<Value> {
        if let Expr::Tuple(_) = &*index.index {
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
        if columns != Columns::Lists {
            self.elements_of_columns.insert(id);
        }
        Ok(match columns {
            Columns::Lists => Value::Slice(id),
            Columns::Matrices(_) => Value::Node(id),
        })
    }

    /// `all.swap(i, j)` and `all.fill(v)`.
    pub(super) fn columns_in_place(
        &mut self,
        name: &Ident,
        (all, columns): (Id, Columns),
        call: &syn::ExprMethodCall,
        expr: &Expr,
    ) -> Lowered<Value> {
        let args: Vec<&Expr> = call.args.iter().collect();
        match (call.method.to_string().as_str(), &args[..]) {
            ("swap", [a, b]) => {
                let place = |lower: &mut Self, at: &Expr| {
                    let element: Expr = syn::parse_quote!(#name[#at]);
                    lower.place_of(&element)
                };
                let (a, b) = (place(self, a)?, place(self, b)?);
                self.exchange(&a, &b, expr).map(|()| Value::Unit)
            }
            ("fill", [value]) => {
                let id = match self.expr(value)? {
                    Value::Slice(id) => id,
                    known => self.node(&known, value, &Kind::SCALAR)?,
                };
                let Some(Shape { cols, .. }) = self.graph.shape(all) else {
                    return refuse(expr, "this is not a list of vectors or matrices");
                };
                let count = match &cols {
                    Dim::Static(cols) => Dim::Static(cols / columns.width()),
                    _ => self.number_of(&syn::parse_quote!(#name.len()))?,
                };
                let all = self.side_by_side(id, columns, (count, cols), expr)?;
                self.assign(name, Value::Columns(all, columns));
                Ok(Value::Unit)
            }
            (method, _) => refuse(
                expr,
                format!(
                    "`{method}` on a list of vectors or matrices is not supported yet\nhelp: assign to its elements, as in `{name}[i] = …`"
                ),
            ),
        }
    }

    /// `all.len()`
    pub(crate) fn length_of_columns(
        &mut self,
        of: Id,
        columns: Columns,
        expr: &Expr,
    ) -> Lowered<Value> {
        let Some(tokens) = self.count_of_columns(of, columns) else {
            return refuse(expr, "the length of this list is not known here");
        };
        Ok(Value::Inert(Inert {
            hint: Hint::Int,
            reads: vec![of],
            ..Inert::plain(tokens, true)
        }))
    }

    /// How many elements there are, by the name of the matrix.
    pub(super) fn count_of_columns(&self, of: Id, columns: Columns) -> Option<TokenStream> {
        if let Some(Dim::Static(cols)) = self.graph.shape(of).map(|s| s.cols) {
            let count = Literal::usize_unsuffixed(cols / columns.width());
            return Some(count.into_token_stream());
        }
        let name = self.name_of_variable(of)?;
        Some(match columns.width() {
            1 => quote!(#name.ncols()),
            width => {
                let width = Literal::usize_unsuffixed(width);
                quote!((#name.ncols() / #width))
            }
        })
    }

    /// The name of a value of the user's.
    pub(super) fn name_of_variable(&self, id: Id) -> Option<TokenStream> {
        let leaf = self.graph.leaf_of(id).map(|leaf| leaf.name);
        let names = self.graph.names.borrow();
        leaf.or_else(|| names.get(&id).map(ToTokens::to_token_stream))
    }
}
