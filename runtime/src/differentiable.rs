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
pub trait Differentiable: Parameter + Whole {
    /// Zero, of the same shape; what has no derivative is cloned.
    #[must_use]
    fn zeros_like(&self) -> Self {
        self.zeros()
    }

    /// Adds `a` times another value of the same shape.
    ///
    /// # Panics
    ///
    /// If it is of another shape.
    fn axpy(&mut self, a: Self::Scalar, x: &Self) {
        self.add_times(a, x);
    }

    /// Multiplies by a number.
    fn scale(&mut self, a: Self::Scalar) {
        self.times(a);
    }

    /// The sum of the products of all entries.
    ///
    /// # Panics
    ///
    /// If the other value is of another shape.
    #[must_use]
    fn dot(&self, other: &Self) -> Self::Scalar {
        self.product(other)
    }

    /// The number of entries.
    #[must_use]
    fn len(&self) -> usize {
        self.count()
    }

    /// Whether it has no entries.
    #[must_use]
    fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// All entries in order: fields and elements one after the other, matrices column by column.
    #[must_use]
    fn to_vector(&self) -> DVector<Self::Scalar> {
        DVector::from_vec(self.entries())
    }

    /// A value of the same shape with these entries, in the order of [`to_vector`](Self::to_vector).
    ///
    /// # Panics
    ///
    /// If there are more or fewer of them.
    #[must_use]
    fn with_vector(&self, vector: &DVector<Self::Scalar>) -> Self {
        self.with_entries(vector)
    }
}

impl<P: Parameter + Whole> Differentiable for P {}

/// All but arrays of what is no number: `Differentiable` would hide the `len` that they have as slices.
#[doc(hidden)]
pub trait Whole {}

/// What `Differentiable` is made of, for arrays too.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be differentiated by",
    label = "not known to be made of real numbers",
    note = "for a struct of your own: `#[derive(nalgrad::Differentiable)]`, with `#[inert]` on the fields that have no derivative"
)]
pub trait Parameter: Sized {
    /// The numbers that it is made of.
    type Scalar: RealField + Copy;

    fn zeros(&self) -> Self;

    fn add_times(&mut self, a: Self::Scalar, x: &Self);

    fn times(&mut self, a: Self::Scalar);

    fn product(&self, other: &Self) -> Self::Scalar;

    fn count(&self) -> usize;

    fn write_entries(&self, entries: &mut Vec<Self::Scalar>);

    fn entries(&self) -> Vec<Self::Scalar> {
        let mut entries = Vec::with_capacity(self.count());
        self.write_entries(&mut entries);
        entries
    }

    fn read_entries(&self, entries: &mut &[Self::Scalar]) -> Self;

    /// How many entries come before those of a member.
    fn start(&self, member: Member) -> usize;

    fn with_entries(&self, vector: &DVector<Self::Scalar>) -> Self {
        assert_eq!(
            vector.len(),
            self.count(),
            "the vector has another number of entries"
        );
        self.read_entries(&mut vector.as_slice())
    }
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
        impl Whole for $real {}
        impl<const N: usize> Whole for [$real; N] {}
        impl Parameter for $real {
            type Scalar = $real;
            fn zeros(&self) -> Self {
                0.0
            }
            fn add_times(&mut self, a: $real, x: &Self) {
                *self += a * x;
            }
            fn times(&mut self, a: $real) {
                *self *= a;
            }
            fn product(&self, other: &Self) -> $real {
                self * other
            }
            fn count(&self) -> usize {
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

impl<T, R, C, S> Whole for nalgebra::Matrix<T, R, C, S> {}

impl<T, R, C> Parameter for OMatrix<T, R, C>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
    type Scalar = T;
    fn zeros(&self) -> Self {
        crate::__private::zeros_like(self)
    }
    fn add_times(&mut self, a: T, x: &Self) {
        self.zip_apply(x, |entry, x| *entry += a * x);
    }
    fn times(&mut self, a: T) {
        self.apply(|entry| *entry *= a);
    }
    fn product(&self, other: &Self) -> T {
        // That of matrices.
        Self::dot(self, other)
    }
    fn count(&self) -> usize {
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

impl<D> Whole for Vec<D> {}

impl<D: Parameter> Parameter for Vec<D> {
    type Scalar = D::Scalar;
    fn zeros(&self) -> Self {
        self.iter().map(D::zeros).collect()
    }
    fn add_times(&mut self, a: D::Scalar, x: &Self) {
        assert_eq!(Vec::len(self), Vec::len(x));
        self.iter_mut()
            .zip(x)
            .for_each(|(own, x)| own.add_times(a, x));
    }
    fn times(&mut self, a: D::Scalar) {
        self.iter_mut().for_each(|own| own.times(a));
    }
    fn product(&self, other: &Self) -> D::Scalar {
        assert_eq!(Vec::len(self), Vec::len(other));
        let products = self.iter().zip(other).map(|(a, b)| a.product(b));
        products.fold(nalgebra::zero(), |sum, product| sum + product)
    }
    fn count(&self) -> usize {
        self.iter().map(D::count).sum()
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

fn start_of_element<D: Parameter>(list: &[D], member: Member) -> usize {
    match member {
        Member::Index(index) => list[..index].iter().map(D::count).sum(),
        Member::Field(_) => unreachable!("a list has no fields"),
    }
}

impl<D: Parameter, const N: usize> Parameter for [D; N] {
    type Scalar = D::Scalar;
    fn zeros(&self) -> Self {
        std::array::from_fn(|k| self[k].zeros())
    }
    fn add_times(&mut self, a: D::Scalar, x: &Self) {
        self.iter_mut()
            .zip(x)
            .for_each(|(own, x)| own.add_times(a, x));
    }
    fn times(&mut self, a: D::Scalar) {
        self.iter_mut().for_each(|own| own.times(a));
    }
    fn product(&self, other: &Self) -> D::Scalar {
        let products = self.iter().zip(other).map(|(a, b)| a.product(b));
        products.fold(nalgebra::zero(), |sum, product| sum + product)
    }
    fn count(&self) -> usize {
        self.iter().map(D::count).sum()
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
        impl<$first, $($more),*> Whole for ($first, $($more),*) {}
        impl<$first, $($more),*> Parameter for ($first, $($more),*)
        where
            $first: Parameter,
            $($more: Parameter<Scalar = $first::Scalar>),*
        {
            type Scalar = $first::Scalar;
            fn zeros(&self) -> Self {
                ($(self.$place.zeros(),)*)
            }
            fn add_times(&mut self, a: Self::Scalar, x: &Self) {
                $(self.$place.add_times(a, &x.$place);)*
            }
            fn times(&mut self, a: Self::Scalar) {
                $(self.$place.times(a);)*
            }
            fn product(&self, other: &Self) -> Self::Scalar {
                let mut sum = nalgebra::zero();
                $(sum += self.$place.product(&other.$place);)*
                sum
            }
            fn count(&self) -> usize {
                0 $(+ self.$place.count())*
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
                    before += self.$place.count();
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
