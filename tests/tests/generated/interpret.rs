//! The oracle: programs interpreted over dual numbers, matrices by plain loops, without any rule of the macro.

use crate::program::{Body, Cond, Expr, Function, Op, Program, Statement, Type, Unary, Var};
use num_dual::{Dual64, DualNum, HyperDual64};

/// What an integer parameter is given.
pub const INTEGER: usize = 2;

/// A real number with its derivatives, if any.
pub trait Number: DualNum<Primitive = f64> + Copy {
    /// The largest of its parts.
    fn size(&self) -> f64;
}

impl Number for f64 {
    fn size(&self) -> f64 {
        self.abs()
    }
}

impl Number for Dual64 {
    fn size(&self) -> f64 {
        largest([self.re, self.eps])
    }
}

impl Number for HyperDual64 {
    fn size(&self) -> f64 {
        largest([self.re, self.eps1, self.eps2, self.eps1eps2])
    }
}

/// The largest size, or NaN if there is one.
fn largest<const N: usize>(parts: [f64; N]) -> f64 {
    if parts.iter().any(|part| part.is_nan()) {
        return f64::NAN;
    }
    parts
        .iter()
        .fold(0.0, |largest, part| largest.max(part.abs()))
}

/// A matrix, column by column.
#[derive(Clone, Debug)]
pub struct Matrix<D> {
    rows: usize,
    cols: usize,
    entries: Vec<D>,
}

impl<D: Copy> Matrix<D> {
    fn from_fn(rows: usize, cols: usize, mut entry: impl FnMut(usize, usize) -> D) -> Matrix<D> {
        let mut entries = Vec::new();
        for j in 0..cols {
            for i in 0..rows {
                entries.push(entry(i, j));
            }
        }
        Matrix {
            rows,
            cols,
            entries,
        }
    }

    fn at(&self, i: usize, j: usize) -> D {
        assert!(i < self.rows && j < self.cols, "an index out of bounds");
        self.entries[i + j * self.rows]
    }

    fn set(&mut self, i: usize, j: usize, value: D) {
        assert!(i < self.rows && j < self.cols, "an index out of bounds");
        self.entries[i + j * self.rows] = value;
    }

    fn part(&self, i: usize, j: usize, rows: usize, cols: usize) -> Matrix<D> {
        Matrix::from_fn(rows, cols, |r, c| self.at(i + r, j + c))
    }
}

#[derive(Clone, Debug)]
pub enum Value<D> {
    Real(D),
    Int(i64),
    Matrix(Matrix<D>),
    Tuple(Vec<Value<D>>),
    Unit,
}

impl<D: Number> Value<D> {
    fn real(self) -> D {
        match self {
            Value::Real(x) => x,
            other => unreachable!("a number is wanted: {other:?}"),
        }
    }

    fn int(self) -> i64 {
        match self {
            Value::Int(i) => i,
            other => unreachable!("an integer is wanted: {other:?}"),
        }
    }

    fn matrix(self) -> Matrix<D> {
        match self {
            Value::Matrix(m) => m,
            other => unreachable!("a matrix is wanted: {other:?}"),
        }
    }

    /// All its numbers.
    pub fn flat(&self) -> Vec<D> {
        match self {
            Value::Real(x) => vec![*x],
            Value::Int(_) | Value::Unit => Vec::new(),
            Value::Matrix(m) => m.entries.clone(),
            Value::Tuple(parts) => parts.iter().flat_map(Value::flat).collect(),
        }
    }
}

/// How a sequence of statements goes on.
enum Flow<D> {
    Next,
    Break,
    Continue,
    Return(Option<Value<D>>),
}

/// What became of a function at a point.
pub struct Outcome<D> {
    /// Nothing where the function returns `None`.
    pub value: Option<Value<D>>,
    /// How far the nearest kink, tie, jump or pole is, as seen by the numbers that decide.
    pub margin: f64,
    /// The largest number on the way, derivatives among them.
    pub scale: f64,
}

struct Interpreter<'a, D> {
    program: &'a Program,
    function: &'a Function,
    variables: Vec<Option<Value<D>>>,
    margin: f64,
    scale: f64,
}

