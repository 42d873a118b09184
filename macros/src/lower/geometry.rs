//! Points, rotations, quaternions and isometries: each by its coordinates, by the formulas that nalgebra computes.
//!
//! A unit quaternion is a column i, j, k, w, a rotation matrix a matrix, an isometry its rotation and its translation.
//! What is computed with them are operations on those.

use super::{Lower, Lowered, Refusal, refuse};
use crate::error::text;
use crate::graph::{Dim, Elem, Id, Kind, Shape};
use crate::rules::{Comparison, Op, Part, Scalar};
use crate::scope::{Geometric, Hint, Inert, Value};
use crate::ty::{Frame, Real, Turn};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{BinOp, Expr};

impl Frame {
    /// What it is called in messages.
    fn noun(self) -> &'static str {
        match self {
            Frame::Point => "a point",
            Frame::Translation => "a translation",
            Frame::Unit => "a unit vector",
            Frame::Quaternion => "a quaternion",
            Frame::UnitQuaternion => "a unit quaternion",
            Frame::UnitComplex => "a unit complex number",
            Frame::Rotation => "a rotation matrix",
            Frame::Isometry(_) => "an isometry",
        }
    }

    fn turn(self) -> Option<Turn> {
        match self {
            Frame::UnitQuaternion => Some(Turn::Quaternion),
            Frame::UnitComplex => Some(Turn::Complex),
            Frame::Rotation => Some(Turn::Matrix),
            _ => None,
        }
    }

    /// The part that a field is.
    fn field(self, name: &str) -> Option<Frame> {
        match (self, name) {
            (Frame::Isometry(turn), "rotation") => Some(turn.frame()),
            (Frame::Isometry(_), "translation") => Some(Frame::Translation),
            _ => None,
        }
    }
}

/// One side of an operator.
#[derive(Clone)]
enum Operand {
    Geometric(Geometric),
    Matrix(Id),
    Number(Id),
}

fn node(id: Id) -> Value {
    Value::Node(id)
}

fn single(frame: Frame, id: Id) -> Value {
    Value::Geometric(Geometric::of(frame, vec![id]))
}

fn column(entries: usize) -> Kind {
    Kind::matrix(Shape::fixed(entries, 1))
}

