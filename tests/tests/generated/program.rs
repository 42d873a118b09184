//! Programs as trees: what the generator draws, the writer prints as Rust, and the oracle interprets.

/// A size, and whether the type knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    Fixed(usize),
    Dynamic(usize),
}

impl Extent {
    pub const ONE: Extent = Extent::Fixed(1);

    pub fn size(self) -> usize {
        match self {
            Extent::Fixed(n) | Extent::Dynamic(n) => n,
        }
    }
}

/// How a parameter that is a list of numbers is passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum List {
    Slice,
    Array,
    Vec,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Type {
    Real,
    Int,
    Matrix(Extent, Extent),
    List(List, usize),
    Tuple(Vec<Type>),
}

impl Type {
    pub fn vector(extent: Extent) -> Type {
        Type::Matrix(extent, Extent::ONE)
    }

    /// The number of its entries.
    pub fn entries(&self) -> usize {
        match self {
            Type::Real => 1,
            Type::Int => 0,
            Type::Matrix(rows, cols) => rows.size() * cols.size(),
            Type::List(_, n) => *n,
            Type::Tuple(parts) => parts.iter().map(Type::entries).sum(),
        }
    }
}

/// What is behind the name of a variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    Owned,
    Reference,
    /// A part of a matrix, borrowed.
    View,
}

#[derive(Clone, Debug)]
pub struct Variable {
    pub name: String,
    pub ty: Type,
    pub holds: Holds,
    pub mutable: bool,
}

/// The place of a variable in [`Function::variables`].
pub type Var = usize;

/// Functions of one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unary {
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Exp,
    Exp2,
    ExpM1,
    Ln,
    Ln1p,
    Log2,
    Log10,
    Sqrt,
    Cbrt,
    Recip,
    Abs,
    Signum,
    Floor,
    Fract,
    ToRadians,
}

/// Operations, on the types that their arguments have.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    Neg,
    Add,
    Sub,
    /// Also numbers times matrices and products of matrices.
    Mul,
    /// Also matrices by numbers.
    Div,
    Unary(Unary),
    Powi(i32),
    Powf,
    Max,
    Min,
    Clamp(f64, f64),
    MulAdd,
    Hypot,
    Atan2,
    IntToReal,
    IntAdd,
    IntSub,
    Len,
    Rows,
    Cols,
    Sum,
    Mean,
    Variance,
    Norm,
    NormSquared,
    Trace,
    Determinant,
    LargestEntry,
    SmallestEntry,
    LargestSize,
    SmallestSize,
    Dot,
    /// `(aᵀ * b)[(0, 0)]` of vectors.
    Inner,
    /// `x[i]`.
    Entry,
    /// `m[(i, j)]`.
    EntryAt,
    /// `.x`, `.y`, `.z`.
    Coordinate(usize),
    ComponentMul,
    ComponentDiv,
    AddScalar,
    Scale,
    Transpose,
    TrMul,
    AbsEntries,
    Normalize,
    Cross,
    Row,
    Column,
    /// `x.rows(i, n)` and `x.fixed_rows::<N>(i)`.
    RowsFrom(usize),
    /// `m.view((i, j), (r, c))` and `m.fixed_view`.
    ViewFrom(usize, usize),
    Diagonal,
    RowSum,
    ColumnSum,
    RowMean,
    ColumnMean,
    FromDiagonal,
    /// `a.try_inverse()`, unwrapped.
    Inverse,
    /// The same with `?`.
    InverseOrNone,
    /// `a.lu().solve(&b)`.
    LuSolve,
    /// Of a symmetric matrix: `a.cholesky()` with its `solve`, `inverse` and `ln_determinant`.
    CholeskySolve,
    CholeskyInverse,
    CholeskyLnDeterminant,
    Zeros,
    Identity,
    /// Of a number in each place.
    Repeat,
    /// Of its entries, row by row.
    Build,
    Tuple,
}

/// Conditions.
#[derive(Clone, PartialEq, Debug)]
pub enum Cond {
    Less(Box<Expr>, Box<Expr>),
    Greater(Box<Expr>, Box<Expr>),
    IntLess(Box<Expr>, Box<Expr>),
    IntEqual(Box<Expr>, Box<Expr>),
    And(Box<Cond>, Box<Cond>),
    Or(Box<Cond>, Box<Cond>),
    Not(Box<Cond>),
}

