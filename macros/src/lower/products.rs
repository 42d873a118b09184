//! BLAS's products that are added in place: `gemv`, `gemm`, `ger` and their transposed forms, by the operations that
//! nalgebra carries out, so that every bit is that of the user's function.

use super::{Lower, Lowered, Refusal, refuse};
use crate::graph::{Dim, Id, Kind, Shape};
use crate::rules::{Comparison, Op, Part, Scalar};
use crate::scope::{Lent, Value};
use proc_macro2::Ident;
use syn::Expr;
use syn::spanned::Spanned;

impl Lower<'_> {
    /// `y.gemv(alpha, &a, &x, beta)` and the like; what is at the place afterwards.
    pub(super) fn product_added(
        &mut self,
        method: &Ident,
        place: &Lent,
        args: [&Expr; 4],
        expr: &Expr,
    ) -> Lowered<Id> {
        let [alpha, a, b, beta] = args;
        let known = self.read_lent(place, expr)?;
        let shape = self.graph.shape(known).unwrap_or(Shape::fixed(1, 1));
        let unknown = || Dim::Dynamic(u32::MAX);
        let alpha = self.scalar_argument(alpha)?;
        let matrix = |rows, cols| Kind::matrix(Shape::new(rows, cols));
        let one = Dim::Static(1);
        let name = method.to_string();
        let (of_a, of_b) = match name.as_str() {
            "gemv" => (matrix(shape.rows, unknown()), matrix(unknown(), one)),
            "gemv_tr" => (matrix(unknown(), shape.rows), matrix(unknown(), one)),
            "gemm" => (matrix(shape.rows, unknown()), matrix(unknown(), shape.cols)),
            "gemm_tr" => (matrix(unknown(), shape.rows), matrix(unknown(), shape.cols)),
            _ => (matrix(shape.rows, one.clone()), matrix(shape.cols, one)),
        };
        let a = self.matrix_argument(a, &of_a)?;
        let b = self.matrix_argument(b, &of_b)?;
        let beta = self.scalar_argument(beta)?;
        let plain = self.is_constant(alpha, 1.0) && self.is_constant(beta, 0.0);
        match name.as_str() {
            "gemv" | "gemm" if plain => self.exact(Op::MatMul, vec![a, b], expr),
            "gemv" => self.columns_added((known, beta), alpha, (a, b), expr),
            "gemm"
                if [known, a, b]
                    .iter()
                    .all(|m| self.graph.shape(*m).is_some_and(|s| s.entries().is_some())) =>
            {
                let columns = self.graph.shape(known).map(|s| s.cols);
                let Some(Dim::Static(columns)) = columns else {
                    return Err(Refusal(None));
                };
                let rows = |lower: &Self, of: Id| {
                    let rows = lower.graph.shape(of).map_or(Dim::Static(1), |s| s.rows);
                    Kind::matrix(Shape::new(rows, Dim::Static(1)))
                };
                for j in 0..columns {
                    let j = self.graph.integer(j).id;
                    let column = Op::Part(Part::Column);
                    let (of_y, of_b) = (rows(self, known), rows(self, b));
                    let y = self.exact_of(column.clone(), vec![known, j], of_y, expr)?;
                    let x = self.exact_of(column, vec![b, j], of_b, expr)?;
                    let new = self.columns_added((y, beta), alpha, (a, x), expr)?;
                    self.put(&place.part(Part::Column, vec![j]), new, expr)?;
                }
                self.read_lent(place, expr)
            }
            // Of dynamic matrices, nalgebra computes it in another order than sums and products.
            "gemm" => refuse(
                method,
                "`gemm` of matrices of dynamic size is understood with the factors 1.0 and 0.0 only\nhelp: write the sum of products, as in `c = alpha * (a * b) + beta * c;`",
            ),
            "gemv_tr" | "gemm_tr" => {
                let product = self.exact(Op::TrMul, vec![a, b], expr)?;
                let product = self.times(product, alpha, expr)?;
                self.and_scaled(product, (beta, known), expr)
            }
            _ => {
                let b = self.times(b, alpha, expr)?;
                let b = self.exact(Op::Transpose, vec![b], expr)?;
                let product = self.exact(Op::MatMul, vec![a, b], expr)?;
                self.and_scaled(product, (beta, known), expr)
            }
        }
    }

    /// α a x + β y: column by column, the first beside what was there.
    fn columns_added(
        &mut self,
        (known, beta): (Id, Id),
        alpha: Id,
        (a, x): (Id, Id),
        expr: &Expr,
    ) -> Lowered<Id> {
        let first = self.graph.integer(0).id;
        let kind = self.graph.kind(known);
        let column = self.exact_of(Op::Part(Part::Column), vec![a, first], kind, expr)?;
        let column = self.times(column, alpha, expr)?;
        let entry = vec![x, first];
        let entry = self.exact_of(Op::Part(Part::Entry), entry, Kind::SCALAR, expr)?;
        let column = self.times(column, entry, expr)?;
        let start = self.and_scaled(column, (beta, known), expr)?;
        self.scope.push();
        let names = [("sum", start), ("a", a), ("x", x), ("alpha", alpha)];
        let names = names.map(|(wish, id)| self.local_name(wish, id));
        let [sum, a, x, by] = &names;
        let j = self.fresh("j");
        let term: Expr = match self.is_constant(alpha, 1.0) {
            true => syn::parse_quote_spanned!(expr.span()=> #a.column(#j) * #x[#j]),
            false => syn::parse_quote_spanned!(expr.span()=> #a.column(#j) * #by * #x[#j]),
        };
        let each: syn::ExprForLoop = syn::parse_quote_spanned!(expr.span()=>
            for #j in 1..#a.ncols() { #sum += #term; }
        );
        let done = self.for_loop(&each, &Expr::ForLoop(each.clone()));
        let value = self.scope.get(&sum.to_string()).map(|b| b.value.clone());
        self.scope.pop();
        done?;
        self.node(&value.unwrap_or(Value::Poison), expr, &Kind::SCALAR)
    }

    fn is_constant(&self, id: Id, value: f64) -> bool {
        matches!(self.graph.op(id), Op::Const(bits) if f64::from_bits(bits) == value)
    }

    fn times(&mut self, value: Id, factor: Id, at: &Expr) -> Lowered<Id> {
        match self.is_constant(factor, 1.0) {
            true => Ok(value),
            false => self.exact(Op::Scalar(Scalar::Mul), vec![value, factor], at),
        }
    }

    /// x + b y, but x where b is zero, as BLAS has it.
    pub(super) fn and_scaled(&mut self, x: Id, (b, y): (Id, Id), at: &Expr) -> Lowered<Id> {
        if self.is_constant(b, 0.0) {
            return Ok(x);
        }
        let other = self.times(y, b, at)?;
        let sum = self.exact(Op::Scalar(Scalar::Add), vec![x, other], at)?;
        if let Op::Const(_) = self.graph.op(b) {
            return Ok(sum);
        }
        let zero = self.graph.constant(0.0);
        let nothing = self.exact(Op::Compare(Comparison::Eq), vec![b, zero], at)?;
        self.exact(Op::Select, vec![nothing, x, sum], at)
    }
}
