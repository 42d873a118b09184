//! The rule book: every operation with its one law.
//!
//! A law is the differential of an operation (Magnus & Neudecker, "Matrix Differential Calculus"); the
//! tangent, the adjoint and every higher order follow from it. An adjoint is checked against the table of
//! Giles, "Collected matrix derivative results for forward and reverse mode AD" (2008).

use crate::graph::{Dim, Graph, Id, Kind, Shape};
use crate::position::Position;
use crate::simplify::Expr;

/// What a fallible operation does on failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Panic {
    Unwrap,
    /// `expect`, with the number of its message in [`Graph::messages`].
    Expect(usize),
    /// `?`: the function returns `None`.
    Question,
    /// `ok_or(error)?`, with the number of what comes before the question mark in [`Graph::messages`].
    OkOr(usize),
    /// A block that panics or leaves the function, with its number in [`Graph::messages`].
    Else(usize),
    /// It was attempted before, and is taken from there: by the number of the node of the attempt.
    Taken(u32),
}

/// A comparison of two scalars, or entry by entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Comparison {
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
}

/// Which entry a reduction selects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Extreme {
    Max,
    Min,
    AbsMax,
    AbsMin,
}

/// A part of a matrix. Positions are integer arguments of the operation that takes the part.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Part {
    /// `x[i]`, column-major.
    Entry,
    /// `x[(i, j)]`.
    EntryAt,
    /// The entry that a reduction selects; the argument is the matrix that is searched.
    Selected(Extreme),
    Row,
    Column,
    Rows,
    Columns,
    FixedRows(Dim),
    FixedColumns(Dim),
    View,
    FixedView(Dim, Dim),
    /// For each entry of a matrix of this shape, the entry at an index computed from its place: one index as of
    /// `x[i]`, or two. An entry may be taken more than once.
    Gathered(Shape, Vec<Position<usize>>),
    /// An element of a list: these rows of a column, in this shape.
    Element(Box<Part>, Shape),
}

impl Part {
    /// The method of nalgebra that takes this part, where it is not an index.
    pub fn surface(&self) -> &'static str {
        match self {
            Part::Entry
            | Part::EntryAt
            | Part::Selected(_)
            | Part::Gathered(..)
            | Part::Element(..) => "",
            Part::Row => "row",
            Part::Column => "column",
            Part::Rows => "rows",
            Part::Columns => "columns",
            Part::FixedRows(_) => "fixed_rows",
            Part::FixedColumns(_) => "fixed_columns",
            Part::View => "view",
            Part::FixedView(..) => "fixed_view",
        }
    }

    /// What a part of some rows is of the transposed matrix, and the other way round.
    pub fn transposed(&self) -> Option<Part> {
        Some(match self {
            Part::Row => Part::Column,
            Part::Column => Part::Row,
            Part::Rows => Part::Columns,
            Part::Columns => Part::Rows,
            Part::FixedRows(n) => Part::FixedColumns(n.clone()),
            Part::FixedColumns(n) => Part::FixedRows(n.clone()),
            _ => return None,
        })
    }

    pub fn is_entry(&self) -> bool {
        matches!(self, Part::Entry | Part::EntryAt | Part::Selected(_))
    }

    /// Whether nalgebra takes it as a view.
    pub fn is_view(&self) -> bool {
        !self.is_entry() && !matches!(self, Part::Gathered(..) | Part::Element(..))
    }
}

macro_rules! scalar_functions {
    ($($(#[$doc:meta])* $variant:ident $surface:ident |$args:pat_param, $y:pat_param| [$($partial:expr),*], $rule:literal;)*) => {
        /// A function of real numbers; on matrices it acts entry by entry, scalars being expanded.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Scalar { $($(#[$doc])* $variant),* }

        impl Scalar {
            /// All functions of the book.
            #[allow(dead_code, reason = "read by the tests of the rules")]
            pub const ALL: &'static [Scalar] = &[$(Scalar::$variant),*];

            /// The method that a user calls.
            pub fn surface(self) -> &'static str {
                match self { $(Scalar::$variant => stringify!($surface)),* }
            }

            /// The function with this method name.
            pub fn from_surface(name: &str) -> Option<Scalar> {
                $(if name == stringify!($surface) { return Some(Scalar::$variant); })*
                None
            }

            /// The number of real arguments.
            pub fn arity(self) -> usize {
                match self { $(Scalar::$variant => [$(stringify!($partial)),*].len()),* }
            }

            /// The name of the rule in a derivation.
            pub fn rule(self) -> &'static str {
                match self { $(Scalar::$variant => $rule),* }
            }

            /// The partial derivatives by each argument, of the arguments and of the value.
            pub fn partials<'g>(self, args: &[Expr<'g>], y: Expr<'g>) -> Vec<Expr<'g>> {
                match self {
                    $(Scalar::$variant => match (args, y) {
                        (&$args, $y) => vec![$(y.like($partial)),*],
                        _ => Vec::new(),
                    }),*
                }
            }
        }
    };
}