#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    Real(f64),
    Int(usize),
    Var(Var),
    /// The number chooses between spellings of the same thing.
    Apply(Op, Vec<Expr>, Type, u8),
    /// `map`, `zip_map` and `zip_zip_map`.
    Map(Vec<Var>, Vec<Expr>, Box<Body>, Type),
    /// `from_fn(|i, j| …)`.
    FromFn(Var, Var, Box<Body>, Type),
    /// `x.iter().zip(…).enumerate().map(|…| …).sum::<f64>()` of vectors and lists.
    IterSum {
        index: Option<Var>,
        vars: Vec<Var>,
        over: Vec<Expr>,
        body: Box<Body>,
    },
    /// `(a..b).map(|i| …).sum::<f64>()`.
    RangeSum(Var, Box<Expr>, Box<Expr>, Box<Body>),
    /// `x.iter().fold(start, |sum, v| sum + …)`.
    Fold {
        start: Box<Expr>,
        total: Var,
        var: Var,
        over: Box<Expr>,
        term: Box<Expr>,
    },
    If(Box<Cond>, Box<Body>, Box<Body>, Type),
    /// `match k { 0 => …, 1 => …, _ => … }` of an integer.
    Match(Box<Expr>, Vec<Body>, Type),
    Block(Box<Body>, Type),
    /// Of a function before this one.
    Call(usize, Vec<Expr>, Type),
}

/// Statements, and the value after them.
#[derive(Clone, PartialEq, Debug)]
pub struct Body {
    pub statements: Vec<Statement>,
    pub value: Option<Expr>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Statement {
    Let {
        vars: Vec<Var>,
        typed: bool,
        value: Expr,
    },
    /// `x = …`, `x += …`.
    Assign(Var, Option<Op>, Expr),
    /// `x[i] = …`, `m[(i, j)] += …`.
    AssignEntry(Var, Vec<Expr>, Option<Op>, Expr),
    If(Cond, Vec<Statement>, Option<Vec<Statement>>),
    Match(Expr, Vec<Vec<Statement>>),
    /// `if … { return …; }`.
    Return(Cond, Body),
    /// `if … { return None; }`.
    ReturnNone(Cond),
    For(Var, Expr, Expr, Vec<Statement>),
    /// `while i < n && … { …; i += 1; }`, of a counter declared before.
    While(Var, Expr, Option<Cond>, Vec<Statement>),
    Break(Cond),
    Continue(Cond),
    /// Something that is done besides.
    Log(Expr),
    AssertLess(Expr, Expr),
    Block(Vec<Statement>),
}

/// The companions that are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Kind {
    Gradient,
    Jacobian,
    Hessian,
    Jvp,
    Vjp,
    Hvp,
}

impl Kind {
    pub const ALL: [Kind; 6] = [
        Kind::Gradient,
        Kind::Jacobian,
        Kind::Hessian,
        Kind::Jvp,
        Kind::Vjp,
        Kind::Hvp,
    ];

    pub fn attribute(self) -> &'static str {
        match self {
            Kind::Gradient => "gradient",
            Kind::Jacobian => "jacobian",
            Kind::Hessian => "hessian",
            Kind::Jvp => "jvp",
            Kind::Vjp => "vjp",
            Kind::Hvp => "hvp",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    pub variables: Vec<Variable>,
    /// The first variables.
    pub parameters: usize,
    /// The parameters to differentiate by, where not all.
    pub wrt: Option<Vec<Var>>,
    pub body: Body,
    pub result: Type,
    /// Whether it returns an `Option`.
    pub optional: bool,
}

impl Function {
    /// The parameters that it is differentiated by.
    pub fn active(&self) -> Vec<Var> {
        match &self.wrt {
            Some(wrt) => wrt.clone(),
            None => (0..self.parameters)
                .filter(|p| self.variables[*p].ty != Type::Int)
                .collect(),
        }
    }

    /// Where each parameter begins in a point.
    pub fn offset(&self, parameter: Var) -> usize {
        let before = &self.variables[..parameter];
        before.iter().map(|v| v.ty.entries()).sum()
    }

    /// The length of a point.
    pub fn dimension(&self) -> usize {
        self.offset(self.parameters)
    }
}

/// A function with those that it calls, and where to look at it.
#[derive(Clone, Debug)]
pub struct Program {
    pub callees: Vec<Function>,
    pub function: Function,
    pub kinds: Vec<Kind>,
    pub points: Vec<Vec<f64>>,
}
