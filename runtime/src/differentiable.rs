//! Parameters of any shape: numbers, matrices, lists, tuples, and structs of these.

use nalgebra::allocator::Allocator;
use nalgebra::{DVector, DefaultAllocator, Dim, OMatrix, RealField};

/// Values that can be differentiated by: they are vectors, whatever they look like.
///
/// [`#[derive(Differentiable)]`](macro@crate::Differentiable) implements it for structs. With it a gradient step, or an
/// algorithm over plain vectors, works on a struct of parameters:
///
/// ```
/// use nalgebra::{dvector, DVector};
/// use nalgrad::{gradient, Differentiable};
///
/// #[derive(Differentiable, Clone)]
/// struct Line {
///     slope: DVector<f64>,
///     offset: f64,
/// }
///
/// #[gradient(wrt(line))]
/// fn cost(line: &Line, x: &DVector<f64>, y: f64) -> f64 {
///     (line.slope.dot(x) + line.offset - y).powi(2)
/// }
///
/// let (x, y) = (dvector![1.0, 2.0], 3.0);
/// let mut line = Line { slope: dvector![0.0, 0.0], offset: 0.0 };
/// let gradient: Line = cost_gradient(&line, &x, y);
/// assert_eq!(gradient.to_vector(), dvector![-6.0, -12.0, -6.0]);
///
/// line.axpy(-1.0 / 12.0, &gradient);
/// assert_eq!(cost(&line, &x, y), 0.0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be differentiated by",
    label = "not known to be made of real numbers",
    note = "for a struct of your own: `#[derive(nalgrad::Differentiable)]`, with `#[inert]` on the fields that have no derivative"
)]
pub trait Differentiable: Sized {
    /// The numbers that it is made of.
    type Scalar: RealField + Copy;

    /// Zero, of the same shape; what has no derivative is cloned.
    #[must_use]
    fn zeros_like(&self) -> Self;

    /// Adds `a` times another value of the same shape.
    ///
    /// # Panics
    ///
    /// If it is of another shape.
    fn axpy(&mut self, a: Self::Scalar, x: &Self);

    /// Multiplies by a number.
    fn scale(&mut self, a: Self::Scalar);

    /// The sum of the products of all entries.
    ///
    /// # Panics
    ///
    /// If the other value is of another shape.
    #[must_use]
    fn dot(&self, other: &Self) -> Self::Scalar;

    /// The number of entries.
    #[must_use]
    fn len(&self) -> usize;

    /// Whether it has no entries.
    #[must_use]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries in order: fields and elements one after the other, matrices column by column.
    #[must_use]
    fn to_vector(&self) -> DVector<Self::Scalar> {
        let mut entries = Vec::with_capacity(self.len());
        self.write_entries(&mut entries);
        DVector::from_vec(entries)
    }

    /// A value of the same shape with these entries, in the order of [`to_vector`](Self::to_vector).
    ///
    /// # Panics
    ///
    /// If there are more or fewer of them.
    #[must_use]
    fn with_vector(&self, vector: &DVector<Self::Scalar>) -> Self {
        assert_eq!(
            vector.len(),
            self.len(),
            "the vector has another number of entries"
        );
        self.read_entries(&mut vector.as_slice())
    }

    #[doc(hidden)]
    fn write_entries(&self, entries: &mut Vec<Self::Scalar>);

    #[doc(hidden)]
    fn read_entries(&self, entries: &mut &[Self::Scalar]) -> Self;

    /// How many entries come before those of a member.
    #[doc(hidden)]
    fn start(&self, member: Member) -> usize;
}

/// A field of a struct or a tuple, or an element.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Member {
    Field(&'static str),
    Index(usize),
}

macro_rules! numbers {
    ($($real:ty),*) => {$(
        impl Differentiable for $real {
            type Scalar = $real;
            fn zeros_like(&self) -> Self {
                0.0
            }
            fn axpy(&mut self, a: $real, x: &Self) {
                *self += a * x;
            }
            fn scale(&mut self, a: $real) {
                *self *= a;
            }
            fn dot(&self, other: &Self) -> $real {
                self * other
            }
            fn len(&self) -> usize {
                1
            }
            fn write_entries(&self, entries: &mut Vec<$real>) {
                entries.push(*self);
            }
            fn read_entries(&self, entries: &mut &[$real]) -> Self {
                take(entries, 1)[0]
            }
            fn start(&self, _: Member) -> usize {
                unreachable!("a number has no parts")
            }
        }
    )*};
}

numbers!(f64, f32);

/// The first entries, which are taken away.
pub fn take<'a, T>(entries: &mut &'a [T], count: usize) -> &'a [T] {
    let (first, rest) = entries.split_at(count);
    *entries = rest;
    first
}