// Each line: variant, method, partial derivatives of the arguments and the value, name of the rule.
scalar_functions! {
    Add add |[_a, _b], _| [1.0, 1.0], "sum rule";
    Sub sub |[_a, _b], _| [1.0, -1.0], "difference rule";
    Mul mul |[a, b], _| [b, a], "product rule";
    Div div |[_a, b], y| [1.0 / b, -(y / b)], "quotient rule";
    Neg neg |[_a], _| [-1.0], "multiplication by constant rule";
    Recip recip |[_x], y| [-(y * y)], "power rule";
    MulAdd mul_add |[a, b, _c], _| [b, a, 1.0], "product rule";

    Sin sin |[x], _| [x.cos()], "derivative of sin";
    Cos cos |[x], _| [-x.sin()], "derivative of cos";
    Tan tan |[_x], y| [1.0 + y * y], "derivative of tan";
    Asin asin |[x], _| [1.0 / ((1.0 - x) * (1.0 + x)).sqrt()], "derivative of arcsin";
    Acos acos |[x], _| [-1.0 / ((1.0 - x) * (1.0 + x)).sqrt()], "derivative of arccos";
    Atan atan |[x], _| [1.0 / (1.0 + x * x)], "derivative of arctan";
    Sinh sinh |[x], _| [x.cosh()], "derivative of sinh";
    Cosh cosh |[x], _| [x.sinh()], "derivative of cosh";
    // Not 1 − y²: it would lose all digits where y is close to 1.
    Tanh tanh |[_x], y| [(1.0 - y) * (1.0 + y)], "derivative of tanh";
    // hypot does not overflow for large x.
    Asinh asinh |[x], _| [1.0 / x.hypot(x.real(1.0))], "derivative of arsinh";
    Acosh acosh |[x], _| [1.0 / ((x - 1.0).sqrt() * (x + 1.0).sqrt())], "derivative of arcosh";
    Atanh atanh |[x], _| [1.0 / ((1.0 - x) * (1.0 + x))], "derivative of artanh";
    Exp exp |[_x], y| [y], "derivative of exp";
    Exp2 exp2 |[_x], y| [y * std::f64::consts::LN_2], "derivative of 2ˣ";
    ExpM1 exp_m1 |[x], _| [x.exp()], "derivative of exp";
    Ln ln |[x], _| [1.0 / x], "derivative of ln";
    Ln1p ln_1p |[x], _| [1.0 / (1.0 + x)], "derivative of ln";
    Log2 log2 |[x], _| [std::f64::consts::LOG2_E / x], "derivative of ln";
    Log10 log10 |[x], _| [std::f64::consts::LOG10_E / x], "derivative of ln";
    Log log |[x, b], y| [1.0 / (x * b.ln()), -(y / (b * b.ln()))], "quotient rule";
    // With Stumpff's functions, sinc x = c₁(x²), whose derivative does not cancel at zero.
    Sinc sinc |[x], _| [x * ((x * x).stumpff(3) - (x * x).stumpff(2))], "derivative of sinc";
    Sqrt sqrt |[_x], y| [1.0 / (2.0 * y)], "power rule";
    Cbrt cbrt |[_x], y| [1.0 / (3.0 * (y * y))], "power rule";
    // The derivative exists at x = 0, where the formulas alone are 0 · ∞. At p = 0 elsewhere they move with p.
    Powf powf |[x, p], y| [
        p.equals(0.0).and(x.equals(0.0)).choose(p.real(0.0), p * x.powf(p - 1.0)),
        x.equals(0.0).choose(x.real(0.0), y * x.ln())
    ], "power rule";
    Hypot hypot |[x, z], y| [x * y.recip_or_zero(), z * y.recip_or_zero()], "derivative of the norm";
    Atan2 atan2 |[y, x], _| [x / (x * x + y * y), -(y / (x * x + y * y))], "derivative of arctan";

    Abs abs |[x], _| [x.sign()], "derivative of the absolute value";
    /// −1, 0 or 1: the derivative of the absolute value.
    Sign sign |[x], _| [x.real(0.0)], "constant";
    /// 1/x, and 0 at 0: what the derivative of a norm needs.
    RecipOrZero recip_or_zero |[_x], y| [-(y * y)], "power rule";
    Signum signum |[x], _| [x.real(0.0)], "constant";
    Floor floor |[x], _| [x.real(0.0)], "constant";
    Ceil ceil |[x], _| [x.real(0.0)], "constant";
    Round round |[x], _| [x.real(0.0)], "constant";
    RoundTiesEven round_ties_even |[x], _| [x.real(0.0)], "constant";
    Trunc trunc |[x], _| [x.real(0.0)], "constant";
    Fract fract |[_x], _| [1.0], "sum rule";
    CopySign copysign |[x, s], _| [x.sign() * s.signum(), s.real(0.0)], "derivative of the absolute value";
    Rem rem |[a, b], _| [1.0, -(a / b).trunc()], "quotient rule";
    RemEuclid rem_euclid |[a, b], _| [1.0, -a.div_euclid(b)], "quotient rule";
    DivEuclid div_euclid |[a, b], _| [a.real(0.0), b.real(0.0)], "constant";
    ToRadians to_radians |[_x], _| [std::f64::consts::PI / 180.0], "multiplication by constant rule";
    ToDegrees to_degrees |[_x], _| [180.0 / std::f64::consts::PI], "multiplication by constant rule";
    Midpoint midpoint |[_a, _b], _| [0.5, 0.5], "sum rule";
    // At a tie a constant wins, otherwise each argument gets half.
    Max max |[a, b], _| [a.wins_over(b, a.greater(b)), b.wins_over(a, b.greater(a))], "derivative of max";
    Min min |[a, b], _| [a.wins_over(b, b.greater(a)), b.wins_over(a, a.greater(b))], "derivative of min";
    // x.min(hi).max(lo), by the rules of min and max.
    Clamp clamp |[x, lo, hi], _| [
        x.min(hi).wins_over(lo, x.min(hi).greater(lo)) * x.wins_over(hi, hi.greater(x)),
        lo.wins_over(x.min(hi), lo.greater(x.min(hi))),
        x.min(hi).wins_over(lo, x.min(hi).greater(lo)) * hi.wins_over(x, x.greater(hi))
    ], "derivative of max";
}