/// Interprets the main function of a program.
pub fn run<D: Number>(program: &Program, point: &[D]) -> Outcome<D> {
    let function = &program.function;
    let mut arguments = Vec::new();
    let mut rest = point;
    for parameter in &function.variables[..function.parameters] {
        let (own, after) = rest.split_at(parameter.ty.entries());
        rest = after;
        arguments.push(match &parameter.ty {
            Type::Real => Value::Real(own[0]),
            Type::Int => Value::Int(INTEGER as i64),
            Type::Matrix(rows, cols) => Value::Matrix(Matrix {
                rows: rows.size(),
                cols: cols.size(),
                entries: own.to_vec(),
            }),
            Type::List(_, n) => Value::Matrix(Matrix {
                rows: *n,
                cols: 1,
                entries: own.to_vec(),
            }),
            other => unreachable!("no parameter is of type {other:?}"),
        });
    }
    call(program, function, arguments)
}

fn call<D: Number>(program: &Program, function: &Function, arguments: Vec<Value<D>>) -> Outcome<D> {
    let mut variables: Vec<_> = arguments.into_iter().map(Some).collect();
    variables.resize_with(function.variables.len(), || None);
    let mut interpreter = Interpreter {
        program,
        function,
        variables,
        margin: f64::INFINITY,
        scale: 0.0,
    };
    let value = match interpreter.body(&function.body) {
        Ok(value) => Some(value),
        Err(returned) => returned,
    };
    Outcome {
        value,
        margin: interpreter.margin,
        scale: interpreter.scale,
    }
}

/// A value, or what the function returns instead.
type Evaluated<T, D> = Result<T, Option<Value<D>>>;

