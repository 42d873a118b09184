//! Lists of which a branch gives one or the other: where they are not equally long, a list whose length the run tells.

use super::{Lower, Lowered, refuse};
use crate::graph::{Dim, Extent, Form, Guard, Id, Kind, Leaf, Shape};
use crate::rules::{Op, Part};
use crate::scope::{Columns, Value};
use quote::ToTokens;
use syn::Expr;

/// A list as the entries of a column, or the columns of a matrix. One that is empty is like any other.
enum Whole {
    Empty,
    Column(Id),
    Columns(Id, Columns),
}

impl Lower<'_> {
    /// One of two lists; `None` if one is no list that can be taken for a column or a matrix.
    pub(super) fn chosen_list(
        &mut self,
        (cond_value, cond): (&Value, Id),
        (a, b): (&Value, &Value),
        expr: &Expr,
    ) -> Lowered<Option<Value>> {
        let (Some(a), Some(b)) = (self.whole_list(a, expr)?, self.whole_list(b, expr)?) else {
            return Ok(None);
        };
        let columns = match (&a, &b) {
            (Whole::Empty, Whole::Empty) => return Ok(Some(Value::List(Vec::new()))),
            (Whole::Columns(_, a), Whole::Columns(_, b)) if a != b => return Ok(None),
            (Whole::Columns(_, columns), Whole::Columns(..) | Whole::Empty)
            | (Whole::Empty, Whole::Columns(_, columns)) => Some(*columns),
            (Whole::Column(_) | Whole::Empty, Whole::Column(_) | Whole::Empty) => None,
            _ => return Ok(None),
        };
        let shapes = [&a, &b].map(|list| match list {
            Whole::Empty => None,
            Whole::Column(id) | Whole::Columns(id, _) => self.graph.shape(*id),
        });
        let rows = shapes
            .iter()
            .flatten()
            .next()
            .map(|shape| shape.rows.clone());
        if let [Some(a), Some(b)] = &shapes
            && columns.is_some()
            && matches!(a.rows, Dim::Dynamic(_)) != matches!(b.rows, Dim::Dynamic(_))
        {
            return Ok(None);
        }
        let same = matches!(&shapes, [Some(a), Some(b)] if a.same_type(b));
        let mut ids = Vec::new();
        for (list, side) in [(a, true), (b, false)] {
            ids.push(match list {
                Whole::Column(id) | Whole::Columns(id, _) if same => id,
                list => self.of_any_length(list, columns, &rows, Guard { cond, side })?,
            });
        }
        let (x, y) = (Value::Node(ids[0]), Value::Node(ids[1]));
        let chosen = self.choose(cond_value, cond, x, y, expr)?;
        let id = self.node(&chosen, expr, &Kind::SCALAR)?;
        Ok(Some(match columns {
            Some(columns) => Value::Columns(id, columns),
            None => Value::Slice(id),
        }))
    }

    fn whole_list(&mut self, list: &Value, expr: &Expr) -> Lowered<Option<Whole>> {
        Ok(match list {
            Value::List(entries) if entries.is_empty() => Some(Whole::Empty),
            Value::List(entries) => match self.list_that_changes(entries.clone(), expr) {
                Ok(Value::Slice(id)) => Some(Whole::Column(id)),
                Ok(Value::Columns(id, columns)) => Some(Whole::Columns(id, columns)),
                _ => None,
            },
            Value::Slice(id) => Some(Whole::Column(*id)),
            Value::Columns(id, columns) => Some(Whole::Columns(*id, *columns)),
            _ => None,
        })
    }

    /// A list of a length that the compiler knows, as one of which it does not.
    fn of_any_length(
        &mut self,
        list: Whole,
        columns: Option<Columns>,
        rows: &Option<Dim>,
        guard: Guard,
    ) -> Lowered<Id> {
        let (of, shape) = match list {
            Whole::Empty => (None, Shape::fixed(0, 0)),
            Whole::Column(id) | Whole::Columns(id, _) => {
                (Some(id), self.graph.shape(id).unwrap_or(Shape::fixed(0, 0)))
            }
        };
        let length = match columns {
            None => shape.rows.clone(),
            Some(_) => shape.cols.clone(),
        };
        if let (Some(id), Dim::Dynamic(_)) = (of, &length) {
            return Ok(id);
        }
        let known = length.clone();
        let Some(rows) = rows else {
            return Err(super::Refusal(None));
        };
        let length = self.sized_at_run_time(&length);
        let shape = match columns {
            None => Shape::new(length, Dim::Static(1)),
            Some(_) => Shape::new(rows.clone(), length),
        };
        let kind = Kind::matrix(shape);
        self.graph.guards.borrow_mut().push(guard);
        let zero = self.graph.constant(0.0);
        let room = self.graph.insert(Op::Fill, vec![zero], kind.clone());
        let id = match of {
            None => room,
            Some(of) => {
                let start = self.graph.integer(0).id;
                let part = match columns {
                    None => Part::FixedRows(known),
                    Some(_) => Part::FixedColumns(known),
                };
                self.graph
                    .insert(Op::Update(part), vec![room, of, start], kind)
            }
        };
        self.graph.guards.borrow_mut().pop();
        Ok(id)
    }

    /// A size as one that is known at run time only: else a matrix of it would be of another type.
    pub(super) fn sized_at_run_time(&mut self, size: &Dim) -> Dim {
        let name = match size {
            Dim::Static(size) => proc_macro2::Literal::usize_suffixed(*size).to_token_stream(),
            size => crate::ty::dim_tokens(size),
        };
        let count = self.graph.leaf(Leaf {
            name,
            kind: Kind::INT,
            form: Form::Owned,
            varies: false,
        });
        self.graph.dynamic(Extent::Int(count))
    }

    /// Two lists that a branch gives and that are no lists of one kind.
    pub(super) fn refuse_lists<T>(&self, expr: &Expr) -> Lowered<T> {
        refuse(
            expr,
            "this branch gives one of two lists that cannot be followed\nhelp: let both sides give lists of numbers, or of vectors or matrices of one size, or make the list with `push` in the branch",
        )
    }
}