/// An operation. Scalar functions act on matrices entry by entry.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// A value from outside: the number of a leaf in [`Graph::leaves`].
    Leaf(usize),
    /// A real constant, by its bits.
    Const(u64),
    /// The size of a dynamic dimension, as a real number.
    Size(Dim),
    Scalar(Scalar),
    /// A power with an exponent known to the macro.
    PowI(i32),
    /// A power with an integer exponent known at run time.
    PowInt,
    /// The derivative of `x.powi(n)` of the given order.
    PowIntSlope(u32),
    /// Stumpff's function cₖ(x) = Σ (−x)ⁱ/(k + 2i)!: c₀ = cos √x, c₁ = sin √x/√x, c₂ = (1 − cos √x)/x, and so on. They
    /// are analytic, so that rotations are differentiated at the angle zero as anywhere else.
    Stumpff(u32),
    /// The derivative of the given order, by s, of atan2(√s, w)/√s, which is analytic at s = 0 for w > 0: the angle of a
    /// rotation over its sine.
    ArcRatio(u32),
    Compare(Comparison),
    And,
    Or,
    Not,
    /// `if c { a } else { b }`: only the side taken is evaluated.
    Select,

    /// A matrix with one value everywhere.
    Fill,
    Identity,
    /// A matrix of given entries, column-major.
    Build,
    /// A number computed from the place of each entry; the arguments are the integers that are given.
    Place(Position<usize>),
    Transpose,
    Part(Part),
    /// A matrix with another part: the arguments are the matrix, the part, and its position.
    Update(Part),
    /// Zero but for a part: the adjoint of taking that part.
    Scatter(Part),
    Diagonal,
    FromDiagonal,
    /// The same entries in column-major order, in a matrix of another shape or type.
    Reshape,
    /// Rows, one below the other.
    StackRows,
    /// diag(d) M and M diag(d), d being the entries of the first or last argument.
    ScaleRows,
    ScaleColumns,
    /// A ⊗ B
    Kronecker,
    /// The matrix of `x ↦ a × x`.
    CrossMatrix,
    /// A linear map of every column of a matrix, seen as a matrix of the shape of a symbol: the arguments are that
    /// matrix, the symbol, and its image under the map.
    Each,
    /// A row repeated, or a column: the adjoints of the sums over rows and columns.
    SpreadRows,
    SpreadColumns,

    Sum,
    /// The same sum, in whatever order is fast.
    Total,
    /// The sum of all entries from a start value, in order: `fold(start, |s, x| s + x)`.
    Fold,
    Mean,
    Trace,
    RowSum,
    ColumnSum,
    RowMean,
    ColumnMean,
    Variance,
    Dot,
    TrDot,
    Norm,
    NormSquared,
    Normalize,
    /// `try_normalize(least)`
    TryNormalize(Panic),
    /// ‖a − b‖, as `metric_distance` computes it.
    Distance,
    /// The angle between two vectors.
    Angle,
    Extreme(Extreme),

    MatMul,
    /// AᵀB, as `tr_mul` computes it.
    TrMul,
    /// AᵀB and ABᵀ, in whatever way is fast.
    ProductTn,
    ProductNt,
    Cross,

    Inverse(Panic),
    InverseTranspose,
    Determinant,
    Cofactors,
    /// The derivative of the cofactors of the first argument along all the others, one after the other.
    CofactorsTangent,
    Lu,
    LuSolve(Panic),
    LuTrSolve,
    LuInverse(Panic),
    LuDeterminant,
    Cholesky(Panic),
    CholeskySolve,
    CholeskyInverse,
    CholeskyDeterminant,
    CholeskyLnDeterminant,
    CholeskyFactor,
    /// The tangent of the factor, a linear map of the tangent of the matrix, and its adjoint.
    CholeskyTangent,
    CholeskyAdjoint,
    /// The symmetric matrix with the lower triangle of a matrix, and the adjoint of that.
    SymmetricFromLower,
    FoldLower,
    LowerTriangle,
    UpperTriangle,
    /// T⁻¹ B or T⁻ᵀ B for a triangle T, of which only that is read. Without what it does on failure it is not checked.
    SolveTriangular {
        upper: bool,
        transposed: bool,
        failure: Option<Panic>,
    },

    /// Quaternions are columns of their coordinates i, j, k, w.
    QuaternionProduct,
    QuaternionConjugate,
    /// A vector, rotated by a unit quaternion.
    QuaternionRotate,
    /// The rotation matrix of a unit quaternion.
    QuaternionMatrix,
    /// The unit quaternion of a vector along the axis, as long as the angle; and that vector.
    QuaternionExp,
    QuaternionLog,
    /// The same of rotation matrices.
    RotationExp,
    RotationLog,
    /// The angle of a rotation matrix.
    RotationAngle,
    /// The rotation matrix of an axis and an angle.
    RotationAbout,
    /// The axis of M − Mᵀ: the adjoint of `CrossMatrix`.
    Axial,

    /// The same value, as a constant of differentiation.
    Stop,
    /// A call of a function that has companions, by its number in [`Graph::calls`]: what it returns.
    Call(usize),
    /// Its tangent: of the call, and of the tangents of its arguments.
    CallTangent,
    /// Its cotangent, pulled back: of the call, and of the cotangents of these parts.
    CallAdjoint(Vec<Vec<usize>>),
    /// The tangent of that: of the call, its tangent, the cotangents, and their tangents.
    CallAdjointTangent(Vec<Vec<usize>>),
    /// A function of numbers that has companions, entry by entry: by the number of its call, and differentiated by
    /// these of its arguments.
    Apply(usize, Vec<usize>),
    /// In place of a tangent that is zero.
    Absent,
    /// A loop, by its number in [`Graph::loops`].
    Loop(usize),
    /// A part of what a call or a loop gives: `.0.1`.
    Item(Vec<usize>),
}

impl Op {
    /// Whether evaluation may panic where shapes fit.
    pub fn may_panic(&self) -> bool {
        match self {
            Op::Part(part) | Op::Scatter(part) | Op::Update(part) => {
                !matches!(part, Part::Selected(_))
            }
            // An index may overflow.
            Op::Place(place) => !matches!(place, Position::Row | Position::Column),
            // What was attempted is there on its side only.
            Op::Inverse(_) | Op::LuSolve(_) | Op::LuInverse(_) | Op::Cholesky(_) => true,
            Op::TryNormalize(_) => true,
            Op::SolveTriangular { failure, .. } => failure.is_some(),
            Op::Extreme(_) => false,
            Op::Scalar(Scalar::Clamp) => true,
            _ => false,
        }
    }

    /// Whether it belongs to the call of another function.
    pub fn is_call(&self) -> bool {
        matches!(
            self,
            Op::Call(_) | Op::CallTangent | Op::CallAdjoint(_) | Op::CallAdjointTangent(_)
        )
    }

    /// Whether its value is taken apart: that of a call, or of a loop.
    pub fn is_opaque(&self) -> bool {
        self.is_call() || matches!(self, Op::Loop(_))
    }

    /// Whether the two arguments may change places without changing a bit of the value.
    pub fn commutes(&self) -> bool {
        matches!(self, Op::Scalar(Scalar::Add | Scalar::Mul) | Op::Dot)
    }

    /// Whether it is linear in all arguments together, not in each: their tangents make one tangent.
    pub fn is_jointly_linear(&self) -> bool {
        matches!(
            self,
            Op::Fold | Op::Build | Op::StackRows | Op::Select | Op::Update(_)
        )
    }

    /// Whether the operation acts entry by entry.
    pub fn is_elementwise(&self) -> bool {
        matches!(
            self,
            Op::Scalar(_)
                | Op::PowI(_)
                | Op::PowInt
                | Op::PowIntSlope(_)
                | Op::Stumpff(_)
                | Op::ArcRatio(_)
                | Op::Apply(..)
                | Op::Compare(_)
                | Op::And
                | Op::Or
                | Op::Not
                | Op::Select
        )
    }
}

/// The arguments and the value of an operation that is being differentiated.
pub struct Applied<'g> {
    pub graph: &'g Graph,
    pub args: Vec<Expr<'g>>,
    pub value: Expr<'g>,
}

type Map<'g> = Box<dyn Fn(&Applied<'g>, Expr<'g>) -> Expr<'g>>;