impl<D: Number> Interpreter<'_, D> {
    /// Something changes where this number is zero.
    fn kink(&mut self, distance: f64) {
        self.margin = if distance.is_nan() {
            0.0
        } else {
            self.margin.min(distance.abs())
        };
    }

    fn note(&mut self, value: Value<D>) -> Value<D> {
        for number in value.flat() {
            let size = number.size();
            self.scale = if size.is_nan() || self.scale.is_nan() {
                f64::NAN
            } else {
                self.scale.max(size)
            };
        }
        value
    }

    fn body(&mut self, body: &Body) -> Evaluated<Value<D>, D> {
        match self.statements(&body.statements)? {
            Flow::Next => {}
            Flow::Return(value) => return Err(value),
            Flow::Break | Flow::Continue => unreachable!("no loop is left from an expression"),
        }
        match &body.value {
            Some(value) => self.expr(value),
            None => Ok(Value::Unit),
        }
    }

    fn statements(&mut self, statements: &[Statement]) -> Evaluated<Flow<D>, D> {
        for statement in statements {
            match self.statement(statement)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Statement) -> Evaluated<Flow<D>, D> {
        match statement {
            Statement::Let { vars, value, .. } => {
                let value = self.expr(value)?;
                match (&vars[..], value) {
                    ([var], value) => self.variables[*var] = Some(value),
                    (vars, Value::Tuple(parts)) => {
                        for (var, part) in vars.iter().zip(parts) {
                            self.variables[*var] = Some(part);
                        }
                    }
                    _ => unreachable!("a tuple is wanted"),
                }
            }
            Statement::Assign(var, op, value) => {
                let value = self.expr(value)?;
                let value = match op {
                    None => value,
                    Some(op) => {
                        let old = self.variable(*var);
                        self.apply(op, vec![old, value], &self.function.variables[*var].ty)?
                    }
                };
                let value = self.note(value);
                self.variables[*var] = Some(value);
            }
            Statement::AssignEntry(var, index, op, value) => {
                let value = self.expr(value)?.real();
                let mut place = Vec::new();
                for i in index {
                    place.push(self.expr(i)?.int() as usize);
                }
                let mut matrix = self.variable(*var).matrix();
                let (i, j) = match place[..] {
                    [i] if matrix.rows == 1 => (0, i),
                    [i] => (i % matrix.rows, i / matrix.rows),
                    _ => (place[0], place[1]),
                };
                let value = match op {
                    None => Value::Real(value),
                    Some(op) => {
                        let old = Value::Real(matrix.at(i, j));
                        self.apply(op, vec![old, Value::Real(value)], &Type::Real)?
                    }
                };
                let value = self.note(value).real();
                matrix.set(i, j, value);
                self.variables[*var] = Some(Value::Matrix(matrix));
            }
            Statement::If(cond, then, otherwise) => {
                if self.cond(cond)? {
                    return self.statements(then);
                } else if let Some(otherwise) = otherwise {
                    return self.statements(otherwise);
                }
            }
            Statement::Match(of, arms) => {
                let arm = self.expr(of)?.int() as usize;
                return self.statements(&arms[arm.min(arms.len() - 1)]);
            }
            Statement::Return(cond, body) => {
                if self.cond(cond)? {
                    return Ok(Flow::Return(Some(self.body(body)?)));
                }
            }
            Statement::ReturnNone(cond) => {
                if self.cond(cond)? {
                    return Ok(Flow::Return(None));
                }
            }
            Statement::For(var, start, end, statements) => {
                let (start, end) = (self.expr(start)?.int(), self.expr(end)?.int());
                for i in start..end {
                    self.variables[*var] = Some(Value::Int(i));
                    match self.statements(statements)? {
                        Flow::Next | Flow::Continue => {}
                        Flow::Break => break,
                        returned => return Ok(returned),
                    }
                }
            }
            Statement::While(counter, end, cond, statements) => loop {
                let i = self.variable(*counter).int();
                if i >= self.expr(end)?.int() {
                    break;
                }
                if let Some(cond) = cond
                    && !self.cond(cond)?
                {
                    break;
                }
                match self.statements(statements)? {
                    Flow::Next => {}
                    Flow::Break => break,
                    Flow::Continue => unreachable!("the counter would stand still"),
                    returned => return Ok(returned),
                }
                self.variables[*counter] = Some(Value::Int(i + 1));
            },
            Statement::Break(cond) => {
                if self.cond(cond)? {
                    return Ok(Flow::Break);
                }
            }
            Statement::Continue(cond) => {
                if self.cond(cond)? {
                    return Ok(Flow::Continue);
                }
            }
            Statement::Log(what) => {
                self.expr(what)?;
            }
            Statement::AssertLess(a, b) => {
                let (a, b) = (self.expr(a)?.int(), self.expr(b)?.int());
                assert!(a < b, "an assertion of the generator's");
            }
            Statement::Block(statements) => return self.statements(statements),
        }
        Ok(Flow::Next)
    }

    fn cond(&mut self, cond: &Cond) -> Evaluated<bool, D> {
        Ok(match cond {
            Cond::Less(a, b) | Cond::Greater(a, b) => {
                let (a, b) = (self.expr(a)?.real().re(), self.expr(b)?.real().re());
                self.kink(a - b);
                if matches!(cond, Cond::Less(..)) {
                    a < b
                } else {
                    a > b
                }
            }
            Cond::IntLess(a, b) => self.expr(a)?.int() < self.expr(b)?.int(),
            Cond::IntEqual(a, b) => self.expr(a)?.int() == self.expr(b)?.int(),
            Cond::And(a, b) => self.cond(a)? && self.cond(b)?,
            Cond::Or(a, b) => self.cond(a)? || self.cond(b)?,
            Cond::Not(a) => !self.cond(a)?,
        })
    }

    fn variable(&self, var: Var) -> Value<D> {
        let name = &self.function.variables[var].name;
        let value = self.variables[var].clone();
        value.unwrap_or_else(|| unreachable!("`{name}` has no value yet"))
    }

    fn expr(&mut self, expr: &Expr) -> Evaluated<Value<D>, D> {
        let value = match expr {
            Expr::Real(x) => Value::Real(D::from(*x)),
            Expr::Int(i) => Value::Int(*i as i64),
            Expr::Var(var) => self.variable(*var),
            Expr::Apply(op, args, ty, _) => {
                let mut values = Vec::new();
                for arg in args {
                    values.push(self.expr(arg)?);
                }
                self.apply(op, values, ty)?
            }
            Expr::Map(vars, over, body, _) => {
                let mut matrices = Vec::new();
                for matrix in over {
                    matrices.push(self.expr(matrix)?.matrix());
                }
                let mut result = matrices[0].clone();
                for i in 0..result.entries.len() {
                    for (var, matrix) in vars.iter().zip(&matrices) {
                        self.variables[*var] = Some(Value::Real(matrix.entries[i]));
                    }
                    result.entries[i] = self.body(body)?.real();
                }
                Value::Matrix(result)
            }
            Expr::FromFn(i, j, body, ty) => {
                let Type::Matrix(rows, cols) = ty else {
                    unreachable!("`from_fn` gives a matrix")
                };
                let zero = D::from(0.0);
                let mut result = Matrix::from_fn(rows.size(), cols.size(), |_, _| zero);
                for col in 0..result.cols {
                    for row in 0..result.rows {
                        self.variables[*i] = Some(Value::Int(row as i64));
                        self.variables[*j] = Some(Value::Int(col as i64));
                        let entry = self.body(body)?.real();
                        result.set(row, col, entry);
                    }
                }
                Value::Matrix(result)
            }
            Expr::IterSum {
                index,
                vars,
                over,
                body,
            } => {
                let mut lists = Vec::new();
                for list in over {
                    lists.push(self.expr(list)?.matrix().entries);
                }
                let count = lists.iter().map(Vec::len).min().unwrap_or(0);
                let mut total = D::from(0.0);
                for i in 0..count {
                    if let Some(index) = index {
                        self.variables[*index] = Some(Value::Int(i as i64));
                    }
                    for (var, list) in vars.iter().zip(&lists) {
                        self.variables[*var] = Some(Value::Real(list[i]));
                    }
                    total += self.body(body)?.real();
                }
                Value::Real(total)
            }
            Expr::RangeSum(var, start, end, body) => {
                let (start, end) = (self.expr(start)?.int(), self.expr(end)?.int());
                let mut total = D::from(0.0);
                for i in start..end {
                    self.variables[*var] = Some(Value::Int(i));
                    total += self.body(body)?.real();
                }
                Value::Real(total)
            }
            Expr::Fold {
                start,
                var,
                over,
                term,
                ..
            } => {
                let mut total = self.expr(start)?.real();
                for entry in self.expr(over)?.matrix().entries {
                    self.variables[*var] = Some(Value::Real(entry));
                    total += self.expr(term)?.real();
                }
                Value::Real(total)
            }
            Expr::If(cond, then, otherwise, _) => {
                if self.cond(cond)? {
                    self.body(then)?
                } else {
                    self.body(otherwise)?
                }
            }
            Expr::Match(of, arms, _) => {
                let arm = self.expr(of)?.int() as usize;
                self.body(&arms[arm.min(arms.len() - 1)])?
            }
            Expr::Block(body, _) => self.body(body)?,
            Expr::Call(callee, args, _) => {
                let mut values = Vec::new();
                for arg in args {
                    values.push(self.expr(arg)?);
                }
                let outcome = call(self.program, &self.program.callees[*callee], values);
                self.margin = self.margin.min(outcome.margin);
                self.note(Value::Real(D::from(outcome.scale)));
                outcome
                    .value
                    .unwrap_or_else(|| unreachable!("a callee returns no `Option`"))
            }
        };
        Ok(self.note(value))
    }

    fn apply(&mut self, op: &Op, mut args: Vec<Value<D>>, ty: &Type) -> Evaluated<Value<D>, D> {
        let last = args.pop();
        let first = if args.is_empty() {
            None
        } else {
            Some(args.remove(0))
        };
        let reals = |a: &mut Self, x: D, y: D| a.two_numbers(op, x, y);
        Ok(match (op, first, last) {
            // Numbers.
            (Op::IntToReal, None, Some(x)) => Value::Real(D::from(x.int() as f64)),
            (Op::IntAdd, Some(a), Some(b)) => Value::Int(a.int() + b.int()),
            (Op::IntSub, Some(a), Some(b)) => Value::Int(a.int() - b.int()),
            (Op::MulAdd, Some(a), Some(c)) => {
                let b = args.remove(0).real();
                Value::Real(a.real() * b + c.real())
            }
            (op, None, Some(Value::Real(x)))
                if !matches!(
                    op,
                    Op::Zeros | Op::Identity | Op::Repeat | Op::Build | Op::Tuple
                ) =>
            {
                Value::Real(self.one_number(op, x))
            }
            (
                Op::Add
                | Op::Sub
                | Op::Mul
                | Op::Div
                | Op::Powf
                | Op::Max
                | Op::Min
                | Op::Hypot
                | Op::Atan2,
                Some(Value::Real(a)),
                Some(Value::Real(b)),
            ) => Value::Real(reals(self, a, b)),
            // Matrices.
            (Op::Neg, None, Some(m)) => each(&m.matrix(), |x| -x),
            (Op::Add, Some(a), Some(b)) => both(&a.matrix(), &b.matrix(), |x, y| x + y),
            (Op::Sub, Some(a), Some(b)) => both(&a.matrix(), &b.matrix(), |x, y| x - y),
            (Op::Mul | Op::Scale, Some(Value::Matrix(m)), Some(Value::Real(s)))
            | (Op::Mul, Some(Value::Real(s)), Some(Value::Matrix(m))) => each(&m, |x| x * s),
            (Op::Div, Some(Value::Matrix(m)), Some(Value::Real(s))) => {
                self.kink(s.re());
                each(&m, |x| x / s)
            }
            (Op::Mul, Some(a), Some(b)) => Value::Matrix(product(&a.matrix(), &b.matrix())),
            (Op::TrMul, Some(a), Some(b)) => {
                Value::Matrix(product(&transposed(&a.matrix()), &b.matrix()))
            }
            (Op::AddScalar, Some(m), Some(s)) => {
                let s = s.real();
                each(&m.matrix(), |x| x + s)
            }
            (Op::ComponentMul, Some(a), Some(b)) => both(&a.matrix(), &b.matrix(), |x, y| x * y),
            (Op::ComponentDiv, Some(a), Some(b)) => {
                let b = b.matrix();
                b.entries.iter().for_each(|x| self.kink(x.re()));
                both(&a.matrix(), &b, |x, y| x / y)
            }
            (Op::AbsEntries, None, Some(m)) => {
                let m = m.matrix();
                m.entries.iter().for_each(|x| self.kink(x.re()));
                each(&m, |x| if x.re() < 0.0 { -x } else { x })
            }
            (Op::Len, None, Some(m)) => Value::Int(m.matrix().entries.len() as i64),
            (Op::Rows, None, Some(m)) => Value::Int(m.matrix().rows as i64),
            (Op::Cols, None, Some(m)) => Value::Int(m.matrix().cols as i64),
            (Op::Sum, None, Some(m)) => Value::Real(sum(m.matrix().entries)),
            (Op::Mean, None, Some(m)) => Value::Real(mean(&m.matrix().entries)),
            (Op::Variance, None, Some(m)) => {
                let entries = m.matrix().entries;
                let mean = mean(&entries);
                let n = entries.len() as f64;
                Value::Real(sum(entries.iter().map(|x| (*x - mean) * (*x - mean))) / n)
            }
            (Op::NormSquared, None, Some(m)) => Value::Real(squares(&m.matrix())),
            (Op::Norm, None, Some(m)) => {
                let squares = squares(&m.matrix());
                self.kink(squares.re());
                Value::Real(squares.sqrt())
            }
            (Op::Normalize, None, Some(m)) => {
                let m = m.matrix();
                let squares = squares(&m);
                self.kink(squares.re());
                let norm = squares.sqrt();
                each(&m, |x| x / norm)
            }
            (Op::Trace, None, Some(m)) => {
                let m = m.matrix();
                Value::Real(sum((0..m.rows).map(|i| m.at(i, i))))
            }
            (Op::Diagonal, None, Some(m)) => {
                let m = m.matrix();
                Value::Matrix(Matrix::from_fn(m.rows.min(m.cols), 1, |i, _| m.at(i, i)))
            }
            (Op::FromDiagonal, None, Some(v)) => {
                let v = v.matrix();
                let entry = |i, j| if i == j { v.at(i, 0) } else { D::from(0.0) };
                Value::Matrix(Matrix::from_fn(v.rows, v.rows, entry))
            }
            (Op::Determinant, None, Some(m)) => Value::Real(determinant(&m.matrix())),
            (Op::Inverse | Op::InverseOrNone, None, Some(m)) => {
                let m = m.matrix();
                let of = determinant(&m);
                self.kink(of.re());
                let entry = |i, j| cofactor(&m, j, i) / of;
                Value::Matrix(Matrix::from_fn(m.rows, m.cols, entry))
            }
            (Op::LuSolve, Some(a), Some(b)) => Value::Matrix(self.solve(&a.matrix(), &b.matrix())),
            (Op::CholeskySolve, Some(a), Some(b)) => {
                let a = lower_half(&a.matrix());
                Value::Matrix(self.solve(&a, &b.matrix()))
            }
            (Op::CholeskyInverse, None, Some(a)) => {
                let a = lower_half(&a.matrix());
                let one = |i, j| D::from(f64::from(u8::from(i == j)));
                let identity = Matrix::from_fn(a.rows, a.rows, one);
                Value::Matrix(self.solve(&a, &identity))
            }
            (Op::CholeskyLnDeterminant, None, Some(a)) => {
                let of = determinant(&lower_half(&a.matrix()));
                self.kink(of.re());
                Value::Real(of.ln())
            }
            (Op::LargestEntry, None, Some(m)) => Value::Real(self.selected(&m.matrix(), |x| x)),
            (Op::SmallestEntry, None, Some(m)) => Value::Real(self.selected(&m.matrix(), |x| -x)),
            (Op::LargestSize | Op::SmallestSize, None, Some(m)) => {
                let sign = if *op == Op::LargestSize { 1.0 } else { -1.0 };
                let x = self.selected(&m.matrix(), |x| sign * x.abs());
                self.kink(x.re());
                Value::Real(if x.re() < 0.0 { -x } else { x })
            }
            (Op::Dot | Op::Inner, Some(a), Some(b)) => {
                let (a, b) = (a.matrix().entries, b.matrix().entries);
                Value::Real(sum(a.iter().zip(&b).map(|(x, y)| *x * *y)))
            }
            (Op::Cross, Some(a), Some(b)) => {
                let (a, b) = (a.matrix().entries, b.matrix().entries);
                let entry = |i: usize, _| {
                    let (j, k) = ((i + 1) % 3, (i + 2) % 3);
                    a[j] * b[k] - a[k] * b[j]
                };
                Value::Matrix(Matrix::from_fn(3, 1, entry))
            }
            (Op::Entry, Some(m), Some(i)) => Value::Real(m.matrix().entries[i.int() as usize]),
            (Op::EntryAt, Some(m), Some(j)) => {
                let i = args.remove(0).int() as usize;
                Value::Real(m.matrix().at(i, j.int() as usize))
            }
            (Op::Coordinate(i), None, Some(m)) => Value::Real(m.matrix().entries[*i]),
            (Op::Transpose, None, Some(m)) => Value::Matrix(transposed(&m.matrix())),
            (Op::Row, Some(m), Some(i)) => {
                let m = m.matrix();
                Value::Matrix(m.part(i.int() as usize, 0, 1, m.cols))
            }
            (Op::Column, Some(m), Some(j)) => {
                let m = m.matrix();
                Value::Matrix(m.part(0, j.int() as usize, m.rows, 1))
            }
            (Op::RowsFrom(n), Some(m), Some(i)) => {
                let m = m.matrix();
                Value::Matrix(m.part(i.int() as usize, 0, *n, m.cols))
            }
            (Op::ViewFrom(rows, cols), Some(m), Some(j)) => {
                let i = args.remove(0).int() as usize;
                Value::Matrix(m.matrix().part(i, j.int() as usize, *rows, *cols))
            }
            (Op::RowSum | Op::RowMean, None, Some(m)) => {
                let m = m.matrix();
                let n = if *op == Op::RowSum {
                    1.0
                } else {
                    m.rows as f64
                };
                let entry = |_, j| sum((0..m.rows).map(|i| m.at(i, j))) / n;
                Value::Matrix(Matrix::from_fn(1, m.cols, entry))
            }
            (Op::ColumnSum | Op::ColumnMean, None, Some(m)) => {
                let m = m.matrix();
                let n = if *op == Op::ColumnSum {
                    1.0
                } else {
                    m.cols as f64
                };
                let entry = |i, _| sum((0..m.cols).map(|j| m.at(i, j))) / n;
                Value::Matrix(Matrix::from_fn(m.rows, 1, entry))
            }
            // Constructors.
            (Op::Zeros, ..) => filled(ty, |_, _| D::from(0.0)),
            (Op::Identity, ..) => filled(ty, |i, j| D::from(f64::from(u8::from(i == j)))),
            (Op::Repeat, None, Some(x)) => {
                let x = x.real();
                filled(ty, |_, _| x)
            }
            (Op::Build, first, last) => {
                let all: Vec<D> = first
                    .into_iter()
                    .chain(args)
                    .chain(last)
                    .map(Value::real)
                    .collect();
                let Type::Matrix(_, cols) = ty else {
                    unreachable!("it builds a matrix")
                };
                filled(ty, |i, j| all[i * cols.size() + j])
            }
            (Op::Tuple, first, last) => {
                Value::Tuple(first.into_iter().chain(args).chain(last).collect())
            }
            (op, first, last) => unreachable!("{op:?} of {first:?} and {last:?}"),
        })
    }

    fn one_number(&mut self, op: &Op, x: D) -> D {
        let at = x.re();
        match op {
            Op::Neg => -x,
            Op::Powi(n) => {
                if *n < 0 {
                    self.kink(at);
                }
                x.powi(*n)
            }
            Op::Clamp(low, high) => {
                self.kink(at - low);
                self.kink(at - high);
                if at < *low {
                    D::from(*low)
                } else if at > *high {
                    D::from(*high)
                } else {
                    x
                }
            }
            Op::Unary(function) => match function {
                Unary::Sin => x.sin(),
                Unary::Cos => x.cos(),
                Unary::Tan => {
                    self.kink(at.cos());
                    x.tan()
                }
                Unary::Asin => {
                    self.kink(at.abs() - 1.0);
                    x.asin()
                }
                Unary::Acos => {
                    self.kink(at.abs() - 1.0);
                    x.acos()
                }
                Unary::Atan => x.atan(),
                Unary::Sinh => x.sinh(),
                Unary::Cosh => x.cosh(),
                Unary::Tanh => x.tanh(),
                Unary::Asinh => (x + (x * x + 1.0).sqrt()).ln(),
                Unary::Acosh => {
                    self.kink(at - 1.0);
                    (x + (x * x - 1.0).sqrt()).ln()
                }
                Unary::Atanh => {
                    self.kink(at.abs() - 1.0);
                    ((x + 1.0) / (-x + 1.0)).ln() / 2.0
                }
                Unary::Exp => x.exp(),
                Unary::Exp2 => x.exp2(),
                Unary::ExpM1 => x.exp_m1(),
                Unary::Ln => {
                    self.kink(at);
                    x.ln()
                }
                Unary::Ln1p => {
                    self.kink(at + 1.0);
                    x.ln_1p()
                }
                Unary::Log2 => {
                    self.kink(at);
                    x.log2()
                }
                Unary::Log10 => {
                    self.kink(at);
                    x.log10()
                }
                Unary::Sqrt => {
                    self.kink(at);
                    x.sqrt()
                }
                Unary::Cbrt => {
                    self.kink(at);
                    x.cbrt()
                }
                Unary::Recip => {
                    self.kink(at);
                    x.recip()
                }
                Unary::Abs => {
                    self.kink(at);
                    if at < 0.0 { -x } else { x }
                }
                Unary::Signum => {
                    self.kink(at);
                    D::from(at.signum())
                }
                Unary::Floor => {
                    self.kink(at - at.round());
                    D::from(at.floor())
                }
                Unary::Fract => {
                    self.kink(at - at.round());
                    x - at.trunc()
                }
                Unary::ToRadians => x * (std::f64::consts::PI / 180.0),
            },
            other => unreachable!("{other:?} of a number"),
        }
    }

    fn two_numbers(&mut self, op: &Op, a: D, b: D) -> D {
        match op {
            Op::Add => a + b,
            Op::Sub => a - b,
            Op::Mul => a * b,
            Op::Div => {
                self.kink(b.re());
                a / b
            }
            Op::Powf => {
                self.kink(a.re());
                (a.ln() * b).exp()
            }
            Op::Max | Op::Min => {
                self.kink(a.re() - b.re());
                if (a.re() > b.re()) == (*op == Op::Max) {
                    a
                } else {
                    b
                }
            }
            Op::Hypot => {
                let squares = a * a + b * b;
                self.kink(squares.re());
                squares.sqrt()
            }
            Op::Atan2 => {
                let squares = a * a + b * b;
                self.kink(squares.re());
                // The cut.
                if b.re() < 0.0 {
                    self.kink(a.re());
                }
                let (at, of) = (a.re(), b.re());
                // By the half of the plane where its quotient is small.
                if of.abs() >= at.abs() {
                    (a / b).atan() + (at.atan2(of) - (at / of).atan())
                } else {
                    -(b / a).atan() + (at.atan2(of) + (of / at).atan())
                }
            }
            other => unreachable!("{other:?} of two numbers"),
        }
    }

    /// The entry for which this is largest.
    fn selected(&mut self, m: &Matrix<D>, of: impl Fn(f64) -> f64) -> D {
        let mut best = m.entries[0];
        let mut second = f64::NEG_INFINITY;
        for x in &m.entries[1..] {
            let (new, old) = (of(x.re()), of(best.re()));
            if new > old {
                second = old;
                best = *x;
            } else {
                second = second.max(new);
            }
        }
        self.kink(of(best.re()) - second);
        best
    }

    /// By Cramer's rule.
    fn solve(&mut self, a: &Matrix<D>, b: &Matrix<D>) -> Matrix<D> {
        let of = determinant(a);
        self.kink(of.re());
        Matrix::from_fn(b.rows, b.cols, |i, j| {
            sum((0..a.rows).map(|k| cofactor(a, k, i) * b.at(k, j))) / of
        })
    }
}