impl<T, R, C> Differentiable for OMatrix<T, R, C>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
    type Scalar = T;
    fn zeros_like(&self) -> Self {
        let (rows, columns) = self.shape_generic();
        OMatrix::zeros_generic(rows, columns)
    }
    fn axpy(&mut self, a: T, x: &Self) {
        self.zip_apply(x, |entry, x| *entry += a * x);
    }
    fn scale(&mut self, a: T) {
        self.apply(|entry| *entry *= a);
    }
    fn dot(&self, other: &Self) -> T {
        // That of matrices.
        Self::dot(self, other)
    }
    fn len(&self) -> usize {
        Self::len(self)
    }
    fn write_entries(&self, entries: &mut Vec<T>) {
        entries.extend(self.iter());
    }
    fn read_entries(&self, entries: &mut &[T]) -> Self {
        let (rows, columns) = self.shape_generic();
        let entries = take(entries, Self::len(self));
        OMatrix::from_iterator_generic(rows, columns, entries.iter().copied())
    }
    fn start(&self, member: Member) -> usize {
        match member {
            Member::Index(index) => index,
            Member::Field(name) => {
                let names = ["x", "y", "z", "w", "a", "b"];
                let known = names.iter().position(|known| *known == name);
                // `m21`: the row, and the column.
                let digit = |k: usize| name.get(k..=k).and_then(|d| d.parse::<usize>().ok());
                let place = digit(1).zip(digit(2));
                let place = place.map(|(row, column)| (column - 1) * self.nrows() + row - 1);
                known.or(place).expect("an entry by its name")
            }
        }
    }
}

impl<D: Differentiable> Differentiable for Vec<D> {
    type Scalar = D::Scalar;
    fn zeros_like(&self) -> Self {
        self.iter().map(D::zeros_like).collect()
    }
    fn axpy(&mut self, a: D::Scalar, x: &Self) {
        assert_eq!(Vec::len(self), Vec::len(x));
        self.iter_mut().zip(x).for_each(|(own, x)| own.axpy(a, x));
    }
    fn scale(&mut self, a: D::Scalar) {
        self.iter_mut().for_each(|own| own.scale(a));
    }
    fn dot(&self, other: &Self) -> D::Scalar {
        assert_eq!(Vec::len(self), Vec::len(other));
        let products = self.iter().zip(other).map(|(a, b)| a.dot(b));
        products.fold(nalgebra::zero(), |sum, product| sum + product)
    }
    fn len(&self) -> usize {
        self.iter().map(D::len).sum()
    }
    fn write_entries(&self, entries: &mut Vec<D::Scalar>) {
        self.iter().for_each(|own| own.write_entries(entries));
    }
    fn read_entries(&self, entries: &mut &[D::Scalar]) -> Self {
        self.iter().map(|own| own.read_entries(entries)).collect()
    }
    fn start(&self, member: Member) -> usize {
        start_of_element(self, member)
    }
}

fn start_of_element<D: Differentiable>(list: &[D], member: Member) -> usize {
    match member {
        Member::Index(index) => list[..index].iter().map(D::len).sum(),
        Member::Field(_) => unreachable!("a list has no fields"),
    }
}

impl<D: Differentiable, const N: usize> Differentiable for [D; N] {
    type Scalar = D::Scalar;
    fn zeros_like(&self) -> Self {
        std::array::from_fn(|k| self[k].zeros_like())
    }
    fn axpy(&mut self, a: D::Scalar, x: &Self) {
        self.iter_mut().zip(x).for_each(|(own, x)| own.axpy(a, x));
    }
    fn scale(&mut self, a: D::Scalar) {
        self.iter_mut().for_each(|own| own.scale(a));
    }
    fn dot(&self, other: &Self) -> D::Scalar {
        let products = self.iter().zip(other).map(|(a, b)| a.dot(b));
        products.fold(nalgebra::zero(), |sum, product| sum + product)
    }
    fn len(&self) -> usize {
        self.iter().map(D::len).sum()
    }
    fn write_entries(&self, entries: &mut Vec<D::Scalar>) {
        self.iter().for_each(|own| own.write_entries(entries));
    }
    fn read_entries(&self, entries: &mut &[D::Scalar]) -> Self {
        std::array::from_fn(|k| self[k].read_entries(entries))
    }
    fn start(&self, member: Member) -> usize {
        start_of_element(self, member)
    }
}

macro_rules! tuples {
    ($($first:ident $($more:ident)* [$($place:tt)*])*) => {$(
        impl<$first, $($more),*> Differentiable for ($first, $($more),*)
        where
            $first: Differentiable,
            $($more: Differentiable<Scalar = $first::Scalar>),*
        {
            type Scalar = $first::Scalar;
            fn zeros_like(&self) -> Self {
                ($(self.$place.zeros_like(),)*)
            }
            fn axpy(&mut self, a: Self::Scalar, x: &Self) {
                $(self.$place.axpy(a, &x.$place);)*
            }
            fn scale(&mut self, a: Self::Scalar) {
                $(self.$place.scale(a);)*
            }
            fn dot(&self, other: &Self) -> Self::Scalar {
                let mut sum = nalgebra::zero();
                $(sum += self.$place.dot(&other.$place);)*
                sum
            }
            fn len(&self) -> usize {
                0 $(+ self.$place.len())*
            }
            fn write_entries(&self, entries: &mut Vec<Self::Scalar>) {
                $(self.$place.write_entries(entries);)*
            }
            fn read_entries(&self, entries: &mut &[Self::Scalar]) -> Self {
                ($(self.$place.read_entries(entries),)*)
            }
            fn start(&self, member: Member) -> usize {
                let mut before = 0;
                $(
                    if matches!(member, Member::Field(name) if name == stringify!($place)) {
                        return before;
                    }
                    before += self.$place.len();
                )*
                unreachable!("a tuple has no other parts after its {before} entries")
            }
        }
    )*};
}

tuples! {
    A [0]
    A B [0 1]
    A B C [0 1 2]
    A B C D [0 1 2 3]
    A B C D E [0 1 2 3 4]
    A B C D E F [0 1 2 3 4 5]
}