/// How a value changes with one of its arguments.
pub enum Law<'g> {
    /// Not at all: an integer, a condition, or a step function.
    Constant,
    /// Entry by entry, with this partial derivative; tangent and adjoint are derived.
    Partial(Expr<'g>),
    /// Linearly: here is the adjoint; the tangent is the operation itself.
    Linear(Map<'g>),
    /// Smoothly: here is the differential, linear in the tangent; the adjoint is derived by transposing it.
    Smooth(Map<'g>),
    /// Smoothly, by a differential that is its own adjoint: the second derivative of something.
    Symmetric(Map<'g>),
}

fn linear<'g>(adjoint: impl Fn(&Applied<'g>, Expr<'g>) -> Expr<'g> + 'static) -> Law<'g> {
    Law::Linear(Box::new(adjoint))
}

fn smooth<'g>(differential: impl Fn(&Applied<'g>, Expr<'g>) -> Expr<'g> + 'static) -> Law<'g> {
    Law::Smooth(Box::new(differential))
}

fn symmetric<'g>(differential: impl Fn(&Applied<'g>, Expr<'g>) -> Expr<'g> + 'static) -> Law<'g> {
    Law::Symmetric(Box::new(differential))
}

impl Op {
    /// What a derivation calls the law of an operation.
    pub fn rule(&self) -> &'static str {
        match self {
            Op::Leaf(_) | Op::Const(_) | Op::Size(_) | Op::Place(_) | Op::Identity => {
                "constant rule"
            }
            Op::Compare(_) | Op::And | Op::Or | Op::Not => "constant rule",
            Op::Scalar(function) => function.rule(),
            Op::PowI(_) | Op::PowInt | Op::PowIntSlope(_) => "power rule",
            Op::Stumpff(_) => "derivative of Stumpff's functions",
            Op::ArcRatio(_) => "derivative of arctan",
            Op::Select => "on the side taken",

            Op::Fill | Op::SpreadRows | Op::SpreadColumns => "scalar expansion",
            Op::Build | Op::Scatter(_) | Op::Update(_) => "entry by entry",
            Op::Transpose => "transpose, linear",
            Op::Part(Part::Entry | Part::EntryAt) => "one entry: a unit vector",
            Op::Part(Part::Selected(_)) => "the selected entry",
            Op::Part(Part::Gathered(..)) => "entry by entry, linear",
            Op::Part(_) => "a part, linear",
            Op::Diagonal | Op::FromDiagonal => "diagonal, linear",
            Op::Reshape | Op::StackRows | Op::CrossMatrix | Op::Each => "entry by entry",
            Op::ScaleRows | Op::ScaleColumns | Op::Kronecker => "product rule",

            Op::Sum | Op::Total | Op::Fold => "vector sum reduction",
            Op::Mean => "vector sum reduction, by the number of entries",
            Op::RowSum | Op::ColumnSum | Op::RowMean | Op::ColumnMean => "vector sum reduction",
            Op::Trace => "trace, linear",
            Op::Variance => "vector sum reduction of squares",
            Op::Dot | Op::TrDot => "vector sum reduction of a product",
            Op::Norm | Op::Distance => "derivative of the norm",
            Op::Angle => "derivative of arccos",
            Op::NormSquared => "vector sum reduction of squares",
            Op::Normalize | Op::TryNormalize(_) => "quotient rule",
            Op::Extreme(_) => "the selected entry",

            Op::MatMul | Op::TrMul | Op::ProductTn | Op::ProductNt | Op::Cross => "product rule",

            Op::Inverse(_) | Op::InverseTranspose | Op::LuInverse(_) | Op::CholeskyInverse => {
                "differential of the inverse"
            }
            Op::LuSolve(_) | Op::LuTrSolve | Op::CholeskySolve => "differential of the inverse",
            Op::Determinant | Op::LuDeterminant | Op::CholeskyDeterminant => {
                "differential of the determinant"
            }
            Op::CholeskyLnDeterminant => "derivative of ln det",
            Op::Cofactors | Op::CofactorsTangent => "differential of the cofactors",
            Op::Lu | Op::Cholesky(_) => "a factorisation stands for its matrix",
            Op::CholeskyFactor | Op::CholeskyTangent | Op::CholeskyAdjoint => {
                "differential of Cholesky's factor"
            }
            Op::SymmetricFromLower | Op::FoldLower | Op::LowerTriangle => "lower triangle, linear",
            Op::UpperTriangle => "upper triangle, linear",
            Op::SolveTriangular { .. } => "differential of the inverse",

            Op::QuaternionProduct | Op::QuaternionRotate | Op::QuaternionMatrix => "product rule",
            Op::QuaternionConjugate | Op::Axial => "entry by entry",
            Op::QuaternionExp | Op::RotationExp | Op::RotationAbout => "differential of a rotation",
            Op::QuaternionLog | Op::RotationLog | Op::RotationAngle => {
                "differential of the angle of a rotation"
            }

            Op::Stop | Op::Absent => "constant rule",
            Op::Call(_)
            | Op::CallTangent
            | Op::CallAdjoint(_)
            | Op::CallAdjointTangent(_)
            | Op::Apply(..)
            | Op::Item(_) => "derived with the function called",
            Op::Loop(_) => "chain rule, iteration by iteration",
        }
    }
}

/// The laws of an operation, one for each argument.
pub fn laws<'g>(op: &Op, on: &Applied<'g>) -> Vec<Law<'g>> {
    let y = on.value;
    match op {
        Op::Leaf(_) | Op::Const(_) | Op::Size(_) => Vec::new(),
        Op::Compare(_) | Op::And | Op::Or | Op::Not => {
            on.args.iter().map(|_| Law::Constant).collect()
        }

        Op::Scalar(function) => function
            .partials(&on.args, y)
            .into_iter()
            .map(Law::Partial)
            .collect(),
        // d(xⁿ) = n xⁿ⁻¹ dx
        Op::PowI(n) => vec![Law::Partial(
            f64::from(*n) * on.args[0].powi(n.saturating_sub(1)),
        )],
        Op::PowInt => vec![
            Law::Partial(on.args[0].powi_slope(on.args[1], 1)),
            Law::Constant,
        ],
        Op::PowIntSlope(order) => vec![
            Law::Partial(on.args[0].powi_slope(on.args[1], order + 1)),
            Law::Constant,
        ],
        // cₖ′ = −½ (cₖ₊₁ − k cₖ₊₂) (Stumpff 1959; Danby, "Fundamentals of Celestial Mechanics", 6.9)
        Op::Stumpff(k) => {
            let x = on.args[0];
            let slope = x.stumpff(k + 1) - f64::from(*k) * x.stumpff(k + 2);
            vec![Law::Partial(-0.5 * slope)]
        }
        // d atan2(√s, w)/dw = −√s/(s + w²)
        Op::ArcRatio(k) => {
            let (s, w) = (on.args[0], on.args[1]);
            let factorial: f64 = (1..=*k).map(|i| -f64::from(i)).product();
            vec![
                Law::Partial(s.arc_ratio(w, k + 1)),
                Law::Partial(-factorial * (s + w * w).powi(-1 - k.cast_signed())),
            ]
        }
        // The side taken, and only that one.
        Op::Select => vec![
            Law::Constant,
            linear(|on, g| on.args[0].on_side(true, g, on.args[1])),
            linear(|on, g| on.args[0].on_side(false, g, on.args[2])),
        ],

        Op::Fill => vec![linear(|_, g| g.sum())],
        Op::Identity => Vec::new(),
        Op::Place(_) => on.args.iter().map(|_| Law::Constant).collect(),
        Op::Build => (0..on.args.len())
            .map(|k| linear(move |on, g| g.entry(on.graph.integer(k))))
            .collect(),
        Op::Transpose => vec![linear(|_, g| g.t())],
        Op::Part(part) => {
            let part = part.clone();
            positions(
                on,
                linear(move |on, g| g.scatter(&part, on.args[0].shape(), &on.args[1..])),
            )
        }
        Op::Scatter(part) => {
            let part = part.clone();
            positions(on, linear(move |on, g| g.part(&part, &on.args[1..])))
        }
        // The part of the matrix is gone, the rest of it stays.
        Op::Update(part) => {
            let (rest, own) = (part.clone(), part.clone());
            let matrix = linear(move |on: &Applied<'g>, g: Expr<'g>| {
                g.update(&rest, on.args[1].zero(), &on.args[2..])
            });
            let value = linear(move |on: &Applied<'g>, g: Expr<'g>| g.part(&own, &on.args[2..]));
            let places = on.args[2..].iter().map(|_| Law::Constant);
            [matrix, value].into_iter().chain(places).collect()
        }
        Op::Diagonal => vec![linear(|on, g| g.to_diagonal(on.args[0].shape()))],
        Op::FromDiagonal => vec![linear(|_, g| g.diagonal())],
        Op::Reshape => vec![linear(|on, g| g.reshape(on.args[0].shape()))],
        Op::StackRows => (0..on.args.len())
            .map(|k| linear(move |on, g| g.part(&Part::Row, &[on.graph.integer(k)])))
            .collect(),
        // d(diag(a) M) = diag(da) M + diag(a) dM
        Op::ScaleRows => vec![
            linear(|on, g| (g * on.args[1]).column_sum().reshape(on.args[0].shape())),
            linear(|on, g| g.scale_rows(on.args[0])),
        ],
        Op::ScaleColumns => vec![
            linear(|on, g| g.scale_columns(on.args[1])),
            linear(|on, g| (g * on.args[0]).row_sum().reshape(on.args[1].shape())),
        ],
        Op::CrossMatrix => vec![linear(|on, g| {
            let entry = |i: usize, j: usize| g.entry(on.graph.integer(3 * j + i));
            let axis = [
                entry(2, 1) - entry(1, 2),
                entry(0, 2) - entry(2, 0),
                entry(1, 0) - entry(0, 1),
            ];
            on.graph.built(&axis, on.args[0].shape())
        })],
        // K_(ip+k)(jq+l) = A_ij B_kl: with its entries rearranged, K is the product of the columns of A and B.
        Op::Kronecker
            if on
                .args
                .iter()
                .all(|arg| arg.shape().and_then(|s| s.entries()).is_some()) =>
        {
            vec![
                linear(|on, g| {
                    let (a, b) = (on.args[0], on.args[1]);
                    let rearranged = g.rearranged(a.shape(), b.shape());
                    rearranged.times(b.as_column()).reshape(a.shape())
                }),
                linear(|on, g| {
                    let (a, b) = (on.args[0], on.args[1]);
                    let rearranged = g.rearranged(a.shape(), b.shape());
                    rearranged.t().times(a.as_column()).reshape(b.shape())
                }),
            ]
        }
        // What only finished Jacobians have: the third derivative is refused.
        Op::Kronecker | Op::Each => {
            on.graph.beyond.set(true);
            on.args.iter().map(|_| Law::Constant).collect()
        }
        Op::SpreadRows => vec![linear(|_, g| g.row_sum())],
        Op::SpreadColumns => vec![linear(|_, g| g.column_sum())],

        Op::Sum | Op::Total => vec![linear(|on, g| g.fill(on.args[0].shape()))],
        Op::Fold => vec![linear(|on, g| g.fill(on.args[0].shape())), linear(|_, g| g)],
        Op::Mean => vec![linear(|on, g| {
            (g / on.args[0].len()).fill(on.args[0].shape())
        })],
        Op::Trace => vec![linear(|on, g| g * on.args[0].identity())],
        Op::RowSum => vec![linear(|on, g| g.spread_rows(on.args[0].shape()))],
        Op::ColumnSum => vec![linear(|on, g| g.spread_columns(on.args[0].shape()))],
        Op::RowMean => vec![linear(|on, g| {
            (g / on.args[0].rows()).spread_rows(on.args[0].shape())
        })],
        Op::ColumnMean => vec![linear(|on, g| {
            (g / on.args[0].cols()).spread_columns(on.args[0].shape())
        })],
        // d var(x) = 2 mean((x − mean) dx), as Σ (xᵢ − mean) = 0
        Op::Variance => vec![smooth(|on, dx| {
            let x = on.args[0];
            2.0 * ((x - x.mean()) * dx).mean()
        })],
        // d(a · b) = da · b + a · db
        Op::Dot => vec![
            linear(|on, g| g * on.args[1]),
            linear(|on, g| g * on.args[0]),
        ],
        Op::TrDot => vec![
            linear(|on, g| g * on.args[1].t()),
            linear(|on, g| g * on.args[0].t()),
        ],
        // d‖x‖ = x · dx / ‖x‖, and 0 at 0
        Op::Norm => vec![smooth(|on, dx| {
            on.args[0].dot(dx) * on.value.recip_or_zero()
        })],
        Op::NormSquared => vec![smooth(|on, dx| 2.0 * on.args[0].dot(dx))],
        // d(x/‖x‖) = (dx − y (y · dx)) / ‖x‖
        Op::Normalize => vec![smooth(|on, dx| {
            (dx - on.value * on.value.dot(dx)) / on.args[0].norm()
        })],
        Op::TryNormalize(_) => vec![
            smooth(|on, dx| (dx - on.value * on.value.dot(dx)) / on.args[0].norm()),
            Law::Constant,
        ],
        // d‖a − b‖ = (a − b) · (da − db) / ‖a − b‖, and 0 at 0
        Op::Distance => vec![
            smooth(|on, da| (on.args[0] - on.args[1]).dot(da) * on.value.recip_or_zero()),
            smooth(|on, db| (on.args[1] - on.args[0]).dot(db) * on.value.recip_or_zero()),
        ],
        // With θ the angle and c its cosine, dc = (b/(‖a‖‖b‖) − c a/‖a‖²) · da and dθ = −dc/sin θ; 0 where they are
        // parallel
        Op::Angle => {
            let by = |k: usize| {
                smooth(move |on: &Applied<'g>, da| {
                    let (a, b, angle) = (on.args[k], on.args[1 - k], on.value);
                    let (m, n) = (a.norm().recip_or_zero(), b.norm().recip_or_zero());
                    let slope = angle.cos() * m * m * a - m * n * b;
                    slope.dot(da) * angle.sin().recip_or_zero()
                })
            };
            vec![by(0), by(1)]
        }
        Op::Extreme(extreme) => {
            let part = Part::Selected(*extreme);
            let absolute = matches!(extreme, Extreme::AbsMax | Extreme::AbsMin);
            vec![smooth(move |on, dx| {
                let selected = dx.part(&part, &on.args);
                if absolute {
                    on.args[0].part(&part, &on.args).sign() * selected
                } else {
                    selected
                }
            })]
        }

        // d(A B) = dA B + A dB
        Op::MatMul => vec![
            linear(|on, g| g.times(on.args[1].t())),
            linear(|on, g| on.args[0].t().times(g)),
        ],
        // d(Aᵀ B) = dAᵀ B + Aᵀ dB
        Op::TrMul | Op::ProductTn => vec![
            linear(|on, g| on.args[1].times(g.t())),
            linear(|on, g| on.args[0].times(g)),
        ],
        // d(A Bᵀ) = dA Bᵀ + A dBᵀ
        Op::ProductNt => vec![
            linear(|on, g| g.times(on.args[1])),
            linear(|on, g| g.t().times(on.args[0])),
        ],
        // d(a × b) = da × b + a × db
        Op::Cross => vec![
            linear(|on, g| on.args[1].cross(g)),
            linear(|on, g| g.cross(on.args[0])),
        ],

        // A A⁻¹ = I gives dA⁻¹ = −A⁻¹ dA A⁻¹
        Op::Inverse(_) => vec![smooth(|on, da| -(on.value.times(da).times(on.value)))],
        Op::InverseTranspose => vec![smooth(|on, da| -(on.value.times(da.t()).times(on.value)))],
        // d det A = ⟨cof A, dA⟩, also where A is singular
        Op::Determinant => vec![smooth(|on, da| on.args[0].cofactors().dot(da))],
        Op::Cofactors => vec![symmetric(|on, da| on.args[0].cofactors_along(&[da]))],
        // A determinant has derivatives of all orders, each linear in every direction and whatever their order.
        Op::CofactorsTangent => std::iter::once(symmetric(|on, da| {
            on.args[0].cofactors_along(&[&on.args[1..], &[da]].concat())
        }))
        .chain((1..on.args.len()).map(|k| {
            linear(move |on, g| {
                let mut directions = on.args[1..].to_vec();
                directions[k - 1] = g;
                on.args[0].cofactors_along(&directions)
            })
        }))
        .collect(),

        // A factorisation stands for its matrix: its tangent is that of the matrix.
        Op::Lu => vec![linear(|_, g| g)],
        // A x = b gives dx = A⁻¹ (db − dA x)
        Op::LuSolve(_) => vec![
            smooth(|on, da| -on.args[0].lu_solve(da.times(on.value))),
            linear(|on, g| on.args[0].lu_tr_solve(g)),
        ],
        Op::LuTrSolve => vec![
            smooth(|on, da| -on.args[0].lu_tr_solve(da.t().times(on.value))),
            linear(|on, g| on.args[0].lu_solve(g)),
        ],
        Op::LuInverse(_) => vec![smooth(|on, da| -(on.value.times(da).times(on.value)))],
        Op::LuDeterminant => vec![smooth(|on, da| on.args[0].factored().cofactors().dot(da))],

        // Only the lower triangle is read: S is the symmetric matrix that has it.
        Op::Cholesky(_) => vec![linear(|_, g| g)],
        Op::CholeskySolve => vec![
            smooth(|on, da| -on.args[0].cholesky_solve(da.symmetric_from_lower().times(on.value))),
            linear(|on, g| on.args[0].cholesky_solve(g)),
        ],
        Op::CholeskyInverse => vec![smooth(|on, da| {
            -(on.value.times(da.symmetric_from_lower()).times(on.value))
        })],
        Op::CholeskyDeterminant => vec![smooth(|on, da| {
            on.value * on.args[0].cholesky_inverse().dot(da.symmetric_from_lower())
        })],
        Op::CholeskyLnDeterminant => vec![smooth(|on, da| {
            on.args[0].cholesky_inverse().dot(da.symmetric_from_lower())
        })],
        // dL = L Φ(L⁻¹ dS L⁻ᵀ), Φ the lower triangle with half the diagonal (Murray 2016)
        Op::CholeskyFactor => vec![smooth(|on, da| on.value.cholesky_tangent(da))],
        // T Lᵀ + L Tᵀ = S gives dT Lᵀ + L dTᵀ = −(T dLᵀ + dL Tᵀ)
        Op::CholeskyTangent => vec![
            smooth(|on, dl| {
                let product = on.value.times(dl.lower_triangle().t());
                -on.args[0].cholesky_tangent(product + product.t())
            }),
            linear(|on, g| on.args[0].cholesky_adjoint(g)),
        ],
        // W is the adjoint of S ↦ T: ⟨dW, S⟩ = ⟨G, dT⟩ = −⟨W, T dLᵀ + dL Tᵀ⟩ = −⟨(W + Wᵀ) dL, T⟩
        Op::CholeskyAdjoint => vec![
            smooth(|on, dl| {
                let w = on.value + on.value.t();
                -on.args[0].cholesky_adjoint(w.times(dl.lower_triangle()))
            }),
            linear(|on, g| on.args[0].cholesky_tangent(g)),
        ],
        Op::SymmetricFromLower => vec![linear(|_, g| g.fold_lower())],
        Op::FoldLower => vec![linear(|_, g| g.symmetric_from_lower())],
        Op::LowerTriangle => vec![linear(|_, g| g.lower_triangle())],
        Op::UpperTriangle => vec![linear(|_, g| g.upper_triangle())],
        // T x = b gives dx = T⁻¹ (db − dT x), where dT has only that triangle
        Op::SolveTriangular {
            upper, transposed, ..
        } => {
            let (upper, transposed) = (*upper, *transposed);
            vec![
                smooth(move |on, dt| {
                    let dt = if upper {
                        dt.upper_triangle()
                    } else {
                        dt.lower_triangle()
                    };
                    let dt = if transposed { dt.t() } else { dt };
                    -on.args[0].solve_triangular(dt.times(on.value), upper, transposed)
                }),
                linear(move |on, g| on.args[0].solve_triangular(g, upper, !transposed)),
            ]
        }

        // ⟨G, dP Q⟩ = ⟨G Q*, dP⟩
        Op::QuaternionProduct => vec![
            linear(|on, g| g.quaternion_times(on.args[1].quaternion_conjugate())),
            linear(|on, g| on.args[0].quaternion_conjugate().quaternion_times(g)),
        ],
        Op::QuaternionConjugate => vec![linear(|_, g| g.quaternion_conjugate())],
        // q v q* = v + 2 w u × v + 2 u × (u × v) for q = w + u
        Op::QuaternionRotate => vec![
            smooth(|on, dq| {
                let ((u, w), v) = (on.args[0].imaginary_and_real(), on.args[1]);
                let (du, dw) = dq.imaginary_and_real();
                let turned = dw * u.cross(v) + w * du.cross(v);
                2.0 * (turned + du.cross(u.cross(v)) + u.cross(du.cross(v)))
            }),
            linear(|on, g| on.args[0].quaternion_conjugate().quaternion_rotate(g)),
        ],
        // R = (w² − u · u) I + 2 u uᵀ + 2 w [u]
        Op::QuaternionMatrix => vec![smooth(|on, dq| {
            let (u, w) = on.args[0].imaginary_and_real();
            let (du, dw) = dq.imaginary_and_real();
            let outer = du.times(u.t()) + u.times(du.t());
            let cross = dw * u.cross_matrix() + w * du.cross_matrix();
            2.0 * ((w * dw - u.dot(du)) * on.value.identity() + outer + cross)
        })],
        // q = c₁(s) v/2 + c₀(s) with s = v · v/4, by Stumpff's functions (Solà et al., "A micro Lie theory", 2018)
        Op::QuaternionExp => vec![smooth(|on, dv| {
            let v = on.args[0];
            let (s, slope) = (v.dot(v) / 4.0, v.dot(dv));
            let c1 = s.stumpff(1);
            let bend = (s.stumpff(3) - s.stumpff(2)) / 8.0;
            let (du, dw) = (0.5 * c1 * dv + bend * slope * v, -0.25 * c1 * slope);
            du.quaternion_with(dw, on.value.shape())
        })],
        // θ = 2 atan2(‖u‖, w) u/‖u‖, of −q where w < 0
        Op::QuaternionLog => vec![smooth(|on, dq| {
            let (u, w) = on.args[0].imaginary_and_real();
            let (du, dw) = dq.imaginary_and_real();
            let side = w.real(0.0).greater(w).choose(w.real(-1.0), w.real(1.0));
            let (s, w) = (u.dot(u), side * w);
            let slope = 2.0 * s.arc_ratio(w, 1) * u.dot(du) - side * dw / (s + w * w);
            2.0 * side * (s.arc_ratio(w, 0) * du + slope * u)
        })],
        // R = c₀(s) I + c₁(s) [v] + c₂(s) v vᵀ with s = v · v (Rodrigues)
        Op::RotationExp => vec![smooth(|on, dv| {
            let v = on.args[0];
            let (s, slope) = (v.dot(v), v.dot(dv));
            let [c1, c2, c3, c4] = [1, 2, 3, 4].map(|k| s.stumpff(k));
            let along = c1 * slope * on.value.identity()
                + (c2 - c3) * slope * v.cross_matrix()
                + (c3 - 2.0 * c4) * slope * v.times(v.t());
            let across = c1 * dv.cross_matrix() + c2 * (dv.times(v.t()) + v.times(dv.t()));
            across - along
        })],
        // R = cos θ I + sin θ [a] + (1 − cos θ) a aᵀ
        Op::RotationAbout => vec![
            smooth(|on, da| {
                let (a, angle) = (on.args[0], on.args[1]);
                let outer = da.times(a.t()) + a.times(da.t());
                angle.sin() * da.cross_matrix() + (1.0 - angle.cos()) * outer
            }),
            smooth(|on, dangle| {
                let (a, angle) = (on.args[0], on.args[1]);
                let flat = a.times(a.t()) - on.value.identity();
                (angle.cos() * dangle) * a.cross_matrix() + (angle.sin() * dangle) * flat
            }),
        ],
        // v = a atan2(‖a‖, c)/‖a‖, where a is the axial vector of R/2 and c = (tr R − 1)/2: on rotations this is what
        // nalgebra computes, and analytic at the identity
        Op::RotationLog => vec![smooth(|on, dr| {
            let r = on.args[0];
            let (a, c) = (0.5 * r.axial(), 0.5 * (r.trace() - 1.0));
            let (da, dc) = (0.5 * dr.axial(), 0.5 * dr.trace());
            let s = a.dot(a);
            let slope = 2.0 * s.arc_ratio(c, 1) * a.dot(da) - dc / (s + c * c);
            s.arc_ratio(c, 0) * da + slope * a
        })],
        // θ = atan2(‖a‖, c), and 0 at 0
        Op::RotationAngle => vec![smooth(|on, dr| {
            let r = on.args[0];
            let (a, c) = (0.5 * r.axial(), 0.5 * (r.trace() - 1.0));
            let (da, dc) = (0.5 * dr.axial(), 0.5 * dr.trace());
            let n = a.norm();
            (c * n.recip_or_zero() * a.dot(da) - n * dc) / (n * n + c * c)
        })],
        Op::Axial => vec![linear(|_, g| g.cross_matrix())],

        Op::Apply(call, by) => (0..on.args.len())
            .map(|k| {
                match by.len() {
                    0 | 1 => {}
                    2 => on.graph.derived.set(true),
                    _ => {
                        on.graph.beyond.set(true);
                        return Law::Constant;
                    }
                }
                let by = by.iter().copied().chain([k]).collect();
                Law::Partial(on.args[0].apply_call(Op::Apply(*call, by), &on.args))
            })
            .collect(),
        Op::Stop => vec![Law::Constant],
        // The callee's companions are the law: the sweeps know them.
        Op::Absent
        | Op::Call(_)
        | Op::CallTangent
        | Op::CallAdjoint(_)
        | Op::CallAdjointTangent(_)
        | Op::Loop(_)
        | Op::Item(_) => on.args.iter().map(|_| Law::Constant).collect(),
    }
}