fn each<D: Number>(m: &Matrix<D>, f: impl Fn(D) -> D) -> Value<D> {
    Value::Matrix(Matrix::from_fn(m.rows, m.cols, |i, j| f(m.at(i, j))))
}

fn both<D: Number>(a: &Matrix<D>, b: &Matrix<D>, f: impl Fn(D, D) -> D) -> Value<D> {
    assert_eq!(
        (a.rows, a.cols),
        (b.rows, b.cols),
        "a mistake of the generator's"
    );
    let entry = |i, j| f(a.at(i, j), b.at(i, j));
    Value::Matrix(Matrix::from_fn(a.rows, a.cols, entry))
}

fn filled<D: Number>(ty: &Type, entry: impl FnMut(usize, usize) -> D) -> Value<D> {
    let Type::Matrix(rows, cols) = ty else {
        unreachable!("only matrices are filled")
    };
    Value::Matrix(Matrix::from_fn(rows.size(), cols.size(), entry))
}

fn sum<D: Number>(numbers: impl IntoIterator<Item = D>) -> D {
    numbers.into_iter().fold(D::from(0.0), |a, b| a + b)
}

fn mean<D: Number>(numbers: &[D]) -> D {
    sum(numbers.iter().copied()) / numbers.len() as f64
}

fn squares<D: Number>(m: &Matrix<D>) -> D {
    sum(m.entries.iter().map(|x| *x * *x))
}