impl Lower<'_> {
    // ---- what is inert, and what is kept ----

    /// The hint of an inert expression of nalgebra's geometry.
    pub(crate) fn frame_of(value: &Value) -> Option<Frame> {
        match value {
            Value::Geometric(geometric) => Some(geometric.frame),
            Value::Inert(Inert {
                hint: Hint::Geometric { frame, .. },
                ..
            }) => Some(*frame),
            _ => None,
        }
    }

    /// A geometric value by its coordinates; those of an inert one are read from it.
    pub(crate) fn geometric(&mut self, value: &Value) -> Lowered<Option<Geometric>> {
        match value {
            Value::Geometric(geometric) => Ok(Some(geometric.clone())),
            Value::Inert(inert) => match inert.hint {
                Hint::Geometric { frame, size, .. } => {
                    let mut inert = inert.clone();
                    self.pin_parameter(&inert.tokens);
                    if !matches!(inert.hint, Hint::Unknown) && !inert.pure && self.closures == 0 {
                        self.evaluate(&mut inert);
                    }
                    self.coordinates(&inert, frame, size).map(Some)
                }
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    fn coordinates(&mut self, inert: &Inert, frame: Frame, size: usize) -> Lowered<Geometric> {
        let whole = &inert.tokens;
        let whole = match syn::parse2::<Expr>(whole.clone()) {
            Ok(
                Expr::Path(_)
                | Expr::Field(_)
                | Expr::MethodCall(_)
                | Expr::Call(_)
                | Expr::Paren(_)
                | Expr::Index(_),
            ) => quote!(#whole),
            _ => quote!((#whole)),
        };
        let pinned = |lower: &mut Self, tokens: TokenStream, shape: Shape| {
            let part = Inert {
                tokens,
                hint: Hint::Matrix(shape.clone()),
                leaf: None,
                ..inert.clone()
            };
            lower.pin(&part, Kind::matrix(shape))
        };
        let four = || Shape::fixed(4, 1);
        let id = match frame {
            Frame::Point => pinned(self, quote!(#whole.coords), Shape::fixed(size, 1))?,
            Frame::Translation => pinned(self, quote!(#whole.vector), Shape::fixed(size, 1))?,
            Frame::Unit => pinned(self, quote!(#whole.into_inner()), Shape::fixed(size, 1))?,
            Frame::Quaternion | Frame::UnitQuaternion => {
                pinned(self, quote!(#whole.coords), four())?
            }
            Frame::UnitComplex => {
                let parts = quote!(NALGEBRA::Vector2::new(#whole.re, #whole.im));
                pinned(self, parts, Shape::fixed(2, 1))?
            }
            Frame::Rotation => pinned(self, quote!(#whole.matrix()), Shape::fixed(size, size))?,
            Frame::Isometry(turn) => {
                let part = |tokens: TokenStream| Inert {
                    tokens,
                    leaf: None,
                    ..inert.clone()
                };
                let rotation =
                    self.coordinates(&part(quote!(#whole.rotation)), turn.frame(), size)?;
                let translation = part(quote!(#whole.translation));
                let translation = self.coordinates(&translation, Frame::Translation, size)?;
                let coordinates = [rotation.coordinates, translation.coordinates].concat();
                return Ok(Geometric::of(frame, coordinates));
            }
        };
        Ok(Geometric::of(frame, vec![id]))
    }

    /// The value of nalgebra's type again, for what is kept as it stands.
    pub(super) fn rebuilt(&self, geometric: &Geometric) -> Option<TokenStream> {
        let name = |id: Id| {
            let leaf = self.graph.leaf_of(id).map(|leaf| leaf.name);
            leaf.or_else(|| {
                self.graph
                    .names
                    .borrow()
                    .get(&id)
                    .map(ToTokens::to_token_stream)
            })
        };
        let first = name(geometric.coordinates[0])?;
        let own = quote!(#first.clone_owned());
        let of = |frame: Frame| match frame {
            Frame::Point => quote!(NALGEBRA::Point::from(#own)),
            Frame::Translation => quote!(NALGEBRA::Translation::from(#own)),
            Frame::Unit => quote!(NALGEBRA::Unit::new_unchecked(#own)),
            Frame::Quaternion => quote!(NALGEBRA::Quaternion::from(#own)),
            Frame::UnitQuaternion => {
                quote!(NALGEBRA::Unit::new_unchecked(NALGEBRA::Quaternion::from(#own)))
            }
            Frame::UnitComplex => {
                quote!(NALGEBRA::Unit::new_unchecked(NALGEBRA::Complex::new(#first[0], #first[1])))
            }
            _ => quote!(NALGEBRA::Rotation::from_matrix_unchecked(#own)),
        };
        match geometric.frame {
            Frame::Isometry(turn) => {
                let rotation = of(turn.frame());
                let translation = name(geometric.coordinates[1])?;
                Some(quote!(NALGEBRA::Isometry::from_parts(
                    NALGEBRA::Translation::from(#translation.clone_owned()),
                    #rotation
                )))
            }
            frame => Some(of(frame)),
        }
    }

    /// Gives the coordinates of a variable names of their own.
    pub(super) fn name_coordinates(&mut self, ident: &Ident, geometric: &Geometric) {
        if self.closures > 0 {
            return;
        }
        let isometry = matches!(geometric.frame, Frame::Isometry(_));
        for (k, id) in geometric.coordinates.iter().enumerate() {
            let named = self.graph.names.borrow().contains_key(id);
            if named || self.graph.leaf_of(*id).is_some() {
                continue;
            }
            let own = if isometry {
                let part = ["rotation", "translation"][k];
                self.fresh(&format!("{ident}_{part}"))
            } else {
                self.own_name(ident)
            };
            self.graph.names.borrow_mut().insert(*id, own);
        }
    }

    pub(super) fn refuse_geometric(&self, geometric: &Geometric, at: TokenStream) -> Refusal {
        let help = match geometric.frame {
            Frame::Point => "take its coordinates, as in `p.coords`",
            Frame::Translation => "take its vector, as in `t.vector`",
            Frame::Quaternion | Frame::UnitQuaternion => {
                "take its coordinates, as in `q.coords`, or `q.imag()` and `q.w`"
            }
            Frame::Rotation => "take its matrix, as in `r.matrix()`",
            Frame::UnitComplex => "take its angle or its parts, as in `c.re`",
            Frame::Unit => "take the vector, as in `u.into_inner()`",
            Frame::Isometry(_) => {
                "take its parts, as in `pose.translation.vector` and `pose.rotation`"
            }
        };
        let message = format!(
            "`{}` is {}, where a number, a vector or a matrix is needed\nhelp: {help}",
            text(&at),
            geometric.frame.noun()
        );
        Refusal(Some(syn::Error::new_spanned(at, message)))
    }

    // ---- coordinates ----

    fn of(&mut self, op: Op, args: &[Id], at: &Expr) -> Lowered<Id> {
        self.exact(op, args.to_vec(), at)
    }

    fn scalar(&mut self, function: Scalar, args: &[Id], at: &Expr) -> Lowered<Id> {
        if let Some(number) = self.folded(function, args) {
            return Ok(number);
        }
        self.exact(Op::Scalar(function), args.to_vec(), at)
    }

    /// The number that arithmetic on two literals gives: nothing would tell rustc their type.
    fn folded(&self, function: Scalar, args: &[Id]) -> Option<Id> {
        let number = |id: &Id| match self.graph.op(*id) {
            Op::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        };
        let args: Vec<f64> = args.iter().map(number).collect::<Option<_>>()?;
        let value = match (function, &args[..], &self.real) {
            (_, _, Real::Generic(_)) => return None,
            (Scalar::Neg, [a], _) => -a,
            (Scalar::Mul, [a, b], Real::F64) => a * b,
            (Scalar::Mul, [a, b], Real::F32) => f64::from(*a as f32 * *b as f32),
            (Scalar::Div, [a, b], Real::F64) => a / b,
            (Scalar::Div, [a, b], Real::F32) => f64::from(*a as f32 / *b as f32),
            (Scalar::Add, [a, b], Real::F64) => a + b,
            (Scalar::Add, [a, b], Real::F32) => f64::from(*a as f32 + *b as f32),
            (Scalar::Sub, [a, b], Real::F64) => a - b,
            (Scalar::Sub, [a, b], Real::F32) => f64::from(*a as f32 - *b as f32),
            _ => return None,
        };
        Some(self.graph.constant(value))
    }

    pub(super) fn column_of(&mut self, entries: &[Id], at: &Expr) -> Lowered<Id> {
        self.exact_of(Op::Build, entries.to_vec(), column(entries.len()), at)
    }

    fn each_entry(&mut self, id: Id, at: &Expr) -> Lowered<Vec<Id>> {
        Ok(self.rows_of_entries(id, at)?.concat())
    }

    fn imaginary(&mut self, q: Id, at: &Expr) -> Lowered<Id> {
        let start = self.graph.integer(0).id;
        let part = Op::Part(Part::FixedRows(Dim::Static(3)));
        self.exact_of(part, vec![q, start], column(3), at)
    }

    /// a b, for numbers or two rotations.
    fn product_of_parts(&mut self, factors: &[Id], at: &Expr) -> Lowered<Id> {
        let mut product = factors[0];
        for factor in &factors[1..] {
            product = self.scalar(Scalar::Mul, &[product, *factor], at)?;
        }
        Ok(product)
    }

    /// The first rotation after the second.
    fn composed(&mut self, turn: Turn, a: Id, b: Id, at: &Expr) -> Lowered<Id> {
        match turn {
            Turn::Quaternion => self.of(Op::QuaternionProduct, &[a, b], at),
            Turn::Matrix => self.of(Op::MatMul, &[a, b], at),
            Turn::Complex => {
                let (a, b) = (self.each_entry(a, at)?, self.each_entry(b, at)?);
                let mut products = Vec::new();
                for (x, y) in [(a[0], b[0]), (a[1], b[1]), (a[0], b[1]), (a[1], b[0])] {
                    products.push(self.scalar(Scalar::Mul, &[x, y], at)?);
                }
                let re = self.scalar(Scalar::Sub, &products[..2], at)?;
                let im = self.scalar(Scalar::Add, &products[2..], at)?;
                self.column_of(&[re, im], at)
            }
        }
    }

    fn inverted(&mut self, turn: Turn, a: Id, at: &Expr) -> Lowered<Id> {
        match turn {
            Turn::Quaternion => self.of(Op::QuaternionConjugate, &[a], at),
            Turn::Matrix => self.of(Op::Transpose, &[a], at),
            Turn::Complex => {
                let parts = self.each_entry(a, at)?;
                let im = self.scalar(Scalar::Neg, &[parts[1]], at)?;
                self.column_of(&[parts[0], im], at)
            }
        }
    }

    /// A vector, rotated.
    fn turned(&mut self, turn: Turn, a: Id, v: Id, at: &Expr) -> Lowered<Id> {
        match turn {
            Turn::Quaternion => self.of(Op::QuaternionRotate, &[a, v], at),
            Turn::Matrix => self.of(Op::MatMul, &[a, v], at),
            Turn::Complex => {
                let (a, v) = (self.each_entry(a, at)?, self.each_entry(v, at)?);
                let mut products = Vec::new();
                for (x, y) in [(a[0], v[0]), (a[1], v[1]), (a[1], v[0]), (a[0], v[1])] {
                    products.push(self.scalar(Scalar::Mul, &[x, y], at)?);
                }
                let x = self.scalar(Scalar::Sub, &products[..2], at)?;
                let y = self.scalar(Scalar::Add, &products[2..], at)?;
                self.column_of(&[x, y], at)
            }
        }
    }

    fn turned_back(&mut self, turn: Turn, a: Id, v: Id, at: &Expr) -> Lowered<Id> {
        if turn == Turn::Matrix {
            return self.of(Op::TrMul, &[a, v], at);
        }
        let inverse = self.inverted(turn, a, at)?;
        self.turned(turn, inverse, v, at)
    }

    fn angle_of(&mut self, geometric: &Geometric, at: &Expr) -> Lowered<Id> {
        let id = geometric.coordinates[0];
        match geometric.frame {
            Frame::UnitQuaternion => {
                let imaginary = self.imaginary(id, at)?;
                let n = self.of(Op::Norm, &[imaginary], at)?;
                let w = self.entry_of(id, 3, at)?;
                let w = self.scalar(Scalar::Abs, &[w], at)?;
                let half = self.scalar(Scalar::Atan2, &[n, w], at)?;
                let two = self.graph.constant(2.0);
                self.scalar(Scalar::Mul, &[half, two], at)
            }
            Frame::UnitComplex => {
                let parts = self.each_entry(id, at)?;
                self.scalar(Scalar::Atan2, &[parts[1], parts[0]], at)
            }
            _ if self.graph.shape(id) == Some(Shape::fixed(2, 2)) => {
                let sine = self.entry_at(id, 1, 0, at)?;
                let cosine = self.entry_at(id, 0, 0, at)?;
                self.scalar(Scalar::Atan2, &[sine, cosine], at)
            }
            _ => {
                self.checked(geometric, at)?;
                self.of(Op::RotationAngle, &[id], at)
            }
        }
    }

    fn entry_at(&mut self, id: Id, i: usize, j: usize, at: &Expr) -> Lowered<Id> {
        let (i, j) = (self.graph.integer(i).id, self.graph.integer(j).id);
        self.exact_of(Op::Part(Part::EntryAt), vec![id, i, j], Kind::SCALAR, at)
    }

    /// The angle of a matrix that is no rotation is another thing.
    fn checked(&self, geometric: &Geometric, at: &Expr) -> Lowered<()> {
        if geometric.unchecked {
            return refuse(
                at,
                "the axis and the angle of a matrix that is not known to be a rotation cannot be differentiated\nhelp: build it with `Rotation3::new` or from a quaternion, or use its entries",
            );
        }
        Ok(())
    }

    // ---- operators ----

    fn operand(&mut self, value: &Value, at: &Expr, guess: Option<&Kind>) -> Lowered<Operand> {
        if let Some(geometric) = self.geometric(value)? {
            return Ok(Operand::Geometric(geometric));
        }
        let unknown = match value {
            Value::Inert(inert) => inert.hint == Hint::Unknown,
            Value::Called(..) => true,
            _ => false,
        };
        let guess = match (guess, unknown) {
            (None, true) => {
                return refuse(
                    at,
                    format!(
                        "it is not known here what `{0}` is: a vector, a point, a rotation\nhelp: bind it with its type before, as in `let v: Vector3<{1}> = {0};`",
                        text(at),
                        self.real.to_token_stream()
                    ),
                );
            }
            (guess, _) => guess.cloned().unwrap_or(Kind::SCALAR),
        };
        let id = self.node(value, at, &guess)?;
        Ok(match self.graph.kind(id) {
            kind if kind == Kind::SCALAR => Operand::Number(id),
            kind if kind.is_matrix() => Operand::Matrix(id),
            _ => return refuse(at, format!("`{}` cannot be computed with here", text(at))),
        })
    }

    /// An operator with a point, a rotation or the like on one side.
    pub(super) fn geometric_operator(
        &mut self,
        op: &BinOp,
        (left, left_at): (&Value, &Expr),
        (right, right_at): (&Value, &Expr),
        expr: &Expr,
    ) -> Lowered<Value> {
        use Frame::{Isometry, Point, Quaternion, Rotation, Translation, Unit, UnitQuaternion};
        use Operand::{Geometric as G, Matrix, Number};
        // A unit vector is computed with as the vector that it is, but rotated it is one again.
        let guess = |frame: Option<Frame>| match (frame, op) {
            (Some(Point | Quaternion), BinOp::Mul(_) | BinOp::Div(_)) => Some(Kind::SCALAR),
            _ => None,
        };
        let (l, r) = (Self::frame_of(left), Self::frame_of(right));
        let a = self.operand(left, left_at, guess(r).as_ref())?;
        let b = self.operand(right, right_at, guess(l).as_ref())?;
        let coordinates = |operand: &Operand| match operand {
            G(geometric) => geometric.coordinates.clone(),
            Matrix(id) | Number(id) => vec![*id],
        };
        let frame = |operand: &Operand| match operand {
            G(geometric) => Some(geometric.frame),
            _ => None,
        };
        let unchecked = [&a, &b]
            .iter()
            .any(|o| matches!(o, G(geometric) if geometric.unchecked));
        let (x, y) = (coordinates(&a), coordinates(&b));
        let made = |frame: Frame, coordinates: Vec<Id>| {
            Value::Geometric(Geometric {
                unchecked,
                ..Geometric::of(frame, coordinates)
            })
        };
        let value = match (op, frame(&a), frame(&b)) {
            (BinOp::Mul(_), Some(f), Some(g)) => match (f, g, f.turn(), g.turn()) {
                (f, g, Some(turn), _) if f == g => {
                    made(f, vec![self.composed(turn, x[0], y[0], expr)?])
                }
                (_, Point | Unit, Some(turn), _) => {
                    made(g, vec![self.turned(turn, x[0], y[0], expr)?])
                }
                (_, Translation, Some(turn), _) => {
                    let shift = self.turned(turn, x[0], y[0], expr)?;
                    made(Isometry(turn), vec![x[0], shift])
                }
                (_, Isometry(other), Some(turn), _) if turn == other => {
                    let rotation = self.composed(turn, x[0], y[0], expr)?;
                    let shift = self.turned(turn, x[0], y[1], expr)?;
                    made(g, vec![rotation, shift])
                }
                (Quaternion, Quaternion, ..) => {
                    single(f, self.of(Op::QuaternionProduct, &[x[0], y[0]], expr)?)
                }
                (Translation, Translation, ..) => {
                    single(f, self.scalar(Scalar::Add, &[x[0], y[0]], expr)?)
                }
                (Translation, Point, ..) => {
                    single(g, self.scalar(Scalar::Add, &[y[0], x[0]], expr)?)
                }
                (Translation, Isometry(_), ..) => {
                    let shift = self.scalar(Scalar::Add, &[x[0], y[1]], expr)?;
                    made(g, vec![y[0], shift])
                }
                (Translation, _, _, Some(turn)) => made(Isometry(turn), vec![y[0], x[0]]),
                (Isometry(turn), Isometry(other), ..) if turn == other => {
                    let shift = self.turned(turn, x[0], y[1], expr)?;
                    let shift = self.scalar(Scalar::Add, &[x[1], shift], expr)?;
                    made(f, vec![self.composed(turn, x[0], y[0], expr)?, shift])
                }
                (Isometry(turn), Point, ..) => {
                    let turned = self.turned(turn, x[0], y[0], expr)?;
                    made(g, vec![self.scalar(Scalar::Add, &[turned, x[1]], expr)?])
                }
                (Isometry(turn), Unit, ..) => made(g, vec![self.turned(turn, x[0], y[0], expr)?]),
                (Isometry(turn), Translation, ..) => {
                    let shift = self.turned(turn, x[0], y[0], expr)?;
                    let shift = self.scalar(Scalar::Add, &[x[1], shift], expr)?;
                    made(f, vec![x[0], shift])
                }
                (Isometry(turn), _, _, Some(other)) if turn == other => {
                    made(f, vec![self.composed(turn, x[0], y[0], expr)?, x[1]])
                }
                _ => return self.no_operator(expr),
            },
            (BinOp::Mul(_), Some(f), None) => match (f, &b) {
                (Rotation, Matrix(m)) => node(self.of(Op::MatMul, &[x[0], *m], expr)?),
                (Isometry(turn), Matrix(v)) if self.is_column(*v) => {
                    node(self.turned(turn, x[0], *v, expr)?)
                }
                (Frame::UnitComplex | UnitQuaternion, Matrix(v)) if self.is_column(*v) => {
                    match f.turn() {
                        Some(turn) => node(self.turned(turn, x[0], *v, expr)?),
                        None => return self.no_operator(expr),
                    }
                }
                (Point | Quaternion, Number(s)) => {
                    single(f, self.scalar(Scalar::Mul, &[x[0], *s], expr)?)
                }
                _ => return self.no_operator(expr),
            },
            (BinOp::Mul(_), None, Some(g)) => match (&a, g) {
                (Matrix(m), Rotation) => node(self.of(Op::MatMul, &[*m, y[0]], expr)?),
                (Matrix(m), Point) => single(g, self.of(Op::MatMul, &[*m, y[0]], expr)?),
                (Matrix(m), Unit) => node(self.of(Op::MatMul, &[*m, y[0]], expr)?),
                (Number(s), Point | Quaternion) => {
                    single(g, self.scalar(Scalar::Mul, &[*s, y[0]], expr)?)
                }
                _ => return self.no_operator(expr),
            },
            (BinOp::Div(_), Some(f), Some(g)) if f == g => match f {
                Isometry(_) => {
                    let inverse = self.inverse_of(
                        &Geometric {
                            unchecked,
                            ..Geometric::of(g, y)
                        },
                        expr,
                    )?;
                    let product = BinOp::Mul(Default::default());
                    let inverse = Value::Geometric(inverse);
                    return self.geometric_operator(
                        &product,
                        (left, left_at),
                        (&inverse, right_at),
                        expr,
                    );
                }
                _ => match f.turn() {
                    Some(turn) => {
                        let inverse = self.inverted(turn, y[0], expr)?;
                        made(f, vec![self.composed(turn, x[0], inverse, expr)?])
                    }
                    None => return self.no_operator(expr),
                },
            },
            (BinOp::Div(_), Some(f @ (Point | Quaternion)), None) => match b {
                Number(s) => single(f, self.scalar(Scalar::Div, &[x[0], s], expr)?),
                _ => return self.no_operator(expr),
            },
            (BinOp::Add(_), Some(Quaternion), Some(Quaternion)) => {
                single(Quaternion, self.scalar(Scalar::Add, &[x[0], y[0]], expr)?)
            }
            (BinOp::Sub(_), Some(Quaternion), Some(Quaternion)) => {
                single(Quaternion, self.scalar(Scalar::Sub, &[x[0], y[0]], expr)?)
            }
            (BinOp::Sub(_), Some(Point), Some(Point)) => {
                node(self.scalar(Scalar::Sub, &[x[0], y[0]], expr)?)
            }
            (BinOp::Add(_), Some(Point), None) if matches!(b, Matrix(_)) => {
                single(Point, self.scalar(Scalar::Add, &[x[0], y[0]], expr)?)
            }
            (BinOp::Sub(_), Some(Point), None) if matches!(b, Matrix(_)) => {
                single(Point, self.scalar(Scalar::Sub, &[x[0], y[0]], expr)?)
            }
            _ => return self.no_operator(expr),
        };
        Ok(value)
    }

    fn no_operator<T>(&self, expr: &Expr) -> Lowered<T> {
        refuse(
            expr,
            format!(
                "cannot follow `{}` on these values of nalgebra's geometry\nhelp: the table in the README lists what is known; otherwise compute with coordinates, as in `p.coords` and `r.matrix()`",
                text(expr)
            ),
        )
    }

    fn is_column(&self, id: Id) -> bool {
        self.graph.shape(id).is_some_and(|shape| shape.is_column())
    }

    /// `-q`, and `*u`.
    pub(super) fn geometric_unary(
        &mut self,
        op: &syn::UnOp,
        geometric: &Geometric,
        expr: &Expr,
    ) -> Lowered<Value> {
        let id = geometric.coordinates[0];
        match (op, geometric.frame) {
            (syn::UnOp::Deref(_), Frame::Unit) => Ok(node(id)),
            (syn::UnOp::Deref(_), Frame::UnitQuaternion) => Ok(single(Frame::Quaternion, id)),
            (syn::UnOp::Deref(_), _) => Ok(Value::Geometric(geometric.clone())),
            (syn::UnOp::Neg(_), Frame::Point | Frame::Quaternion | Frame::UnitQuaternion) => Ok(
                single(geometric.frame, self.scalar(Scalar::Neg, &[id], expr)?),
            ),
            (syn::UnOp::Neg(_), Frame::Unit) => {
                Ok(single(Frame::Unit, self.scalar(Scalar::Neg, &[id], expr)?))
            }
            _ => self.no_operator(expr),
        }
    }

    // ---- fields and entries ----

    pub(super) fn geometric_field(
        &mut self,
        geometric: &Geometric,
        name: &str,
        expr: &Expr,
    ) -> Lowered<Value> {
        let id = geometric.coordinates[0];
        let letters: &[&str] = match geometric.frame {
            Frame::Point | Frame::Translation | Frame::Unit => &["x", "y", "z", "w"],
            Frame::Quaternion | Frame::UnitQuaternion => &["i", "j", "k", "w"],
            Frame::UnitComplex => &["re", "im"],
            Frame::Rotation | Frame::Isometry(_) => &[],
        };
        let size = self.graph.shape(id).and_then(|shape| shape.entries());
        if let Some(k) = letters.iter().position(|letter| *letter == name)
            && size.is_some_and(|size| k < size)
        {
            return Ok(node(self.entry_of(id, k, expr)?));
        }
        match (geometric.frame, name) {
            (Frame::Point | Frame::Quaternion | Frame::UnitQuaternion, "coords")
            | (Frame::Translation, "vector") => Ok(node(id)),
            (Frame::Isometry(turn), "rotation") => Ok(Value::Geometric(Geometric {
                unchecked: geometric.unchecked,
                ..Geometric::of(turn.frame(), vec![id])
            })),
            (Frame::Isometry(_), "translation") => {
                Ok(single(Frame::Translation, geometric.coordinates[1]))
            }
            _ => refuse(
                expr,
                format!(
                    "cannot follow the field `{name}` of {}",
                    geometric.frame.noun()
                ),
            ),
        }
    }

    /// What is known of a field of an inert value.
    pub(super) fn hint_of_field(hint: &Hint, name: &str) -> Hint {
        let Hint::Geometric { frame, size, .. } = hint else {
            return Hint::Unknown;
        };
        let coordinate = matches!(name, "x" | "y" | "z" | "w" | "i" | "j" | "k" | "re" | "im");
        match (frame.field(name), frame, name) {
            (Some(frame), ..) => Hint::Geometric {
                frame,
                size: *size,
                reference: false,
            },
            (None, Frame::Point, "coords") | (None, Frame::Translation, "vector") => {
                Hint::Matrix(Shape::fixed(*size, 1))
            }
            (None, Frame::Quaternion | Frame::UnitQuaternion, "coords") => {
                Hint::Matrix(Shape::fixed(4, 1))
            }
            (None, frame, _) if coordinate && !matches!(frame, Frame::Isometry(_)) => Hint::Real,
            _ => Hint::Unknown,
        }
    }

    /// What is behind a reference, or in a unit value.
    pub(super) fn hint_behind(hint: &Hint) -> Hint {
        match hint {
            Hint::Geometric {
                frame,
                size,
                reference: true,
            } => Hint::Geometric {
                frame: *frame,
                size: *size,
                reference: false,
            },
            Hint::Geometric {
                frame: Frame::Unit,
                size,
                ..
            } => Hint::Matrix(Shape::fixed(*size, 1)),
            Hint::Geometric {
                frame: Frame::UnitQuaternion,
                size,
                ..
            } => Hint::Geometric {
                frame: Frame::Quaternion,
                size: *size,
                reference: false,
            },
            Hint::Geometric { .. } => Hint::Unknown,
            other => other.clone(),
        }
    }

    /// What is known of what a method of an inert value gives.
    pub(crate) fn hint_of_method(hint: &Hint, name: &str) -> Hint {
        let Hint::Geometric { frame, size, .. } = hint else {
            return Hint::Unknown;
        };
        let of = |frame: Frame| Hint::Geometric {
            frame,
            size: *size,
            reference: false,
        };
        match (frame, name) {
            (_, "clone" | "inverse" | "conjugate" | "rotation_to" | "inv_mul") => of(*frame),
            (Frame::UnitQuaternion | Frame::UnitComplex, "to_rotation_matrix") => {
                of(Frame::Rotation)
            }
            (Frame::UnitQuaternion, "quaternion" | "into_inner") => of(Frame::Quaternion),
            (Frame::UnitQuaternion, "scaled_axis") => Hint::Matrix(Shape::fixed(3, 1)),
            (Frame::Rotation, "scaled_axis") if *size == 3 => Hint::Matrix(Shape::fixed(3, 1)),
            (Frame::Rotation, "matrix" | "into_inner") => Hint::Matrix(Shape::fixed(*size, *size)),
            (Frame::Unit, "into_inner") => Hint::Matrix(Shape::fixed(*size, 1)),
            (
                Frame::UnitQuaternion | Frame::Rotation | Frame::UnitComplex,
                "angle" | "angle_to",
            ) => Hint::Real,
            _ => Hint::Unknown,
        }
    }

    // ---- methods ----

    fn inverse_of(&mut self, geometric: &Geometric, at: &Expr) -> Lowered<Geometric> {
        let x = &geometric.coordinates;
        let coordinates = match (geometric.frame, geometric.frame.turn()) {
            (_, Some(turn)) => vec![self.inverted(turn, x[0], at)?],
            (Frame::Isometry(turn), _) => {
                let rotation = self.inverted(turn, x[0], at)?;
                let back = self.scalar(Scalar::Neg, &[x[1]], at)?;
                vec![rotation, self.turned(turn, rotation, back, at)?]
            }
            (Frame::Translation, _) => vec![self.scalar(Scalar::Neg, &[x[0]], at)?],
            _ => return self.no_operator(at),
        };
        Ok(Geometric {
            unchecked: geometric.unchecked,
            ..Geometric::of(geometric.frame, coordinates)
        })
    }

    /// An argument that has to be of this frame.
    fn of_frame(&mut self, arg: &Expr, frame: Frame) -> Lowered<Geometric> {
        let value = self.expr(arg)?;
        match self.geometric(&value)? {
            Some(geometric) if geometric.frame == frame => Ok(geometric),
            _ => refuse(
                arg,
                format!(
                    "`{}` is not known to be {}\nhelp: bind it with its type before",
                    text(arg),
                    frame.noun()
                ),
            ),
        }
    }

    fn vector(&mut self, arg: &Expr, size: usize) -> Lowered<Id> {
        self.matrix_argument(arg, &column(size))
    }

    pub(crate) fn geometric_method(
        &mut self,
        geometric: &Geometric,
        method: &Ident,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let name = method.to_string();
        let (frame, x) = (geometric.frame, geometric.coordinates.clone());
        let id = x[0];
        let size = self.graph.shape(*x.last().unwrap_or(&id));
        let size = match size.map(|shape| shape.rows) {
            Some(Dim::Static(n)) => n,
            _ => 3,
        };
        let turn = frame.turn().or(match frame {
            Frame::Isometry(turn) => Some(turn),
            _ => None,
        });
        let same = |coordinates: Vec<Id>| {
            Value::Geometric(Geometric {
                unchecked: geometric.unchecked,
                ..Geometric::of(frame, coordinates)
            })
        };
        let quaternion = matches!(frame, Frame::Quaternion | Frame::UnitQuaternion);
        let value = match (&*name, args, turn) {
            ("clone" | "to_owned", [], _) => same(x),
            ("into_inner" | "as_ref", [], _) if frame == Frame::Unit => node(id),
            ("into_inner" | "as_ref" | "quaternion", [], _) if frame == Frame::UnitQuaternion => {
                single(Frame::Quaternion, id)
            }
            ("into_inner" | "matrix", [], Some(Turn::Matrix)) if frame == Frame::Rotation => {
                node(id)
            }
            ("inverse", [], _) if frame != Frame::Quaternion => {
                Value::Geometric(self.inverse_of(geometric, expr)?)
            }
            ("conjugate", [], _) if quaternion => {
                same(vec![self.of(Op::QuaternionConjugate, &[id], expr)?])
            }
            ("conjugate", [], Some(Turn::Complex)) if frame == Frame::UnitComplex => {
                same(vec![self.inverted(Turn::Complex, id, expr)?])
            }
            ("inv_mul", [other], Some(turn)) if matches!(frame, Frame::Isometry(_)) => {
                let other = self.of_frame(other, frame)?;
                let unchecked = geometric.unchecked || other.unchecked;
                let other = other.coordinates;
                let inverse = self.inverted(turn, id, expr)?;
                let between = self.scalar(Scalar::Sub, &[other[1], x[1]], expr)?;
                let shift = self.turned(turn, inverse, between, expr)?;
                let rotation = self.composed(turn, inverse, other[0], expr)?;
                Value::Geometric(Geometric {
                    unchecked,
                    ..Geometric::of(frame, vec![rotation, shift])
                })
            }
            ("transform_vector", [v], Some(turn)) => {
                let v = self.vector(v, size)?;
                node(self.turned(turn, id, v, expr)?)
            }
            ("inverse_transform_vector", [v], Some(turn)) => {
                let v = self.vector(v, size)?;
                node(self.turned_back(turn, id, v, expr)?)
            }
            ("transform_point", [p], Some(turn)) => {
                let p = self.of_frame(p, Frame::Point)?.coordinates[0];
                let mut p = self.turned(turn, id, p, expr)?;
                if let Some(shift) = x.get(1) {
                    p = self.scalar(Scalar::Add, &[p, *shift], expr)?;
                }
                single(Frame::Point, p)
            }
            ("inverse_transform_point", [p], Some(turn)) => {
                let mut p = self.of_frame(p, Frame::Point)?.coordinates[0];
                if let Some(shift) = x.get(1) {
                    p = self.scalar(Scalar::Sub, &[p, *shift], expr)?;
                }
                single(Frame::Point, self.turned_back(turn, id, p, expr)?)
            }
            ("rotation_to" | "angle_to", [other], Some(turn)) if frame.turn().is_some() => {
                let other = self.of_frame(other, frame)?;
                let inverse = self.inverted(turn, id, expr)?;
                let rotation = self.composed(turn, other.coordinates[0], inverse, expr)?;
                let between = Geometric {
                    unchecked: geometric.unchecked || other.unchecked,
                    ..Geometric::of(frame, vec![rotation])
                };
                if name == "angle_to" {
                    node(self.angle_of(&between, expr)?)
                } else {
                    Value::Geometric(between)
                }
            }
            ("angle", [], Some(_)) if frame.turn().is_some() => {
                node(self.angle_of(geometric, expr)?)
            }
            ("scaled_axis", [], Some(Turn::Quaternion)) if frame == Frame::UnitQuaternion => {
                node(self.of(Op::QuaternionLog, &[id], expr)?)
            }
            ("scaled_axis", [], Some(Turn::Matrix)) if frame == Frame::Rotation && size == 3 => {
                self.checked(geometric, expr)?;
                node(self.of(Op::RotationLog, &[id], expr)?)
            }
            ("ln", [], _) if frame == Frame::UnitQuaternion => {
                let axis = self.of(Op::QuaternionLog, &[id], expr)?;
                let mut entries = self.each_entry(axis, expr)?;
                entries.push(self.graph.constant(0.0));
                single(Frame::Quaternion, self.column_of(&entries, expr)?)
            }
            ("to_rotation_matrix", [], Some(Turn::Quaternion))
                if frame == Frame::UnitQuaternion =>
            {
                let matrix = self.of(Op::QuaternionMatrix, &[id], expr)?;
                Value::Geometric(Geometric {
                    unchecked: geometric.unchecked,
                    ..Geometric::of(Frame::Rotation, vec![matrix])
                })
            }
            ("to_rotation_matrix", [], Some(Turn::Complex)) if frame == Frame::UnitComplex => {
                let parts = self.each_entry(id, expr)?;
                let minus = self.scalar(Scalar::Neg, &[parts[1]], expr)?;
                let rows = [vec![parts[0], minus], vec![parts[1], parts[0]]];
                single(Frame::Rotation, self.of_rows(&rows, expr)?)
            }
            ("euler_angles", [], Some(Turn::Quaternion)) if frame == Frame::UnitQuaternion => {
                let matrix = self.of(Op::QuaternionMatrix, &[id], expr)?;
                self.euler_angles(matrix, expr)?
            }
            ("euler_angles", [], Some(Turn::Matrix)) if frame == Frame::Rotation && size == 3 => {
                self.euler_angles(id, expr)?
            }
            ("to_homogeneous", [], _) if !quaternion || frame == Frame::UnitQuaternion => {
                self.homogeneous(geometric, expr)?
            }
            ("scalar", [], _) if quaternion => node(self.entry_of(id, 3, expr)?),
            ("imag" | "vector", [], _) if quaternion => node(self.imaginary(id, expr)?),
            ("norm" | "magnitude", [], _) if quaternion => node(self.of(Op::Norm, &[id], expr)?),
            ("norm_squared" | "magnitude_squared", [], _) if quaternion => {
                node(self.of(Op::NormSquared, &[id], expr)?)
            }
            ("dot", [other], _) if quaternion => {
                let other = self.expr(other)?;
                match self.geometric(&other)? {
                    Some(other) if other.coordinates.len() == 1 => {
                        let other = other.coordinates[0];
                        node(self.of(Op::Dot, &[id, other], expr)?)
                    }
                    _ => return self.no_operator(expr),
                }
            }
            ("normalize", [], _) if frame == Frame::Quaternion => {
                same(vec![self.of(Op::Normalize, &[id], expr)?])
            }
            ("lerp", [other, t], _) if frame == Frame::Quaternion => {
                let other = self.of_frame(other, frame)?.coordinates[0];
                let t = self.scalar_argument(t)?;
                let one = self.graph.constant(1.0);
                let rest = self.scalar(Scalar::Sub, &[one, t], expr)?;
                let first = self.scalar(Scalar::Mul, &[id, rest], expr)?;
                let second = self.scalar(Scalar::Mul, &[other, t], expr)?;
                same(vec![self.scalar(Scalar::Add, &[first, second], expr)?])
            }
            // Methods of the vector that a unit vector is.
            _ if frame == Frame::Unit => {
                let value = node(id);
                return self.apply_method(method, None, (value, expr), args, expr);
            }
            _ => {
                return refuse(
                    method,
                    format!(
                        "cannot differentiate `{name}` of {} yet\nhelp: the table in the README lists what is known; otherwise compute with coordinates, as in `q.coords`, `p.coords` and `r.matrix()`",
                        frame.noun()
                    ),
                );
            }
        };
        Ok(value)
    }

    /// Roll, pitch and yaw (Slabaugh, "Computing Euler angles from a rotation matrix").
    fn euler_angles(&mut self, m: Id, at: &Expr) -> Lowered<Value> {
        let one = self.graph.constant(1.0);
        let zero = self.graph.constant(0.0);
        let minus_one = self.graph.constant(-1.0);
        let right = self.graph.constant(std::f64::consts::FRAC_PI_2);
        let minus_right = self.graph.constant(-std::f64::consts::FRAC_PI_2);
        let down = self.entry_at(m, 2, 0, at)?;
        let size = self.scalar(Scalar::Abs, &[down], at)?;
        let upright = self.of(Op::Compare(Comparison::Lt), &[size, one], at)?;
        let below = self.of(Op::Compare(Comparison::Le), &[down, minus_one], at)?;
        let sine = self.scalar(Scalar::Asin, &[down], at)?;
        let pitch = self.scalar(Scalar::Neg, &[sine], at)?;
        let cosine = self.scalar(Scalar::Cos, &[pitch], at)?;
        let mut angles = Vec::new();
        for (y, x) in [((2, 1), (2, 2)), ((1, 0), (0, 0))] {
            let y = self.entry_at(m, y.0, y.1, at)?;
            let x = self.entry_at(m, x.0, x.1, at)?;
            let y = self.scalar(Scalar::Div, &[y, cosine], at)?;
            let x = self.scalar(Scalar::Div, &[x, cosine], at)?;
            angles.push(self.scalar(Scalar::Atan2, &[y, x], at)?);
        }
        // Where the pitch is a right angle only the sum of the others is known.
        let (y, x) = (self.entry_at(m, 0, 1, at)?, self.entry_at(m, 0, 2, at)?);
        let first = self.scalar(Scalar::Atan2, &[y, x], at)?;
        let minus = self.scalar(Scalar::Neg, &[x], at)?;
        let second = self.scalar(Scalar::Atan2, &[y, minus], at)?;
        let second = self.scalar(Scalar::Neg, &[second], at)?;
        let choose = |lower: &mut Self, a: Id, b: Id, c: Id| -> Lowered<Value> {
            let locked = lower.of(Op::Select, &[below, b, c], at)?;
            Ok(node(lower.of(Op::Select, &[upright, a, locked], at)?))
        };
        Ok(Value::Tuple(vec![
            choose(self, angles[0], first, second)?,
            choose(self, pitch, right, minus_right)?,
            choose(self, angles[1], zero, zero)?,
        ]))
    }

    fn homogeneous(&mut self, geometric: &Geometric, at: &Expr) -> Lowered<Value> {
        let (zero, one) = (self.graph.constant(0.0), self.graph.constant(1.0));
        let x = geometric.coordinates.clone();
        let matrix = |lower: &mut Self, frame: Frame| match frame.turn() {
            Some(Turn::Quaternion) => lower.of(Op::QuaternionMatrix, &[x[0]], at),
            _ => Ok(x[0]),
        };
        let mut rows = match geometric.frame {
            Frame::Point => {
                let mut rows = self.rows_of_entries(x[0], at)?;
                rows.push(vec![one]);
                return Ok(node(self.of_rows(&rows, at)?));
            }
            Frame::UnitComplex | Frame::Isometry(Turn::Complex) => {
                let parts = self.each_entry(x[0], at)?;
                let minus = self.scalar(Scalar::Neg, &[parts[1]], at)?;
                vec![vec![parts[0], minus], vec![parts[1], parts[0]]]
            }
            Frame::UnitQuaternion | Frame::Rotation => {
                let matrix = matrix(self, geometric.frame)?;
                self.rows_of_entries(matrix, at)?
            }
            Frame::Isometry(turn) => {
                let matrix = matrix(self, turn.frame())?;
                self.rows_of_entries(matrix, at)?
            }
            Frame::Translation => {
                let size = self.each_entry(x[0], at)?.len();
                let entry = |i: usize, j: usize| if i == j { one } else { zero };
                let row = |i: usize| (0..size).map(|j| entry(i, j)).collect();
                (0..size).map(row).collect()
            }
            _ => return self.no_operator(at),
        };
        self.border(&mut rows);
        let shift = match geometric.frame {
            Frame::Isometry(_) => Some(x[1]),
            Frame::Translation => Some(x[0]),
            _ => None,
        };
        if let Some(shift) = shift {
            for (row, entry) in rows.iter_mut().zip(self.each_entry(shift, at)?) {
                if let Some(last) = row.last_mut() {
                    *last = entry;
                }
            }
        }
        Ok(node(self.of_rows(&rows, at)?))
    }

    // ---- constructors ----

    /// `UnitQuaternion::from_scaled_axis(v)` and the like.
    pub(crate) fn geometric_constructor(
        &mut self,
        path: &syn::ExprPath,
        (frame, size): (Frame, Option<usize>),
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let segments = &path.path.segments;
        let Some(last) = segments.last() else {
            return refuse(expr, "inert");
        };
        let name = last.ident.to_string();
        if self.is_inert_expr(expr) {
            let known = matches!(
                &*name,
                "new"
                    | "from"
                    | "identity"
                    | "origin"
                    | "from_scaled_axis"
                    | "from_axis_angle"
                    | "from_euler_angles"
                    | "from_parts"
                    | "from_quaternion"
                    | "from_angle"
                    | "from_matrix_unchecked"
                    | "translation"
                    | "rotation"
                    | "from_imag"
                    | "from_real"
            );
            let hint = match size {
                Some(size) if known && frame != Frame::Unit => Hint::Geometric {
                    frame,
                    size,
                    reference: false,
                },
                _ => Hint::Unknown,
            };
            return Ok(Value::Inert(self.inert_expression(expr, hint)));
        }
        self.pin_frame(path, frame);
        let size = size.unwrap_or(3);
        let turn = frame.turn();
        let value = match (frame, &*name, args) {
            (Frame::Point | Frame::Translation, "new", entries) if entries.len() == size => {
                let entries: Lowered<Vec<Id>> =
                    entries.iter().map(|e| self.scalar_argument(e)).collect();
                single(frame, self.column_of(&entries?, expr)?)
            }
            (Frame::Point | Frame::Translation, "from", [v]) => match self.expr(v)? {
                Value::List(entries) if entries.len() == size => {
                    let entries = self.numbers_in(entries, v)?;
                    single(frame, self.column_of(&entries, expr)?)
                }
                value => {
                    let id = self.node(&value, v, &column(size))?;
                    self.has_shape(id, Shape::fixed(size, 1), v)?;
                    single(frame, id)
                }
            },
            (Frame::Unit, "new_normalize" | "new_unchecked" | "new_and_get", [v]) => {
                let value = self.expr(v)?;
                let (frame, id) = match self.geometric(&value)? {
                    Some(q) if q.frame == Frame::Quaternion => {
                        (Frame::UnitQuaternion, q.coordinates[0])
                    }
                    Some(_) => return self.no_operator(expr),
                    None => (Frame::Unit, self.matrix_argument(v, &column(3))?),
                };
                let unit = match &*name {
                    "new_unchecked" => id,
                    _ => self.of(Op::Normalize, &[id], expr)?,
                };
                match &*name {
                    "new_unchecked" => Value::Geometric(Geometric {
                        unchecked: true,
                        ..Geometric::of(frame, vec![unit])
                    }),
                    "new_and_get" => {
                        let norm = self.of(Op::Norm, &[id], expr)?;
                        Value::Tuple(vec![single(frame, unit), node(norm)])
                    }
                    _ => single(frame, unit),
                }
            }
            (Frame::Quaternion, "new", [w, i, j, k]) => {
                let entries: Lowered<Vec<Id>> = [w, i, j, k]
                    .iter()
                    .map(|e| self.scalar_argument(e))
                    .collect();
                let [w, i, j, k] = entries?[..] else {
                    return self.no_operator(expr);
                };
                single(frame, self.column_of(&[i, j, k, w], expr)?)
            }
            (Frame::Quaternion, "from_parts", [w, v]) => {
                let w = self.scalar_argument(w)?;
                let v = self.vector(v, 3)?;
                let mut entries = self.each_entry(v, expr)?;
                entries.push(w);
                single(frame, self.column_of(&entries, expr)?)
            }
            (Frame::Quaternion, "from_imag", [v]) => {
                let v = self.vector(v, 3)?;
                let mut entries = self.each_entry(v, expr)?;
                entries.push(self.graph.constant(0.0));
                single(frame, self.column_of(&entries, expr)?)
            }
            (Frame::Quaternion, "from", [v]) => {
                let id = self.vector(v, 4)?;
                self.has_shape(id, Shape::fixed(4, 1), v)?;
                single(frame, id)
            }
            (Frame::UnitQuaternion, "new" | "from_scaled_axis", [v]) => {
                let v = self.vector(v, 3)?;
                single(frame, self.of(Op::QuaternionExp, &[v], expr)?)
            }
            (Frame::UnitQuaternion, "from_quaternion" | "new_normalize", [q]) => {
                let q = self.of_frame(q, Frame::Quaternion)?.coordinates[0];
                single(frame, self.of(Op::Normalize, &[q], expr)?)
            }
            (Frame::UnitQuaternion, "new_unchecked", [q]) => {
                let q = self.of_frame(q, Frame::Quaternion)?.coordinates;
                Value::Geometric(Geometric {
                    unchecked: true,
                    ..Geometric::of(frame, q)
                })
            }
            (Frame::UnitQuaternion, "from_axis_angle", [axis, angle]) => {
                let axis = self.of_frame(axis, Frame::Unit)?;
                let (axis, unchecked) = (axis.coordinates[0], axis.unchecked);
                let angle = self.scalar_argument(angle)?;
                let two = self.graph.constant(2.0);
                let half = self.scalar(Scalar::Div, &[angle, two], expr)?;
                let sine = self.scalar(Scalar::Sin, &[half], expr)?;
                let cosine = self.scalar(Scalar::Cos, &[half], expr)?;
                let imaginary = self.scalar(Scalar::Mul, &[axis, sine], expr)?;
                let mut entries = self.each_entry(imaginary, expr)?;
                entries.push(cosine);
                Value::Geometric(Geometric {
                    unchecked,
                    ..Geometric::of(frame, vec![self.column_of(&entries, expr)?])
                })
            }
            (Frame::UnitQuaternion, "from_euler_angles", [roll, pitch, yaw]) => {
                let half = Some(self.graph.constant(0.5));
                let parts = self.sines_and_cosines(&[roll, pitch, yaw], half, expr)?;
                let [(sr, cr), (sp, cp), (sy, cy)] = parts[..] else {
                    return self.no_operator(expr);
                };
                let mut entries = Vec::new();
                for (plus, first, second) in [
                    (false, [sr, cp, cy], [cr, sp, sy]),
                    (true, [cr, sp, cy], [sr, cp, sy]),
                    (false, [cr, cp, sy], [sr, sp, cy]),
                    (true, [cr, cp, cy], [sr, sp, sy]),
                ] {
                    entries.push(self.two_products(plus, &first, &second, expr)?);
                }
                single(frame, self.column_of(&entries, expr)?)
            }
            (Frame::UnitComplex, "new" | "from_angle", [angle]) => {
                let parts = self.sines_and_cosines(&[angle], None, expr)?;
                single(frame, self.column_of(&[parts[0].1, parts[0].0], expr)?)
            }
            (Frame::UnitComplex, "from_cos_sin_unchecked", [cosine, sine]) => {
                let parts = [self.scalar_argument(cosine)?, self.scalar_argument(sine)?];
                single(frame, self.column_of(&parts, expr)?)
            }
            (Frame::Rotation, "new", [angle]) if size == 2 => {
                single(frame, self.plane_rotation(angle, expr)?)
            }
            (Frame::Rotation, "new" | "from_scaled_axis", [v]) if size == 3 => {
                let v = self.vector(v, 3)?;
                single(frame, self.of(Op::RotationExp, &[v], expr)?)
            }
            (Frame::Rotation, "from_axis_angle", [axis, angle]) if size == 3 => {
                let axis = self.of_frame(axis, Frame::Unit)?;
                let (axis, unchecked) = (axis.coordinates[0], axis.unchecked);
                let angle = self.scalar_argument(angle)?;
                let matrix = self.of(Op::RotationAbout, &[axis, angle], expr)?;
                Value::Geometric(Geometric {
                    unchecked,
                    ..Geometric::of(frame, vec![matrix])
                })
            }
            (Frame::Rotation, "from_euler_angles", [roll, pitch, yaw]) if size == 3 => {
                let parts = self.sines_and_cosines(&[roll, pitch, yaw], None, expr)?;
                let [(sr, cr), (sp, cp), (sy, cy)] = parts[..] else {
                    return self.no_operator(expr);
                };
                let rows = [
                    vec![
                        self.product_of_parts(&[cy, cp], expr)?,
                        self.two_products(false, &[cy, sp, sr], &[sy, cr], expr)?,
                        self.two_products(true, &[cy, sp, cr], &[sy, sr], expr)?,
                    ],
                    vec![
                        self.product_of_parts(&[sy, cp], expr)?,
                        self.two_products(true, &[sy, sp, sr], &[cy, cr], expr)?,
                        self.two_products(false, &[sy, sp, cr], &[cy, sr], expr)?,
                    ],
                    vec![
                        self.scalar(Scalar::Neg, &[sp], expr)?,
                        self.product_of_parts(&[cp, sr], expr)?,
                        self.product_of_parts(&[cp, cr], expr)?,
                    ],
                ];
                single(frame, self.of_rows(&rows, expr)?)
            }
            (Frame::Rotation, "from_matrix_unchecked", [m]) => {
                let square = Shape::fixed(size, size);
                let id = self.matrix_argument(m, &Kind::matrix(square.clone()))?;
                self.has_shape(id, square, m)?;
                Value::Geometric(Geometric {
                    unchecked: true,
                    ..Geometric::of(frame, vec![id])
                })
            }
            (Frame::Rotation, "from", [q]) if size == 3 => {
                let q = self.of_frame(q, Frame::UnitQuaternion)?;
                let matrix = self.of(Op::QuaternionMatrix, &q.coordinates, expr)?;
                Value::Geometric(Geometric {
                    unchecked: q.unchecked,
                    ..Geometric::of(frame, vec![matrix])
                })
            }
            (Frame::Isometry(turn), "new", [shift, rotation]) => {
                let shift = self.vector(without_conversion(shift), size)?;
                let rotation = match (turn, size) {
                    (Turn::Complex, _) => {
                        let parts = self.sines_and_cosines(&[rotation], None, expr)?;
                        self.column_of(&[parts[0].1, parts[0].0], expr)?
                    }
                    (Turn::Matrix, 2) => self.plane_rotation(rotation, expr)?,
                    (turn, _) => {
                        let v = self.vector(without_conversion(rotation), 3)?;
                        let op = if turn == Turn::Quaternion {
                            Op::QuaternionExp
                        } else {
                            Op::RotationExp
                        };
                        self.of(op, &[v], expr)?
                    }
                };
                Value::Geometric(Geometric::of(frame, vec![rotation, shift]))
            }
            (Frame::Isometry(turn), "translation", entries) if entries.len() == size => {
                let entries: Lowered<Vec<Id>> =
                    entries.iter().map(|e| self.scalar_argument(e)).collect();
                let shift = self.column_of(&entries?, expr)?;
                let (zero, one) = (self.graph.constant(0.0), self.graph.constant(1.0));
                let rotation = match turn {
                    Turn::Quaternion => self.column_of(&[zero, zero, zero, one], expr)?,
                    Turn::Complex => self.column_of(&[one, zero], expr)?,
                    Turn::Matrix => {
                        let kind = Kind::matrix(Shape::fixed(size, size));
                        self.exact_of(Op::Identity, Vec::new(), kind, expr)?
                    }
                };
                Value::Geometric(Geometric::of(frame, vec![rotation, shift]))
            }
            (Frame::Isometry(turn), "from_parts", [translation, rotation]) => {
                let shift = self.translation_argument(translation, size)?;
                let rotation = self.of_frame(rotation, turn.frame())?;
                Value::Geometric(Geometric {
                    unchecked: rotation.unchecked,
                    ..Geometric::of(frame, vec![rotation.coordinates[0], shift])
                })
            }
            _ => {
                return refuse(
                    &last.ident,
                    format!(
                        "cannot differentiate `{name}` of {} yet\nhelp: use a constructor of the table in the README{}",
                        frame.noun(),
                        if turn.is_some() {
                            ", as `from_scaled_axis`, `from_axis_angle` or `from_euler_angles`"
                        } else {
                            ""
                        }
                    ),
                );
            }
        };
        Ok(value)
    }

    /// A vector, as a translation: also `v.into()`.
    fn translation_argument(&mut self, arg: &Expr, size: usize) -> Lowered<Id> {
        let vector = without_conversion(arg);
        if !std::ptr::eq(vector, arg) {
            return self.vector(vector, size);
        }
        Ok(self.of_frame(arg, Frame::Translation)?.coordinates[0])
    }

    fn has_shape(&self, id: Id, shape: Shape, at: &Expr) -> Lowered<()> {
        let kind = self.graph.kind(id);
        if kind.elem == Elem::Real && kind.shape == Some(shape) {
            return Ok(());
        }
        refuse(
            at,
            format!("`{}` is not of the size that is needed here", text(at)),
        )
    }

    /// The sine and the cosine of each angle, or of the angle times a factor.
    fn sines_and_cosines(
        &mut self,
        angles: &[&Expr],
        factor: Option<Id>,
        at: &Expr,
    ) -> Lowered<Vec<(Id, Id)>> {
        let mut parts = Vec::new();
        for angle in angles {
            let mut angle = self.scalar_argument(angle)?;
            if let Some(factor) = factor {
                angle = self.scalar(Scalar::Mul, &[angle, factor], at)?;
            }
            let sine = self.scalar(Scalar::Sin, &[angle], at)?;
            parts.push((sine, self.scalar(Scalar::Cos, &[angle], at)?));
        }
        Ok(parts)
    }

    /// The sum or difference of two products.
    fn two_products(&mut self, plus: bool, a: &[Id], b: &[Id], at: &Expr) -> Lowered<Id> {
        let (a, b) = (self.product_of_parts(a, at)?, self.product_of_parts(b, at)?);
        let function = if plus { Scalar::Add } else { Scalar::Sub };
        self.scalar(function, &[a, b], at)
    }

    fn plane_rotation(&mut self, angle: &Expr, at: &Expr) -> Lowered<Id> {
        let (sine, cosine) = self.sines_and_cosines(&[angle], None, at)?[0];
        let minus = self.scalar(Scalar::Neg, &[sine], at)?;
        self.of_rows(&[vec![cosine, minus], vec![sine, cosine]], at)
    }

    /// A type named in a constructor is pinned to nalgebra's own.
    fn pin_frame(&mut self, path: &syn::ExprPath, frame: Frame) {
        let mut segments = path.path.segments.clone();
        segments.pop();
        segments.pop_punct();
        let Some(mut last) = segments.pop().map(syn::punctuated::Pair::into_value) else {
            return;
        };
        let own = last.ident.clone();
        last.arguments = syn::PathArguments::None;
        segments.push(last);
        let (leading, real) = (&path.path.leading_colon, &self.real);
        let _ = frame;
        self.pin_named(quote!(#leading #segments<#real>), &quote!(#own<#real>));
    }

    /// The type of the parameter that an inert value is part of.
    fn pin_parameter(&mut self, tokens: &TokenStream) {
        let mut names = Vec::new();
        crate::scope::variables(tokens.clone(), &mut names);
        let types = self.parameter_types.iter();
        let types: Vec<syn::Type> = types
            .filter(|(ident, _)| names.first().is_some_and(|name| ident == name))
            .map(|(_, ty)| ty.clone())
            .collect();
        for ty in types {
            if self.context.geometric(&ty, &self.real).is_some() {
                self.pin_geometric_type(&ty);
            }
        }
    }

    /// A type of a `let`.
    pub(super) fn pin_geometric_type(&mut self, ty: &syn::Type) {
        let mut ty = crate::ty::strip(ty);
        while let syn::Type::Reference(reference) = ty {
            ty = crate::ty::strip(&reference.elem);
        }
        if let syn::Type::Path(path) = ty
            && let Some(last) = path.path.segments.last()
        {
            let own = last.clone();
            self.pin_named(ty.to_token_stream(), &quote!(#own));
        }
    }

    /// What is known of an inert value that was read by its coordinates.
    pub(super) fn hint_of_geometric(&self, geometric: &Geometric) -> Hint {
        let last = geometric.coordinates.last();
        let size = last
            .and_then(|id| self.graph.shape(*id))
            .map(|shape| shape.rows);
        let size = match (geometric.frame, size) {
            (Frame::Quaternion | Frame::UnitQuaternion, _) => 3,
            (_, Some(Dim::Static(size))) => size,
            _ => return Hint::Unknown,
        };
        Hint::Geometric {
            frame: geometric.frame,
            size,
            reference: false,
        }
    }

    pub(crate) fn pin_named(&mut self, written: TokenStream, own: &TokenStream) {
        let known = |f: &(TokenStream, TokenStream)| f.0.to_string() == written.to_string();
        if !self.frames.iter().any(known) {
            self.frames.push((written, own.clone()));
        }
    }

    /// `point![x, y, z]`
    pub(crate) fn point(&mut self, entries: &[Id], at: &dyn ToTokens) -> Lowered<Value> {
        let kind = column(entries.len());
        let id = self.exact_of(Op::Build, entries.to_vec(), kind, at)?;
        Ok(single(Frame::Point, id))
    }

    pub(crate) fn are_points(&mut self, args: &[&Expr]) -> Lowered<bool> {
        let mark = self.mark();
        let mut points = true;
        for arg in args {
            let value = self.expr(arg)?;
            points &= Self::frame_of(&value) == Some(Frame::Point);
        }
        self.roll_back(mark);
        Ok(points)
    }

    /// `nalgebra::distance(&p, &q)`
    pub(crate) fn distance_of_points(
        &mut self,
        args: &[&Expr],
        squared: bool,
        expr: &Expr,
    ) -> Lowered<Value> {
        let [p, q] = args else {
            return self.no_operator(expr);
        };
        let p = self.of_frame(p, Frame::Point)?.coordinates[0];
        let q = self.of_frame(q, Frame::Point)?.coordinates[0];
        let between = self.scalar(Scalar::Sub, &[q, p], expr)?;
        let op = if squared { Op::NormSquared } else { Op::Norm };
        Ok(node(self.of(op, &[between], expr)?))
    }
}

/// `v` of `v.into()`, where the type is known that it becomes.
pub(super) fn without_conversion(expr: &Expr) -> &Expr {
    match expr {
        Expr::MethodCall(call) if call.method == "into" && call.args.is_empty() => &call.receiver,
        other => other,
    }
}