/// The law of the first argument, and none for the positions after it.
fn positions<'g>(on: &Applied<'g>, first: Law<'g>) -> Vec<Law<'g>> {
    std::iter::once(first)
        .chain(on.args[1..].iter().map(|_| Law::Constant))
        .collect()
}

/// The kind of the value of an operation, of the kinds of its arguments; `None` where nalgebra has no
/// such operation. Mismatched sizes are rustc's to report.
pub fn kind(op: &Op, args: &[Kind]) -> Option<Kind> {
    let shape = |i: usize| args.get(i).and_then(|k| k.shape.clone());
    let matrix = |rows: Dim, cols: Dim| Some(Kind::matrix(Shape { rows, cols }));
    let one = || Dim::Static(1);
    let square = |i: usize| shape(i).map(|s| Kind::matrix(Shape::new(s.rows.clone(), s.rows)));
    let scalar_of_matrix = || shape(0).map(|_| Kind::SCALAR);
    match op {
        Op::Const(_) | Op::Size(_) => Some(Kind::SCALAR),
        Op::Leaf(_)
        | Op::Fill
        | Op::Identity
        | Op::Build
        | Op::Place(_)
        | Op::Part(_)
        | Op::Scatter(_) => None,
        Op::Stop | Op::Item(_) => None,
        Op::Absent
        | Op::Call(_)
        | Op::CallTangent
        | Op::CallAdjoint(_)
        | Op::CallAdjointTangent(_)
        | Op::Loop(_) => Some(Kind::OPAQUE),
        Op::Update(_) => shape(0).map(Kind::matrix),
        // What follows from products of extents is told by who makes it.
        Op::Reshape | Op::StackRows | Op::Kronecker | Op::Each => None,
        Op::ScaleRows => shape(1).map(Kind::matrix),
        Op::ScaleColumns => shape(0).map(Kind::matrix),
        Op::CrossMatrix => square(0),
        Op::Scalar(_) | Op::PowI(_) | Op::Apply(..) | Op::Stumpff(_) | Op::ArcRatio(_) => {
            Some(Kind {
                elem: crate::graph::Elem::Real,
                shape: joint(args),
            })
        }
        Op::PowInt | Op::PowIntSlope(_) => Some(args[0].clone()),
        Op::Compare(_) | Op::And | Op::Or | Op::Not => Some(Kind {
            elem: crate::graph::Elem::Bool,
            shape: joint(args),
        }),
        Op::Select => Some(Kind {
            elem: args[1].elem,
            shape: joint(args),
        }),
        Op::Transpose => shape(0).map(|s| Kind::matrix(s.transposed())),
        Op::Diagonal => shape(0).and_then(|s| matrix(s.rows, one())),
        Op::FromDiagonal => shape(0).and_then(|s| matrix(s.rows.clone(), s.rows)),
        Op::SpreadRows | Op::SpreadColumns => None,
        Op::Sum
        | Op::Total
        | Op::Fold
        | Op::Mean
        | Op::Trace
        | Op::Variance
        | Op::Norm
        | Op::NormSquared
        | Op::Extreme(_) => scalar_of_matrix(),
        Op::Determinant
        | Op::LuDeterminant
        | Op::CholeskyDeterminant
        | Op::CholeskyLnDeterminant => scalar_of_matrix(),
        Op::Dot | Op::TrDot | Op::Distance | Op::Angle => {
            shape(0).and(shape(1)).map(|_| Kind::SCALAR)
        }
        Op::RotationAngle => scalar_of_matrix(),
        Op::QuaternionProduct | Op::QuaternionConjugate | Op::QuaternionExp => {
            matrix(Dim::Static(4), one())
        }
        Op::QuaternionRotate | Op::QuaternionLog | Op::RotationLog | Op::Axial => {
            matrix(Dim::Static(3), one())
        }
        Op::QuaternionMatrix | Op::RotationExp | Op::RotationAbout => {
            matrix(Dim::Static(3), Dim::Static(3))
        }
        Op::RowSum | Op::RowMean => shape(0).and_then(|s| matrix(one(), s.cols)),
        Op::ColumnSum | Op::ColumnMean => shape(0).and_then(|s| matrix(s.rows, one())),
        Op::Normalize | Op::TryNormalize(_) => shape(0).map(Kind::matrix),
        Op::MatMul => shape(0)
            .zip(shape(1))
            .and_then(|(a, b)| matrix(a.rows, b.cols)),
        Op::TrMul | Op::ProductTn => shape(0)
            .zip(shape(1))
            .and_then(|(a, b)| matrix(a.cols, b.cols)),
        Op::ProductNt => shape(0)
            .zip(shape(1))
            .and_then(|(a, b)| matrix(a.rows, b.rows)),
        Op::Cross => shape(0).and(shape(1)).and(shape(0)).map(Kind::matrix),
        Op::Inverse(_)
        | Op::InverseTranspose
        | Op::Cofactors
        | Op::CofactorsTangent
        | Op::LuInverse(_)
        | Op::CholeskyInverse
        | Op::CholeskyFactor => square(0),
        Op::SymmetricFromLower
        | Op::FoldLower
        | Op::LowerTriangle
        | Op::UpperTriangle
        | Op::CholeskyTangent
        | Op::CholeskyAdjoint => square(0),
        Op::SolveTriangular { .. } => shape(0).and(shape(1)).map(Kind::matrix),
        Op::Lu | Op::Cholesky(_) => shape(0).map(|s| Kind {
            elem: crate::graph::Elem::Factor,
            shape: Some(s),
        }),
        Op::LuSolve(_) | Op::LuTrSolve | Op::CholeskySolve => {
            shape(0).and(shape(1)).map(Kind::matrix)
        }
    }
}