fn transposed<D: Number>(m: &Matrix<D>) -> Matrix<D> {
    Matrix::from_fn(m.cols, m.rows, |i, j| m.at(j, i))
}

fn product<D: Number>(a: &Matrix<D>, b: &Matrix<D>) -> Matrix<D> {
    assert_eq!(a.cols, b.rows, "a mistake of the generator's");
    Matrix::from_fn(a.rows, b.cols, |i, j| {
        sum((0..a.cols).map(|k| a.at(i, k) * b.at(k, j)))
    })
}

/// The symmetric matrix of this lower triangle.
fn lower_half<D: Number>(m: &Matrix<D>) -> Matrix<D> {
    Matrix::from_fn(m.rows, m.cols, |i, j| m.at(i.max(j), i.min(j)))
}

/// By Laplace's expansion.
fn determinant<D: Number>(m: &Matrix<D>) -> D {
    match m.rows {
        0 => D::from(1.0),
        _ => sum((0..m.rows).map(|j| m.at(0, j) * cofactor(m, 0, j))),
    }
}

fn cofactor<D: Number>(m: &Matrix<D>, row: usize, col: usize) -> D {
    let minor = Matrix::from_fn(m.rows - 1, m.cols - 1, |i, j| {
        m.at(i + usize::from(i >= row), j + usize::from(j >= col))
    });
    let of = determinant(&minor);
    if (row + col).is_multiple_of(2) {
        of
    } else {
        -of
    }
}