/// The shape of an operation entry by entry: that of its matrices; a static extent says more than a dynamic one.
fn joint(args: &[Kind]) -> Option<Shape> {
    let more = |a: Dim, b: Dim| if matches!(a, Dim::Dynamic(_)) { b } else { a };
    args.iter()
        .filter_map(|k| k.shape.clone())
        .reduce(|a, b| Shape::new(more(a.rows, b.rows), more(a.cols, b.cols)))
}

/// The shape of a part of a matrix, with dynamic counts given as arguments.
pub fn part_shape(graph: &Graph, part: &Part, whole: &Shape, at: &[Id]) -> Option<Shape> {
    let count = |k: usize| graph.dynamic(crate::graph::Extent::Int(at[k]));
    Some(match part {
        Part::Entry | Part::EntryAt | Part::Selected(_) => return None,
        Part::Row => Shape::new(Dim::Static(1), whole.cols.clone()),
        Part::Column => Shape::new(whole.rows.clone(), Dim::Static(1)),
        Part::Rows => Shape::new(count(1), whole.cols.clone()),
        Part::Columns => Shape::new(whole.rows.clone(), count(1)),
        Part::FixedRows(n) => Shape::new(n.clone(), whole.cols.clone()),
        Part::FixedColumns(n) => Shape::new(whole.rows.clone(), n.clone()),
        Part::View => Shape::new(count(2), count(3)),
        Part::FixedView(r, c) => Shape::new(r.clone(), c.clone()),
        Part::Gathered(shape, _) | Part::Element(_, shape) => shape.clone(),
    })
}
